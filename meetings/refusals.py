"""Why a person may not do what they asked. Shown to them, and mapped to HTTP in one place (`views/api.py`)."""

from __future__ import annotations

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models.policy import SignInLevel


class Refused(Exception):
    """A person asked for what they may not have. `code` is for programs, `text` for people."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 403
    text: ClassVar[str | Promise] = _("You may not do this.")


class NotFound(Refused):
    """No such room or participant, or none that this person may know of: the answer is the same."""

    code, status, text = "not_found", 404, _("This room does not exist or is no longer open.")


class BadRequest(Refused):
    code, status, text = "bad_request", 400, _("The request is not understood.")


class BadName(Refused):
    code, status, text = "bad_name", 400, _("Please enter a name with visible characters.")


class NoMessage(NotFound):
    text = _("This message is not there any more.")


class NoDeparture(NotFound):
    text = _("There is no call of yours that has just ended.")


class EmptyMessage(Refused):
    code, status, text = "empty_message", 400, _("Please write something first.")


class LongMessage(Refused):
    code, status, text = "long_message", 400, _("This message is too long. Please send it in parts.")


class LongLobbyMessage(LongMessage):
    text = _("This message is too long. It may have 300 characters.")


class NotAdmitted(Refused):
    code, status, text = "not_admitted", 403, _("The host has not let you in.")


class NotAllowed(Refused):
    code, status, text = "not_allowed", 403, _("Only the host or a moderator may do this.")


class Locked(Refused):
    code, status, text = "locked", 403, _("The host has locked this room.")


class MayNotOpenRooms(Refused):
    """A policy says so; `sentence` tells people, and who laid it down."""

    code, status, text = "may_not_open_rooms", 403, _("You may not open rooms.")

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NoGuests(Refused):
    code, status, text = "no_guests", 403, _("This meeting is for people with an account. Sign in to enter.")


class ForeignDomain(Refused):
    code, status = "foreign_domain", 403
    text = _("This meeting is for people of certain e-mail domains, and yours is none of them. Ask the host.")


class StepUpNeeded(Refused):
    """Signed in too weakly, or not at all. `level` is what the room asks for, `origin` who says so."""

    code, status = "step_up", 403
    text = _("This meeting asks for a stronger sign-in than yours. Reload this page: it leads you there.")

    def __init__(self, level: SignInLevel, origin: str) -> None:
        super().__init__(level)
        self.level = level
        self.origin = origin


class RoomFull(Refused):
    code, status, text = "room_full", 403, _("This room is full. Try again when somebody has left.")


class Removed(Refused):
    code, status, text = "removed", 403, _("The host has removed you from this room.")


class Denied(Refused):
    code, status, text = "denied", 403, _("The host has not let you in.")


class Conflict(Refused):
    """Somebody else was quicker."""

    code, status, text = "conflict", 409, _("This has just been changed by somebody else.")


class NotSending(Refused):
    """Nothing was there to be muted: it is off already, or of a kind that we do not know."""

    code, status, text = "not_sending", 409, _("This person is not sending that any more.")


class Closed(Refused):
    code, status, text = "closed", 410, _("This room does not exist or is no longer open.")


class TooManyRequests(Refused):
    code, status, text = "too_many_requests", 429, _("Too many attempts. Please wait a minute.")
