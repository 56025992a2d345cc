"""What a policy takes away, in one sentence with who laid it down: read where the choice would be, not after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext

from accounts.policies.resolution import Answer, Policies


@dataclass(frozen=True, slots=True)
class Sentence:
    """`kind` is the rule's name in `table.KINDS`."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


def _rooms(value: Any) -> str:
    return gettext("You may not open rooms of your own; you may join others’ meetings.")


def _guests(value: bool) -> str:
    return "" if value else gettext("Guests without an account may not come into your rooms.")


def _domains(value: frozenset[str] | None) -> str:
    if value is None:
        return ""
    if not value:
        return gettext("Nobody else with an account may come into your rooms.")
    text = gettext("Of people with an account, only those whose address ends in %(domains)s may come into your rooms.")
    return text % {"domains": ", ".join(f"@{domain}" for domain in sorted(value))}


def _people(value: int | None) -> str:
    if value is None:
        return ""
    text = ngettext("Your rooms hold %(count)d person at most.", "Your rooms hold %(count)d people at most.", value)
    return text % {"count": value}


# "" where the value takes nothing away.
_WORDS: dict[str, Callable[[Any], str]] = {
    "room_creation": _rooms,
    "guests_allowed": _guests,
    "email_domains": _domains,
    "max_participants": _people,
}


def sentence(kind: str, answer: Answer[Any]) -> Sentence | None:
    """What the rule takes away, None for one that takes nothing."""
    text = _WORDS[kind](answer.value)
    if not text:
        return None
    return Sentence(kind, gettext("%(rule)s Laid down by: %(origin)s.") % {"rule": text, "origin": answer.origin})


def of_ones_rooms(policies: Policies) -> Iterator[Sentence]:
    """What they take away from the rooms of whom they hold for."""
    for kind in ("guests_allowed", "email_domains", "max_participants"):
        found = sentence(kind, getattr(policies, kind))
        if found is not None:
            yield found
