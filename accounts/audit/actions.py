"""The words of the audit log: each action with what an administrator reads. Apps above add theirs with `register`."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

actions: dict[str, str | Promise] = {
    "signed_in": _("Signed in"),
    "sign_in_failed": _("Sign-in failed"),
    "sign_in_refused": _("Sign-in refused"),
    "signed_out": _("Signed out"),
    "password_changed": _("Password changed"),
    "factor_added": _("Second factor added"),
    "factor_removed": _("Second factor removed"),
    "factor_failed": _("Second factor wrong"),
    "session_ended": _("Signed out of another browser"),
    "sessions_ended": _("Signed out of all browsers"),
    "sessions_listed": _("Browser sessions listed"),
    "address_confirmed": _("E-mail address confirmed"),
    "other_sessions_ended": _("Signed out everywhere else"),
    "name_changed": _("Name changed"),
    "invited": _("Invited by link"),
    "invitation_accepted": _("Invitation accepted"),
    "invitations_revoked": _("Links made worthless"),
    "admin_added": _("Added in the administration"),
    "admin_changed": _("Changed in the administration"),
    "admin_deleted": _("Deleted in the administration"),
    "admin_acted": _("Action in the administration"),
    "organisation_moved": _("Organisation moved"),
    "policy_changed": _("Policy changed"),
    "provisioning_began": _("Import began"),
    "provisioning_ended": _("Import ended"),
    "provisioning_undone": _("Import undone"),
    "provisioning_undo_ordered": _("Undoing of an import ordered"),
    "hr_file_uploaded": _("HR file uploaded"),
    "hr_file_previewed": _("HR file looked at"),
    "hr_file_refused": _("HR file refused"),
    "hr_file_confirmed": _("Applying of an HR file ordered"),
    "hr_file_applied": _("HR file applied"),
    "hr_file_deleted": _("HR file deleted"),
    "hr_report_fetched": _("Report on an HR file fetched"),
    "person_created": _("Account made by an import"),
    "person_updated": _("Account changed by an import"),
    "person_adopted": _("Account of a sign-in taken over by an import"),
    "person_moved": _("Moved to another organisation by an import"),
    "person_suspended": _("Account suspended"),
    "person_reactivated": _("Account re-activated"),
    "person_left": _("Left"),
    "person_added": _("Account made by a manager"),
    "member_role_changed": _("Role in an organisation changed"),
    "person_address_freed": _("Address freed for somebody else"),
    "person_restored": _("Import of this person undone"),
    "organisation_created": _("Organisation made by an import"),
    "organisation_changed": _("Organisation changed by an import"),
    "organisation_restored": _("Import of this organisation undone"),
    "people_exported": _("People exported"),
    "account_started": _("Account made at the first sign-in"),
    "account_attached": _("Account taken over at the first sign-in"),
    "address_followed": _("E-mail address changed at the sign-in service"),
    "merge_proposed": _("Merge of two accounts proposed"),
    "merge_declined": _("Merge of two accounts declined"),
    "account_merged": _("Account merged into another, and ended"),
    "account_took_over": _("Account took over what another had"),
    "account_unmerged": _("Account that had been merged is back"),
    "account_gave_back": _("Account gave back what it had taken over"),
    "api_token_created": _("API token given"),
    "api_token_revoked": _("API token revoked"),
    "api_refused": _("Refused at the API"),
    "audit_exported": _("Audit log exported"),
    "audit_cut": _("Old entries of the audit log deleted"),
    "audit_signed": _("Audit log signed anew"),
}


class UnknownAction(LookupError):
    """Nobody registered this action: a mistake in our code."""


def register(more: Mapping[str, str | Promise]) -> None:
    actions.update(more)


def label_of(action: str) -> str:
    """What is read for it; the name itself for one of another version."""
    return str(actions.get(action, action))
