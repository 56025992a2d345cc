from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.api.scopes import register

ROOMS_READ = "rooms:read"
ROOMS_WRITE = "rooms:write"
CALLS_READ = "calls:read"

register(
    {
        ROOMS_READ: _("Read the owner’s rooms, with their links"),
        ROOMS_WRITE: _("Open, change and close the owner’s rooms"),
        CALLS_READ: _("Read when calls were in them, and who is there now"),
    }
)
