"""Sign-in, sign-out, password, profile and invitation. Of allauth only these doors are open: nobody signs up here."""

from __future__ import annotations

from allauth.account import views as allauth_views
from django.urls import URLPattern, URLResolver, include, path

from accounts import views
from accounts.browsers import views as browsers
from accounts.factors.urls import urlpatterns as factor_patterns
from accounts.hr_desk.urls import urlpatterns as hr_patterns

_own: list[URLPattern | URLResolver] = [
    path("invitation/", views.invitation, name="invitation"),
    path("profile/", views.profile, name="profile"),
    path("profile/sign-out-elsewhere/", views.sign_out_elsewhere, name="sign_out_elsewhere"),
    path("profile/browsers/<uuid:public_id>/end/", browsers.end, name="end_session"),
    path("profile/address/send/", browsers.send_address_link, name="send_address_link"),
    path("profile/address/", browsers.confirm_address, name="confirm_address"),
    path("hr/", include(hr_patterns)),
]

urlpatterns = [
    path("login/", allauth_views.login, name="account_login"),
    path("logout/", views.sign_out, name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("password/change/", views.change_password, name="account_change_password"),
    path("security/", include(factor_patterns)),
    path("", include((_own, "accounts"))),
]
