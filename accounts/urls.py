"""Sign-in, sign-out, password, profile and invitation. Of allauth only these doors are open: nobody signs up here."""

from __future__ import annotations

from allauth.account import views as allauth_views
from django.urls import include, path

from accounts import views

_own = (
    [
        path("invitation/", views.invitation, name="invitation"),
        path("profile/", views.profile, name="profile"),
        path("profile/sign-out-elsewhere/", views.sign_out_elsewhere, name="sign_out_elsewhere"),
    ],
    "accounts",
)

urlpatterns = [
    path("login/", allauth_views.login, name="account_login"),
    path("logout/", views.sign_out, name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("password/change/", views.change_password, name="account_change_password"),
    path("", include(_own)),
]
