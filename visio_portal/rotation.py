"""Replacing the portal's secrets in two steps, each followed by a restart, between which people stay signed in.

`begin` writes new ones to .env; the former key stays beside the new one. Once the portal knows both, `finish` lets
nothing depend on the former key any more, and takes it away.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from accounts.audit import retention
from accounts.audit.verify import Broken, verify
from accounts.factors.adapter import encrypt_anew
from jobs import self_report

_KEY, _FORMER, _ENGINE = "SECRET_KEY", "SECRET_KEY_FALLBACKS", "LIVEKIT_API_SECRET"
_BYTES = 48


class RotationError(CommandError):
    """The message says what is in the way and what to do; nothing was changed."""


def plan() -> list[str]:
    """What `begin` replaces. Raises `RotationError` where it cannot."""
    if settings.SECRET_KEY_FALLBACKS:
        raise RotationError(f"{_FORMER} is set: a replacement goes on. Restart the portal, then --finish it.")
    # The secret of a cluster is the cluster's: both sides must change together.
    names = [_KEY, _ENGINE] if settings.EMBEDDED_RELAY else [_KEY]
    text = _read()
    for name in names:
        if _value(text, name) != getattr(settings, name):
            raise RotationError(
                f"{name} is not set by a plain line of {settings.ENV_FILE}. Replace it where you set it, and for "
                f"{_KEY} put the former one into {_FORMER}."
            )
    if "," in settings.SECRET_KEY:
        raise RotationError(f"{_KEY} holds a comma, which {_FORMER} cannot. Replace it by hand.")
    return names


def begin() -> list[str]:
    """Writes new secrets; their names. They count from the next start on."""
    names, text = plan(), _read()
    text = _with(text, _FORMER, settings.SECRET_KEY)
    for name in names:
        text = _with(text, name, secrets.token_urlsafe(_BYTES))
    _write(text)
    return names


def finish() -> int:
    """Forgets the former key; how many second factors were encrypted anew. Can be run again if it was broken off."""
    if not settings.SECRET_KEY_FALLBACKS:
        raise RotationError(f"{_FORMER} is not set: there is nothing to finish.")
    text = _read()
    if _value(text, _KEY) != settings.SECRET_KEY or _value(text, _FORMER) is None:
        raise RotationError(f"{_KEY} and {_FORMER} are not set by {settings.ENV_FILE}: take the former key away there.")
    if names := self_report.with_another_key():
        raise RotationError(
            f"With another key than {settings.ENV_FILE} has: {', '.join(names)}. Restart the portal first; if you just "
            f"have, wait {self_report.FRESH_SECONDS:.0f} seconds."
        )
    try:
        retention.sign_anew(may_sign=verify)
    except Broken as broken:
        raise RotationError(
            f"The audit log is not whole, and the former key may be needed to see why: {broken} (verify_audit)"
        ) from broken
    count = encrypt_anew()
    _write(_with(text, _FORMER, None))
    return count


def _read() -> str:
    try:
        return Path(settings.ENV_FILE).read_text()
    except OSError as error:
        raise RotationError(
            f"The settings do not come from a file that can be read ({settings.ENV_FILE or 'ENV_FILE is empty'}): "
            "replace the secrets where you set them."
        ) from error


def _line(name: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=[ \t]*(.*?)[ \t]*$\n?", re.MULTILINE)


def _value(text: str, name: str) -> str | None:
    found = _line(name).search(text)  # the first counts
    return found.group(1) if found else None


def _with(text: str, name: str, value: str | None) -> str:
    """Where the line was, or at the end."""
    new = "" if value is None else f"{name}={value}\n"
    if _value(text, name) is None:
        return text + ("\n" if text and not text.endswith("\n") else "") + new
    start = _line(name).search(text)
    assert start is not None
    return text[: start.start()] + new + _line(name).sub("", text[start.end() :])


def _write(text: str) -> None:
    """In one step, for its owner's eyes only. The owner stays the same whoever runs this: root rotates what the
    portal's own user must read. Where .env is a link, it stays one."""
    path = Path(settings.ENV_FILE).resolve()
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            _give_to_owner_of(path, file.fileno())
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _give_to_owner_of(path: Path, descriptor: int) -> None:
    former, new = path.stat(), os.fstat(descriptor)
    if (former.st_uid, former.st_gid) == (new.st_uid, new.st_gid):
        return
    try:
        os.fchown(descriptor, former.st_uid, former.st_gid)
    except PermissionError as error:
        raise RotationError(f"{path} belongs to another user: run this as its owner or as root.") from error
