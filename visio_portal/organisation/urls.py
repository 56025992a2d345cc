"""`/organisation/`: for managers; whoever is none finds nothing here."""

from __future__ import annotations

from django.urls import path

from visio_portal.organisation import acting, reading

app_name = "organisation"

urlpatterns = [
    path("", reading.index, name="index"),
    path("<uuid:organisation_id>/", reading.overview, name="overview"),
    path("<uuid:organisation_id>/people/", reading.people, name="people"),
    path("<uuid:organisation_id>/people/add/", acting.add, name="add"),
    path("<uuid:organisation_id>/policies/", reading.policies, name="policies"),
    path("people/<uuid:person_id>/", reading.person, name="person"),
    path("people/<uuid:person_id>/role/<uuid:organisation_id>/", acting.role, name="role"),
    path("people/<uuid:person_id>/<slug:act>/", acting.account, name="act"),
]
