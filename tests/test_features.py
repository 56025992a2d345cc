"""docs/features.md names for each clause the test that uses it as a user would: each such test is there, and runs."""

import ast
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from conftest import ALLOWED, allowed_patterns
from tests.portal import ROOT

FEATURES = ROOT / "docs" / "features.md"
STATES = {"works", "partly", "missing"}
_ROW = re.compile(r"^\| (?P<clause>[^|]+) \| (?P<state>[^|]+) \| (?P<proof>[^|]*) \|$")
_TEST = re.compile(r"`((?:[\w./-]+/)?[\w.-]+\.(?:py|ts|go)::[^`]+)`")


def rows(text: str) -> list[tuple[str, str, str]]:
    """(clause, state, proof) of each row below a table's head."""
    found = [match for line in text.splitlines() if (match := _ROW.match(line))]
    return [
        (match["clause"].strip(), match["state"].strip(), match["proof"].strip())
        for match in found
        if match["state"].strip() != "state" and not match["state"].startswith("-")
    ]


ROWS = rows(FEATURES.read_text())
NAMED = sorted({name for _, _, proof in ROWS for name in _TEST.findall(proof)})


def test_each_clause_has_a_state_and_what_works_has_a_proof() -> None:
    assert len(ROWS) > 40
    for clause, state, proof in ROWS:
        assert state in STATES, f"{clause}: {state!r} is none of {sorted(STATES)}"
        assert state == "missing" or _TEST.search(proof) or proof.startswith("`make "), f"{clause}: no test is named"
        assert state == "works" or len(_TEST.sub("", proof).strip("`, ")) > 10, f"{clause}: what is missing?"


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_is_there_and_is_not_skipped(name: str) -> None:
    path, _, function = name.partition("::")
    file = ROOT / path
    assert file.is_file(), f"{path} does not exist"
    assert _defines(file, function), f"{path} has no {function}"
    if file.suffix == ".py":
        skipped = [pattern for pattern in allowed_patterns(ALLOWED.read_text()) if fnmatchcase(name, pattern)]
        assert not skipped, f"{name} may be skipped by {skipped}: then it proves nothing"


def _defines(file: Path, function: str) -> bool:
    text = file.read_text()
    if file.suffix != ".py":
        return function in text
    return function in _functions(text)


@cache
def _functions(text: str) -> set[str]:
    nodes = ast.walk(ast.parse(text))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
