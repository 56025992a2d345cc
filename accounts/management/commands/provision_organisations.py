"""`manage.py provision_organisations FILE --source S`: the tree of organisations as a file says, or a run undone.

Exit codes: as those of `provision_users`.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.management.commands.provision_users import source_name
from accounts.provisioning import columns, console, importing, organisations, undoing
from accounts.provisioning.importing import RowsRefused, TooManyLeavers
from accounts.provisioning.problems import FileRefused
from accounts.provisioning.reports import default_path
from accounts.provisioning.runs import Busy


class Command(BaseCommand):
    help = "Makes, renames, moves and closes organisations as a file (CSV, XLSX) says."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", help="CSV or XLSX; - reads standard input")
        parser.add_argument("--source", type=source_name, help="the system that the keys are of")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="say what would change (the default)")
        what.add_argument("--apply", action="store_true", help="do it")
        what.add_argument("--undo", metavar="RUN", help="take a run back, by the name that it printed")
        parser.add_argument("--full", action="store_true", help="those of this source missing from the file are closed")
        parser.add_argument(
            "--max-closed",
            type=float,
            default=importing.DEFAULT_MAX_LEAVERS,
            metavar="PERCENT",
            help="stop when more would be closed (default: %(default)g)",
        )
        parser.add_argument("--strict", action="store_true", help="change nothing if any row is wrong")
        parser.add_argument("--map", type=Path, metavar="FILE", help="lines `field = title` that name columns")
        parser.add_argument("--report", type=Path, metavar="FILE", help="where the wrong rows are told (CSV)")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of sentences")

    def handle(self, *args: Any, undo: str | None, json: bool, **options: Any) -> None:
        self.as_json = json
        report = options["report"] or default_path("errors.csv")
        watcher = console.Console(sys.stderr, problems=report)
        try:
            if undo:
                self._undo(undo, watcher)
            elif not options["file"] or not options["source"]:
                raise CommandError("A FILE and --source are needed, or --undo RUN.", returncode=console.USAGE)
            else:
                self._import(options, watcher)
        except FileRefused as error:
            self._stop(console.UNREADABLE, "unreadable", str(error))
        except TooManyLeavers as error:
            text = f"{error.leavers} of {error.base} organisations are missing from the file: nothing was changed."
            self._stop(console.SAFETY_STOP, "too many missing", text, missing=error.leavers, organisations=error.base)
        except RowsRefused:
            text = f"Rows are wrong, so nothing was changed (--strict): {report}"
            self._stop(console.STRICT, "rows refused", text, refused=watcher.problems.count, report=str(report))
        except undoing.NotUndoable as error:
            self._stop(console.NOT_UNDONE, "not undone", str(error))
        except Busy:
            self._stop(console.BUSY, "busy", "Another import is going on; nothing was changed.")
        finally:
            watcher.close()

    def _import(self, options: dict[str, Any], watcher: console.Console) -> None:
        watcher.problems.path.unlink(missing_ok=True)  # of the run before
        chosen: dict[str, Any] = {
            "source": options["source"],
            "own_names": columns.read_own_names(options["map"], columns.ORGANISATIONS) if options["map"] else None,
            "is_full": options["full"],
            "max_closed": options["max_closed"],
            "is_strict": options["strict"],
        }
        if options["apply"]:
            outcome = organisations.apply(options["file"], sys.stdin.buffer, watcher, **chosen)
        else:
            outcome, _differences, _name = organisations.look(options["file"], sys.stdin.buffer, watcher, **chosen)
        report = str(watcher.problems.path) if watcher.problems.count else ""
        counts = {name: count for name, count in sorted(outcome.counts.items()) if count}
        facts = {
            "state": "applied" if options["apply"] else "dry run",
            "run": outcome.run,
            "rows": outcome.rows,
            "counts": counts,
            "closing_withheld": outcome.leavers_withheld,
            "ignored_columns": outcome.ignored_columns,
            "report": report,
        }
        lines = [f"{'Applied' if options['apply'] else 'Would apply'}: {console.in_words(counts)}."]
        lines += [f"Run {outcome.run}; --undo {outcome.run} takes it back."] if outcome.run else []
        lines += [f"Wrong rows: {report}"] if report else []
        self._say(facts, "\n".join(lines))
        sys.exit(console.ROWS_REFUSED if outcome.refused or outcome.leavers_withheld else console.DONE)

    def _undo(self, key: str, watcher: console.Console) -> None:
        undone = organisations.undo(key, watcher)
        left = [{"key": name, "reason": reason} for name, reason in undone.left]
        lines = [f"Undone: {console.in_words(undone.counts)}.", *(f"  {name}: {why}" for name, why in undone.left)]
        self._say({"state": "undone", "run": key, "counts": dict(undone.counts), "left": left}, "\n".join(lines))
        sys.exit(console.NOT_UNDONE if left else console.DONE)

    def _say(self, facts: dict[str, Any], text: str) -> None:
        self.stdout.write(json.dumps(facts, ensure_ascii=False) if self.as_json else text)

    def _stop(self, code: int, state: str, text: str, **facts: Any) -> None:
        if self.as_json:
            self.stdout.write(json.dumps({"state": state, "text": text, **facts}, ensure_ascii=False))
        else:
            self.stderr.write(text)
        sys.exit(code)
