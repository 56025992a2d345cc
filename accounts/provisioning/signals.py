"""Told when an import took people out: whoever ends calls, tokens and feeds listens."""

from __future__ import annotations

from django.dispatch import Signal

# Sent after the commit, with `user_ids` (a list) of accounts that are not active any more.
people_deactivated = Signal()
