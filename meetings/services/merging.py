"""Rooms and stays in calls go over to the account that is kept when two accounts of one person become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.merging import movable
from accounts.models import User
from meetings.models import Participant, Room
from meetings.services.leavers import pass_on


class _Rooms(movable.Movable):
    def move(self, keys: Sequence[Any], *, from_id: int, to_id: int) -> int:
        """Whoever is inside an open one and owns it now is its host from now on."""
        owner = User.objects.get(pk=to_id)
        for room in Room.objects.open().filter(pk__in=keys, owner_id=from_id):
            pass_on(room, owner)
        super().move(keys, from_id=from_id, to_id=to_id)  # the closed ones
        return Room.objects.filter(pk__in=keys, owner_id=to_id).count()


def register() -> None:
    movable.register(_Rooms("rooms", _("Rooms"), Room, "owner", title=lambda room: room.office_name))
    movable.register(movable.Movable("stays", _("Stays in calls"), Participant))
