"""HR's pages: bring a file, look at what it changes, apply it, take an import back. All else is done by jobs."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from accounts.audit.parties import Party, person
from accounts.audit.record import record
from accounts.hr_desk import orders, shown, storage
from accounts.hr_desk.forms import TOO_LARGE, DecisionForm, UploadForm
from accounts.hr_desk.rights import hr_page, runs_visible_to
from accounts.models import HrDuty, HrFile, User
from accounts.models.hr_file import HrFileState, HrUndoState
from accounts.provisioning.runs import party_of_run
from accounts.rate_limits import is_allowed

UPLOADS_PER_MINUTE = 6
_RUNS_A_PAGE = 20


@require_http_methods(["GET", "HEAD", "POST"])
@hr_page
def desk(request: HttpRequest) -> HttpResponse:
    """What waits and what was imported; a form for a new file."""
    acting = _person(request)
    sources = HrDuty.objects.sources_of(acting)
    form = UploadForm(sources, request.POST or None, request.FILES or None)
    if request.method == "POST":
        if not is_allowed("hr-file", str(acting.public_id), per_minute=UPLOADS_PER_MINUTE):
            return render(request, "429.html", status=429)
        if form.is_valid() and (file := _received(form, acting)) is not None:
            return redirect("accounts:hr_file", file.public_id)
    runs = Paginator(runs_visible_to(acting), _RUNS_A_PAGE).get_page(request.GET.get("page"))
    files = HrFile.objects.visible_to(acting).select_related("uploaded_by")
    context = {
        "form": form,
        "files": [shown.file_in_list(file) for file in files],
        "runs": [shown.run_in_list(run) for run in runs],
        "page_obj": runs,
    }
    return render(request, "accounts/hr/desk.html", context, status=400 if form.errors else 200)


def _received(form: UploadForm, acting: User) -> HrFile | None:
    given = form.cleaned_data
    try:
        return orders.receive(
            given["people"].chunks(),
            name=form.name,
            source=given["source"],
            is_full=given["is_full"],
            max_leavers=given["max_leavers"],
            acting_user=acting,
        )
    except storage.TooLarge:
        form.add_error("people", TOO_LARGE % {"size": storage.MAX_BYTES >> 20})
        return None


@require_safe
@hr_page
def file(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _file_page(request, _file(request, public_id), DecisionForm())


@require_POST
@hr_page
def apply(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The second decision: nothing of a file has an effect before it."""
    found, form = _file(request, public_id), DecisionForm(request.POST)
    if found.in_state is HrFileState.READY and not form.is_valid():
        return _file_page(request, found, form, status=400)
    try:
        orders.confirm(found, acting_user=_person(request))
    except orders.NotNow:
        messages.info(request, gettext("Somebody has decided on this file already."))
    return redirect("accounts:hr_file", public_id)


@require_POST
@hr_page
def again(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What was given up or cancelled is tried once more."""
    found = _file(request, public_id)
    if found.in_state.is_at_work:
        kind = orders.LOOK if found.in_state is HrFileState.LOOKING else orders.APPLY
        orders.try_again(kind, public_id, acting_user=_person(request))
    return redirect("accounts:hr_file", public_id)


@require_POST
@hr_page
def delete(request: HttpRequest, public_id: UUID) -> HttpResponse:
    try:
        orders.discard(_file(request, public_id), acting_user=_person(request))
    except orders.NotNow:
        messages.error(request, gettext("The file is being worked on: it cannot be deleted now."))
        return redirect("accounts:hr_file", public_id)
    messages.success(request, gettext("The file and the reports on it are deleted."))
    return redirect("accounts:hr_desk")


@require_GET
@hr_page
def report(request: HttpRequest, public_id: UUID, name: str) -> HttpResponseBase:
    found = _file(request, public_id)
    return _download(request, public_id, name, orders.party_of_file(found))


@require_safe
@hr_page
def run(request: HttpRequest, key: str) -> HttpResponse:
    found = get_object_or_404(runs_visible_to(request.user), key=key)
    return render(request, "accounts/hr/run.html", {"run": shown.run_on_page(found)})


@require_http_methods(["GET", "HEAD", "POST"])
@hr_page
def undo(request: HttpRequest, key: str) -> HttpResponse:
    """GET asks."""
    found = get_object_or_404(runs_visible_to(request.user), key=key)
    order = shown.undo_of(found)
    if request.method == "POST":
        try:
            if order is not None and order.state == HrUndoState.ORDERED:
                orders.try_again(orders.UNDO, order.public_id, acting_user=_person(request))
            elif not shown.why_not_undoable(found):
                orders.order_undo(found, acting_user=_person(request))
        except orders.NotNow:
            messages.info(request, gettext("Somebody has ordered that already."))
        return redirect("accounts:hr_run", key)
    if why_not := shown.why_not_undoable(found):
        messages.info(request, why_not)
        return redirect("accounts:hr_run", key)
    return render(request, "accounts/hr/undo.html", {"run": shown.run_in_list(found)})


@require_GET
@hr_page
def left(request: HttpRequest, key: str) -> HttpResponseBase:
    """Who stayed as the import made them, and why."""
    found = get_object_or_404(runs_visible_to(request.user), key=key)
    order = shown.undo_of(found)
    if order is None:
        raise Http404
    return _download(request, order.public_id, storage.LEFT, party_of_run(found))


def _file(request: HttpRequest, public_id: UUID) -> HrFile:
    files = HrFile.objects.visible_to(request.user).select_related("uploaded_by", "confirmed_by", "run")
    return get_object_or_404(files, public_id=public_id)


def _file_page(request: HttpRequest, found: HrFile, form: DecisionForm, *, status: int = 200) -> HttpResponse:
    context = {"file": shown.file_on_page(found), "form": form}
    return render(request, "accounts/hr/file.html", context, status=status)


def _download(request: HttpRequest, key: UUID, name: str, about: Party) -> HttpResponseBase:
    """Cells that a spreadsheet would compute are quoted by whoever wrote the report."""
    if name not in storage.REPORTS or not storage.has_report(key, name):
        raise Http404
    with transaction.atomic():
        record("hr_report_fetched", actor=person(request.user), target=about, after={"report": name})
    content = storage.report_of(key, name).open("rb")
    return FileResponse(content, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # `hr_page` stands before
        raise TypeError("a signed-in person is needed here")
    return request.user
