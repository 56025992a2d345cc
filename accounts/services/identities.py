"""Which account somebody gets who comes from a sign-in service, and when a first sign-in takes over one that waits.

An address is re-used, so it never opens anything by itself. A first sign-in attaches to an account only where nobody
has ever signed in to it by such a service, the address is verified, the SIRET is that of where the account's person
works, and the account is nobody's who administers the portal. Everybody else gets an account of their own without any
rights; where it looks as if the ministry had changed its identity provider, an administrator is asked.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit.parties import person
from accounts.audit.record import record
from accounts.factors.reset import take_factors_away
from accounts.models import MergeProposal, SignInIdentity, User
from accounts.models.employment import EmploymentStatus
from accounts.models.identity import MergeReason, MergeState
from accounts.models.user import is_placeholder, placeholder_email
from accounts.services.invitations import revoke_invitations
from accounts.workplaces import sirets_of, sirets_said_of


@dataclass(frozen=True, slots=True)
class Known:
    """What a sign-in service says of a person, verified by it and checked by us."""

    issuer: str
    sub: str
    email: str
    is_email_verified: bool
    siret: str
    given_name: str
    family_name: str
    organisation: str
    idp_id: str
    uid: str
    acr: str


@dataclass(frozen=True, slots=True)
class Entered:
    """`stands_apart`: the address belongs to another account. `is_proposed`: an administrator is asked about it."""

    user: User
    stands_apart: bool = False
    is_proposed: bool = False


class Suspended(Exception):
    """The account may not be used, `user` tells whose it is."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user


class NoAccount(Exception):
    """There is none, and the portal makes none."""


def enter(known: Known, *, creates_accounts: bool = True) -> Entered:
    """The account of who signs in. Raises `Suspended`, `NoAccount`."""
    try:
        with transaction.atomic():
            return _enter(known, creates_accounts)
    except IntegrityError:
        # Two first sign-ins of one person at once (two windows): the other one has made the row.
        with transaction.atomic():
            return _enter(known, creates_accounts)


def _enter(known: Known, creates_accounts: bool) -> Entered:
    # Locked, and its account read afterwards: a merge that goes on moves it to another.
    found = SignInIdentity.objects.select_for_update().filter(issuer=known.issuer, sub=known.sub).first()
    if found is not None:
        return _come_back(found, known)
    holder = User.objects.select_for_update(no_key=True).filter(email=known.email).first()
    if holder is None:
        # An address that nobody has verified is anybody's: it is kept with the identity, and opens nothing.
        email = known.email if known.is_email_verified else placeholder_email(uuid.uuid4())
        return Entered(_start(known, email, creates_accounts))
    has_signed_in = holder.identities.exists()
    if not holder.is_active and _is_likely_the_same(holder, known):
        # A new key must not be a way round a suspension.
        raise Suspended(holder)
    works_there = known.is_email_verified and known.siret in sirets_of(holder)
    if works_there and holder.is_active and not has_signed_in and not (holder.is_staff or holder.is_superuser):
        return _attach(holder, known)
    fits = works_there or (known.is_email_verified and known.siret in sirets_said_of(holder))
    return _stand_apart(holder, known, fits=fits, has_signed_in=has_signed_in, creates_accounts=creates_accounts)


def _come_back(found: SignInIdentity, known: Known) -> Entered:
    user = found.user
    if not user.is_active:
        raise Suspended(user)
    for name, value in _said(known).items():
        setattr(found, name, value)
    found.last_sign_in_at = timezone.now()
    found.save(update_fields=[*_said(known), "last_sign_in_at"])
    _follow_address(user, known)
    return Entered(user, stands_apart=known.is_email_verified and is_placeholder(user.email))


def _follow_address(user: User, known: Known) -> None:
    """The address by which others find a person, where it is nobody's and neither HR nor a password hangs on it."""
    if not known.is_email_verified or user.email == known.email:
        return
    if user.has_usable_password() or user.employments.exists():
        return
    if User.objects.filter(email=known.email).exists():
        return
    before, user.email = user.email, known.email
    user.save(update_fields=["email"])
    record("address_followed", actor=person(user), target=person(user), before={"email": before}, after=_email(known))


def _start(known: Known, email: str, creates_accounts: bool) -> User:
    if not creates_accounts:
        raise NoAccount
    user = User.objects.create_user(email, first_name=known.given_name, last_name=known.family_name)
    _remember(user, known)
    record("account_started", actor=person(user), target=person(user), after=_email(known) | _where(known))
    return user


def _attach(user: User, known: Known) -> Entered:
    _remember(user, known)
    close_other_ways(user)
    if not user.get_full_name():
        user.first_name, user.last_name = known.given_name, known.family_name
        user.save(update_fields=["first_name", "last_name"])
    record("account_attached", actor=person(user), target=person(user), after=_email(known) | _where(known))
    return Entered(user)


def close_other_ways(user: User) -> None:
    """Who was given a one-time link before the account's person first came may know a password of it: it opens nothing
    any more.
    """
    revoke_invitations(user, acting_user=user)
    if user.has_usable_password():
        user.set_unusable_password()
        user.save(update_fields=["password"])
        take_factors_away(user, acting_user=user)


def _stand_apart(holder: User, known: Known, *, fits: bool, has_signed_in: bool, creates_accounts: bool) -> Entered:
    """An account beside the one that has the address: nothing of that one is seen, given or changed."""
    # Where neither fits, it is another person's address by now, and the less is proposed the better.
    may_be_the_same = fits or (not has_signed_in and known.is_email_verified and not sirets_of(holder))
    # Whom the portal knows comes in also where strangers get no account.
    fresh = _start(known, placeholder_email(uuid.uuid4()), creates_accounts or may_be_the_same)
    if may_be_the_same:
        reason = MergeReason.NEW_SUB if has_signed_in else MergeReason.NOT_ATTACHED
        MergeProposal.objects.create(fresh=fresh, known=holder, reason=reason)
        record("merge_proposed", actor=person(fresh), target=person(holder), after={"reason": str(reason)})
    return Entered(fresh, stands_apart=True, is_proposed=may_be_the_same)


def _remember(user: User, known: Known) -> None:
    SignInIdentity.objects.create(user=user, issuer=known.issuer, sub=known.sub, **_said(known))


def _said(known: Known) -> dict[str, str]:
    return {
        "email": known.email,
        "siret": known.siret,
        "organisation": known.organisation,
        "idp_id": known.idp_id,
        "uid": known.uid,
        "acr": known.acr,
    }


def _email(known: Known) -> dict[str, str]:
    return {"email": known.email}


def _where(known: Known) -> dict[str, str]:
    return {"siret": known.siret, "idp": known.idp_id}


def _is_likely_the_same(holder: User, known: Known) -> bool:
    """Whether who signs in is most likely the suspended `holder` of their address.

    Not where the SIRET is another than any that is known of the holder, and not where they have left by HR's word:
    their address may be somebody else's by now.
    """
    sirets = sirets_of(holder, ever=True) | sirets_said_of(holder)
    if known.siret and sirets:
        return known.siret in sirets
    jobs = holder.employments.values_list("status", flat=True)
    return not jobs or any(status != EmploymentStatus.LEFT for status in jobs)


def decline_merge(proposal: MergeProposal, *, acting_user: User) -> bool:
    """Two people after all. False where somebody decided before."""
    with transaction.atomic():
        is_open = MergeProposal.objects.filter(pk=proposal.pk, state=MergeState.OPEN)
        if not is_open.update(state=MergeState.DECLINED, decided_at=timezone.now()):
            return False
        record("merge_declined", actor=person(acting_user), target=person(proposal.known))
    return True
