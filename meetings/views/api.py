"""The JSON API of the call page (docs/architecture.md has the table). Errors are {"error": code, "message": text}."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from accounts.audit.record import record
from accounts.rate_limits import is_allowed, source_of
from meetings import access, house_rules
from meetings.audit_words import actor_of, room_party
from meetings.engine_errors import EngineError, Unavailable
from meetings.models import Participant
from meetings.own_address import websocket_url
from meetings.presentation import doorway_json, participant_json, room_state
from meetings.refusals import BadRequest, NotAllowed, NotFound, Refused, TooManyRequests
from meetings.services import doorway, lobby, moderation, rooms
from meetings.tokens import participant_token

# A whole ministry may sit behind one address and come at nine o'clock; a flood does not get far with it.
ENTRIES_PER_MINUTE = 120
# Links that lead nowhere, from one source: people mistype, programs guess.
MISSES_PER_MINUTE = 30
MAX_BODY_BYTES = 4096

REFUSALS_KEPT_PER_MINUTE = 3

_NO_CONTENT = 204

log = structlog.get_logger(__name__)

View = Callable[..., HttpResponse]


def json_api(view: View) -> View:
    """Turns refusals and an absent engine into JSON answers, and keeps them out of caches."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Refused as refused:
            if isinstance(refused, NotAllowed):
                _log_refusal(request, kwargs.get("slug", ""))
            response = _error(refused.status, refused.code, str(refused.text))
        except Unavailable as absent:
            # What was decided is in the row and holds at the door; the order may be given again.
            log.warning("engine_unavailable", path=request.path, reason=str(absent))
            response = _error(503, "unavailable", gettext("The media server does not answer. Please try again."))
        except EngineError as refusal:
            log.warning("engine_refused", path=request.path, code=refusal.code, reason=refusal.message)
            response = _error(502, "engine", gettext("The media server refused the order."))
        add_never_cache_headers(response)
        return response

    return answer


@require_POST
@json_api
def enter(request: HttpRequest, slug: str) -> HttpResponse:
    """Anybody with the link. Limited by room and source: a cookie proves nothing."""
    source = source_of(request)
    if not is_allowed("enter", slug, source, per_minute=ENTRIES_PER_MINUTE):
        raise TooManyRequests
    name = body_of(request).get("name", "")
    if not isinstance(name, str):
        raise BadRequest
    room = _door(slug, source)
    visitor = access.new_visitor_of(request)
    own = lobby.enter_room(room, visitor=visitor, name=name, source=source)
    access.remember(request, visitor)
    _rotate_session(request, own)
    return JsonResponse({"participant": participant_json(own), "state": own.state})


@require_GET
@json_api
def look(request: HttpRequest, slug: str) -> HttpResponse:
    """Anybody with the link, before they enter: what they may know is as `doorway` says."""
    source = source_of(request)
    found = doorway.look(_door(slug, source), visitor=access.visitor_of(request), source=source)
    return JsonResponse(doorway_json(found))


@require_POST
@json_api
def token(request: HttpRequest, slug: str) -> HttpResponse:
    visitor = access.visitor_of(request)
    own = access.access_admitted(visitor, slug)
    house_rules.check_stay(own, visitor)
    _rotate_session(request, own)
    return JsonResponse({"url": websocket_url(request), "token": participant_token(own)})


@require_GET
@json_api
def state(request: HttpRequest, slug: str) -> HttpResponse:
    own = access.access_own(access.visitor_of(request), slug)
    lobby.keep_waiting(own)
    return JsonResponse(room_state(own))


@require_POST
@json_api
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    lobby.leave(access.access_own(access.visitor_of(request), slug))
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def admit(request: HttpRequest, slug: str, identity: str) -> HttpResponse:
    acting, target = moderator_and_target(request, slug, identity)
    lobby.admit(target, acting=acting)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def deny(request: HttpRequest, slug: str, identity: str) -> HttpResponse:
    acting, target = moderator_and_target(request, slug, identity)
    lobby.deny(target, acting=acting)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def remove(request: HttpRequest, slug: str, identity: str) -> HttpResponse:
    acting, target = moderator_and_target(request, slug, identity)
    moderation.remove(target, acting=acting)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def mute(request: HttpRequest, slug: str, identity: str) -> HttpResponse:
    acting, target = moderator_and_target(request, slug, identity)
    moderation.mute(target, text_of(request, "source"), acting=acting)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def mute_others(request: HttpRequest, slug: str) -> HttpResponse:
    count = moderation.mute_others(acting=access.access_moderated(access.visitor_of(request), slug))
    return JsonResponse({"muted": count})


@require_POST
@json_api
def role(request: HttpRequest, slug: str, identity: str) -> HttpResponse:
    acting = access.access_hosted(access.visitor_of(request), slug)
    target = access.access_target(acting, identity)
    moderation.change_role(target, text_of(request, "role"), acting=acting)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def lobby_message(request: HttpRequest, slug: str) -> HttpResponse:
    acting = access.access_moderated(access.visitor_of(request), slug)
    rooms.change_lobby_message(text_of(request, "text"), acting=acting)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def admit_all(request: HttpRequest, slug: str) -> HttpResponse:
    lobby.admit_all(acting=access.access_moderated(access.visitor_of(request), slug))
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def lock(request: HttpRequest, slug: str) -> HttpResponse:
    moderation.set_lock(acting=access.access_moderated(access.visitor_of(request), slug), is_locked=True)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def unlock(request: HttpRequest, slug: str) -> HttpResponse:
    moderation.set_lock(acting=access.access_moderated(access.visitor_of(request), slug), is_locked=False)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def end(request: HttpRequest, slug: str) -> HttpResponse:
    moderation.end_call(acting=access.access_moderated(access.visitor_of(request), slug))
    return HttpResponse(status=_NO_CONTENT)


def _door(slug: str, source: str) -> Any:
    try:
        return access.access_room(slug)
    except NotFound:
        if not is_allowed("miss", source, per_minute=MISSES_PER_MINUTE):
            raise TooManyRequests from None
        raise


def moderator_and_target(request: HttpRequest, slug: str, identity: str) -> tuple[Participant, Participant]:
    acting = access.access_moderated(access.visitor_of(request), slug)
    return acting, access.access_target(acting, identity)


def _rotate_session(request: HttpRequest, own: Participant) -> None:
    """A guest who was let in gets a new session key, once: one planted in their browser before opens nothing now.

    A signed-in person's key was made anew when they signed in.
    """
    if own.user_id is None and own.is_admitted:
        rotated = request.session.get("admitted_as", [])
        if own.identity not in rotated:
            request.session["admitted_as"] = [*rotated[-20:], own.identity]
            request.session.cycle_key()


def body_of(request: HttpRequest, *, max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """The JSON object that was sent. Raises `BadRequest`."""
    if request.content_type != "application/json" or len(request.body) > max_bytes:
        raise BadRequest
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:  # also bytes that are no UTF-8, and a thousand brackets
        raise BadRequest from error
    if not isinstance(body, dict):
        raise BadRequest
    return body


def text_of(request: HttpRequest, field: str) -> str:
    value = body_of(request).get(field)
    if not isinstance(value, str):
        raise BadRequest
    return value


def _log_refusal(request: HttpRequest, slug: str) -> None:
    """Somebody tried what only others may. A few a minute of one network: more of them say nothing new."""
    if not is_allowed("audit-act", slug, source_of(request), per_minute=REFUSALS_KEPT_PER_MINUTE):
        return
    try:
        own = access.access_own(access.visitor_of(request), slug)
    except NotFound:  # they hold nothing in this room
        return
    act = str(request.resolver_match.url_name).removeprefix("api_") if request.resolver_match else ""
    room = own.room.media_name
    record("act_refused", actor=actor_of(own), target=room_party(own.room), after={"act": act}, scope=room)


def _error(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"error": code, "message": message}, status=status)
