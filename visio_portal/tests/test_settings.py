"""The settings: documented to the last one, and their mistakes found by name at the start."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from pytest_django import Settings

from visio_portal import checks

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# Set by `serve` for each worker; no administrator's business.
_OF_THE_SUPERVISOR = {
    "RELAY_SLOT",
    "RELAY_SOCKET",
    "RELAY_INSTANCE",
    "RELAY_ALIVE_FD",
    "RELAY_PULSE_FD",
    "RELAY_TURN_URLS",
    "RELAY_TURN_SECRET",
}


def read(*parts: str) -> str:
    return REPOSITORY.joinpath(*parts).read_text()


def names_in_settings() -> set[str]:
    return set(re.findall(r"\benv\.\w+\(\s*\"([A-Z_]+)\"", read("visio_portal", "settings.py")))


def names_of_the_relay() -> set[str]:
    return set(re.findall(r"env(?:\.get\(|, )\"(RELAY_[A-Z_]+)\"", read("relay", "config.py"))) - _OF_THE_SUPERVISOR


def test_every_setting_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| `([A-Z_]+)` \|", read("docs", "settings.md"), re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert len(documented) > 30
    assert set(documented) == names_in_settings() | names_of_the_relay()


def test_the_example_file_names_every_setting_and_sets_none() -> None:
    lines = read(".env.example").splitlines()
    assert set(re.findall(r"^#([A-Z_]+)=", "\n".join(lines), re.MULTILINE)) == names_in_settings()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_each_setting_is_read_from_the_environment_in_one_place() -> None:
    found = re.findall(r"\benv\.\w+\(\s*\"([A-Z_]+)\"", read("visio_portal", "settings.py"))
    assert sorted(found) == sorted(set(found))


def test_the_system_checks_find_nothing_wrong() -> None:
    call_command("check", fail_level="WARNING")


@pytest.mark.django_db
def test_every_model_change_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


# One wrong value each: what is set, the check that finds it, the variable that its text or hint names.
MISTAKES: list[tuple[dict[str, object], str, str]] = [
    ({"SECRET_KEY": "short"}, "visio.E002", "SECRET_KEY"),
    ({"SECRET_KEY": "django-insecure-" + "a" * 40}, "visio.E003", "SECRET_KEY"),
    ({"SECRET_KEY": "changeme-" + "0123456789" * 4}, "visio.E003", "SECRET_KEY"),
    ({"LIVEKIT_API_SECRET": ""}, "visio.E001", "LIVEKIT_API_SECRET"),
    ({"LIVEKIT_API_KEY": ""}, "visio.E001", "LIVEKIT_API_KEY"),
    ({"PORTAL_URL": "visio.example.org"}, "visio.E004", "PORTAL_URL"),
    ({"PORTAL_URL": "https://visio.example.org/path"}, "visio.E004", "PORTAL_URL"),
    ({"PORTAL_URL": "http://192.168.1.5:8000"}, "visio.E005", "PORTAL_URL"),
    ({"PORT": 0}, "visio.E006", "PORT"),
    ({"TLS_CERT_FILE": "/dev/null"}, "visio.E007", "TLS_KEY_FILE"),
    ({"TLS_CERT_FILE": "/nowhere.crt", "TLS_KEY_FILE": "/dev/null"}, "visio.E008", "TLS_CERT_FILE"),
    ({"SERVES_TLS": True}, "visio.E009", "PORTAL_URL"),
    ({"TRUSTED_PROXIES": ["proxy.example.org"]}, "visio.E010", "TRUSTED_PROXIES"),
    ({"TRUSTED_PROXIES": ["0.0.0.0/0"]}, "visio.E011", "TRUSTED_PROXIES"),
    ({"TRUSTED_PROXIES": ["127.0.0.1"]}, "visio.W001", "PORTAL_URL"),
    ({"LIVEKIT_PUBLIC_URL": "livekit"}, "visio.E013", "LIVEKIT_PUBLIC_URL"),
    ({"IS_HTTPS": True, "LIVEKIT_PUBLIC_URL": "ws://lk.example.org"}, "visio.E014", "LIVEKIT_PUBLIC_URL"),
    ({"TURN_URLS": ["turn.example.org"], "TURN_SECRET": "x"}, "visio.E015", "TURN_URLS"),
    ({"TURN_URLS": ["turn:turn.example.org:3478"]}, "visio.E016", "TURN_SECRET"),
    ({"WEBHOOK_URLS": ["ftp://example.org"]}, "visio.E017", "WEBHOOK_URLS"),
    ({"RELAY_WORKERS": 0}, "visio.E018", "RELAY_WORKERS"),
    ({"RELAY_PORT": 65535, "RELAY_WORKERS": 4}, "visio.E019", "RELAY_PORT"),
    ({"RELAY_LOUDEST_AUDIO": 0}, "visio.E020", "RELAY_LOUDEST_AUDIO"),
    ({"RELAY_ADDRESSES": ["eth0"]}, "visio.E021", "RELAY_ADDRESSES"),
    ({"RELAY_ADDRESSES": ["10.0.0.5=visio.example.org"]}, "visio.E021", "RELAY_ADDRESSES"),
    (
        {"PORTAL_URL": "https://visio.example.fr", "IS_HTTPS": True, "RELAY_ADDRESSES": ["10.0.0.5"]},
        "visio.E022",
        "RELAY_ADDRESSES",
    ),
    ({"HTTP_CONCURRENCY": 1}, "visio.E023", "HTTP_CONCURRENCY"),
    ({"LOG_LEVEL": "LOUD"}, "visio.E024", "LOG_LEVEL"),
    ({"LOG_FORMAT": "xml"}, "visio.E025", "LOG_FORMAT"),
    ({"WARM_STANDBY": "maybe"}, "visio.E027", "WARM_STANDBY"),
    ({"CHAT_RETENTION_DAYS": -1}, "visio.E028", "CHAT_RETENTION_DAYS"),
    ({"AUDIT_RETENTION_DAYS": 0}, "visio.E029", "AUDIT_RETENTION_DAYS"),
    ({"DEBUG": True, "PORTAL_URL": "https://visio.example.org"}, "visio.E026", "DEBUG"),
]


@pytest.mark.parametrize(("values", "code", "variable"), MISTAKES, ids=[f"{m[1]}-{'-'.join(m[0])}" for m in MISTAKES])
def test_a_mistake_is_found_and_its_variable_named(
    settings: Settings, values: dict[str, object], code: str, variable: str
) -> None:
    for name, value in values.items():
        setattr(settings, name, value)
    found = {message.id: message for message in checks.check_settings(None)}
    assert code in found
    assert variable in f"{found[code].msg} {found[code].hint}"
    assert found[code].hint


def test_an_empty_secret_key_is_an_error_and_not_a_crash() -> None:
    done = python({"SECRET_KEY": ""}, "manage.py", "check")
    assert done.returncode == 1
    assert "visio.E001" in done.stderr
    assert "make run" in done.stderr


# What cannot even be read: the variable, its value, a word of what is expected, and what must not be shown.
UNREADABLE = [
    ("PORT", "abc", "whole number", None),
    ("PORT", "", "whole number", None),
    ("RELAY_WORKERS", "deux", "whole number", None),
    ("DEBUG", "maybe", "true or false", None),
    ("TIME_ZONE", "Paris", "Europe/Paris", None),
    ("TIME_ZONE", "Europe", "Europe/Paris", None),
    ("TIME_ZONE", "/etc/passwd", "Europe/Paris", None),
    ("DATABASE_URL", "foo", "postgres://", None),
    ("DATABASE_URL", "postgres://visio:hunter2@db:port/visio", "postgres://", "hunter2"),
    ("DATABASE_URL", "mysql://visio:hunter2@db/visio", "postgres://", "hunter2"),
    ("EMAIL_URL", "mail.example.org:hunter2", "smtp+tls://", "hunter2"),
    ("EMAIL_URL", "smtp://visio:hunter2@mail:x", "smtp+tls://", "hunter2"),
    ("REDIS_URL", "redis://:hunter2@[::1/0", "URL", "hunter2"),
    ("PORTAL_URL", "https://[visio", "URL", None),
    ("LIVEKIT_URL", "wss://livekit:port", "URL", None),
    ("DATA_DIR", "/proc/x", "folder", None),
    ("DATA_DIR", "/dev/null", "folder", None),
]


@pytest.mark.parametrize(
    ("name", "value", "expected", "secret"), UNREADABLE, ids=[f"{u[0]}-{u[1]}" for u in UNREADABLE]
)
def test_a_value_that_cannot_be_read_is_named_without_a_traceback(
    name: str, value: str, expected: str, secret: str | None
) -> None:
    done = python({name: value}, "-c", "from django.conf import settings; settings.PORT")
    assert done.returncode == 1
    assert re.search(rf"^  {name}(=.*)?: .*{re.escape(expected)}", done.stderr, re.MULTILINE), done.stderr
    assert "Traceback" not in done.stderr
    assert secret is None or secret not in done.stderr


def test_all_unreadable_values_are_named_at_once() -> None:
    done = python({"PORT": "abc", "DEBUG": "maybe", "TIME_ZONE": "Paris"}, "manage.py", "check")
    assert done.returncode == 1
    assert [line.partition("=")[0].strip() for line in done.stderr.splitlines()[1:]] == ["DEBUG", "PORT", "TIME_ZONE"]


def test_private_relay_addresses_are_an_error_that_each_of_its_remedies_clears(settings: Settings) -> None:
    settings.PORTAL_URL, settings.IS_HTTPS = "https://visio.example.fr", True
    settings.LIVEKIT_PUBLIC_URL = "wss://visio.example.fr"
    settings.RELAY_ADDRESSES = ["10.0.0.5"]
    [error] = [found for found in checks.check_settings(None) if found.id == "visio.E022"]
    assert "RELAY_ADDRESSES" in str(error.hint)
    assert "TURN_URLS" in str(error.hint)

    settings.TURN_URLS, settings.TURN_SECRET = ["turn:turn.example.org:443?transport=tcp"], "s3cret"
    assert [found.id for found in checks.check_settings(None)] == ["visio.W002"]
    settings.RELAY_ADDRESSES = ["10.0.0.5=8.8.4.4"]
    assert checks.check_settings(None) == []


def test_a_relay_behind_nat_with_a_public_address_is_fine(settings: Settings) -> None:
    settings.PORTAL_URL = "https://visio.example.fr"
    settings.IS_HTTPS = True
    settings.LIVEKIT_PUBLIC_URL = "wss://visio.example.fr"
    settings.RELAY_ADDRESSES = ["10.0.0.5=8.8.4.4"]
    assert checks.check_settings(None) == []


def python(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with these settings alone in its environment."""
    secrets = {"SECRET_KEY": "k3y-" + "0123456789" * 4, "LIVEKIT_API_KEY": "a", "LIVEKIT_API_SECRET": "s3c" * 14}
    base = {"ENV_FILE": "", "DATA_DIR": str(settings.DATA_DIR), "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env={"DJANGO_SETTINGS_MODULE": "visio_portal.settings", **base, **secrets, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# The environment, and what the settings make of it.
DERIVED: list[tuple[dict[str, str], dict[str, object]]] = [
    (
        {},
        {
            "PORTAL_URL": "http://localhost:8000",
            "SERVES_TLS": False,
            "LIVEKIT_PUBLIC_URL": "ws://localhost:8000",
            "EMBEDDED_RELAY": True,
        },
    ),
    (
        {"DOMAIN": "visio.example.org", "PORT": "443"},
        {
            "PORTAL_URL": "https://visio.example.org",
            "SERVES_TLS": True,
            "HOST": "0.0.0.0",  # noqa: S104  compared with, not bound
            "SESSION_COOKIE_SECURE": True,
            "SESSION_COOKIE_HTTPONLY": True,
            "CSRF_COOKIE_SECURE": True,
            "LANGUAGE_COOKIE_SECURE": True,
            "LIVEKIT_URL": "ws://127.0.0.1:443",
        },
    ),
    (
        {"HOST": "10.1.2.3"},
        {"PORTAL_URL": "https://10.1.2.3:8000", "SERVES_TLS": True, "LIVEKIT_URL": "ws://10.1.2.3:8000"},
    ),
    (
        {"PORTAL_URL": "https://visio.example.org", "TRUSTED_PROXIES": "127.0.0.1"},
        {
            "SERVES_TLS": False,
            "CSRF_TRUSTED_ORIGINS": ["https://visio.example.org"],
            "LIVEKIT_PUBLIC_URL": "wss://visio.example.org",
        },
    ),
    (
        {"LIVEKIT_URL": "wss://lk.example.org"},
        {"EMBEDDED_RELAY": False, "LIVEKIT_URL": "wss://lk.example.org", "LIVEKIT_PUBLIC_URL": "wss://lk.example.org"},
    ),
]


@pytest.mark.parametrize(("environment", "expected"), DERIVED, ids=["local", "domain", "address", "proxy", "cluster"])
def test_the_address_decides_over_tls_links_and_cookies(
    environment: dict[str, str], expected: dict[str, object]
) -> None:
    show = "import json; from django.conf import settings as s; print(json.dumps({n: getattr(s, n) for n in %r}))"
    done = python(environment, "-c", show % sorted(expected))
    assert json.loads(done.stdout) == expected, done.stderr


def test_the_policy_allows_no_inline_code_and_no_other_host() -> None:
    directives: dict[str, list[object]] = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    for directive, sources in directives.items():
        words = [str(source) for source in sources]
        assert not any("unsafe" in word or "*" in word for word in words), directive
        assert not any(word.startswith(("http:", "https:")) for word in words), directive


def test_whatever_sends_mail_writes_to_the_queue() -> None:
    from visio_portal import settings as product  # what runs; pytest puts a backend of its own in its place

    assert product.EMAIL_BACKEND == "jobs.mail.QueuedBackend"
