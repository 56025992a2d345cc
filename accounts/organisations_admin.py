"""Organisations, memberships, groups and policies in the admin: lists that cost the same at twelve thousand rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.exact_time import exact_time
from accounts.models import Employment, Group, Membership, Organisation, Policy, User
from accounts.models.organisation import NAME_MAX_LENGTH, MembershipRole
from accounts.names import clean_name
from accounts.people_search import organisations_matching, people_matching
from accounts.policies.resolution import Origin, Policies, policies_of_organisation
from accounts.policies.table import KINDS, label_of
from accounts.policy_form import PolicyForm, PolicyFormSet
from accounts.services.organisations import Misplaced, check_place, laid_down, move, record_policy_change
from accounts.siret import normalise_siret

# Generic for the type checker only.
if TYPE_CHECKING:
    _OrganisationModelForm = ModelForm[Organisation]
    _OrganisationModelAdmin = admin.ModelAdmin[Organisation]
    _MembershipModelAdmin = admin.ModelAdmin[Membership]
    _GroupModelAdmin = admin.ModelAdmin[Group]
    _PolicyModelAdmin = admin.ModelAdmin[Policy]
    _PolicyInline = admin.StackedInline[Policy, Organisation]
    _LeaderInline = admin.TabularInline[Membership, Organisation]
    _MembershipInline = admin.TabularInline[Membership, User]
    _EmploymentInline = admin.TabularInline[Employment, User]
else:
    _OrganisationModelForm = ModelForm
    _OrganisationModelAdmin = _MembershipModelAdmin = _GroupModelAdmin = _PolicyModelAdmin = admin.ModelAdmin
    _PolicyInline = admin.StackedInline
    _LeaderInline = _MembershipInline = _EmploymentInline = admin.TabularInline

_NOWHERE = "–"


def policies_table(policies: Policies) -> SafeString:
    """All rules with their value and who laid it down, as HTML."""
    rows = [
        {
            "name": kind.name,
            "label": label_of(kind),
            "value": kind.words(answer.value),
            "origins": [{"text": str(origin), "address": _address_of(origin)} for origin in answer.origins],
        }
        for kind, answer in policies.rows()
    ]
    return SafeString(render_to_string("admin/accounts/policies_in_force.html", {"rows": rows}))


def _address_of(origin: Origin) -> str:
    if origin.organisation_id is None:
        return ""
    return reverse("admin:accounts_organisation_change", args=[origin.organisation_id])


class PlacedChangeList(ChangeList):
    """A page of organisations with the names of those above: one query more, whatever the number of rows."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        name_places(list(self.result_list))


def name_places(organisations: list[Organisation]) -> None:
    """Gives each a `place`: the names of those above, root first. One query."""
    keys = {key for organisation in organisations for key in organisation.ancestor_ids}
    names = dict(Organisation.objects.filter(pk__in=keys).values_list("pk", "name"))
    for one in organisations:
        one.place = " › ".join(names.get(key, "?") for key in one.ancestor_ids)  # type: ignore[attr-defined]  # for the list


class OrganisationForm(_OrganisationModelForm):
    # Longer than what is stored: people write it with spaces.
    siret = forms.CharField(label=_("SIRET"), max_length=30, required=False)

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"], max_length=NAME_MAX_LENGTH)

    def clean_siret(self) -> str:
        return normalise_siret(self.cleaned_data["siret"])

    def clean_parent(self) -> Organisation | None:
        parent: Organisation | None = self.cleaned_data["parent"]
        try:
            check_place(self.instance, parent)
        except Misplaced:
            text = gettext(
                "It cannot stand there: an organisation is part neither of itself nor of what is in it, "
                "and a tree has 16 levels at most."
            )
            raise forms.ValidationError(text) from None
        return parent


class PolicyInline(_PolicyInline):
    model = Policy
    form = PolicyForm
    formset = PolicyFormSet
    extra = 0
    max_num = 1


class LeaderInline(_LeaderInline):
    """Its managers and administrators. Thousands of members are a list of their own, not a form."""

    model = Membership
    verbose_name_plural = _("managers and administrators")
    fields = ("user", "role", "from_on", "until_on")
    autocomplete_fields = ("user",)
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        leaders = super().get_queryset(request).exclude(role=MembershipRole.MEMBER)
        return leaders.select_related("user", "organisation")


@admin.register(Organisation)
class OrganisationAdmin(_OrganisationModelAdmin):
    form = OrganisationForm
    list_display = ("name", "stands_in", "siret", "members_now", "closed_on")
    list_filter = ("closed_on", "source")
    search_fields = ("name", "^siret", "=external_id")
    ordering = ("name", "pk")
    show_full_result_count = False
    list_per_page = 50
    autocomplete_fields = ("parent",)
    readonly_fields = ("public_id", "stands_in", "policies_in_force")
    fieldsets = (
        (None, {"fields": ("name", "parent", "stands_in", "siret", "closed_on", "public_id")}),
        (_("Import"), {"fields": ("source", "external_id")}),
        (_("Policies in force"), {"fields": ("policies_in_force",)}),
    )
    inlines = (PolicyInline, LeaderInline)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PlacedChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organisation]:
        members = Membership.objects.current().filter(organisation=OuterRef("pk")).order_by().values("organisation")
        count = Subquery(members.annotate(people=Count("user", distinct=True)).values("people"))
        return super().get_queryset(request).select_related("parent").annotate(people=Coalesce(count, 0))

    @admin.display(description=_("people"))  # no order by it: all would be counted
    def members_now(self, organisation: Organisation) -> int:
        return int(organisation.people)  # type: ignore[attr-defined]  # annotated above

    @admin.display(description=_("part of"))
    def stands_in(self, organisation: Organisation) -> str:
        if organisation.pk is not None and not hasattr(organisation, "place"):
            name_places([organisation])
        return getattr(organisation, "place", "") or _NOWHERE

    @admin.display(description=_("policies in force"))
    def policies_in_force(self, organisation: Organisation) -> str:
        if organisation.pk is None:
            return gettext("They are shown once the organisation is saved.")
        return policies_table(policies_of_organisation(organisation))

    def save_model(self, request: HttpRequest, obj: Organisation, form: Any, change: bool) -> None:
        """A new parent is a move of all that is below."""
        parent = obj.parent
        if change:
            obj.parent_id = form.initial.get("parent")
        super().save_model(request, obj, form, change)
        if change:
            move(obj, parent, acting_user=_staff(request))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if formset.model is not Policy:
            super().save_formset(request, form, formset, change)
            return
        before = laid_down(Policy.objects.filter(organisation=form.instance).first())
        super().save_formset(request, form, formset, change)
        after = Policy.objects.filter(organisation=form.instance).first() or Policy(organisation=form.instance)
        record_policy_change(after, before, acting_user=_staff(request))


class MadeBy(admin.SimpleListFilter):
    """Not by the names of all sources, for which all memberships would be read."""

    title = _("source")
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("hand", _("By hand")), ("import", _("By an import"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> QuerySet[Membership]:
        match self.value():
            case "hand":
                return queryset.filter(source="")
            case "import":
                return queryset.exclude(source="")
        return queryset


@admin.register(Membership)
class MembershipAdmin(_MembershipModelAdmin):
    list_display = ("user", "organisation", "role", "from_on", "until_on", "source")
    list_filter = ("role", MadeBy)
    list_select_related = ("user", "organisation__parent")
    search_fields = ("^user__email",)  # shows the field; `get_search_results` does the search
    search_help_text = _("How the name or e-mail address of a person begins, or the name or SIRET of an organisation.")
    ordering = ("-pk",)  # by day, the database would sort a quarter of a million rows for each page
    show_full_result_count = False
    list_per_page = 50
    autocomplete_fields = ("user", "organisation")
    fields = ("user", "organisation", "role", "from_on", "until_on", "source")
    readonly_fields = ("source",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Membership], search_term: str
    ) -> tuple[QuerySet[Membership], bool]:
        """Without a join: each half is found by its own index."""
        words = search_term.strip()
        if not words:
            return queryset, False
        people, organisations = people_matching(words).values("pk"), organisations_matching(words).values("pk")
        return queryset.filter(Q(user__in=people) | Q(organisation__in=organisations)), False


@admin.register(Group)
class GroupAdmin(_GroupModelAdmin):
    list_display = ("name", "organisation", "people_in_it")
    list_select_related = ("organisation__parent",)
    search_fields = ("name",)
    autocomplete_fields = ("organisation", "members")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(people=Count("members"))

    @admin.display(description=_("people"), ordering="people")
    def people_in_it(self, group: Group) -> int:
        return int(group.people)  # type: ignore[attr-defined]  # annotated above


@admin.register(Policy)
class PolicyAdmin(_PolicyModelAdmin):
    """All that is laid down, on one page, and the place of the portal's own row."""

    form = PolicyForm
    list_display = ("__str__", "what_it_says", "changed")
    list_select_related = ("organisation__parent",)
    search_fields = ("organisation__name",)
    autocomplete_fields = ("organisation",)

    @admin.display(description=_("rules"))
    def what_it_says(self, policy: Policy) -> str:
        """What it leaves open has no place here."""
        rules = [
            (label_of(KINDS[name]), KINDS[name].words(KINDS[name].read(it))) for name, it in laid_down(policy).items()
        ]
        return format_html_join(mark_safe("<br>"), "{} <strong>{}</strong>", rules) or _NOWHERE

    @admin.display(description=_("changed at"), ordering="updated_at")
    def changed(self, policy: Policy) -> str:
        return exact_time(policy.updated_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Policy | None = None) -> tuple[str, ...]:
        return ("organisation",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        before = laid_down(Policy.objects.filter(pk=obj.pk).first()) if change else {}
        super().save_model(request, obj, form, change)
        record_policy_change(obj, before, acting_user=_staff(request))

    def delete_model(self, request: HttpRequest, obj: Policy) -> None:
        before = laid_down(obj)
        super().delete_model(request, obj)
        record_policy_change(Policy(organisation=obj.organisation), before, acting_user=_staff(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Policy]) -> None:
        for policy in queryset.select_related("organisation"):
            self.delete_model(request, policy)


class MembershipInline(_MembershipInline):
    model = Membership
    fields = ("organisation", "role", "from_on", "until_on", "source")
    readonly_fields = ("source",)
    autocomplete_fields = ("organisation",)
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("organisation", "user")


class EmploymentInline(_EmploymentInline):
    """What HR says: read here, changed there."""

    model = Employment
    fields = readonly_fields = ("source", "hr_id", "status", "organisation", "email", "arrives_on", "leaves_on")
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Employment]:
        return super().get_queryset(request).select_related("organisation", "user")

    def has_add_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


def _staff(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
