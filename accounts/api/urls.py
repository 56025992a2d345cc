"""The token's own address, and people."""

from __future__ import annotations

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("token", views.CurrentToken.as_view(), name="token"),
    path("people", views.People.as_view(), name="people"),
    path("people/<uuid:id>", views.OnePerson.as_view(), name="person"),
]
