"""Which two accounts are not made one, and what whoever asks does about it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Employment, Organisation, User
from accounts.models.organisation import ids_of
from accounts.workplaces import sirets_of, sirets_said_of

_WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "unknown": (
        _("Nobody has this address, id or HR id."),
        _("Write an e-mail address, the public id, or source:HR id. Guests have no account that could be merged."),
    ),
    "itself": (_("These are one account already."), _("Name two accounts.")),
    "suspended": (
        _("One of the two accounts is suspended."),
        _("A merge must not let somebody in who was put out. Re-activate the account first if that was wrong."),
    ),
    "administrator": (
        _("One of the two accounts may administer the portal, or bring HR files."),
        _("Take these rights away first, merge, and give them back to whom they belong."),
    ),
    "two_hr_records": (
        _("One HR system knows them as two people: both accounts have an HR record of the same source."),
        _("Find out which record is linked to the wrong account, and remove it there first."),
    ),
    "other_organisation": (
        _("They belong to different organisations."),
        _("If it is one person who changed, let HR or an administrator move one of the accounts first."),
    ),
    # Of whole ministries, told by line.
    "linked": (_("They sign in by the new provider already."), _("Nothing to do.")),
    "decided": (_("Somebody decided on this proposal before."), _("Look at it in the administration.")),
    "no_account": (_("Nobody with this address has signed in by the former provider."), _("Correct the address.")),
    "not_come": (
        _("They have not signed in by the new provider yet."),
        _("Nothing to do; run the command again once they have."),
    ),
    "several_keys": (
        _("The new provider knows several people with this address."),
        _("Find out which of them it is, and merge in the administration."),
    ),
    "several_accounts": (
        _("The new account may be that of several people."),
        _("Find out which of them it is, and merge in the administration."),
    ),
    "address_differs": (
        _("The address at the new provider is not that of the account any more."),
        _("Compare both accounts in the administration, and merge there."),
    ),
    "siret_differs": (
        _("The SIRET at the new provider is not that of the account."),
        _("Correct the organisation first, or merge in the administration."),
    ),
    "line_twice": (_("The file has this address before."), _("Keep one of the two lines.")),
    "no_address": (_("This is no e-mail address."), _("Write it as name@ministry.example.")),
    "line_damaged": (_("The line cannot be read."), _("Export the file again as CSV.")),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str

    @property
    def text(self) -> str:
        return str(_WORDS[self.code][0])

    @property
    def remedy(self) -> str:
        return str(_WORDS[self.code][1])


class MayNotMerge(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(code)


def refusal_of(ended: User, kept: User) -> Refusal | None:
    """Why these two stay two, in this order of importance; None where they may be merged."""
    if ended.pk == kept.pk:
        return Refusal("itself")
    if not (ended.is_active and kept.is_active):
        return Refusal("suspended")
    if any(one.is_staff or one.is_superuser or one.hr_duties.exists() for one in (ended, kept)):
        return Refusal("administrator")
    sources = Employment.objects.filter(user=kept).values("source")
    if Employment.objects.filter(user=ended, source__in=sources).exists():
        return Refusal("two_hr_records")
    if _are_apart(ended, kept):
        return Refusal("other_organisation")
    return None


def _are_apart(ended: User, kept: User) -> bool:
    """Whether both are known to work somewhere, and nowhere is it the same."""
    sirets = [sirets_of(one) | sirets_said_of(one) for one in (ended, kept)]
    if all(sirets):
        return sirets[0].isdisjoint(sirets[1])
    roots = [_roots_of(one) for one in (ended, kept)]
    return all(roots) and roots[0].isdisjoint(roots[1])


def _roots_of(person: User) -> set[int]:
    """What stands at the top of where somebody works today."""
    keys = person.memberships.current().values("organisation")
    return {ids_of(one.lineage_below)[0] for one in Organisation.objects.filter(pk__in=keys)}
