"""HR's pages, under /accounts/hr/."""

from __future__ import annotations

from django.urls import path

from accounts.hr_desk import views

urlpatterns = [
    path("", views.desk, name="hr_desk"),
    path("files/<uuid:public_id>/", views.file, name="hr_file"),
    path("files/<uuid:public_id>/apply/", views.apply, name="hr_apply"),
    path("files/<uuid:public_id>/again/", views.again, name="hr_again"),
    path("files/<uuid:public_id>/delete/", views.delete, name="hr_delete"),
    path("files/<uuid:public_id>/<str:name>", views.report, name="hr_report"),
    path("runs/<str:key>/", views.run, name="hr_run"),
    path("runs/<str:key>/undo/", views.undo, name="hr_undo"),
    path("runs/<str:key>/left.csv", views.left, name="hr_left"),
]
