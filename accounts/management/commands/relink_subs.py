"""`manage.py relink_subs --idp OLD --to NEW [FILE]`: a ministry changed its identity provider, and nobody loses an
account by it.

Exit codes: 0 done · 1 done, but lines were refused (the report says which) · 2 wrong call · 3 the file cannot be read ·
5 another run is going on · 6 --strict and lines are refused · 7 not undone, or not all of it. After 3 to 6 nothing was
changed.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.merging import relinking
from accounts.merging.merging import preview
from accounts.merging.relinking import Line, LinesRefused, Outcome
from accounts.provisioning import console
from accounts.provisioning.problems import FileRefused
from accounts.provisioning.reports import CsvReport, default_path
from accounts.provisioning.runs import Busy
from accounts.provisioning.undoing import NotUndoable

_HEAD = ["line", "e-mail", "new account", "known account", "goes over"]


class Command(BaseCommand):
    help = "Merges the accounts that people got by a new identity provider into those that they have."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", help="only these: CSV or XLSX with a column email; - reads stdin")
        parser.add_argument(
            "--idp", metavar="OLD", help="the provider that they leave, as the portal knows it (idp_id)"
        )
        parser.add_argument("--to", metavar="NEW", help="the provider that they come by now")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="say what would be merged (the default)")
        what.add_argument("--apply", action="store_true", help="do it")
        what.add_argument("--undo", metavar="RUN", help="take a run back, by the name that it printed")
        parser.add_argument("--strict", action="store_true", help="change nothing if any line is refused")
        parser.add_argument("--report", type=Path, metavar="FILE", help="where refused lines are told (CSV)")
        parser.add_argument("--changes", type=Path, metavar="FILE", help="where all pairs are told (CSV)")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of sentences")

    def handle(self, *args: Any, undo: str | None, json: bool, **options: Any) -> None:
        self.as_json = json
        if undo:
            sys.exit(self._undo(undo))
        old, new = options["idp"], options["to"]
        if not old or not new or old == new:
            raise CommandError("--idp OLD and --to NEW are needed, or --undo RUN.", returncode=console.USAGE)
        self._relink(old, new, options)

    def _relink(self, old: str, new: str, options: dict[str, Any]) -> None:
        report = options["report"] or default_path("relink_refused.csv")
        report.unlink(missing_ok=True)  # of the run before
        watcher = console.Console(sys.stderr, problems=report)
        pairs = CsvReport(options["changes"] or default_path("relink_pairs.csv"), _HEAD)
        pairs.path.unlink(missing_ok=True)

        def tell(line: Line) -> None:
            if line.refusal is not None:
                watcher.problems.add(line.number, "email", line.email, line.refusal.text, line.refusal.remedy)
            elif line.proposal is not None and not options["apply"]:
                seen = preview(line.proposal.fresh, line.proposal.known)
                people = (line.proposal.fresh.public_id, line.proposal.known.public_id)
                pairs.add(line.number, line.email, *people, console.in_words(seen.counts))

        try:
            wanted = relinking.read_addresses(options["file"], sys.stdin.buffer) if options["file"] else None
            if options["apply"]:
                outcome = relinking.apply(old, new, wanted, tell, watcher, is_strict=options["strict"])
            else:
                outcome = relinking.look(old, new, wanted, tell)
        except FileRefused as error:
            self._stop(console.UNREADABLE, "unreadable", str(error))
        except LinesRefused:
            watcher.close()
            text = f"Lines are refused, so nothing was changed (--strict): {report}"
            self._stop(console.STRICT, "lines refused", text, refused=watcher.problems.count, report=str(report))
        except Busy:
            self._stop(console.BUSY, "busy", "Another run is going on; nothing was changed.")
        finally:
            watcher.close()
            pairs.close()
        self._tell(outcome, watcher, pairs, applied=options["apply"], waiting=relinking.waiting(old, new))
        sys.exit(console.ROWS_REFUSED if outcome.counts["refused"] else console.DONE)

    def _tell(
        self, outcome: Outcome, watcher: console.Console, pairs: CsvReport, *, applied: bool, waiting: int
    ) -> None:
        report = str(watcher.problems.path) if watcher.problems.count else ""
        changes = str(pairs.path) if pairs.count else ""
        counts = {name: count for name, count in sorted(outcome.counts.items()) if count}
        facts = {
            "state": "applied" if applied else "dry run",
            "run": outcome.run,
            "resumed": outcome.is_resumed,
            "counts": counts,
            "not_come_yet": waiting,
            "report": report,
            "changes": changes,
        }
        lines = [f"{'Applied' if applied else 'Would apply'}: {console.in_words(counts)}."]
        if outcome.run:
            goes_on = " (an interrupted run that went on)" if outcome.is_resumed else ""
            lines.append(f"Run {outcome.run}{goes_on}; --undo {outcome.run} takes it back.")
        lines += [f"{waiting} people have not come by the new provider yet; run this again later."] if waiting else []
        lines += [f"Refused lines: {report}"] if report else []
        lines += [f"All pairs: {changes}"] if changes else []
        self._say(facts, "\n".join(lines))

    def _undo(self, key: str) -> int:
        try:
            undone = relinking.undo(key)
        except NotUndoable as error:
            self._stop(console.NOT_UNDONE, "not undone", str(error))
        except Busy:
            self._stop(console.BUSY, "busy", "Another run is going on; nothing was changed.")
        left = [{"person": name, "reason": reason} for name, reason in undone.left]
        lines = [f"Undone: {console.in_words(undone.counts)}.", *(f"  {name}: {why}" for name, why in undone.left)]
        self._say({"state": "undone", "run": key, "counts": dict(undone.counts), "left": left}, "\n".join(lines))
        return console.NOT_UNDONE if left else console.DONE

    def _say(self, facts: dict[str, Any], text: str) -> None:
        self.stdout.write(json.dumps(facts, ensure_ascii=False) if self.as_json else text)

    def _stop(self, code: int, state: str, text: str, **facts: Any) -> None:
        if self.as_json:
            self.stdout.write(json.dumps({"state": state, "text": text, **facts}, ensure_ascii=False))
        else:
            self.stderr.write(text)
        sys.exit(code)
