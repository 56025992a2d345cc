"""What people call the things whose ids the audit log holds, and the ids of what they type.

The log has ids and the names of the moment. Apps above `register` how those of theirs are found today: a page of the
list costs one query for each kind, and a search goes by whole ids, which indexes find among any number of entries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext

from accounts.models import Organisation, User

# More names that begin alike are no help to anybody; the ids go into one query.
MAX_FOUND = 200
# The id of no organisation, but of what is above all of them.
PORTAL = "portal"


@dataclass(frozen=True, slots=True)
class Kind:
    """`names_of`: of those of the ids that are of this kind. `ids_of`: what the words may mean, MAX_FOUND at most.
    `code`: words that mean one of them, and can be no name.
    """

    names_of: Callable[[Collection[str]], dict[str, str]]
    ids_of: Callable[[str], Collection[str]]
    code: re.Pattern[str] | None = None


def _organisations(ids: Collection[str]) -> dict[str, str]:
    rows = Organisation.objects.filter(public_id__in=uuids(ids)).values_list("public_id", "name")
    return {str(key): name for key, name in rows}


def _ids_of_organisations(words: str) -> Collection[str]:
    return _texts(Organisation.objects.filter(name__istartswith=words).values_list("public_id", flat=True)[:MAX_FOUND])


def _no_names(ids: Collection[str]) -> dict[str, str]:
    return {}  # the log has them


def _ids_of_people(words: str) -> Collection[str]:
    return _texts(User.objects.filter(email=words.lower()).values_list("public_id", flat=True)) if "@" in words else ()


_KINDS: dict[str, Kind] = {
    "organisation": Kind(_organisations, _ids_of_organisations),
    "person": Kind(_no_names, _ids_of_people, re.compile(r"\S+@\S+")),
}


def register(name: str, kind: Kind) -> None:
    _KINDS[name] = kind


def names_of(ids: Iterable[str]) -> dict[str, str]:
    """What the things of these ids are called today; without those that nobody knows."""
    wanted = {one for one in ids if one}
    # What is laid down for all.
    found = {PORTAL: gettext("The portal")} if PORTAL in wanted else {}
    for kind in _KINDS.values() if wanted else ():
        found |= kind.names_of(wanted)
    return found


def ids_of(words: str) -> set[str]:
    """Of all that the words may mean."""
    return {one for kind in _KINDS.values() for one in kind.ids_of(words)}


def is_code(words: str) -> bool:
    return any(kind.code is not None and kind.code.fullmatch(words) for kind in _KINDS.values())


def uuids(ids: Iterable[str], *, is_hex: bool = False) -> list[UUID]:
    """Those that are UUIDs, spelled with hyphens or (`is_hex`) without."""
    length = 32 if is_hex else 36
    found = []
    for one in ids:
        try:
            found += [UUID(one)] if len(one) == length else []
        except ValueError:
            continue
    return found


def _texts(keys: Iterable[object]) -> list[str]:
    return [str(key) for key in keys]
