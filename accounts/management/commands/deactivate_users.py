"""`manage.py deactivate_users PERSON… [--apply]`: accounts suspended at once, whatever the next HR file says.

Exit codes: 0 done · 1 done, but somebody was not found, or is the last administrator · 2 wrong call · 7 not undone, or
not all of it.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.provisioning import console, deactivating, undoing
from accounts.provisioning.problems import Problem
from accounts.provisioning.runs import Busy


class Command(BaseCommand):
    help = "Suspends accounts: sessions, links and tokens of these people no longer work."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "people", nargs="*", metavar="PERSON", help="e-mail address, public id or source:hr_id; - reads lines"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="say what would change (the default)")
        what.add_argument("--apply", action="store_true", help="do it")
        what.add_argument("--undo", metavar="RUN", help="let those of a run in again")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of sentences")

    def handle(self, *args: Any, people: list[str], apply: bool, undo: str | None, json: bool, **options: Any) -> None:
        self.as_json = json
        if undo:
            self._undo(undo)
        names = sys.stdin.read().split() if people == ["-"] else people
        if not names:
            raise CommandError("Nobody is named.", returncode=console.USAGE)
        problems: list[Problem] = []
        users = deactivating.find(names, problems.append)
        outcome = deactivating.deactivate(users, problems.append, apply=apply)
        counts = {name: count for name, count in sorted(outcome.counts.items()) if count and name != "refused"}
        wrong = [{"person": one.value, "problem": one.text, "remedy": one.remedy} for one in problems]
        state = "applied" if apply else "dry run"
        lines = [f"{'Applied' if apply else 'Would apply'}: {console.in_words(counts)}."]
        lines += [f"Run {outcome.run}; --undo {outcome.run} lets them in again."] if outcome.run else []
        lines += [f"  {one.value}: {one.text} {one.remedy}" for one in problems]
        self._say({"state": state, "run": outcome.run, "counts": counts, "refused": wrong}, "\n".join(lines))
        sys.exit(console.ROWS_REFUSED if problems else console.DONE)

    def _undo(self, key: str) -> None:
        try:
            undone = undoing.undo_deactivation(key)
        except undoing.NotUndoable as error:
            self._say({"state": "not undone", "text": str(error)}, str(error))
            sys.exit(console.NOT_UNDONE)
        except Busy:
            text = "An import is going on; nothing was changed."
            self._say({"state": "busy", "text": text}, text)
            sys.exit(console.BUSY)
        left = [{"person": name, "reason": reason} for name, reason in undone.left]
        lines = [f"Undone: {console.in_words(undone.counts)}.", *(f"  {name}: {why}" for name, why in undone.left)]
        self._say({"state": "undone", "run": key, "counts": dict(undone.counts), "left": left}, "\n".join(lines))
        sys.exit(console.NOT_UNDONE if left else console.DONE)

    def _say(self, facts: dict[str, Any], text: str) -> None:
        self.stdout.write(json.dumps(facts, ensure_ascii=False) if self.as_json else text)
