"""By what an administrator names a person: e-mail address, public id, or `source:hr_id`."""

from __future__ import annotations

import uuid

from accounts.models import Employment, User
from accounts.models.user import normalise_email


def person_named(name: str) -> User | None:
    name = name.strip()
    if "@" in name:
        return User.objects.filter(email=normalise_email(name)).first()
    source, separator, hr_id = name.partition(":")
    if separator:
        record = Employment.objects.filter(source=source, hr_id=hr_id).select_related("user").first()
        return record.user if record is not None else None
    try:
        return User.objects.filter(public_id=uuid.UUID(name)).first()
    except ValueError:
        return None
