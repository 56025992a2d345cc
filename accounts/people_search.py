"""Finding people and organisations by how what is typed begins: by indexes, also among a quarter of a million.

On PostgreSQL the indexes are over `UPPER(…)`, as Django compares there (`istartswith`); on SQLite, whose LIKE uses
none, a prefix is all that lies between itself and itself with the last character of all behind it.
"""

from __future__ import annotations

from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat, Lower

from accounts.models import Organisation, User

_LAST = "\U0010ffff"


def people_matching(words: str, people: QuerySet[User] | None = None) -> QuerySet[User]:
    """For each word something of theirs begins with it: e-mail address, first or last name."""
    found = people if people is not None else User.objects.all()
    if connection.vendor != "postgresql":
        found = found.alias(search_first=Lower("first_name"), search_last=Lower("last_name"))
    for word in words.split():
        found = found.filter(_begins(word))
    return found


def organisations_matching(words: str) -> QuerySet[Organisation]:
    """Whose name begins with the words, or whose SIRET does."""
    found = Q(name__istartswith=words)
    return Organisation.objects.filter(found | Q(siret__startswith=words) if words.isdigit() else found)


def _begins(word: str) -> Q:
    if connection.vendor == "postgresql":
        return Q(email__istartswith=word) | Q(first_name__istartswith=word) | Q(last_name__istartswith=word)
    end = Lower(Concat(Value(word), Value(_LAST)))
    name = Q(search_first__gte=Lower(Value(word)), search_first__lt=end)
    name |= Q(search_last__gte=Lower(Value(word)), search_last__lt=end)
    return name | Q(email__gte=word.lower(), email__lt=f"{word.lower()}{_LAST}")
