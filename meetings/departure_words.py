"""The words of engine and page for how a stay ended, and of its way through the network, as sentences for people.

A word that is not here is shown as it is: newer engines and older pages have more of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

_LEFT = _("Left the meeting")
_REPLACED = _("Came in again: page reloaded, or opened elsewhere")
_REMOVED = _("Removed by a host")
_OVER = _("The meeting was over")
_LOST_NETWORK = _("The network connection was lost")
_NOT_LET_IN = _("Was not let in")

# The engine's, in lower case, and the two that the portal writes where the engine said nothing.
ENGINE: Mapping[str, object] = {
    "client_initiated": _LEFT,
    "duplicate_identity": _REPLACED,
    "participant_removed": _REMOVED,
    "room_deleted": _OVER,
    "room_closed": _OVER,
    "room_finished": _OVER,
    "user_rejected": _NOT_LET_IN,
    "connection_timeout": _LOST_NETWORK,
    "signal_close": _("The connection to the server was cut"),
    "media_failure": _("Sound and picture did not get through"),
    "join_failure": _("Coming in did not succeed"),
    "state_mismatch": _("Was asked to come in again after a disturbance"),
    "server_shutdown": _("The server was stopped or restarted"),
    "migration": _("Was moved to another server"),
    "lost": _("The server stopped unexpectedly"),
    "unknown_reason": _("No reason is known"),
}
PAGE: Mapping[str, object] = {
    "left": _LEFT,
    "page-closed": _("Closed or reloaded the page"),
    "duplicate_identity": _REPLACED,
    "removed": _REMOVED,
    "denied": _NOT_LET_IN,
    "ended": _OVER,
    "locked": _("The room was locked"),
    "connection_lost": _LOST_NETWORK,
    "unreachable": _("The server did not answer"),
    "offline": _("The device had no network"),
    "untrusted": _("The browser does not trust the portal's certificate"),
    "not-found": _("There was no such room"),
}
PATH: Mapping[str, object] = {
    "udp": _("Direct (UDP)"),
    "tcp": _("Direct (TCP, slower)"),
    "turn-udp": _("By a TURN server (UDP)"),
    "turn-tcp": _("By a TURN server (TCP)"),
    "turn-tls": _("By a TURN server (TLS)"),
}


def said(words: Mapping[str, object], word: str) -> str:
    """`word` as a sentence in the reader's language."""
    return str(words.get(word, word))
