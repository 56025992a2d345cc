"""What a token may be given, each with what an administrator reads. Apps above add theirs with `register`.

A scope only ever takes away: what its owner may not do, no token of theirs may.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PEOPLE_READ = "people:read"

scopes: dict[str, str | Promise] = {
    PEOPLE_READ: _("Read the accounts that the owner may see"),
}


def register(more: Mapping[str, str | Promise]) -> None:
    scopes.update(more)


def choices() -> list[tuple[str, str]]:
    return [(name, f"{name}: {words}") for name, words in sorted(scopes.items())]
