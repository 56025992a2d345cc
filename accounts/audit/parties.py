"""Who acts and what is acted on, as the audit log names them: a kind, an id that lasts, and a name to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


@dataclass(frozen=True, slots=True)
class Party:
    """`log_id` is what the log line says instead of the id; labels stay out of it."""

    kind: str
    id: str = ""
    label: str = ""
    log_id: str = ""

    @property
    def named_in_log(self) -> str:
        return self.log_id or self.id or self.kind


# A command on the machine itself, or a job by the clock.
SERVER = Party("server")
# Who came without an account.
NOBODY = Party("nobody")


def person(user: AbstractBaseUser | AnonymousUser | None) -> Party:
    """Somebody with an account; `SERVER` for None, as in services whose `acting_user` is None on the server."""
    if user is None:
        return SERVER
    if isinstance(user, AnonymousUser):
        return NOBODY
    # Any user model of ours: this module is imported by the models' own neighbours.
    return Party("person", str(user.public_id), user.display_name)  # type: ignore[attr-defined]  # see above


def party_of(row: Model) -> Party:
    """Any row: by its public id where it has one. `audit_label` is for models whose str() tells too much, `audit_kind`
    for those whose name the log would take for a secret's."""
    identity = getattr(row, "public_id", None) or row.pk
    label = getattr(row, "audit_label", None) or str(row)
    kind = "person" if row._meta.label == "accounts.User" else getattr(row, "audit_kind", row._meta.model_name)
    return Party(kind or "", str(identity), label)
