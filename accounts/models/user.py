"""A person with an account. The e-mail address is only how they sign in: rights hang on the row, never on it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


def normalise_email(email: str) -> str:
    """The one spelling under which an address is stored and looked up."""
    return email.strip().lower()


# No mail is ever delivered there (RFC 2606).
_NOWHERE = "sign-in.invalid"


def placeholder_email(key: uuid.UUID) -> str:
    """For an account whose own address is another account's already: it signs in by a service, never by address."""
    return f"{key.hex}@{_NOWHERE}"


def is_placeholder(email: str) -> bool:
    return email.endswith(f"@{_NOWHERE}")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A saved person; without a password they cannot sign in until an invitation is used."""
        if not email.strip():
            raise ValueError("A person needs an e-mail address.")
        user = self.model(email=normalise_email(email), **fields)
        user.set_password(password)  # None makes it unusable
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=normalise_email(username or ""))


class User(AbstractUser):
    # AbstractUser's login name is not used: two names for one person would be one too many.
    username = None  # type: ignore[assignment]  # Django's documented way to drop an inherited field
    email = models.EmailField(_("e-mail address"), unique=True)
    # What other systems and exports see of a person. It never changes; addresses do, and are re-used by others.
    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # narrower than AbstractUser's manager

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        # For `people_search` on SQLite; PostgreSQL's are made by the migration.
        indexes: ClassVar = [
            models.Index(Lower("first_name"), name="user_by_first_name"),
            models.Index(Lower("last_name"), name="user_by_last_name"),
            # Few among many, in the order of the administration's list.
            models.Index(fields=["email"], condition=models.Q(is_staff=True), name="user_staff"),
            models.Index(fields=["email"], condition=models.Q(is_active=False), name="user_suspended"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_whatever_the_case"),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        self.email = normalise_email(self.email)

    @property
    def display_name(self) -> str:
        """What others in a room read: the full name, or the address's local part while no name is known."""
        if name := self.get_full_name():
            return name
        return str(_("No name")) if is_placeholder(self.email) else self.email.partition("@")[0]
