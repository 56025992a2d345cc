"""Whether the header leads to the pages of a manager. (Whether they open is asked there.)"""

from __future__ import annotations

from django import template

from accounts.managers.reach import leads_anything
from accounts.models import User

register = template.Library()


@register.simple_tag
def leads_an_organisation(person: object) -> bool:
    return isinstance(person, User) and leads_anything(person)
