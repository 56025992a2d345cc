"""One-time links: how a person gets a password, without mail and without anybody else knowing it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.audit.parties import person as party
from accounts.audit.record import record
from accounts.models import Invitation, User
from accounts.models.user import normalise_email

LIFETIME = timedelta(days=7)


class InvitationInvalid(Exception):
    """The link is unknown, used, expired, or its person is not active any more: ask an administrator for another."""


class MayNotInvite(Exception):
    """Only administrators invite, and only a superuser makes or re-invites another one."""


def create_invitation(email: str, *, is_admin: bool = False, acting_user: User | None = None) -> str:
    """The URL of a new one-time link for `email`, whose account is made if there is none.

    Earlier unused links of that person stop working. `acting_user` is None for commands on the server itself.
    """
    with transaction.atomic():
        known = User.objects.filter(email=normalise_email(email)).first()
        user = _invited_person(email, is_admin=is_admin, acting_user=acting_user)
        return issue_link(user, acting_user=acting_user, before=known)


def issue_link(user: User, *, acting_user: User | None, before: User | None) -> str:
    """The URL of a new one-time link; earlier unused ones stop working. `before`: the account as it was, if it was.

    Whether the acting person may is for the caller to know.
    """
    with transaction.atomic():
        token = secrets.token_urlsafe(32)
        _revoke(user)
        now = timezone.now()
        Invitation.objects.create(
            user=user, token_hash=_hash(token), created_by=acting_user, created_at=now, expires_at=now + LIFETIME
        )
        record(
            "invited",
            actor=party(acting_user),
            target=party(user),
            before={"is_superuser": before.is_superuser} if before else None,
            after={"is_superuser": user.is_superuser},
            is_admin=user.is_superuser,
        )
    # The secret is in the query string, which our own log leaves out and the page moves into the session at once. A
    # proxy in front must be told to leave it out (docs/operators.md). In the fragment no proxy would see it, but the
    # link would be of no use without scripts.
    return f"{settings.PORTAL_URL}{reverse('accounts:invitation')}?{urlencode({'token': token})}"


def revoke_invitations(user: User, *, acting_user: User | None = None) -> int:
    """How many unused links of `user` were made worthless."""
    with transaction.atomic():
        count = _revoke(user)
        if count:
            record("invitations_revoked", actor=party(acting_user), target=party(user), after={"count": count})
    return count


def _revoke(user: User) -> int:
    return Invitation.objects.filter(user=user).usable().update(expires_at=timezone.now())


def find_invitation(token: str) -> Invitation:
    """The usable invitation behind a link. Raises `InvitationInvalid`."""
    invitation = Invitation.objects.usable().select_related("user").filter(token_hash=_hash(token)).first()
    if invitation is None:
        raise InvitationInvalid
    return invitation


def accept_invitation(token: str, *, password: str, first_name: str, last_name: str) -> User:
    """Sets name and password, ends the person's other sessions, spends the link. Raises `InvitationInvalid`."""
    with transaction.atomic():
        invitation = find_invitation(token)
        # The person first, as a first sign-in locks them.
        User.objects.select_for_update(no_key=True).get(pk=invitation.user_id)
        # Two requests at once: only the one whose update finds the row unused goes on.
        spent = Invitation.objects.usable().filter(pk=invitation.pk).update(used_at=timezone.now())
        if not spent:
            raise InvitationInvalid
        user = invitation.user
        # The new password's hash in each session's check ends the sessions made with an older one.
        user.set_password(password)
        user.first_name, user.last_name = first_name, last_name
        user.save(update_fields=["password", "first_name", "last_name"])
        _revoke(user)
        record("invitation_accepted", actor=party(user), target=party(user))
    return user


def ensure_admin(email: str = "admin@localhost") -> str | None:
    """A link for the first administrator as long as none can sign in, else None. The newest link is the valid one."""
    admins = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    if any(admin.has_usable_password() for admin in admins):
        return None
    first = admins.first()
    return create_invitation(first.email if first else email, is_admin=True)


def _invited_person(email: str, *, is_admin: bool, acting_user: User | None) -> User:
    if acting_user is not None and not (acting_user.is_active and acting_user.is_staff):
        raise MayNotInvite
    user = User.objects.select_for_update(no_key=True).filter(email=normalise_email(email)).first()
    raises_rank = is_admin or (user is not None and user.is_superuser)
    if raises_rank and acting_user is not None and not acting_user.is_superuser:
        raise MayNotInvite
    if user is None:
        return User.objects.create_superuser(email) if is_admin else User.objects.create_user(email)
    if is_admin and not user.is_superuser:
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
    return user


def _hash(token: str) -> str:
    # The token has 256 random bits: a plain hash is enough, and looking it up by hash leaks nothing by its timing.
    return hashlib.sha256(token.encode()).hexdigest()
