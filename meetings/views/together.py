"""The call page's API for chat, reactions, hands and its report at leaving (docs/architecture.md has the table)."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.rate_limits import source_of
from meetings import access
from meetings.origin import is_same_origin
from meetings.presentation import message_json
from meetings.refusals import BadRequest, NotAllowed
from meetings.services import reports, together
from meetings.views.api import body_of, json_api, moderator_and_target, text_of

# 2000 characters, each perhaps written as two \uXXXX, and the rest.
MAX_MESSAGE_BYTES = 2000 * 12 + 512

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_NO_CONTENT = 204


@require_http_methods(["GET", "POST"])
@json_api
def messages(request: HttpRequest, slug: str) -> HttpResponse:
    own = access.access_admitted(access.visitor_of(request), slug)
    if request.method == "POST":
        body = body_of(request, max_bytes=MAX_MESSAGE_BYTES)
        text, key = body.get("text"), body.get("key")
        if not isinstance(text, str) or not isinstance(key, str):
            raise BadRequest
        return JsonResponse(message_json(together.post_message(own, text=text, key=key)), status=201)
    after, before = _number(request, "after"), _number(request, "before")
    if after is not None and before is not None:
        raise BadRequest
    found = together.history(own, after=after, before=before)
    return JsonResponse(
        {
            "messages": [message_json(message) for message in found.messages],
            "hasMore": found.has_more,
            "deleted": [str(number) for number in found.deleted],
        }
    )


@require_POST
@json_api
def delete_message(request: HttpRequest, slug: str, message_id: int) -> HttpResponse:
    together.delete_message(access.access_admitted(access.visitor_of(request), slug), message_id)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def reactions(request: HttpRequest, slug: str) -> HttpResponse:
    together.react(access.access_admitted(access.visitor_of(request), slug), text_of(request, "reaction"))
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def hand(request: HttpRequest, slug: str) -> HttpResponse:
    own = access.access_admitted(access.visitor_of(request), slug)
    is_raised = body_of(request).get("isRaised")
    if not isinstance(is_raised, bool):
        raise BadRequest
    together.set_hand(own, is_raised=is_raised)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def lower_hand(request: HttpRequest, slug: str, identity: str) -> HttpResponse:
    acting, target = moderator_and_target(request, slug, identity)
    together.lower_hand(target, acting=acting)
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def lower_hands(request: HttpRequest, slug: str) -> HttpResponse:
    together.lower_hands(acting=access.access_moderated(access.visitor_of(request), slug))
    return HttpResponse(status=_NO_CONTENT)


# A beacon of a page that goes away carries no header of ours: where it comes from is told by its Origin alone.
@csrf_exempt
@require_POST
@json_api
def report(request: HttpRequest, slug: str) -> HttpResponse:
    if not is_same_origin(request.headers.get("Origin", ""), request.get_host()):
        raise NotAllowed
    own = access.access_own(access.visitor_of(request), slug)
    reports.report(own, body_of(request), source=source_of(request))
    return HttpResponse(status=_NO_CONTENT)


@require_POST
@json_api
def rating(request: HttpRequest, slug: str) -> HttpResponse:
    """Of the page after the call: whoever left, or was in it when it ended, is no longer admitted."""
    reports.rate(access.access_own(access.visitor_of(request), slug), text_of(request, "rating"))
    return HttpResponse(status=_NO_CONTENT)


def _number(request: HttpRequest, name: str) -> int | None:
    value = request.GET.get(name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise BadRequest
    return int(value)
