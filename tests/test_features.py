"""docs/features.md names for each clause the test that uses it as a user would: each such test is there, and runs."""

import ast
import re
from fnmatch import fnmatchcase
from functools import cache

import pytest

from conftest import ALLOWED, allowed_patterns
from tests.portal import ROOT

FEATURES = ROOT / "docs" / "features.md"
STATES = {"works", "partly", "missing"}
_ROW = re.compile(r"^\| (?P<clause>[^|]+) \| (?P<state>[^|]+) \| (?P<proof>[^|]*) \|$")
_TEST = re.compile(r"`((?:[\w./-]+/)?[\w.-]+\.(?:py|ts|go)::[^`]+)`")
# How a test of that name begins, at the beginning of its line: neither one in a comment nor `test.skip("…")`.
_BEGINS = {".ts": r'^\s*(?:test|it)\("{}"', ".go": r"^func {}\("}
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# What leaves a test out from within or around it: `describe.skip`, `t.todo()`, `{ skip: true }`, `t.Skipf()`.
_LEAVES_OUT = re.compile(r"\.(?:skip|todo|Skip\w*)\b|\b(?:skip|todo): ")


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
        assert has_proof(state, proof), f"{clause}: no test is named"
        assert state == "works" or len(_TEST.sub("", proof).strip("`, ")) > 10, f"{clause}: what is missing?"


def has_proof(state: str, proof: str) -> bool:
    """A command that somebody looks at fails nowhere: it is enough for `partly` only."""
    return state == "missing" or bool(_TEST.search(proof)) or (state == "partly" and proof.startswith("`make "))


def test_what_works_is_shown_by_a_test_and_not_by_a_command_alone() -> None:
    command, test = "`make bench` 60,000", "`a/test_b.py::test_c`"
    assert [has_proof(state, command) for state in ("works", "partly", "missing")] == [False, True, True]
    assert [has_proof(state, test) for state in ("works", "partly")] == [True, True]
    assert not has_proof("partly", "It was seen.")


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_is_there_and_is_not_skipped(name: str) -> None:
    path, _, function = name.partition("::")
    file = ROOT / path
    assert file.is_file(), f"{path} does not exist"
    assert defines(file.suffix, file.read_text(), function), f"{path} has no {function} that is run"
    if file.suffix == ".py":
        skipped = [pattern for pattern in allowed_patterns(ALLOWED.read_text()) if fnmatchcase(name, pattern)]
        assert not skipped, f"{name} may be skipped by {skipped}: then it proves nothing"


@pytest.mark.parametrize(
    ("suffix", "text", "is_run"),
    [
        (".py", "def test_a() -> None:\n    pass\n", True),
        (".py", "# def test_a\n", False),
        (".ts", 'test("test_a", () => {});', True),
        (".ts", 'describe("b", () => {\n  it("test_a", async () => {});\n});', True),
        (".ts", 'test("test_a and more", () => {});', False),
        (".ts", '// test("test_a", () => {});', False),
        (".ts", '/*\ntest("test_a", () => {});\n*/', False),
        (".ts", 'const name = "test_a";', False),
        (".ts", 'test.skip("test_a", () => {});', False),
        (".ts", 'test.todo("test_a");', False),
        (".ts", 'describe.skip("b", () => {\n  test("test_a", () => {});\n});', False),
        (".ts", 'test("test_a", { skip: true }, () => {});', False),
        (".ts", 'test("test_a", (t) => {\n  t.skip();\n});', False),
        (".go", "func test_a(t *testing.T) {\n}", True),
        (".go", "// func test_a(", False),
        (".go", "func test_a_and_more(t *testing.T) {\n}", False),
        (".go", 'func test_a(t *testing.T) {\n\tt.Skipf("later")\n}', False),
    ],
)
def test_only_a_test_that_is_run_counts(suffix: str, text: str, is_run: bool) -> None:
    assert defines(suffix, text, "test_a") is is_run


def defines(suffix: str, text: str, name: str) -> bool:
    """Whether the file's text has a test of that name. Python's skips are told by the run itself (`conftest.py`)."""
    if suffix == ".py":
        return name in _functions(text)
    if _LEAVES_OUT.search(text):
        return False
    return bool(re.search(_BEGINS[suffix].format(re.escape(name)), _COMMENT.sub("", text), re.MULTILINE))


@cache
def _functions(text: str) -> set[str]:
    nodes = ast.walk(ast.parse(text))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
