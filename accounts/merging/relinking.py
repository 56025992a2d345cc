"""A whole ministry changed its identity provider: which new accounts are whose, and all of them merged in one run.

What is known of a person who came by the new provider is the open merge proposal that their first sign-in made: same
verified address, same SIRET, another key. Such a pair is certain where the known account signs in by the former
provider and the fresh one by the new, both still say the same address and SIRET, and there is no second candidate on
either side. Everything else is refused by its line, for an administrator to decide one by one. Whoever has not come by
the new provider yet has no key that could be linked: the command is run again later.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit.parties import person
from accounts.merging.merging import lock, merge_in
from accounts.merging.refusals import MayNotMerge, Refusal, refusal_of
from accounts.merging.undoing import undo as undo_merges
from accounts.models import MergeProposal, ProvisioningRun, SignInIdentity, User
from accounts.models.identity import MergeState
from accounts.models.provisioning import ChangeKind, RunKind
from accounts.models.user import normalise_email
from accounts.provisioning import runs
from accounts.provisioning.importing import Watcher, prepare_connection
from accounts.provisioning.problems import FileRefused
from accounts.provisioning.reading import open_table
from accounts.provisioning.rows import is_email
from accounts.provisioning.undoing import Undone
from accounts.workplaces import sirets_of, sirets_said_of

_ADDRESS_TITLES = ("email", "e-mail", "e_mail", "mail", "courriel", "adresse", "address")
# Nothing to do is no refusal: such lines are there after an interruption, and when a file is taken again.
_LINKED = "linked"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of addresses, as (line, address, trouble)."""

    digest: str
    lines: Sequence[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """Of the file, or of the list of those who came; `proposal` where they are merged, `refusal` where not."""

    number: int
    email: str
    proposal: MergeProposal | None = None
    refusal: Refusal | None = None


@dataclass(slots=True)
class Outcome:
    counts: Counter[str] = field(default_factory=Counter)
    run: str = ""
    is_resumed: bool = False

    def add(self, line: Line) -> None:
        code = line.refusal.code if line.refusal else ""
        self.counts["unchanged" if code == _LINKED else "refused" if code else ChangeKind.MERGED.value] += 1


Tell = Callable[[Line], None]


class LinesRefused(Exception):
    """--strict, and lines are refused: nothing was changed."""


def read_addresses(path: str, stdin: BinaryIO) -> Wanted:
    """Raises `FileRefused`."""
    with open_table(path, stdin) as table:
        titles = [title.strip().casefold() for title in table.header]
        place = next((titles.index(title) for title in _ADDRESS_TITLES if title in titles), None)
        if place is None:
            text = _("The header names no column for %(missing)s. It has: %(header)s.")
            raise FileRefused(text % {"missing": "email", "header": ", ".join(titles)[:200]})
        lines = [_address(number, cells, trouble, place) for number, cells, trouble in table.records]
        return Wanted(table.digest, lines)


def look(old: str, new: str, wanted: Wanted | None, tell: Tell) -> Outcome:
    """Changes nothing. `tell` hears of each line that is to be merged or refused."""
    outcome = Outcome()
    for line in _plan(old, new, wanted):
        outcome.add(line)
        tell(line)
    return outcome


def apply(
    old: str,
    new: str,
    wanted: Wanted | None,
    tell: Tell,
    watcher: Watcher,
    *,
    is_strict: bool = False,
    acting_user: User | None = None,
) -> Outcome:
    """Merges whom it can, each in a transaction; again after an interruption, the same run goes on.

    Raises `LinesRefused`, `runs.Busy`.
    """
    with runs.only_one():
        prepare_connection()
        lines = list(_plan(old, new, wanted))
        if is_strict and any(line.refusal and line.refusal.code != _LINKED for line in lines):
            for line in lines:
                tell(line)
            raise LinesRefused
        outcome = Outcome()
        fingerprint = _fingerprint(old, new, wanted)
        run = runs.interrupted("", fingerprint)
        outcome.is_resumed = run is not None
        if run is None and any(line.proposal for line in lines):
            name = f"{old} → {new}"
            actor = person(acting_user)
            run, _is_old = runs.begin(RunKind.MERGE, "", file_name=name, fingerprint=fingerprint, actor=actor)
        watcher.step("merge", len(lines))
        for line in lines:
            done = _merge(run, line, acting_user) if run is not None else line
            outcome.add(done)
            tell(done)
            watcher.progress(1)
        if run is not None:
            outcome.run = run.key
            runs.end(run, actor=person(acting_user))
    return outcome


def undo(key: str, *, acting_user: User | None = None) -> Undone:
    """Raises `NotUndoable`, `runs.Busy`."""
    with runs.only_one():
        prepare_connection()
        return undo_merges(key, acting_user=acting_user)


def _merge(run: ProvisioningRun, line: Line, acting_user: User | None) -> Line:
    """A line of a transaction each; refused where something changed since the plan."""
    if line.proposal is None:
        return line
    try:
        with transaction.atomic():
            lock(line.proposal.fresh_id, line.proposal.known_id)
            if not MergeProposal.objects.filter(pk=line.proposal.pk, state=MergeState.OPEN).exists():
                return Line(line.number, line.email, refusal=Refusal("decided"))
            merge_in(run, line.proposal.fresh_id, line.proposal.known_id, acting_user=acting_user, line=line.number)
    except MayNotMerge as error:
        return Line(line.number, line.email, refusal=error.refusal)
    return line


def _plan(old: str, new: str, wanted: Wanted | None) -> Iterator[Line]:
    """With a file, its lines; else all who came by the new provider."""
    found = _Candidates(old, new)
    if wanted is None:
        for number, email in enumerate(found.came, 1):
            yield found.line(number, email)
        return
    seen: set[str] = set()
    for number, email, trouble in wanted.lines:
        if trouble or email in seen:
            yield Line(number, email, refusal=Refusal(trouble or "line_twice"))
            continue
        seen.add(email)
        yield found.line(number, email)


class _Candidates:
    """Open proposals between the two providers, by the address of the known account."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new
        rows = MergeProposal.objects.filter(state=MergeState.OPEN, fresh__identities__idp_id=new).distinct()
        rows = rows.select_related("fresh", "known").order_by("known__email", "pk")
        self.by_known: dict[str, list[MergeProposal]] = {}
        for row in rows:
            self.by_known.setdefault(row.known.email, []).append(row)
        self.of_fresh = Counter(row.fresh_id for rows in self.by_known.values() for row in rows)
        keys = [row.known_id for rows in self.by_known.values() for row in rows]
        self.signed_in_by_old = _signed_in_by(old, keys)
        # Others of the new provider's people (of another ministry, say) are none of this run's.
        self.came = [email for email, rows in self.by_known.items() if rows[0].known_id in self.signed_in_by_old]

    def line(self, number: int, email: str) -> Line:
        proposals = self.by_known.get(email, [])
        code = self._refusal(email, proposals)
        if code is not None:
            return Line(number, email, refusal=Refusal(code))
        [proposal] = proposals
        refusal = refusal_of(proposal.fresh, proposal.known)
        return Line(number, email, refusal=refusal) if refusal else Line(number, email, proposal)

    def _refusal(self, email: str, proposals: Sequence[MergeProposal]) -> str | None:
        if not proposals:
            known = SignInIdentity.objects.filter(user__email=email)
            if known.filter(idp_id=self.new).exists():
                return _LINKED
            return "not_come" if known.filter(idp_id=self.old).exists() else "no_account"
        if len(proposals) > 1:
            return "several_keys"
        [proposal] = proposals
        if proposal.known_id not in self.signed_in_by_old:
            return "no_account"
        if self.of_fresh[proposal.fresh_id] > 1:
            return "several_accounts"
        theirs = list(proposal.fresh.identities.all())
        if {one.idp_id for one in theirs} != {self.new}:
            return "several_accounts"
        if {one.email for one in theirs} != {email}:
            return "address_differs"
        sirets = sirets_of(proposal.known) | sirets_said_of(proposal.known)
        return None if all(one.siret in sirets for one in theirs) else "siret_differs"


def _signed_in_by(idp: str, people: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for start in range(0, len(people), 500):
        rows = SignInIdentity.objects.filter(idp_id=idp, user__in=people[start : start + 500])
        found.update(rows.values_list("user_id", flat=True))
    return found


def waiting(old: str, new: str) -> int:
    """How many sign in by the former provider and have not come by the new one yet."""
    came = SignInIdentity.objects.filter(idp_id=new).values("user")
    proposed = MergeProposal.objects.filter(fresh__identities__idp_id=new).values("known")
    people = User.objects.filter(is_active=True, identities__idp_id=old).exclude(pk__in=came).exclude(pk__in=proposed)
    return people.distinct().count()


def _address(number: int, cells: Sequence[str], trouble: str, place: int) -> tuple[int, str, str]:
    if trouble or place >= len(cells) or "\0" in cells[place]:
        return number, "", "line_damaged"
    email = normalise_email(cells[place])
    return (number, email, "") if is_email(email) else (number, email[:200], "no_address")


def _fingerprint(old: str, new: str, wanted: Wanted | None) -> str:
    return hashlib.sha256(repr(("relink", old, new, wanted.digest if wanted else "")).encode()).hexdigest()
