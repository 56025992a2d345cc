"""The engine's events, passed on to external addresses (`WEBHOOK_URLS`) as LiveKit would send them.

Each event waits as a row until the address took it: at least once, and in the order of its room. The posting is a job
(`tasks.py`), so that a slow receiver holds up nothing but its own queue.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from google.protobuf import json_format
from livekit.protocol.webhook import WebhookEvent

from jobs import queue
from meetings.models import WebhookDelivery

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

JOB_KIND = "meetings.post_webhooks"
POST_SECONDS = 10.0
TOKEN_SECONDS = 300
# A claim outlives a post; after a kill -9 in the middle the next job takes over by then.
CLAIM = timedelta(seconds=60)
# An address that takes nothing for so long gets the newer events only.
GIVE_UP_AFTER = timedelta(days=3)
# At that many waiting events the address is as good as gone: newer ones are not kept for it.
WAITING_PER_URL = 10_000


class DeliveryFailed(Exception):
    """The address did not take an event now; it stays first in its room's queue."""


def enqueue(event: WebhookEvent) -> None:
    """Keep the event for each external address, in the transaction that takes it."""
    if not settings.WEBHOOK_URLS:
        return
    body = json_format.MessageToJson(event, indent=None)
    for url in settings.WEBHOOK_URLS:
        if WebhookDelivery.objects.filter(url=url).count() >= WAITING_PER_URL:
            logger.error("an event is not kept for an address that takes none", extra={"host": urlsplit(url).hostname})
            continue
        WebhookDelivery.objects.create(url=url, room_name=event.room.name, event_id=event.id, body=body)
        key = f"webhook:{hashlib.sha256(url.encode()).hexdigest()[:16]}:{event.id}"
        queue.enqueue(JOB_KIND, {"url": url, "room": event.room.name}, idempotency_key=key)


def deliver(url: str, room_name: str) -> int:
    """Post what waits for one address and room, oldest first; how many. `DeliveryFailed` at the first refusal."""
    import httpx  # only the worker posts; web shares this file and starts 0.2 s earlier without it

    waiting = WebhookDelivery.objects.filter(url=url, room_name=room_name)
    expired, _ = waiting.filter(created_at__lt=timezone.now() - GIVE_UP_AFTER).delete()
    if expired:
        logger.error("events were given up", extra={"host": urlsplit(url).hostname, "count": expired})
    sent = 0
    with httpx.Client(timeout=POST_SECONDS, follow_redirects=False, trust_env=False) as client:
        while (delivery := waiting.first()) and _claim(delivery):
            try:
                _post(client, delivery)
            except DeliveryFailed:
                WebhookDelivery.objects.filter(pk=delivery.pk).update(claimed_until=None)
                raise
            delivery.delete()
            sent += 1
    return sent


def enqueue_waiting() -> int:
    """A job for each queue, in case its own gave up; how many queues wait."""
    queues = list(WebhookDelivery.objects.order_by().values_list("url", "room_name").distinct())
    for url, room_name in queues:
        queue.enqueue(JOB_KIND, {"url": url, "room": room_name})
    return len(queues)


def _claim(delivery: WebhookDelivery) -> bool:
    """Of two jobs on one queue one gets the row: two posts of one room side by side could overtake each other."""
    now = timezone.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    return bool(WebhookDelivery.objects.filter(free, pk=delivery.pk).update(claimed_until=now + CLAIM))


def _post(client: httpx.Client, delivery: WebhookDelivery) -> None:
    import httpx

    body = delivery.body.encode()
    headers = {"Content-Type": "application/webhook+json", "Authorization": _signature(body)}
    try:
        response = client.post(delivery.url, content=body, headers=headers)
    except httpx.HTTPError as error:
        # Whole in one line; httpx's chain of causes would be forty.
        raise DeliveryFailed(f"{urlsplit(delivery.url).hostname}: {type(error).__name__}: {error}") from None
    if not response.is_success:
        raise DeliveryFailed(f"{urlsplit(delivery.url).hostname} answered {response.status_code}")


def _signature(body: bytes) -> str:
    """The token that the stock `WebhookReceiver` checks: signed by us, with the body's hash."""
    now = int(time.time())
    payload = {
        "iss": settings.LIVEKIT_API_KEY,
        "nbf": now,
        "exp": now + TOKEN_SECONDS,
        "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }
    return jwt.encode(payload, settings.LIVEKIT_API_SECRET, algorithm="HS256")
