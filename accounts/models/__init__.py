"""People who have an account, where they work, what is laid down for them, and the invitations that let them in."""

from accounts.models.employment import Employment
from accounts.models.invitation import Invitation
from accounts.models.organisation import Group, Membership, Organisation
from accounts.models.policy import Policy
from accounts.models.user import User

__all__ = ["Employment", "Group", "Invitation", "Membership", "Organisation", "Policy", "User"]
