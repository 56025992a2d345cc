"""The rules, one row each: its column, what holds where nobody lays anything down, and which of two values is stricter.

The defaults are what the portal does for people without an organisation. A person in two organisations that are not
one within the other is bound by both: the stricter value holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.utils.translation import gettext, ngettext

from accounts.models.policy import ANY_DOMAIN, Policy, RoomCreation, SignInLevel

T = TypeVar("T")

DEFAULT_RETENTION_DAYS = 365


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """`read` makes the value of a column that is not left open; `words` says it to people."""

    name: str
    default: T
    read: Callable[[Any], T]
    stricter: Callable[[T, T], T]
    words: Callable[[T], str]


def is_open(column: object) -> bool:
    """Whether a policy's column leaves the matter to the organisation above."""
    return column is None or column == ""


def label_of(kind: Kind[Any]) -> str:
    return str(Policy._meta.get_field(kind.name).verbose_name)  # type: ignore[union-attr]  # a column of its own


def _yes_or_no(value: bool) -> str:
    return gettext("yes") if value else gettext("no")


def _fewer(left: int | None, right: int | None) -> int | None:
    """None is no limit."""
    given = [limit for limit in (left, right) if limit is not None]
    return min(given, default=None)


def _people(value: int | None) -> str:
    return gettext("no limit") if value is None else str(value)


def _days(value: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", value) % {"count": value}


def _domains(text: str) -> frozenset[str] | None:
    """None is any."""
    return None if text == ANY_DOMAIN else frozenset(text.split())


def _both(left: frozenset[str] | None, right: frozenset[str] | None) -> frozenset[str] | None:
    if left is None or right is None:
        return left if right is None else right
    return left & right


def _named(value: frozenset[str] | None) -> str:
    if value is None:
        return gettext("any")
    return ", ".join(sorted(value)) or gettext("none")


def _later_of(order: type[RoomCreation] | type[SignInLevel]) -> Callable[[Any, Any], Any]:
    """Of two choices that are listed from lax to strict."""
    rank = {choice: place for place, choice in enumerate(order)}
    return lambda left, right: max(left, right, key=rank.__getitem__)


def _flag(name: str, *, stricter: Callable[[bool, bool], bool]) -> Kind[bool]:
    return Kind(name, True, bool, stricter, _yes_or_no)


_KINDS: tuple[Kind[Any], ...] = (
    Kind("room_creation", RoomCreation.EVERYBODY, RoomCreation, _later_of(RoomCreation), lambda it: str(it.label)),
    _flag("guests_allowed", stricter=lambda left, right: left and right),
    _flag("lobby_default", stricter=lambda left, right: left or right),
    _flag("recording_allowed", stricter=lambda left, right: left and right),
    _flag("transcription_allowed", stricter=lambda left, right: left and right),
    Kind("retention_days", DEFAULT_RETENTION_DAYS, int, min, _days),
    Kind("required_acr", SignInLevel.ANY, SignInLevel, _later_of(SignInLevel), lambda it: str(it.label)),
    Kind("email_domains", None, _domains, _both, _named),
    Kind("max_participants", None, int, _fewer, _people),
)
KINDS: Mapping[str, Kind[Any]] = {kind.name: kind for kind in _KINDS}
