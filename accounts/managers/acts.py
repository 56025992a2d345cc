"""What managers do to people of their organisation: each act asks `reach` anew, and the audit log has it as theirs."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.audit.parties import person as party
from accounts.audit.record import record
from accounts.browsers.sessions import end_sessions
from accounts.managers.reach import Act, Reach, reach_of
from accounts.models import Membership, Organisation, User
from accounts.models.organisation import MembershipRole
from accounts.models.user import normalise_email
from accounts.services import leavers
from accounts.services.invitations import issue_link


class NotAllowed(Exception):
    """It is not theirs to do; whether there is such a person, organisation or membership they are not told."""


class AddressTaken(Exception):
    """Somebody has an account with this address, here or elsewhere in the portal."""


def suspend(person: User, *, acting_user: User) -> None:
    """Raises `NotAllowed`, as all of these do."""
    with transaction.atomic():
        reach = _allowed(Act.SUSPEND, person, acting_user)
        leavers.suspend(person, acting_user=acting_user, scope=_scope(reach, person))


def reactivate(person: User, *, acting_user: User) -> None:
    with transaction.atomic():
        reach = _allowed(Act.REACTIVATE, person, acting_user)
        leavers.reactivate(person, acting_user=acting_user, scope=_scope(reach, person))


def sign_out(person: User, *, acting_user: User) -> int:
    """Of how many browsers."""
    with transaction.atomic():
        _allowed(Act.SIGN_OUT, person, acting_user)
        return end_sessions(person, acting_user=acting_user)


def give_link(person: User, *, acting_user: User) -> str:
    """By which they choose a password: shown once, kept nowhere."""
    with transaction.atomic():
        _allowed(Act.LINK, person, acting_user)
        return issue_link(person, acting_user=acting_user, before=person)


def add_person(
    organisation: Organisation, *, email: str, first_name: str, last_name: str, acting_user: User
) -> tuple[User, str]:
    """A new account, a member from today, and its one-time link. Raises `AddressTaken`.

    An account that is there already is never taken in: the link would open it, and the membership reach over it.
    """
    if not reach_of(acting_user).organisations().filter(pk=organisation.pk).exists():
        raise NotAllowed
    if User.objects.filter(email=normalise_email(email)).exists():
        raise AddressTaken
    try:
        with transaction.atomic():
            person = User.objects.create_user(email, first_name=first_name, last_name=last_name)
            Membership.objects.create(user=person, organisation=organisation)
            scope = str(organisation.public_id)
            record("person_added", actor=party(acting_user), target=party(person), scope=scope)
            return person, issue_link(person, acting_user=acting_user, before=None)
    except IntegrityError:  # somebody made it in the moment between
        raise AddressTaken from None


def change_role(membership: Membership, role: MembershipRole, *, acting_user: User) -> None:
    with transaction.atomic():
        if role not in reach_of(acting_user).roles_for(membership):
            raise NotAllowed
        before = membership.role
        # The role it had when it was allowed: of two at once, the second one finds it gone and changes nothing.
        changed = Membership.objects.filter(pk=membership.pk, role=before).exclude(role=role).update(role=role)
        membership.role = role
        if changed:
            record(
                "member_role_changed",
                actor=party(acting_user),
                target=party(membership.user),
                before={"role": before},
                after={"role": role.value},
                scope=str(membership.organisation.public_id),
            )


def _allowed(act: Act, person: User, acting_user: User) -> Reach:
    reach = reach_of(acting_user)
    if act not in reach.acts_on(person):
        raise NotAllowed
    return reach


def _scope(reach: Reach, person: User) -> str:
    """The highest organisation by which the manager may: who leads only a part of it does not undo the act."""
    places = [one.organisation for one in reach.memberships().filter(user=person).select_related("organisation")]
    return str(min((reach.root_of(place) for place in places), key=lambda root: root.depth).public_id)
