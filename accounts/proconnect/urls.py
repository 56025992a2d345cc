"""The way to the sign-in service and back. The two addresses that it leads back to are registered there."""

from __future__ import annotations

from django.urls import path

from accounts.proconnect import views

app_name = "proconnect"

urlpatterns = [
    path("", views.sign_in, name="sign_in"),
    path("callback/", views.callback, name="callback"),
    path("signed-out/", views.signed_out, name="signed_out"),
]
