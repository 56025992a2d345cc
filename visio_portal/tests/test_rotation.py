"""New secrets: nobody is signed out, and in the end the former key opens nothing and is needed for nothing."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from pytest_django import Settings

from accounts.audit.verify import verify
from accounts.factors.tests.codes import code_of
from accounts.factors.tests.conftest import EMAIL, add_app, by_password
from accounts.factors.tests.conftest import boss as boss
from accounts.factors.tests.conftest import no_limits_from_before as no_limits_from_before
from accounts.models import User
from jobs import self_report

pytestmark = pytest.mark.django_db
CODE = "/accounts/security/code/"


@pytest.fixture
def env_file(tmp_path: Path, settings: Settings) -> Path:
    path = tmp_path / ".env"
    path.write_text(
        f"# ours\nSECRET_KEY={settings.SECRET_KEY}\nPORT=8001\n"
        f"export LIVEKIT_API_SECRET={settings.LIVEKIT_API_SECRET}\nSECRET_KEY_FALLBACKS=\n"
    )
    settings.ENV_FILE = str(path)
    settings.RUN_DIR = tmp_path / "run"
    settings.RUN_DIR.mkdir()
    self_report.write("web", {})
    return path


def rotate(*options: str) -> dict[str, object]:
    out = io.StringIO()
    call_command("rotate_secrets", *options, "--json", stdout=out)
    told: dict[str, object] = json.loads(out.getvalue())
    return told


def restarted(path: Path, settings: Settings) -> dict[str, str]:
    """The settings as the next start reads them; web says that it runs with them."""
    told = read_again(path, settings)
    self_report.write("web", {})
    return told


def read_again(path: Path, settings: Settings) -> dict[str, str]:
    """The settings as a command reads them, whatever the portal still runs with."""
    told = dict(line.removeprefix("export ").split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    settings.SECRET_KEY = told["SECRET_KEY"]
    settings.SECRET_KEY_FALLBACKS = [one for one in [told.get("SECRET_KEY_FALLBACKS", "")] if one]
    settings.LIVEKIT_API_SECRET = told["LIVEKIT_API_SECRET"]
    return told


def opens(client: Client) -> bool:
    return client.get("/accounts/profile/").status_code == 200


def test_nobody_is_signed_out_and_in_the_end_the_former_key_opens_nothing(
    boss: User, env_file: Path, settings: Settings
) -> None:
    former = settings.SECRET_KEY
    client = by_password()
    secret = add_app(client)
    assert rotate("--apply") == {"step": "begun", "names": ["SECRET_KEY", "LIVEKIT_API_SECRET"]}
    told = restarted(env_file, settings)
    assert told["SECRET_KEY_FALLBACKS"] == former != told["SECRET_KEY"]
    assert opens(client)
    assert rotate("--finish") == {"step": "finished", "factors": 2}
    told = restarted(env_file, settings)
    assert "SECRET_KEY_FALLBACKS" not in told
    assert opens(client)
    again = by_password()
    assert again.post(CODE, {"code": code_of(secret, steps=1)}).status_code == 302
    assert verify().count > 0
    left = Client()
    settings.SECRET_KEY, new = former, settings.SECRET_KEY
    left.force_login(User.objects.get(email=EMAIL), "django.contrib.auth.backends.ModelBackend")
    settings.SECRET_KEY = new
    assert not opens(left)


def test_it_is_not_finished_while_a_process_still_runs_with_the_former_key(env_file: Path, settings: Settings) -> None:
    rotate("--apply")
    read_again(env_file, settings)
    before = env_file.read_text()
    with pytest.raises(CommandError, match=r"has: web\. Restart the portal first"):
        rotate("--finish")
    assert env_file.read_text() == before
    restarted(env_file, settings)
    assert rotate("--finish")["step"] == "finished"


def test_what_a_process_said_that_is_gone_for_long_is_in_nobodys_way(env_file: Path, settings: Settings) -> None:
    rotate("--apply")
    restarted(env_file, settings)
    said = {"pid": 2**22 + 1, "began": "1", "key": "former", "at": time.time() - 60}
    (Path(settings.RUN_DIR) / f"worker.{said['pid']}.report.json").write_text(json.dumps(said))
    assert rotate("--finish")["step"] == "finished"


def test_the_file_keeps_its_other_lines_and_its_owners_eyes(env_file: Path) -> None:
    rotate("--apply")
    lines = env_file.read_text().splitlines()
    assert [line.partition("=")[0] for line in lines] == [
        "# ours", "SECRET_KEY", "PORT", "LIVEKIT_API_SECRET", "SECRET_KEY_FALLBACKS",
    ]  # fmt: skip
    assert lines[2] == "PORT=8001"
    assert env_file.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_one_and_only_the_file_behind_it_is_new(
    env_file: Path, tmp_path: Path, settings: Settings
) -> None:
    link = tmp_path / "current" / ".env"
    link.parent.mkdir()
    link.symlink_to(env_file)
    settings.ENV_FILE = str(link)
    before = env_file.read_text()
    rotate("--apply")
    assert link.is_symlink()
    assert link.read_text() == env_file.read_text() != before
    assert [one.name for one in link.parent.iterdir()] == [".env"]
    assert env_file.stat().st_mode & 0o777 == 0o600


def test_the_file_is_given_to_nobody_else_where_it_is_ones_own(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, ...]] = []
    monkeypatch.setattr(os, "fchown", lambda *to: given.append(to))
    rotate("--apply")
    assert given == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_rotated_by_root_it_stays_the_service_users(env_file: Path) -> None:
    os.chown(env_file, 12345, 12346)
    rotate("--apply")
    found = env_file.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12345, 12346, 0o600)


def test_without_an_option_it_only_says_what_it_would_do(env_file: Path) -> None:
    before = env_file.read_text()
    assert rotate()["names"] == ["SECRET_KEY", "LIVEKIT_API_SECRET"]
    assert env_file.read_text() == before


def test_the_secret_of_a_cluster_is_left_to_the_cluster(env_file: Path, settings: Settings) -> None:
    settings.EMBEDDED_RELAY = False
    assert rotate("--apply")["names"] == ["SECRET_KEY"]
    assert f"LIVEKIT_API_SECRET={settings.LIVEKIT_API_SECRET}" in env_file.read_text()


def test_what_it_cannot_do_it_says_and_changes_nothing(env_file: Path, settings: Settings) -> None:
    with pytest.raises(CommandError, match="nothing to finish"):
        rotate("--finish")
    settings.SECRET_KEY_FALLBACKS = ["before"]
    with pytest.raises(CommandError, match="--finish it"):
        rotate("--apply")
    settings.SECRET_KEY_FALLBACKS = []
    env_file.write_text(f"SECRET_KEY=another\nLIVEKIT_API_SECRET={settings.LIVEKIT_API_SECRET}\n")
    with pytest.raises(CommandError, match="SECRET_KEY is not set by a plain line"):
        rotate("--apply")
    assert env_file.read_text().startswith("SECRET_KEY=another\n")
    env_file.unlink()
    with pytest.raises(CommandError, match="do not come from a file"):
        rotate("--apply")
