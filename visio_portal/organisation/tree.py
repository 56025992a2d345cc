"""An organisation with what it is part of and what is in it, as far as it is the manager's to see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.managers.reach import Reach
from accounts.models import Organisation
from accounts.models.organisation import NAME_MAX_LENGTH

# As many as one still finds something among; of more, only the next level is shown.
_WHOLE_TREE = 100
# A level of a ministry may have hundreds: they are listed by name and searched there.
MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Branch:
    organisation: Organisation
    level: int  # 1 for what is directly in it


@dataclass(frozen=True, slots=True)
class Tree:
    """`is_cut`: there is more of this level than is shown."""

    branches: list[Branch]
    is_whole: bool
    is_cut: bool = False


def tree_below(reach: Reach, organisation: Organisation, words: str = "") -> Tree:
    """All that is in it, each followed by what is in that one; of many the next level alone, or what fits `words`."""
    below = reach.organisations().below(organisation)  # type: ignore[attr-defined]  # OrganisationQuerySet
    if words:
        found = list(below.matching(words[:NAME_MAX_LENGTH]).order_by("name", "pk")[: MOST_SHOWN + 1])
        return Tree([Branch(one, 1) for one in found[:MOST_SHOWN]], False, len(found) > MOST_SHOWN)
    few = list(below.order_by("name", "pk")[: _WHOLE_TREE + 1])
    if len(few) <= _WHOLE_TREE:
        return Tree(list(_in_order(few, organisation)), True)
    level = list(below.filter(parent=organisation).order_by("name", "pk")[: MOST_SHOWN + 1])
    return Tree([Branch(one, 1) for one in level[:MOST_SHOWN]], False, len(level) > MOST_SHOWN)


def way_to(reach: Reach, organisation: Organisation) -> list[Organisation]:
    """What it is part of, the highest first: without what is above the manager. One query."""
    above = {one.pk: one for one in reach.organisations().filter(pk__in=organisation.ancestor_ids)}
    return [above[key] for key in organisation.ancestor_ids if key in above]


def _in_order(rows: list[Organisation], root: Organisation) -> Iterator[Branch]:
    """What stands below a closed one stands where that would."""
    known = {root.pk, *(one.pk for one in rows)}
    children: dict[int, list[Organisation]] = {}
    for one in rows:
        parent = next(key for key in reversed(one.ancestor_ids) if key in known)
        children.setdefault(parent, []).append(one)

    def walk(key: int, level: int) -> Iterator[Branch]:
        for one in children.get(key, ()):
            yield Branch(one, level)
            yield from walk(one.pk, level + 1)

    return walk(root.pk, 1)
