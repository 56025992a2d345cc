"""API tokens: given once, found by their prefix, checked, revoked, and ended with their owner's account.

A token reads `visio_PREFIX_SECRET`. The secret is 256 random bits, of which a hash is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.api import scopes as scope_words
from accounts.audit.parties import party_of
from accounts.audit.parties import person as party
from accounts.audit.record import record
from accounts.models import ApiCreation, ApiToken, User
from accounts.models.api_token import DEFAULT_PER_MINUTE, PREFIX_LENGTH

# Somebody looks at each at least once a year.
MAX_LIFETIME = timedelta(days=366)
USE_NOTED_EVERY = timedelta(minutes=1)
CREATIONS_KEPT = timedelta(hours=24)
_PREFIX_LETTERS = string.ascii_lowercase + string.digits
_FORM = re.compile(rf"visio_([a-z0-9]{{{PREFIX_LENGTH}}})_([\w-]{{43}})", re.ASCII)
_CHUNK = 500


class MayNotGive(Exception):
    """Only administrators give tokens, and only a superuser one that acts for staff."""


class NoOwner(Exception):
    """The owner is suspended: a token that acts for them would open nothing."""


class BadScopes(Exception):
    """There is none of them, or one that does not exist; it is the argument."""


class BadExpiry(Exception):
    """In the past, or later than `MAX_LIFETIME` from now."""


class TokenRefused(Exception):
    """`code` is for programs: `token_malformed`, `token_unknown`, `token_revoked`, `token_expired`,
    `owner_suspended`. `token` is there where the secret was right."""

    def __init__(self, code: str, token: ApiToken | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.token = token


@dataclass(frozen=True, slots=True)
class Given:
    """`secret` is the whole token, known here and never again."""

    token: ApiToken
    secret: str


def give_token(
    *,
    name: str,
    owner: User,
    scopes: Collection[str],
    expires_at: datetime,
    requests_per_minute: int = DEFAULT_PER_MINUTE,
    acting_user: User | None,
) -> Given:
    """`acting_user` is None for commands on the server itself.

    Raises `MayNotGive`, `NoOwner`, `BadScopes`, `BadExpiry`.
    """
    check_giver(owner, acting_user)
    if not owner.is_active:
        raise NoOwner
    unknown = [scope for scope in scopes if scope not in scope_words.scopes]
    if unknown or not scopes:
        raise BadScopes(", ".join(unknown))
    now = timezone.now()
    if not now < expires_at <= now + MAX_LIFETIME:
        raise BadExpiry
    prefix = "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(PREFIX_LENGTH))
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            name=name,
            owner=owner,
            prefix=prefix,
            secret_hash=_hash(secret),
            scopes=sorted(set(scopes)),
            requests_per_minute=requests_per_minute,
            created_by=acting_user,
            created_at=now,
            expires_at=expires_at,
        )
        after = {"owner": owner, "scopes": token.scopes, "expires_at": expires_at, "per_minute": requests_per_minute}
        record("api_token_created", actor=party(acting_user), target=party_of(token), after=after)
    return Given(token, f"visio_{prefix}_{secret}")


def check_giver(owner: User, acting_user: User | None) -> None:
    """Raises `MayNotGive`."""
    if acting_user is None or (acting_user.is_active and acting_user.is_superuser):
        return
    may_give = acting_user.is_active and acting_user.is_staff and acting_user.has_perm("accounts.add_apitoken")
    # Whoever has another's token has their rights: a clerk gets none that a clerk has not.
    if not may_give or owner.is_superuser or (owner.is_staff and owner.pk != acting_user.pk):
        raise MayNotGive


def revoke_token(token: ApiToken, *, acting_user: User | None) -> bool:
    """For good. False if it was revoked before."""
    with transaction.atomic():
        return bool(_revoke([token], acting_user, reason="revoked"))


def end_tokens_of(people: Iterable[int], *, acting_user: User | None = None) -> int:
    """Revokes what acts for people who are suspended; how many. Who comes back gets new ones."""
    everybody, count = list(people), 0
    for start in range(0, len(everybody), _CHUNK):
        with transaction.atomic():
            tokens = ApiToken.objects.of(everybody[start : start + _CHUNK]).filter(revoked_at=None)
            count += _revoke(list(tokens.order_by("pk")), acting_user, reason="owner_suspended")
    return count


def check_token(text: str) -> ApiToken:
    """The token, with its owner, if it opens the door now. Raises `TokenRefused`."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise TokenRefused("token_malformed")
    prefix, secret = form.groups()
    token = ApiToken.objects.select_related("owner", "created_by").filter(prefix=prefix).first()
    if token is None or not hmac.compare_digest(token.secret_hash, _hash(secret)):
        raise TokenRefused("token_unknown")
    if not token.owner.is_active:
        # However the account was suspended: with it, the token ends for good.
        end_tokens_of([token.owner_id])
        raise TokenRefused("owner_suspended", token)
    if token.revoked_at is None and _has_outgrown_its_giver(token):
        with transaction.atomic():
            _revoke([token], None, reason="owner_promoted")
        raise TokenRefused("token_revoked", token)
    if token.revoked_at is not None:
        raise TokenRefused("token_revoked", token)
    if token.expires_at <= timezone.now():
        raise TokenRefused("token_expired", token)
    _note_use(token)
    return token


def forget_creations() -> None:
    """Deletes what creations are remembered by after a day: nobody repeats a request later than that."""
    old = ApiCreation.objects.filter(created_at__lt=timezone.now() - CREATIONS_KEPT)
    while keys := list(old.values_list("pk", flat=True)[:_CHUNK]):
        old.filter(pk__in=keys).delete()


def _revoke(tokens: list[ApiToken], acting_user: User | None, *, reason: str) -> int:
    count = 0
    for token in tokens:
        # Of two at once only one finds it still unrevoked, and only that one writes it down.
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            target = party_of(token)
            record("api_token_revoked", actor=party(acting_user), target=target, after={"reason": reason})
            count += 1
    return count


def _has_outgrown_its_giver(token: ApiToken) -> bool:
    """Its owner has become staff since: what a clerk gave for somebody else has rights now that no clerk gives."""
    owner, giver = token.owner, token.created_by
    if giver is None or giver == owner or giver.is_superuser:
        return False
    return owner.is_staff or owner.is_superuser


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is not None and token.last_used_at > now - USE_NOTED_EVERY:
        return
    long_ago = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
    ApiToken.objects.filter(long_ago, pk=token.pk).update(last_used_at=now)


def _hash(secret: str) -> str:
    # 256 random bits: nobody guesses them from a plain hash, and no change of SECRET_KEY touches a token.
    return hashlib.sha256(secret.encode()).hexdigest()
