"""Skipped tests fail the run unless tests/allowed_skips.txt names them with a reason.

A test that silently stops running is worse than none. A line of that file is `pattern: reason`, where the pattern
fits a test's id as in a shell (`tests/test_reach.py::*`).
"""

from __future__ import annotations

import time
from collections.abc import Generator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

ALLOWED = Path(__file__).parent / "tests" / "allowed_skips.txt"

_skipped: dict[str, str] = {}


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """A test that commits empties all tables, which the audit log's triggers refuse. Its own tests put them on."""
    from accounts.audit import triggers  # not before Django is set up

    with django_db_blocker.unblock():
        triggers.drop(connection)


@pytest.fixture(autouse=True, scope="session")
def staff_that_is_forced_in_has_a_second_factor() -> None:
    """`force_login` stands for whatever way one signs in; a test of the factor itself signs in by the page."""
    from django.contrib.auth.signals import user_logged_in

    user_logged_in.connect(_with_second_factor, dispatch_uid="tests")


def _with_second_factor(*, request: Any, user: Any, **_: Any) -> None:
    from allauth.mfa.models import Authenticator

    if request.method:  # a real request has one
        return
    # As if in the list of the person's browsers, so that no test's first request pays for that.
    key = request.session.session_key
    request.session["browser_session"] = {"id": 0, "key": key, "person": user.pk, "at": time.time()}
    if not user.is_staff:
        return
    app = Authenticator.objects.filter(user=user).first()
    if app is None:
        # Without signals: the audit log's own tests count its entries.
        [app] = Authenticator.objects.bulk_create([Authenticator(user=user, type="totp", data={"secret": ""})])
    shown = {"method": "mfa", "type": "totp", "id": app.pk, "at": time.time()}
    request.session["account_authentication_methods"] = [shown]
    request.session["account_authentication_methods_user"] = str(user.pk)


def allowed_patterns(text: str) -> list[str]:
    """The patterns of the file. Raises ValueError on a line without a reason."""
    patterns = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pattern, separator, reason = line.partition(": ")
        if not separator or not reason.strip():
            raise ValueError(f"tests/allowed_skips.txt: {line!r} is not `pattern: reason`")
        patterns.append(pattern.strip())
    return patterns


def refused_skips(skipped: dict[str, str], patterns: list[str]) -> dict[str, str]:
    """Of the skipped tests (id → reason), those that no pattern allows."""
    return {name: why for name, why in skipped.items() if not any(fnmatchcase(name, pattern) for pattern in patterns)}


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        longrepr = report.longrepr
        _skipped[report.nodeid] = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


def _refused() -> dict[str, str]:
    text = ALLOWED.read_text() if ALLOWED.exists() else ""
    return refused_skips(_skipped, allowed_patterns(text))


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    yield
    if _refused() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    refused = _refused()
    if refused:
        terminalreporter.section("skipped without permission", red=True)
        for name, why in refused.items():
            terminalreporter.line(f"{name}: {why}")
        terminalreporter.line("The run fails. Make them run, or name them in tests/allowed_skips.txt with a reason.")
