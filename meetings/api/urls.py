"""Rooms."""

from __future__ import annotations

from django.urls import path

from meetings.api import views

urlpatterns = [
    path("rooms", views.Rooms.as_view(), name="rooms"),
    path("rooms/<uuid:id>", views.OneRoom.as_view(), name="room"),
    path("rooms/<uuid:id>/participants", views.Participants.as_view(), name="participants"),
    path("rooms/<uuid:id>/calls", views.Calls.as_view(), name="calls"),
]
