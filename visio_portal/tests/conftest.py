"""Fixtures of the tests that ask relay workers how they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from jobs import self_report
from visio_portal.tests.fake_relay import FakeRelay


@pytest.fixture
def run_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.RUN_DIR = tmp_path / "run"
    settings.RELAY_WORKERS = 1
    return tmp_path / "run"


@pytest.fixture
def job_worker(run_dir: Path) -> None:
    """It said a moment ago that it is there."""
    run_dir.mkdir(parents=True, exist_ok=True)
    self_report.write("worker", {"at_work": 0})


@pytest.fixture
def relay(run_dir: Path, job_worker: None) -> Iterator[FakeRelay]:
    fake = FakeRelay(run_dir / "relay-0.sock")
    fake.start()
    yield fake
    fake.close()
