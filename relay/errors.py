"""Errors by who must hear them."""

from __future__ import annotations


class ProtocolError(ValueError):
    """The other end sent something malformed or out of turn. The caller answers, counts and goes on."""


class Refused(Exception):
    """The request is understood and not allowed. `code` is a Twirp error code (livekit-protocol.md E)."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
