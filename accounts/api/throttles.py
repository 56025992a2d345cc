"""How often one may ask: by address before anything else is looked at, then by token. Counted as everywhere in the
portal (`accounts/rate_limits`), so the address is that behind trusted proxies."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.utils.translation import gettext
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts import rate_limits
from accounts.api.authentication import token_of
from accounts.api.errors import ApiError

# Several applications of one ministry may stand behind one address.
ADDRESS_PER_MINUTE = 3000
# Of refusals from one network and of one kind, as many are kept; of all together, as many: nobody fills the audit log.
REFUSALS_KEPT_PER_MINUTE = 3
ALL_REFUSALS_KEPT_PER_MINUTE = 60


class AddressThrottle(BaseThrottle):
    per_minute = ADDRESS_PER_MINUTE
    now: Callable[[], float] = staticmethod(time.time)

    def allow_request(self, request: Request, view: APIView) -> bool:
        source = rate_limits.source_of(request._request)
        return rate_limits.is_allowed("api_address", source, per_minute=self.per_minute, now=self.now())

    def wait(self) -> float:
        return rate_limits.seconds_left(now=self.now())


class TokenThrottle(BaseThrottle):
    now: Callable[[], float] = staticmethod(time.time)

    def allow_request(self, request: Request, view: APIView) -> bool:
        token = token_of(request)
        per_minute = token.requests_per_minute
        return rate_limits.is_allowed("api_token", str(token.public_id), per_minute=per_minute, now=self.now())

    def wait(self) -> float:
        return rate_limits.seconds_left(now=self.now())


def throttled(seconds: float | None) -> ApiError:
    headers = {"Retry-After": str(max(1, round(seconds or rate_limits.WINDOW_SECONDS)))}
    return ApiError(429, "throttled", gettext("There were too many requests in this minute."), headers=headers)


def is_kept(request: Request, code: str) -> bool:
    """Whether this refusal goes into the audit log, too."""
    source = rate_limits.source_of(request._request)
    return rate_limits.is_allowed(
        "api_refusal", source, code, per_minute=REFUSALS_KEPT_PER_MINUTE
    ) and rate_limits.is_allowed("api_refusals", per_minute=ALL_REFUSALS_KEPT_PER_MINUTE)
