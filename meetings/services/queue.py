"""The lobby as those see it who let people in: enough to tell two of one name apart, and a guest from an account."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Membership
from meetings.models import Participant


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who waits. `origin`: the organisation of their account, else its e-mail domain; "" where unknown."""

    row: Participant
    origin: str


def asking(own: Participant) -> list[Asking]:
    """Who waits, in the order of asking; nobody, for who does not moderate. Two queries.

    Where people work is told to colleagues: a guest who moderates learns only whether somebody has an account.
    """
    if not own.may_moderate:
        return []
    rows = Participant.objects.filter(room=own.room).waiting().in_order_of_asking()
    if own.is_guest:
        return [Asking(row, "") for row in rows]
    waiting = list(rows.select_related("user"))
    organisations = _organisations([row.user_id for row in waiting if row.user_id is not None])
    return [Asking(row, _origin(row, organisations)) for row in waiting]


def _organisations(user_ids: list[int]) -> dict[int, str]:
    """The name of the organisation that each belongs to, of several the latest."""
    if not user_ids:
        return {}
    current = Membership.objects.current().filter(user_id__in=user_ids).order_by("from_on", "pk")
    return dict(current.values_list("user_id", "organisation__name"))


def _origin(row: Participant, organisations: dict[int, str]) -> str:
    if row.user is None:
        return ""
    return organisations.get(row.user.pk) or row.user.email.rpartition("@")[2]
