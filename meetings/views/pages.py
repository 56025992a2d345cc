"""The pages around a call: home, one's rooms, a room's settings, and the page that holds lobby and call."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.rate_limits import is_allowed, source_of
from meetings import access, house_rules
from meetings.forms import JoinForm, NewRoomForm, RoomSettingsForm
from meetings.house_rules import level_laid_down, step_up_for
from meetings.models import Participant, Room
from meetings.models.participant import State
from meetings.models.room import NAME_MAX_LENGTH
from meetings.presentation import call_config
from meetings.refusals import MayNotOpenRooms, NotFound, TooManyRequests
from meetings.services import moderation
from meetings.services.rooms import change_settings, close_room, create_room
from meetings.templatetags.portal_links import room_link
from meetings.views.api import MISSES_PER_MINUTE

# Newest first; a person who has more finds them all under "My rooms".
ROOMS_ON_HOME = 5
ROOMS_ON_PAGE = 20
NO_SUCH_ROOM = gettext_noop("No open meeting has this code. Compare it with your invitation, or ask for a new link.")
_NOT_THERE = "There is no such room."  # for developers: people read templates/404.html


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """One sentence and three ways on: meet now, join by link or code, sign in."""
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        slug = form.cleaned_data["code"]
        # Asked for here what the room's own page would say, so it counts as a try there: see `call`.
        if _is_open(slug):
            return redirect("meetings:call", slug=slug)
        if not _may_miss_again(request):
            return render(request, "429.html", status=429)
        form.add_error("code", gettext(NO_SUCH_ROOM))
    # Where people are now, that is where one is expected.
    rooms = Room.objects.visible_to(request.user).open().busiest_first()[:ROOMS_ON_HOME]
    shown = {"join_form": form, "rooms": rooms, "why_not_open": house_rules.why_not_open(request.user)}
    return render(request, "meetings/home.html", shown)


@login_required
@require_POST
def new_room(request: HttpRequest) -> HttpResponse:
    form = NewRoomForm(request.POST)
    name = form.cleaned_data["name"] if form.is_valid() else ""
    try:
        room = create_room(acting_user=_person(request), name=name)
    except TooManyRequests:
        messages.error(request, gettext("You have too many open rooms. Close one that you no longer need."))
        return _go_to(request, reverse("meetings:rooms"))
    except MayNotOpenRooms as forbidden:
        messages.error(request, forbidden.sentence)
        return _go_to(request, reverse("meetings:home"))
    return _go_to(request, reverse("meetings:call", args=[room.slug]), link=room_link(room))


@login_required
@require_GET
def rooms(request: HttpRequest) -> HttpResponse:
    """All of one's rooms, by pages, newest first; `?q=` searches names and links."""
    words = request.GET.get("q", "").strip()[:NAME_MAX_LENGTH]
    mine = Room.objects.visible_to(request.user).open().matching(words).with_people_inside()
    page = Paginator(mine, ROOMS_ON_PAGE).get_page(request.GET.get("page"))
    shown = {"page_obj": page, "words": words, "why_not_open": house_rules.why_not_open(request.user)}
    return render(request, "meetings/rooms.html", shown)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def room_settings(request: HttpRequest, slug: str) -> HttpResponse:
    room = _owned_room(request, slug)
    title = str(room)  # the form writes what was typed into the room, also where it refuses it
    form = RoomSettingsForm(request.POST or None, instance=room, laid_down=level_laid_down(room))
    if request.method == "POST" and form.is_valid():
        change_settings(room, **form.cleaned_data, acting_user=_person(request))
        messages.success(request, gettext("The room's settings are saved."))
        return redirect("meetings:room_settings", slug=room.slug)
    removed = Participant.objects.filter(room=room, state=State.REMOVED)
    doors = [form["has_lobby"], form["is_locked"]]
    rules = house_rules.rules_of(room)
    shown = {
        "room": room,
        "room_title": title,
        "form": form,
        "door_fields": doors,
        "no_guests": rules.pop("guests_allowed", None),
        "rules": list(rules.values()),
        "removed": removed,
    }
    return render(request, "meetings/room_settings.html", shown)


@login_required
@require_POST
def forgive(request: HttpRequest, slug: str, identity: str) -> HttpResponse:
    """A removed person may ask to enter again."""
    room = _owned_room(request, slug)
    target = Participant.objects.select_related("room", "user").filter(room=room, identity=identity).first()
    if target is None:
        raise Http404(_NOT_THERE)
    moderation.forgive(target, acting_user=_person(request))
    messages.success(request, gettext("%(name)s may ask to enter again.") % {"name": target.name})
    return redirect("meetings:room_settings", slug=room.slug)


@login_required
@require_POST
def close(request: HttpRequest, slug: str) -> HttpResponse:
    close_room(_owned_room(request, slug), acting_user=_person(request))
    messages.success(request, gettext("The room is closed. Its link no longer works."))
    return redirect("meetings:rooms")


@require_GET
@ensure_csrf_cookie
def call(request: HttpRequest, slug: str) -> HttpResponse:
    """Device check, lobby and call in one page, for anybody with the link."""
    if slug.isascii() and slug != slug.lower():  # printed in capitals, or typed on a telephone
        return redirect("meetings:call", slug=slug.lower())
    try:
        room = access.access_room(slug)
    except NotFound as missing:
        if not _may_miss_again(request):
            return render(request, "429.html", status=429)
        raise Http404(_NOT_THERE) from missing
    if room.is_closed:
        raise Http404(_NOT_THERE)
    visitor = access.visitor_of(request)
    if (needed := step_up_for(room, visitor)) is not None:
        page = render(request, "meetings/step_up.html", {"room": room, "needed": needed}, status=403)
        add_never_cache_headers(page)
        return page
    config = call_config(room, visitor)
    response = render(request, "meetings/call.html", {"room": room, "config": config})
    # Whether somebody is signed in, and as whom, is in the page.
    add_never_cache_headers(response)
    return response


@require_GET
def legal(request: HttpRequest) -> HttpResponse:
    kept = {
        "chat_days": settings.CHAT_RETENTION_DAYS,
        "report_days": settings.REPORT_RETENTION_DAYS,
        "audit_days": settings.AUDIT_RETENTION_DAYS,
    }
    return render(request, "pages/legal.html", {**kept, "named": _named()})


@require_GET
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/accessibility.html", {"named": _named()})


def _named() -> dict[str, str]:
    """Who answers for this portal, as far as its administrators have said so."""
    names = ("LEGAL_PUBLISHER", "LEGAL_HOST", "PRIVACY_CONTACT", "ACCESSIBILITY_CONTACT")
    return {name: getattr(settings, name) for name in names}


def _is_open(slug: str) -> bool:
    try:
        return not access.access_room(slug).is_closed
    except NotFound:
        return False


def _may_miss_again(request: HttpRequest) -> bool:
    return is_allowed("miss", source_of(request), per_minute=MISSES_PER_MINUTE)


def _go_to(request: HttpRequest, path: str, *, link: str = "") -> HttpResponse:
    """A redirect; or, for the script that puts a new room's link on the clipboard first, the way there as JSON."""
    if request.headers.get("Accept") != "application/json":
        return redirect(path)
    return JsonResponse({"path": path, "link": link})


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # login_required stands before
        raise TypeError("a signed-in person is needed here")
    return request.user


def _owned_room(request: HttpRequest, slug: str) -> Room:
    try:
        return access.access_owned_room(request.user, slug)
    except NotFound as missing:
        raise Http404(_NOT_THERE) from missing
