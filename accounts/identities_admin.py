"""Sign-in identities in the admin: read, never typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import SignInIdentity, User

# Generic for the type checker only.
if TYPE_CHECKING:
    _IdentityInline = admin.TabularInline[SignInIdentity, User]
else:
    _IdentityInline = admin.TabularInline


class IdentityInline(_IdentityInline):
    """By which keys a person signs in, as the service last told of them."""

    model = SignInIdentity
    fk_name = "user"
    extra = 0
    can_delete = False
    fields = ("issuer", "sub", "email", "siret", "organisation", "idp_id", "uid", "acr", "last_sign_in_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
