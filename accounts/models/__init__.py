"""People who have an account, and the one-time invitations that let them set a password."""

from accounts.models.invitation import Invitation
from accounts.models.user import User

__all__ = ["Invitation", "User"]
