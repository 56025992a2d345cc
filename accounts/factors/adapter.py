"""How allauth keeps factors here: secrets encrypted by the portal's key, names in the person's language."""

from __future__ import annotations

import base64
import hashlib

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext

# Of an authenticator app, of recovery codes.
_ENCRYPTED = ("secret", "seed")


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    def encrypt(self, text: str) -> str:
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Under a key that is known no more, a secret that nobody has: no code fits, and nothing breaks."""
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return base64.b32encode(hashlib.sha256((settings.SECRET_KEY + encrypted_text).encode()).digest()).decode()

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002  allauth's
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("Passkey %(number)d") % {"number": count + 1}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Visio"}


def encrypt_anew() -> int:
    """Puts each secret under the newest key, so that former ones may be forgotten; how many factors that were.

    One that no known key opens stays as it is.
    """
    count, box = 0, _box()
    for key in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("pk", flat=True):
        with transaction.atomic():
            factor = Authenticator.objects.select_for_update().filter(pk=key).first()
            if factor is None:
                continue  # taken away meanwhile
            try:
                anew = {
                    name: box.rotate(factor.data[name].encode()).decode() for name in _ENCRYPTED if name in factor.data
                }
            except InvalidToken:
                continue
            Authenticator.objects.filter(pk=key).update(data={**factor.data, **anew})
        count += 1
    return count


def _box() -> MultiFernet:
    """The newest key encrypts, each that is still known decrypts."""
    return MultiFernet([Fernet(_key(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"accounts.factors:{secret}".encode()).digest())
