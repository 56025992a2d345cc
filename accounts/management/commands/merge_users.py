"""`manage.py merge_users FROM INTO [--apply]`: two accounts of one person made one, or that taken back.

Exit codes: 0 done · 1 not merged, the text says why · 2 wrong call · 7 not undone, or not all of it.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.merging.merging import Preview, merge, preview
from accounts.merging.refusals import MayNotMerge, Refusal
from accounts.merging.undoing import undo as undo_run
from accounts.provisioning import console
from accounts.provisioning.naming import person_named
from accounts.provisioning.undoing import NotUndoable


class Command(BaseCommand):
    help = "Gives what one account has to another of the same person, and ends the first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = "e-mail address, public id or source:hr_id"
        parser.add_argument("ended", nargs="?", metavar="FROM", help=f"the account that ends: {names}")
        parser.add_argument("kept", nargs="?", metavar="INTO", help="the account that is kept")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="say what would go over (the default)")
        what.add_argument("--apply", action="store_true", help="do it")
        what.add_argument("--undo", metavar="RUN", help="take a merge back, by the name that it printed")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of sentences")

    def handle(self, *args: Any, undo: str | None, json: bool, **options: Any) -> None:
        self.as_json = json
        if undo:
            sys.exit(self._undo(undo))
        if not options["ended"] or not options["kept"]:
            raise CommandError("FROM and INTO are needed, or --undo RUN.", returncode=console.USAGE)
        people = [person_named(options[name]) for name in ("ended", "kept")]
        for name, person in zip(("ended", "kept"), people, strict=True):
            if person is None:
                self._refuse(Refusal("unknown"), named=options[name])
        ended, kept = people
        assert ended is not None and kept is not None  # noqa: PT018  said above
        seen = preview(ended, kept)
        if seen.refusal is not None:
            self._refuse(seen.refusal)
        if not options["apply"]:
            self._tell(seen, "dry run", "")
            return
        try:
            run, counts = merge(ended, kept, acting_user=None)
        except MayNotMerge as error:
            self._refuse(error.refusal)
        self._tell(seen, "applied", run.key, dict(counts))

    def _tell(self, seen: Preview, state: str, run: str, counts: dict[str, int] | None = None) -> None:
        counts = counts if counts is not None else {name: count for name, count in seen.counts.items() if count}
        staying = {one.name: one.staying for one in seen.moving if one.staying}
        people = {"from": str(seen.ended.public_id), "into": str(seen.kept.public_id)}
        lines = [f"{seen.ended.email} → {seen.kept.email}"]
        lines += [f"{'Merged' if run else 'Would go over'}: {console.in_words(counts)}."]
        lines += [f"Stays, since the other account has the like: {console.in_words(staying)}."] if staying else []
        lines += [f"Run {run}; --undo {run} takes it back."] if run else []
        self._say({"state": state, "run": run, **people, "counts": counts, "staying": staying}, "\n".join(lines))

    def _refuse(self, refusal: Refusal, named: str = "") -> None:
        text = f"{named}: {refusal.text}" if named else refusal.text
        facts = {"state": "refused", "code": refusal.code, "text": text, "remedy": refusal.remedy}
        self._say(facts, f"Not merged. {text} {refusal.remedy}")
        sys.exit(console.ROWS_REFUSED)

    def _undo(self, key: str) -> int:
        try:
            undone = undo_run(key, acting_user=None)
        except NotUndoable as error:
            self._say({"state": "not undone", "text": str(error)}, str(error))
            return console.NOT_UNDONE
        left = [{"person": name, "reason": reason} for name, reason in undone.left]
        lines = [f"Undone: {console.in_words(undone.counts)}.", *(f"  {name}: {why}" for name, why in undone.left)]
        self._say({"state": "undone", "run": key, "counts": dict(undone.counts), "left": left}, "\n".join(lines))
        return console.NOT_UNDONE if left else console.DONE

    def _say(self, facts: dict[str, Any], text: str) -> None:
        self.stdout.write(json.dumps(facts, ensure_ascii=False) if self.as_json else text)
