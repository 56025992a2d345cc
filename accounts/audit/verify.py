"""Whether the audit log is what was written: nothing changed, removed, inserted or moved. Names the first fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connection
from django.db.models import Max

from accounts.audit import chain, triggers
from accounts.models.audit import AuditAnchor, AuditEntry, AuditHead

_CHUNK = 5000
# How far an entry is looked for that does not stand where it was written.
_MOVED_AT_MOST = 2000


class Fault(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "re-ordered"
    # The end or the beginning is not signed by this portal.
    END_NOT_SIGNED = "end not signed"
    ANCHOR_NOT_SIGNED = "beginning not signed"
    # The log is whole in itself, but does not hold what somebody noted elsewhere.
    NOT_AS_NOTED = "not as noted"


class Broken(Exception):
    """The first fault: its kind, and the entries concerned."""

    def __init__(self, fault: Fault, seq: int, text: str) -> None:
        super().__init__(text)
        self.fault = fault
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Verdict:
    """A whole log: from where to where, and what is to be known about it all the same."""

    first: int
    last: int
    hash: str
    missing_triggers: list[str]

    @property
    def count(self) -> int:
        return max(0, self.last - self.first + 1)


Progress = Callable[[int, int], None]


def verify(
    *,
    noted: tuple[int, str] | None = None,
    ignore_signatures: bool = False,
    progress: Progress = lambda done, total: None,
) -> Verdict:
    """Reads the whole log. `noted`: a number and the hash (or its beginning) that it had. Raises `Broken`.

    Others may write meanwhile: what is checked is the log up to where it ended when this began.
    """
    head, start = _head(), _anchor(ignore_signatures)
    total = max(0, head.seq - start[0])
    seen = _Seen(start, noted)
    for link, following in _with_following(_links(start[0], head.seq)):
        while not _continues(seen.seq, link):
            later = _anchor(ignore_signatures)
            if later[0] <= seen.seq:
                raise _gap(seen.seq, link)
            # Old entries were deleted meanwhile, as they may be.
            seen = _Seen(later, noted)
            if link.seq <= seen.seq:
                break
        if link.seq <= seen.seq:
            continue
        _check(seen, link, following)
        seen.take(link)
        if link.seq % _CHUNK == 0:
            progress(link.seq - start[0], total)
    _check_end(seen, head)
    if not ignore_signatures:
        _check_signature(head)
    progress(total, total)
    return Verdict(start[0] + 1, head.seq, head.hash, triggers.missing(connection))


class _Seen:
    """The last entry that was found good."""

    def __init__(self, start: tuple[int, str], noted: tuple[int, str] | None) -> None:
        self.seq, self.hash = start
        self.start = self.seq
        self.noted = noted
        self._compare()

    def take(self, link: chain.Link) -> None:
        self.seq, self.hash = link.seq, link.hash
        self._compare()

    def _compare(self) -> None:
        if self.noted is not None and self.noted[0] == self.seq and not self.hash.startswith(self.noted[1]):
            raise Broken(
                Fault.NOT_AS_NOTED, self.seq, f"Entry {self.seq} has the hash {self.hash}, not {self.noted[1]}."
            )


def _check(seen: _Seen, link: chain.Link, following: chain.Link | None) -> None:
    seq = link.seq
    if not link.fits_as(seq):
        raise _misplaced(link)
    if link.previous_hash == seen.hash:
        return
    # Of two neighbours that do not fit one was written anew, with a hash that fits itself. The next one knows which.
    # (Behind a cut it is this one: the anchor before it is signed.)
    if seen.seq == seen.start or (following is not None and following.previous_hash != link.hash):
        raise Broken(Fault.CHANGED, seq, f"Entry {seq} was changed, and its hash with it.")
    before = seq - 1
    raise Broken(Fault.CHANGED, before, f"Entry {before} was changed, and its hash with it.")


def _misplaced(link: chain.Link) -> Broken:
    """An entry that is not what was written as this number."""
    seq = link.seq
    was = next((n for n in _around(seq) if link.fits_as(n)), None)
    if was is None:
        return Broken(Fault.CHANGED, seq, f"Entry {seq} was changed.")
    if was < seq:
        return Broken(Fault.INSERTED, was, f"Entry {_span(was, seq - 1)} was inserted: what was {was} is now {seq}.")
    other = next(_links(was - 1, was), None)
    if other is not None and other.fits_as(seq):
        return Broken(Fault.REORDERED, seq, f"Entries {seq} and {was} were exchanged.")
    if other is not None and AuditEntry.objects.filter(hash=link.previous_hash, seq__gt=seq).exists():
        return Broken(Fault.REORDERED, seq, f"Entry {seq} stood as {was}: entries were re-ordered.")
    return Broken(Fault.REMOVED, seq, f"Entry {_span(seq, was - 1)} was removed: what was {was} is now {seq}.")


def _around(seq: int) -> Iterator[int]:
    for distance in range(1, _MOVED_AT_MOST):
        yield seq + distance
        if seq > distance:
            yield seq - distance


def _continues(seq: int, link: chain.Link) -> bool:
    return link.seq == seq + 1


def _gap(seq: int, link: chain.Link) -> Broken:
    missing = _span(seq + 1, link.seq - 1)
    return Broken(Fault.REMOVED, seq + 1, f"Entry {missing} was removed.")


def _check_end(seen: _Seen, head: AuditHead) -> None:
    if seen.seq < head.seq:
        raise Broken(Fault.REMOVED, seen.seq + 1, f"Entry {_span(seen.seq + 1, head.seq)} was removed.")
    if seen.hash != head.hash:
        raise Broken(Fault.CHANGED, seen.seq, f"Entry {seen.seq}, the last one, was changed, and its hash with it.")
    if seen.noted is not None and seen.noted[0] > head.seq:
        text = f"The log ends at {head.seq}; entry {seen.noted[0]} was noted."
        raise Broken(Fault.NOT_AS_NOTED, head.seq, text)
    last = AuditEntry.objects.aggregate(last=Max("seq"))["last"] or 0
    # Read after `last`: who writes meanwhile moves both, in one transaction.
    now = AuditHead.objects.filter(pk=1).values_list("seq", flat=True).first() or 0
    if last > now:
        raise Broken(Fault.INSERTED, now + 1, f"Entry {_span(now + 1, last)} was inserted behind the end.")


def _check_signature(head: AuditHead) -> None:
    if head.seq and not chain.is_signed(head.signature, "head", head.seq, head.hash, head.doubt_seq):
        raise Broken(
            Fault.END_NOT_SIGNED,
            head.seq,
            f"The end of the log, entry {head.seq}, is not signed with this portal's key. Either entries were written "
            "anew, or SECRET_KEY was replaced without SECRET_KEY_FALLBACKS.",
        )
    if head.doubt_seq is not None:
        raise Broken(
            Fault.END_NOT_SIGNED,
            head.doubt_seq - 1,
            f"When entry {head.doubt_seq} was written, the end of the log before it was not signed with this portal's "
            "key. Either entries were written anew, or SECRET_KEY was replaced without SECRET_KEY_FALLBACKS.",
        )


def _head() -> AuditHead:
    head = AuditHead.objects.filter(pk=1).first()
    if head is not None:
        return head
    if AuditEntry.objects.exists() or AuditAnchor.objects.exists():
        raise Broken(Fault.REMOVED, 0, "The mark of the log's end was removed.")
    return AuditHead(pk=1, seq=0, hash=chain.GENESIS)


def _anchor(ignore_signature: bool) -> tuple[int, str]:
    """Where the log begins: the last cut."""
    newest = AuditAnchor.objects.order_by("-seq", "-id").first()
    if newest is None:
        return 0, chain.GENESIS
    if not ignore_signature and not chain.is_signed(newest.signature, "anchor", newest.seq, newest.hash):
        raise Broken(
            Fault.ANCHOR_NOT_SIGNED,
            newest.seq,
            f"The log was cut after entry {newest.seq}, but this portal did not sign that.",
        )
    return newest.seq, newest.hash


def _links(after: int, up_to: int) -> Iterator[chain.Link]:
    """The stored entries behind `after`, as they come."""
    while after < up_to:
        rows: list[tuple[Any, ...]] = list(
            AuditEntry.objects.filter(seq__gt=after, seq__lte=up_to).order_by("seq").values_list(*chain.STORED)[:_CHUNK]
        )
        for row in rows:
            yield chain.Link(row[:-2], row[-2], row[-1])
        if len(rows) < _CHUNK:
            return
        after = rows[-1][0]


def _with_following(links: Iterator[chain.Link]) -> Iterator[tuple[chain.Link, chain.Link | None]]:
    link = next(links, None)
    while link is not None:
        following = next(links, None)
        yield link, following
        link = following


def _span(first: int, last: int) -> str:
    return str(first) if first >= last else f"{first} to {last}"
