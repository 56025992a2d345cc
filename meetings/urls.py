"""Pages of rooms, and the call page's API. Websockets are in routing.py."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from meetings.views import api, connection_test, pages, together, webhooks

app_name = "meetings"

_room_api: list[URLPattern | URLResolver] = [
    path("enter", api.enter, name="api_enter"),
    path("token", api.token, name="api_token"),
    path("doorway", api.look, name="api_doorway"),
    path("state", api.state, name="api_state"),
    path("leave", api.leave, name="api_leave"),
    path("admit_all", api.admit_all, name="api_admit_all"),
    path("lobby_message", api.lobby_message, name="api_lobby_message"),
    path("mute_others", api.mute_others, name="api_mute_others"),
    path("lock", api.lock, name="api_lock"),
    path("unlock", api.unlock, name="api_unlock"),
    path("end", api.end, name="api_end"),
    path("participants/<str:identity>/admit", api.admit, name="api_admit"),
    path("participants/<str:identity>/deny", api.deny, name="api_deny"),
    path("participants/<str:identity>/remove", api.remove, name="api_remove"),
    path("participants/<str:identity>/mute", api.mute, name="api_mute"),
    path("participants/<str:identity>/role", api.role, name="api_role"),
    path("participants/<str:identity>/lower_hand", together.lower_hand, name="api_lower_hand"),
    path("lower_hands", together.lower_hands, name="api_lower_hands"),
    path("hand", together.hand, name="api_hand"),
    path("messages", together.messages, name="api_messages"),
    path("messages/<int:message_id>/delete", together.delete_message, name="api_delete_message"),
    path("reactions", together.reactions, name="api_reactions"),
    path("report", together.report, name="api_report"),
    path("report/rating", together.rating, name="api_rating"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.home, name="home"),
    path("rooms/", pages.rooms, name="rooms"),
    path("rooms/new", pages.new_room, name="new_room"),
    path("rooms/<str:slug>/settings", pages.room_settings, name="room_settings"),
    path("rooms/<str:slug>/close", pages.close, name="close_room"),
    path("rooms/<str:slug>/participants/<str:identity>/forgive", pages.forgive, name="forgive"),
    path("r/<str:slug>", pages.call, name="call"),
    path("r/<str:slug>/", RedirectView.as_view(pattern_name="meetings:call")),
    path("test", connection_test.page, name="test"),
    path("api/test", connection_test.tokens, name="api_test"),
    path("legal/", pages.legal, name="legal"),
    path("accessibility/", pages.accessibility, name="accessibility"),
    path("api/rooms/<str:slug>/", include(_room_api)),
    path("webhooks/livekit", webhooks.livekit, name="webhook_livekit"),
]
