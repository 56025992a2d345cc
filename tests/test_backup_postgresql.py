"""Backups of a portal on PostgreSQL, by the server's own tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal import Portal
from tests.postgresql import postgresql
from tests.test_backup import refused

pytestmark = pytest.mark.long


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with postgresql() as url:
        portal = Portal(tmp_path, environment={"DATABASE_URL": url})  # never started
        portal.manage("migrate", "--no-input")
        yield portal


def people(portal: Portal) -> set[str]:
    code = "from accounts.models import User; print(*User.objects.values_list('email', flat=True))"
    return {word for word in portal.manage("shell", "-v", "0", "-c", code).split() if "@" in word}


def test_what_came_after_the_backup_is_gone_and_what_was_in_it_is_back(portal: Portal, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "backup.tar.gz"
    portal.manage("invite", "alice@example.org")
    portal.manage("backup", "--to", str(file))
    portal.manage("verify_backup", str(file))
    portal.manage("invite", "eve@example.org")
    assert "--force" in refused(portal, "restore", str(file))
    assert people(portal) == {"alice@example.org", "eve@example.org"}
    portal.manage("restore", str(file), "--force")
    assert people(portal) == {"alice@example.org"}
    assert list(tmp_path.glob("before-restore-*/database.pgdump"))
    assert not list(tmp_path.glob("restore.journal*")) + list(tmp_path.glob(".restore-*"))
    portal.manage("migrate", "--check")
    portal.manage("verify_audit")


def test_without_the_servers_tools_it_says_what_to_install(portal: Portal, tmp_path: Path) -> None:
    portal.environment["PATH"] = str(tmp_path)
    assert "pg_dump is not installed" in refused(portal, "backup", "--to", str(tmp_path / "b.tar.gz"))
    assert not (tmp_path / "b.tar.gz").exists()
