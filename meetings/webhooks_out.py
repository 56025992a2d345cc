"""The engine's events, passed on to external addresses (`WEBHOOK_URLS`) as LiveKit would send them.

Each event waits as a row until the address took it: at least once, and in the order of its room. The posting is a job
(`tasks.py`), one at a time for each address and room; an address that is silent makes its own rooms wait and nothing
else (`webhook_turns.py`).
"""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from google.protobuf import json_format
from livekit.protocol.webhook import WebhookEvent

from jobs import queue
from jobs.queue import Postponed
from meetings import webhook_turns
from meetings.models import WebhookDelivery
from meetings.webhook_turns import AddressSilent

if TYPE_CHECKING:
    import httpx

    from jobs.worker import Work

logger = logging.getLogger(__name__)

JOB_KIND = "meetings.post_webhooks"
POST_SECONDS = 10.0
TOKEN_SECONDS = 300
# A claim outlives a post; after a kill -9 in the middle the next job takes over by then.
CLAIM = timedelta(seconds=60)
# An address that takes nothing for so long gets the newer events only.
GIVE_UP_AFTER = timedelta(days=3)
# One turn of a room's; then the others', which wait for the same address.
POSTS_PER_TURN = 50
TURN_SECONDS = 5.0
# At that many waiting events the address is as good as gone: newer ones are not kept for it.
WAITING_PER_URL = 10_000
# Above this, events of tracks are not kept any more: anybody in a call can make many of them.
WAITING_WITH_TRACKS = 8_000


class DeliveryFailed(Exception):
    """The address refused an event; it stays first in its room's queue."""


def enqueue(event: WebhookEvent) -> None:
    """Keep the event for each external address, in the transaction that takes it."""
    if not settings.WEBHOOK_URLS:
        return
    body = json_format.MessageToJson(event, indent=None)
    limit = WAITING_WITH_TRACKS if event.HasField("track") else WAITING_PER_URL
    for url in settings.WEBHOOK_URLS:
        if WebhookDelivery.objects.filter(url=url).count() >= limit:
            logger.error("an event is not kept for an address that takes none", extra={"host": urlsplit(url).hostname})
            continue
        WebhookDelivery.objects.create(url=url, room_name=event.room.name, event_id=event.id, body=body)
        _order(url, event.room.name)


def _order(url: str, room_name: str, run_after: datetime | None = None) -> None:
    """One job for each queue, as long as it is not done: it posts all that waits by then."""
    key = hashlib.sha256(f"{url}\n{room_name}".encode()).hexdigest()[:32]
    payload = {"url": url, "room": room_name}
    queue.enqueue(JOB_KIND, payload, run_after=run_after, idempotency_key=f"webhook:{key}", until_done=True)


def work_off(work: Work) -> None:
    """What the job does. Raises `Postponed`: it is tried again however often, and is still the queue's only one.

    Events that come in after the last post find the job there and order none: so its key is given back before it looks
    whether there are any.
    """
    url, room_name = work.payload["url"], work.payload["room"]
    with webhook_turns.turn(url, room_name):
        try:
            deliver(url, room_name)
        except DeliveryFailed as refusal:
            raise Postponed(webhook_turns.refused(url, room_name), str(refusal)) from None
    webhook_turns.taken(url, room_name)
    work.free_key()
    left = WebhookDelivery.objects.filter(url=url, room_name=room_name).first()
    if left is not None:
        _order(url, room_name, run_after=left.claimed_until or webhook_turns.after_the_next(url))


def deliver(url: str, room_name: str) -> int:
    """Post what waits for one address and room, oldest first, as much as one turn allows; how many.

    `DeliveryFailed` at the first refusal, `AddressSilent` at the first post without an answer.
    """
    import httpx  # only the worker posts; web shares this file and starts 0.2 s earlier without it

    waiting = WebhookDelivery.objects.filter(url=url, room_name=room_name)
    expired, _ = waiting.filter(created_at__lt=timezone.now() - GIVE_UP_AFTER).delete()
    if expired:
        logger.error("events were given up", extra={"host": urlsplit(url).hostname, "count": expired})
    sent, ends_at = 0, time.monotonic() + TURN_SECONDS
    with httpx.Client(timeout=POST_SECONDS, follow_redirects=False, trust_env=False) as client:
        while (delivery := waiting.first()) and _claim(delivery):
            try:
                _post(client, delivery)
            except (DeliveryFailed, AddressSilent):
                WebhookDelivery.objects.filter(pk=delivery.pk).update(claimed_until=None)
                raise
            delivery.delete()
            sent += 1
            if sent >= POSTS_PER_TURN or time.monotonic() >= ends_at:
                break
    return sent


def enqueue_waiting() -> int:
    """A job for each queue whose own gave up; how many queues wait."""
    queues = list(WebhookDelivery.objects.order_by().values_list("url", "room_name").distinct())
    for url, room_name in queues:
        _order(url, room_name)
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
        # The status is all that counts: nobody waits for a body that perhaps never ends.
        with client.stream("POST", delivery.url, content=body, headers=headers) as response:
            status = response.status_code
    except httpx.HTTPError as error:
        # Whole in one line; httpx's chain of causes would be forty.
        raise AddressSilent(f"{urlsplit(delivery.url).hostname}: {type(error).__name__}: {error}") from None
    if not 200 <= status < 300:
        raise DeliveryFailed(f"{urlsplit(delivery.url).hostname} answered {status}")


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
