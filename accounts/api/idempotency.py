"""A creation that is asked for twice, since the first answer was lost, makes one thing: header `Idempotency-Key`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.api.authentication import token_of
from accounts.api.errors import ApiError
from accounts.models import ApiCreation
from accounts.models.api_token import KEY_MAX_LENGTH

_KEY = re.compile(rf"[\x21-\x7e]{{1,{KEY_MAX_LENGTH}}}")

PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": r"^[\x21-\x7e]+$", "minLength": 1, "maxLength": KEY_MAX_LENGTH},
    OpenApiParameter.HEADER,
    description="Of your choice, new for each wish. Sent again within 24 hours it makes nothing and answers 200.",
)


def once(request: Request, make: Callable[[], UUID]) -> tuple[UUID, bool]:
    """What `make` made, in a transaction, and whether it was now. Raises `ApiError` 400, 409."""
    key = request.headers.get("Idempotency-Key")
    with transaction.atomic():
        if key is None:
            return make(), True
        if _KEY.fullmatch(key) is None:
            message = gettext("A key has 1 to 100 visible characters of ASCII.")
            raise ApiError(400, "invalid", message, where="header.Idempotency-Key")
        remembered = {"token": token_of(request), "key": key}
        digest = _digest(request)
        try:
            # The constraint decides: of two at once the second waits here for the first.
            with transaction.atomic():
                creation = ApiCreation.objects.create(**remembered, request_hash=digest)
        except IntegrityError:
            before = ApiCreation.objects.get(**remembered)
            if before.request_hash != digest or before.made_id is None:
                message = gettext("This key was sent with another wish before.")
                raise ApiError(409, "idempotency_conflict", message, where="header.Idempotency-Key") from None
            return before.made_id, False
        made = make()
        ApiCreation.objects.filter(pk=creation.pk).update(made_id=made)
        return made, True


def _digest(request: Request) -> str:
    wish = json.dumps([request.method, request.path, request.data], sort_keys=True)
    return hashlib.sha256(wish.encode()).hexdigest()
