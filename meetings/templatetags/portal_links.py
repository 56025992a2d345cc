"""Links that people send to one another: absolute, under the portal's public address."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.urls import reverse

from meetings.models import Room

register = template.Library()


@register.simple_tag
def room_link(room: Room) -> str:
    return f"{settings.PORTAL_URL}{reverse('meetings:call', args=[room.slug])}"
