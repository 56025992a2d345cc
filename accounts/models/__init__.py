"""People who have an account, where they work, what is laid down for them, their invitations, and the audit log."""

from accounts.models.api_token import ApiCreation, ApiToken
from accounts.models.audit import AuditAnchor, AuditEntry, AuditHead
from accounts.models.browser_session import BrowserSession
from accounts.models.employment import Employment
from accounts.models.hr_file import HrDuty, HrFile, HrUndo
from accounts.models.identity import MergeProposal, SignInIdentity
from accounts.models.invitation import Invitation
from accounts.models.organisation import Group, Membership, Organisation
from accounts.models.policy import Policy
from accounts.models.provisioning import ProvisioningChange, ProvisioningRun
from accounts.models.user import User

__all__ = [
    "ApiCreation",
    "ApiToken",
    "AuditAnchor",
    "AuditEntry",
    "AuditHead",
    "BrowserSession",
    "Employment",
    "Group",
    "HrDuty",
    "HrFile",
    "HrUndo",
    "Invitation",
    "Membership",
    "MergeProposal",
    "Organisation",
    "Policy",
    "ProvisioningChange",
    "ProvisioningRun",
    "SignInIdentity",
    "User",
]
