"""`manage.py selftest` says whether a running portal carries a call, and `manage.py status` what it is doing."""

import json
import subprocess
import sys

import pytest

from tests.portal import ROOT, Portal, free_port

pytestmark = pytest.mark.calls


def test_two_participants_call_each_other_and_the_figures_are_printed(portal: Portal) -> None:
    lines = [json.loads(line) for line in portal.manage("selftest", "--json").splitlines()]
    assert {line["participant"] for line in lines} == {"selftest-1", "selftest-2"}
    for line in lines:
        assert line["path"] == "udp"
        assert 0 < line["join_seconds"] <= line["first_frame_seconds"]
        assert line["first_sound_seconds"] > 0
        assert line["loss"] < 0.5


def test_the_address_of_the_portal_may_be_given(portal: Portal) -> None:
    text = portal.manage("selftest", "--url", portal.engine_url.replace("ws://", "http://"))
    assert text.count("joined after") == 2


def test_without_a_portal_it_ends_with_1_and_says_why(portal: Portal) -> None:
    command = [sys.executable, "manage.py", "selftest", "--url", f"http://127.0.0.1:{free_port()}"]
    done = subprocess.run(command, cwd=ROOT, env=portal.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "could not join" in done.stderr
