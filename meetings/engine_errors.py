"""Why an order to the media engine, or a client's wish to enter it, came to nothing."""

from __future__ import annotations


class Unavailable(Exception):
    """The engine does not answer now. Nothing may be assumed of the order; it may be given again later."""


class EngineError(Exception):
    """The engine answered and refused. `code` is a Twirp error code such as not_found."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Denied(Exception):
    """A client may not enter the engine; `status` is the HTTP status it hears, `reason` a short plain text."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
