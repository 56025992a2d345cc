"""Organisations in their tree, who belongs to them from when to when, and groups of people across them.

`lineage` holds the keys of an organisation's ancestors, root first: "1/5/" is a child of 5, which is a child of 1. It
answers both questions that are asked all the time, without recursion: who is above (read the keys from the row at hand;
their policies are one query) and who is below (a prefix). A recursive query would answer them without a second copy of
the tree, but Django has none, it reads level by level, and a cycle sends it round for ever; here a row that is its own
ancestor cannot be written. The price is paid where it is rare: a move rewrites the lineages below (`services`). The own
key is left out, so that a lineage is known before the row is saved and whole levels are made in bulk.
"""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import siret

NAME_MAX_LENGTH = 200
# Ministry, directorate, department, office, … : far more levels than any has, few enough for LINEAGE_MAX_LENGTH.
MAX_DEPTH = 16
# A key of up to fourteen digits and its slash for each level.
LINEAGE_MAX_LENGTH = MAX_DEPTH * 15
SOURCE_MAX_LENGTH = 40
EXTERNAL_ID_MAX_LENGTH = 100


def still_open(prefix: str = "") -> models.Q:
    """Those that are not closed today. `prefix` leads to them, as in `organisation__`."""
    not_yet = models.Q(**{f"{prefix}closed_on__gt": timezone.localdate()})
    return models.Q(**{f"{prefix}closed_on": None}) | not_yet


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def below(self, organisation: Organisation) -> OrganisationQuerySet:
        """All that is in it, at any depth; not itself."""
        return self.filter(lineage__startswith=organisation.lineage_below)

    def within(self, organisation: Organisation) -> OrganisationQuerySet:
        """Itself and all that is in it."""
        return self.filter(models.Q(pk=organisation.pk) | models.Q(lineage__startswith=organisation.lineage_below))

    def matching(self, words: str) -> OrganisationQuerySet:
        """Whose name holds each of the words, or whose SIRET begins with one."""
        found = self
        for word in words.split():
            found = found.filter(models.Q(name__icontains=word) | models.Q(siret__startswith=word))
        return found


class Organisation(models.Model):
    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH)
    # Not unique: offices of one establishment are organisations of their own here.
    siret = models.CharField(
        _("SIRET"), max_length=siret.LENGTH, blank=True, db_index=True, validators=[siret.validate_siret]
    )
    # Moved by `services.organisations.move`, which keeps the lineages below. PROTECT: a branch never goes at once.
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    lineage = models.CharField(max_length=LINEAGE_MAX_LENGTH, blank=True, db_index=True, editable=False)
    # By which system and under which key an import finds it again; both empty for what is made by hand.
    source = models.CharField(_("source"), max_length=SOURCE_MAX_LENGTH, blank=True)
    external_id = models.CharField(_("key at the source"), max_length=EXTERNAL_ID_MAX_LENGTH, blank=True)
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering: ClassVar = ["name", "pk"]
        indexes: ClassVar = [models.Index(fields=["name"], name="organisation_by_name")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~models.Q(external_id=""),
                name="organisation_one_per_key_at_the_source",
            ),
            models.CheckConstraint(
                condition=models.Q(external_id="") | ~models.Q(source=""), name="organisation_key_has_a_source"
            ),
            models.CheckConstraint(
                condition=models.Q(siret="") | models.Q(Exact(Length("siret"), siret.LENGTH)),
                name="organisation_siret_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(parent=None, lineage="") | (models.Q(parent__isnull=False) & ~models.Q(lineage="")),
                name="organisation_with_a_parent_has_a_lineage",
            ),
            models.CheckConstraint(
                condition=models.Q(parent=None) | ~models.Q(parent=models.F("pk")),
                name="organisation_is_not_in_itself",
            ),
        ]

    def __str__(self) -> str:
        """With the name of what it is part of, where that is loaded: each directorate has an "Office 1"."""
        parent = self.parent if Organisation.parent.is_cached(self) else None
        return f"{self.name} ({parent.name})" if parent is not None else self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new row gets its lineage. (`bulk_create` asks nobody: set `lineage = parent.lineage_below` there.)"""
        if self._state.adding and self.parent is not None:
            self.lineage = self.parent.lineage_below
        super().save(*args, **kwargs)

    @property
    def ancestor_ids(self) -> list[int]:
        """Keys of those above, root first."""
        return ids_of(self.lineage)

    @property
    def lineage_below(self) -> str:
        """The lineage of its children. It must be saved."""
        return f"{self.lineage}{self.pk}/"

    @property
    def depth(self) -> int:
        return self.lineage.count("/")


def ids_of(lineage: str) -> list[int]:
    """The keys in a lineage, root first."""
    return [int(key) for key in lineage.split("/") if key]


class MembershipRole(models.TextChoices):
    MEMBER = "member", _("Member")
    MANAGER = "manager", _("Manager")
    ADMINISTRATOR = "administrator", _("Administrator")

    @property
    def may_manage(self) -> bool:
        return self in (MembershipRole.MANAGER, MembershipRole.ADMINISTRATOR)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self, on: date | None = None) -> MembershipQuerySet:
        """Those that count on a day (today): begun, and not over."""
        day = on or timezone.localdate()
        return self.filter(from_on__lte=day).filter(models.Q(until_on=None) | models.Q(until_on__gte=day))

    def within(self, organisation: Organisation) -> MembershipQuerySet:
        """In it or in what is in it. By a join: of a list of thousands, SQLite looks each up for each person."""
        below = models.Q(organisation__lineage__startswith=organisation.lineage_below)
        return self.filter(models.Q(organisation=organisation) | below)


class Membership(models.Model):
    """A person in an organisation, for a time. Rights come from those that are current, never from an address."""

    # Both are found by the first column of an index below: one more each would only be written, row by row, at imports.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="memberships",
        verbose_name=_("person"),
        db_index=False,
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="memberships",
        verbose_name=_("organisation"),
        db_index=False,
    )
    role = models.CharField(_("role"), max_length=13, choices=MembershipRole, default=MembershipRole.MEMBER)
    from_on = models.DateField(_("from"), default=timezone.localdate)
    until_on = models.DateField(_("until"), null=True, blank=True, help_text=_("The last day; empty: without end."))
    # The import that made it and may end it; empty for one made by hand, which no import touches.
    source = models.CharField(_("source"), max_length=SOURCE_MAX_LENGTH, blank=True, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering: ClassVar = ["-from_on", "pk"]
        indexes: ClassVar = [models.Index(fields=["organisation", "role"], name="membership_by_organisation")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "organisation", "from_on"], name="membership_one_per_organisation_and_day"
            ),
            models.CheckConstraint(
                condition=models.Q(until_on=None) | models.Q(until_on__gte=models.F("from_on")),
                name="membership_ends_after_it_began",
            ),
            models.CheckConstraint(condition=models.Q(role__in=MembershipRole.values), name="membership_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.organisation}"

    @property
    def is_current(self) -> bool:
        today = timezone.localdate()
        return self.from_on <= today and (self.until_on is None or self.until_on >= today)


class Group(models.Model):
    """People who meet again and again, wherever they work. It gives nobody a right."""

    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="groups",
        verbose_name=_("organisation"),
        help_text=_("Who looks after it; empty: the portal’s administrators."),
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="people_groups", verbose_name=_("people")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("group of people")
        verbose_name_plural = _("groups of people")
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "name"], name="group_name_once_per_organisation"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(organisation=None), name="group_name_once_without_organisation"
            ),
        ]

    def __str__(self) -> str:
        return self.name
