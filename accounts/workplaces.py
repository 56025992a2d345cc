"""Where somebody works, by the SIRETs that a sign-in service or an administrator may compare."""

from __future__ import annotations

from accounts.models import User
from accounts.models.employment import EmploymentStatus
from accounts.services.organisations import sirets_at


def sirets_said_of(user: User) -> set[str]:
    """The SIRETs with which somebody has signed in."""
    return set(user.identities.exclude(siret="").values_list("siret", flat=True))


def sirets_of(user: User, *, ever: bool = False) -> set[str]:
    """The SIRETs of where somebody works today, or ever did as far as is known: of an office without one, that of what
    it is the nearest part of.
    """
    memberships = user.memberships.all() if ever else user.memberships.current()
    jobs = user.employments.all() if ever else user.employments.filter(status=EmploymentStatus.PRESENT)
    keys = set(memberships.values_list("organisation_id", flat=True))
    keys |= {key for key in jobs.values_list("organisation_id", flat=True) if key is not None}
    return set(sirets_at(keys).values())
