"""The environment, read with an answer to every bad value: which variable, what it says, what is expected.

Mistakes are collected, so that one start names all of them; `stop_on_mistakes` then ends it without a traceback. What
can be read but cannot work is found later, by `checks.py`.
"""

from __future__ import annotations

import builtins
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE = ("true", "on", "yes", "y", "1")
_FALSE = ("false", "off", "no", "n", "0", "")
_DATABASES = ("sqlite", "postgres", "postgresql", "psql", "pgsql")
# Django looks here, too, and raises where it finds nothing.
_ZONES = Path("/usr/share/zoneinfo")


class Environment(environ.Env):  # type: ignore[misc]  # django-environ ships no usable types
    """`environ.Env`, but a bad value is written down and the default taken until `stop_on_mistakes`."""

    def __init__(self) -> None:
        super().__init__()
        self.mistakes: list[str] = []

    def refuse(self, name: str, expected: str, *, shown: object = "") -> None:
        """Writes a mistake down. `shown` is the value, for variables that hold no password."""
        self.mistakes.append(f"{name}={shown}: {expected}" if shown else f"{name}: {expected}")

    def stop_on_mistakes(self) -> None:
        """Ends the process if there was any."""
        if self.mistakes:
            lines = "".join(f"\n  {mistake}" for mistake in self.mistakes)
            raise SystemExit(f"Settings that cannot be read (docs/settings.md explains each):{lines}")

    def int(self, var: str, default: Any = environ.Env.NOTSET) -> Any:
        return self._read(
            var, lambda: super(Environment, self).int(var, default), default, "expected a whole number, such as {}"
        )

    def bool(self, var: str, default: Any = environ.Env.NOTSET) -> Any:
        word = self.get_value(var, default="true" if default else "false").strip().lower()
        if word not in _TRUE + _FALSE:
            self.refuse(var, "expected true or false", shown=repr(word))
            return default
        return word in _TRUE

    def address(self, var: str, default: str) -> str:
        """A URL or nothing; which kind of URL is checked later."""
        text = str(self.str(var, default=default))
        try:
            _ = urlsplit(text).hostname, urlsplit(text).port
        except ValueError:
            self.refuse(var, "expected a URL, such as https://visio.example.org or wss://livekit.example.org:443")
            return default
        return text

    def db_url(self, var: str, default: str) -> Any:
        expected = "expected postgres://user:password@host:5432/name, or sqlite:////path/to/file"
        if urlsplit_scheme(self.str(var, default=default)) not in _DATABASES:
            self.refuse(var, expected)
            return self.db_url_config(default)
        return self._read(var, lambda: super(Environment, self).db_url(var, default), None, expected, secret=True) or (
            self.db_url_config(default)
        )

    def email_url(self, var: str, default: str) -> Any:
        expected = "expected smtp+tls://user:password@host:587"
        return self._read(
            var, lambda: super(Environment, self).email_url(var, default), None, expected, secret=True
        ) or (self.email_url_config(default))

    def zone(self, var: str, default: str) -> str:
        """A time zone's name that Python and Django both know."""
        name = str(self.str(var, default=default))
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            known = False
        else:
            known = not _ZONES.is_dir() or _ZONES.joinpath(*name.split("/")).is_file()
        if not known:
            self.refuse(var, "expected the name of a time zone, such as Europe/Paris", shown=repr(name))
            return default
        return name

    def folder(self, var: str, default: str) -> Path:
        """A folder, made if there is none. Nothing can be read without it, so this ends at once where it cannot be."""
        path = Path(self.str(var, default=default)).absolute()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            self.refuse(
                var, f"cannot make this folder ({error.strerror}); expected one that this user may write to", shown=path
            )
            self.stop_on_mistakes()
        return path

    def _read(
        self, var: str, read: Callable[[], Any], default: Any, expected: str, *, secret: builtins.bool = False
    ) -> Any:
        try:
            return read()
        except (ValueError, ImproperlyConfigured):
            shown = "" if secret else repr(self.str(var, default=""))
            self.refuse(var, expected.format(default), shown=shown)
            return default


def urlsplit_scheme(url: str) -> str:
    """The scheme, also of a URL that is broken further on."""
    return url.partition(":")[0].lower() if ":" in url else ""
