"""docs/api.md is true: its requests work as they stand, and it names each address, scope and code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache

from accounts.api.scopes import scopes
from accounts.api.tests.callers import Program, json_of, token_for
from meetings.tests.rows import make_user
from visio_portal.api_document import document

GUIDE = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text()
OFFICE = (Path(settings.BASE_DIR) / "docs" / "administrators.md").read_text()
HOST = "https://visio.example.org"
REQUESTS = re.findall(r"^curl .*$", GUIDE, re.MULTILINE)


@pytest.mark.django_db
def test_the_requests_of_the_guide_work_as_they_stand() -> None:
    cache.clear()
    secret = token_for(make_user("martin"), *scopes).secret
    answers = []
    for line in REQUESTS * 2:
        _curl, address, *options = shlex.split(line.replace("$VISIO_TOKEN", secret))
        assert address.startswith(f"{HOST}/api/v1/")
        given = list(zip(options[::2], options[1::2], strict=True))
        headers = dict(value.split(": ", 1) for name, value in given if name == "-H")
        body = next((value.encode() for name, value in given if name == "-d"), None)
        assert {name for name, _ in given} <= {"-H", "-d"}
        kind = headers.pop("Content-Type", "application/x-www-form-urlencoded")
        path = address.removeprefix(f"{HOST}/api/v1/")
        answers.append(Program("").send("POST" if body else "GET", path, body, content_type=kind, **headers))
    assert [answer.status_code for answer in answers] == [200, 200, 201, 200, 200, 200]
    assert len(json_of(answers[1])["results"]) == 1
    assert json_of(answers[2])["id"] == json_of(answers[5])["id"]


def test_the_guide_names_each_address_with_its_scope_and_no_other() -> None:
    told = re.findall(r"^\| `([A-Z]+ /\S+)` \| (?:`([\w:]+)`|none) \|", GUIDE, re.MULTILINE)
    made = [
        (f"{method.upper()} {path}", said.get("x-scope", ""))
        for path, methods in document()["paths"].items()
        for method, said in methods.items()
    ]
    assert sorted(told) == sorted(made)


def test_the_administrators_guide_names_each_scope() -> None:
    assert set(re.findall(r"^\| `(\w+:\w+)` \|", OFFICE, re.MULTILINE)) == set(scopes)


def test_the_guide_names_each_code() -> None:
    folders = [Path(settings.BASE_DIR) / app / "api" for app in ("accounts", "meetings")]
    source = "".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    raised = set(re.findall(r'ApiError\(\s*\d+,\s*"(\w+)"', source))
    raised |= set(re.findall(r'_Framework\("(\w+)"', source))
    raised |= set(re.findall(r'"(token_\w+|owner_suspended)": _', source))
    assert len(raised) > 15
    missing = {code for code in raised if f"`{code}`" not in GUIDE}
    assert not missing
