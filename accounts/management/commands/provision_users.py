"""`manage.py provision_users FILE --source S`: people as the HR file says, or what would change, or a run undone.

Exit codes: 0 done · 1 done, but rows were refused (the report says which) or leavers withheld · 2 wrong call ·
3 the file cannot be read · 4 safety stop, too many leavers · 5 another run is going on · 6 --strict and rows are
wrong · 7 not undone, or not all of it. After 3 to 6 nothing was changed.
"""

from __future__ import annotations

import json
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.provisioning import console, importing, undoing
from accounts.provisioning.columns import read_own_names
from accounts.provisioning.importing import Options, Outcome, RowsRefused, TooManyLeavers
from accounts.provisioning.problems import FileRefused
from accounts.provisioning.reports import default_path
from accounts.provisioning.runs import Busy


class Command(BaseCommand):
    help = "Creates, changes, moves, suspends and re-activates people as an HR file (CSV, XLSX) says."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", help="CSV or XLSX; - reads standard input")
        parser.add_argument(
            "--source", type=source_name, help="the HR system: people are found again by it and their HR id"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="say what would change (the default)")
        what.add_argument("--apply", action="store_true", help="do it")
        what.add_argument("--undo", metavar="RUN", help="take a run back, by the name that it printed")
        parser.add_argument("--full", action="store_true", help="people of this source missing from the file have left")
        parser.add_argument(
            "--max-leavers",
            type=float,
            default=importing.DEFAULT_MAX_LEAVERS,
            metavar="PERCENT",
            help="stop when more would leave (default: %(default)g)",
        )
        parser.add_argument("--strict", action="store_true", help="change nothing if any row is wrong")
        parser.add_argument("--map", type=Path, metavar="FILE", help="lines `field = title` that name columns")
        parser.add_argument("--report", type=Path, metavar="FILE", help="where the wrong rows are told (CSV)")
        parser.add_argument("--changes", type=Path, metavar="FILE", help="where a dry run tells all changes (CSV)")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of sentences")

    def handle(self, *args: Any, undo: str | None, json: bool, **options: Any) -> None:
        self.as_json = json
        if undo:
            self._undo(undo)
        if not options["file"] or not options["source"]:
            raise CommandError("A FILE and --source are needed, or --undo RUN.", returncode=console.USAGE)
        self._import(options)

    def _import(self, options: dict[str, Any]) -> None:
        report = options["report"] or default_path("errors.csv")
        report.unlink(missing_ok=True)  # of the run before
        changes = None if options["apply"] else options["changes"] or default_path("changes.csv")
        watcher = console.Console(sys.stderr, problems=report, changes=changes)
        try:
            chosen = Options(
                source=options["source"],
                is_full=options["full"],
                max_leavers=options["max_leavers"],
                is_strict=options["strict"],
                own_names=read_own_names(options["map"]) if options["map"] else {},
            )
            do = importing.apply if options["apply"] else importing.look
            outcome = do(options["file"], sys.stdin.buffer, chosen, watcher)
        except FileRefused as error:
            self._stop(console.UNREADABLE, "unreadable", str(error))
        except TooManyLeavers as error:
            gone = f"{error.leavers} of {error.base} people ({error.percent:.1f} %)"
            text = f"{gone} are missing from the file or gone by it: nothing was changed. --max-leavers allows more."
            self._stop(console.SAFETY_STOP, "too many leavers", text, leavers=error.leavers, people=error.base)
        except RowsRefused:
            watcher.close()
            text = f"Rows are wrong, so nothing was changed (--strict): {report}"
            self._stop(console.STRICT, "rows refused", text, refused=watcher.problems.count, report=str(report))
        except Busy:
            self._stop(console.BUSY, "busy", "Another import is going on; nothing was changed.")
        finally:
            watcher.close()
        self._tell(outcome, watcher, applied=options["apply"])
        sys.exit(console.ROWS_REFUSED if outcome.refused or outcome.leavers_withheld else console.DONE)

    def _tell(self, outcome: Outcome, watcher: console.Console, *, applied: bool) -> None:
        report = str(watcher.problems.path) if watcher.problems.count else ""
        changes = str(watcher.changes.path) if watcher.changes and watcher.changes.count else ""
        facts = {
            "state": "applied" if applied else "dry run",
            "run": outcome.run,
            "resumed": outcome.is_resumed,
            "rows": outcome.rows,
            "counts": {name: count for name, count in sorted(outcome.counts.items()) if count},
            "leavers_withheld": outcome.leavers_withheld,
            "lines_without_a_name": outcome.nameless,
            "ignored_columns": outcome.ignored_columns,
            "report": report,
            "changes": changes,
        }
        lines = [f"{'Applied' if applied else 'Would apply'}: {console.in_words(outcome.counts)}."]
        if applied:
            goes_on = " (an interrupted run that went on)" if outcome.is_resumed else ""
            lines.append(f"Run {outcome.run}{goes_on}; --undo {outcome.run} takes it back.")
        if outcome.leavers_withheld:
            lines.append(
                f"{outcome.leavers_withheld} people are missing and were left alone: "
                f"{outcome.nameless} lines name nobody, who may be one of them."
            )
        if outcome.ignored_columns:
            lines.append(f"Columns not used: {', '.join(outcome.ignored_columns)}.")
        lines += [f"Wrong rows: {report}"] if report else []
        lines += [f"All changes: {changes}"] if changes else []
        self._say(facts, "\n".join(lines))

    def _undo(self, key: str) -> None:
        watcher = console.Console(sys.stderr, problems=default_path("errors.csv"))
        try:
            undone = undoing.undo(key, watcher)
        except undoing.NotUndoable as error:
            self._stop(console.NOT_UNDONE, "not undone", str(error))
        except Busy:
            self._stop(console.BUSY, "busy", "Another import is going on; nothing was changed.")
        finally:
            watcher.close()
        left = [{"hr_id": hr_id, "reason": reason} for hr_id, reason in undone.left]
        facts = {"state": "undone", "run": key, "counts": dict(undone.counts), "left": left}
        lines = [f"Undone: {console.in_words(undone.counts)}."]
        lines += [f"  {hr_id}: {reason}" for hr_id, reason in undone.left]
        self._say(facts, "\n".join(lines))
        sys.exit(console.NOT_UNDONE if left else console.DONE)

    def _say(self, facts: dict[str, Any], text: str) -> None:
        self.stdout.write(json.dumps(facts, ensure_ascii=False) if self.as_json else text)

    def _stop(self, code: int, state: str, text: str, **facts: Any) -> None:
        if self.as_json:
            self.stdout.write(json.dumps({"state": state, "text": text, **facts}, ensure_ascii=False))
        else:
            self.stderr.write(text)
        sys.exit(code)


def source_name(text: str) -> str:
    if not re.fullmatch(importing.SOURCE_PATTERN, text):
        raise ArgumentTypeError(f"{text!r}: up to 40 letters, digits, points, dashes and underscores")
    return text
