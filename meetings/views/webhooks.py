"""`POST /webhooks/livekit`: events of a LiveKit cluster, signed with our API key."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from livekit.api import TokenVerifier, WebhookReceiver
from livekit.protocol.webhook import WebhookEvent

from meetings.engine_events import BadEvent, receive_or_set_aside

MAX_BODY_BYTES = 1 << 20

log = structlog.get_logger(__name__)


@csrf_exempt
@require_POST
def livekit(request: HttpRequest) -> HttpResponse:
    """200 once the event is committed, also when it was before, or set aside: else the sender gives up some time."""
    event = _verified(request)
    if event is None:
        log.warning("webhook_refused")
        return HttpResponse("the signature does not fit", status=401, content_type="text/plain")
    try:
        receive_or_set_aside(event)
    except BadEvent as error:
        log.warning("webhook_bad", reason=str(error))
        return HttpResponse(str(error), status=400, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")


def _verified(request: HttpRequest) -> WebhookEvent | None:
    """The event, if its token is ours and the token's hash is the body's."""
    if not settings.LIVEKIT_API_KEY or not settings.LIVEKIT_API_SECRET or len(request.body) > MAX_BODY_BYTES:
        return None
    receiver = WebhookReceiver(TokenVerifier(settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET))
    token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    try:
        return receiver.receive(request.body.decode(), token)
    except Exception:  # noqa: BLE001  the stock receiver raises a bare Exception for a hash that differs
        return None
