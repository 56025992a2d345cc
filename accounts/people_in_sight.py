"""Whose accounts a person may see: their own, those of open organisations that they manage, as administrator all."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership, Organisation, User
from accounts.models.organisation import MembershipRole, still_open

# Fewer are looked up and put in order; of more, a page is soon found by going through everybody in order. With 250,000
# people that is 0.1 s at most for either; the wrong one of them takes a second.
MANY = 5000
_MANAGING = (MembershipRole.MANAGER, MembershipRole.ADMINISTRATOR)


def people_visible_to(user: User | AnonymousUser) -> QuerySet[User]:
    """Staff with the right to see people see in the administration all of them, so they do here."""
    if not isinstance(user, User) or not user.is_active:
        return User.objects.none()
    if user.is_superuser or (user.is_staff and user.has_perm("accounts.view_user")):
        return User.objects.all()
    managed = Organisation.objects.filter(
        still_open(),
        pk__in=Membership.objects.current().filter(user=user, role__in=_MANAGING).values("organisation"),
    )
    within = Q()
    for organisation in managed:
        within |= Q(organisation=organisation) | Q(organisation__lineage__startswith=organisation.lineage_below)
    if not within:
        return User.objects.filter(pk=user.pk)
    theirs = Membership.objects.current().filter(within, still_open("organisation__")).order_by()
    if theirs[:MANY].count() < MANY:
        return User.objects.filter(Q(pk=user.pk) | Q(pk__in=theirs.values("user")))
    return User.objects.filter(Q(pk=user.pk) | Exists(theirs.filter(user=OuterRef("pk"))))
