"""Whether somebody reads the mail of the address under which they sign in: they open a link from it while signed in."""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from accounts.audit.parties import person as party
from accounts.audit.record import record
from accounts.models import User

LIFETIME_HOURS = 24
_SALT = "accounts.browsers.address"


class LinkInvalid(Exception):
    """Of another account, of an address that the account has no more, too old, or none of ours."""


def is_confirmed(person: User) -> bool:
    """Of this very address: one that an administrator changes is confirmed anew."""
    return bool(EmailAddress.objects.filter(user=person, email=person.email, verified=True).exists())


def send_link(person: User) -> None:
    token = signing.dumps([str(person.public_id), person.email], salt=_SALT)
    link = f"{settings.PORTAL_URL}{reverse('accounts:confirm_address')}?{urlencode({'token': token})}"
    get_adapter().send_mail("accounts/mail/address", person.email, {"link": link, "hours": LIFETIME_HOURS})


def check_link(token: str, person: User) -> None:
    """Raises `LinkInvalid`."""
    try:
        told = signing.loads(token, salt=_SALT, max_age=LIFETIME_HOURS * 3600)
    except signing.BadSignature as error:
        raise LinkInvalid from error
    if told != [str(person.public_id), person.email]:
        raise LinkInvalid


def confirm(token: str, person: User) -> None:
    """Raises `LinkInvalid`."""
    check_link(token, person)
    with transaction.atomic():
        if is_confirmed(person):
            return
        # Nobody else's word for this address holds any longer: it was given to this person.
        EmailAddress.objects.filter(email=person.email).delete()
        EmailAddress.objects.filter(user=person).delete()
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
        record("address_confirmed", actor=party(person), target=party(person))
