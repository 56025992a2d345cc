"""HR's pages from the upload to the import and back, with a real worker."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.signals import post_save
from django.utils import timezone, translation

from accounts.hr_desk import storage
from accounts.hr_desk.reasons import in_words
from accounts.hr_desk.tests.conftest import Desk, address, work
from accounts.models import AuditEntry, HrDuty, HrFile, HrUndo, ProvisioningRun, User
from accounts.models.hr_file import HrFileState
from accounts.provisioning import runs
from accounts.provisioning.tests.conftest import exported, file_of
from accounts.tasks import forget_hr_files
from jobs.models import Job, State
from jobs.worker import Worker

ANNA = "1;anna@m.example;Anna;Petit;A"
BEN = "2;ben@m.example;Ben;Roux;A"
WRONG = "3;no address;Cléo;Noël;B"


def staff() -> set[str]:
    return set(User.objects.filter(employments__isnull=False, is_active=True).values_list("email", flat=True))


def acts() -> list[tuple[str, str]]:
    told = AuditEntry.objects.filter(action__startswith="hr_").order_by("seq")
    return list(told.values_list("action", "actor_label"))


def test_a_file_is_brought_looked_at_applied_by_a_second_decision_and_taken_back(desk: Desk) -> None:
    before = exported()
    file = desk.looked_at(file_of(ANNA, BEN, WRONG))
    assert file.state == HrFileState.READY
    assert (file.found["counts"], file.found["errors"], file.found["changes"]) == ({"created": 2, "refused": 1}, 1, 2)
    assert staff() == set()  # nothing yet
    page = desk.page(file)
    assert "anna@m.example" in page
    assert "no address" in page

    assert desk.post(file, "apply/").status_code == 400  # without the box
    work()
    assert staff() == set()
    assert desk.post(file, "apply/", sure="on")["Location"] == address(file)
    assert "data-at-work" in desk.page(file)
    work()
    file.refresh_from_db()
    assert file.state == HrFileState.APPLIED
    assert staff() == {"anna@m.example", "ben@m.example"}
    run = ProvisioningRun.objects.get()
    assert (file.run, run.file_name, run.actor) == (run, "hr.csv", "Hélène Roy")
    assert "no address" in desk.page(file)  # what had no effect

    asked = desk.client.get(f"/accounts/hr/runs/{run.key}/undo/")
    assert asked.status_code == 200
    assert staff() == {"anna@m.example", "ben@m.example"}
    desk.client.post(f"/accounts/hr/runs/{run.key}/undo/")
    work()
    run.refresh_from_db()
    assert run.state == "undone"
    assert exported() == before
    assert HrUndo.objects.get().left == 0
    assert desk.client.get(f"/accounts/hr/runs/{run.key}/").status_code == 200
    told = [name for name, _ in acts()]
    assert told == ["hr_file_uploaded", "hr_file_previewed", "hr_file_confirmed", "hr_file_applied"]
    assert {who for _, who in acts()} == {"Hélène Roy"}
    undone = AuditEntry.objects.get(action="provisioning_undone")
    assert undone.actor_id == str(desk.person.public_id)


def test_reports_can_be_fetched_by_a_spreadsheet_and_hold_no_formula(desk: Desk) -> None:
    desk.applied(file_of(ANNA))
    file = desk.looked_at(file_of(ANNA.replace("Petit", "Grand"), "2;=cmd();Ben;Roux;A"))
    for name, expected in (("changes.csv", "Grand"), ("errors.csv", "'=cmd()")):
        answer = desk.client.get(f"{address(file)}{name}")
        assert "attachment" in answer["Content-Disposition"]
        assert "no-store" in answer["Cache-Control"]
        assert expected in b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert AuditEntry.objects.filter(action="hr_report_fetched").count() == 2
    assert desk.client.get(f"{address(file)}people").status_code == 404
    assert desk.client.get(f"{address(file)}left.csv").status_code == 404


def test_too_many_leavers_stop_a_full_file_before_and_at_the_decision(desk: Desk) -> None:
    desk.applied(file_of(ANNA, BEN))
    file = desk.looked_at(file_of(ANNA), full=True)
    assert file.state == HrFileState.REFUSED
    assert "50" in file.trouble
    assert "1" in file.trouble
    assert desk.post(file, "apply/", sure="on").status_code == 302
    work()
    assert staff() == {"anna@m.example", "ben@m.example"}

    willing = desk.looked_at(file_of(ANNA), full=True, most="50")
    assert willing.found["counts"] == {"left": 1, "unchanged": 1}
    # Between the look and the decision somebody else made Anna's colleagues fewer.
    HrFile.objects.filter(pk=willing.pk).update(max_leavers=10)
    desk.post(willing, "apply/", sure="on")
    work()
    willing.refresh_from_db()
    assert willing.state == HrFileState.REFUSED
    assert staff() == {"anna@m.example", "ben@m.example"}


def test_exactly_the_file_that_was_looked_at_is_applied(desk: Desk) -> None:
    file = desk.looked_at(file_of(ANNA))
    storage.path_of(file.public_id).write_text(file_of(BEN))
    desk.post(file, "apply/", sure="on")
    work()
    file.refresh_from_db()
    assert file.state == HrFileState.REFUSED
    assert staff() == set()


def test_one_import_at_a_time_and_the_page_says_that_it_waits(desk: Desk) -> None:
    file = desk.looked_at(file_of(ANNA))
    desk.post(file, "apply/", sure="on")
    with runs.only_one():
        work()
        waiting = Job.objects.get(kind="accounts.apply_hr_file")
        assert (waiting.state, waiting.attempt) == (State.QUEUED, 0)
        assert "data-at-work" in desk.page(file)
    Job.objects.filter(pk=waiting.pk).update(run_after=timezone.now())
    work()
    assert staff() == {"anna@m.example"}


def test_two_people_who_decide_at_once_decide_once(desk: Desk) -> None:
    file = desk.looked_at(file_of(ANNA))
    for _ in range(2):
        assert desk.post(file, "apply/", sure="on").status_code == 302
    assert Job.objects.filter(kind="accounts.apply_hr_file").count() == 1
    work()
    assert desk.post(file, "apply/", sure="on").status_code == 302
    work()
    assert ProvisioningRun.objects.count() == 1


def test_a_worker_that_died_right_after_the_last_batch_imports_nothing_twice(desk: Desk) -> None:
    file = desk.applied(file_of(ANNA))
    HrFile.objects.filter(pk=file.pk).update(state=HrFileState.APPLYING, done={})
    desk.post(file, "again/")
    work()
    file.refresh_from_db()
    assert (file.state, file.done["counts"]) == (HrFileState.APPLIED, {"created": 1})
    assert ProvisioningRun.objects.count() == 1


def test_a_worker_that_is_stopped_in_the_middle_is_followed_by_one_that_goes_on(desk: Desk) -> None:
    file = desk.looked_at(file_of(ANNA, BEN))
    desk.post(file, "apply/", sure="on")
    worker = Worker()

    def stop(**_: Any) -> None:
        worker.stop()

    post_save.connect(stop, sender=ProvisioningRun)  # the import has begun
    try:
        assert worker.work_once()
    finally:
        post_save.disconnect(stop, sender=ProvisioningRun)
    file.refresh_from_db()
    assert (file.state, ProvisioningRun.objects.get().state) == (HrFileState.APPLYING, "running")
    Job.objects.update(run_after=timezone.now())
    work()
    file.refresh_from_db()
    assert (file.state, file.done["counts"]) == (HrFileState.APPLIED, {"created": 2})
    assert ProvisioningRun.objects.get().state == "done"


ENDED_EARLY = pytest.mark.parametrize("ended", [State.DEAD, State.CANCELLED])


@ENDED_EARLY
def test_what_was_given_up_says_so_and_is_tried_again(desk: Desk, ended: State) -> None:
    desk.bring(file_of(ANNA))
    file = HrFile.objects.get()
    Job.objects.update(state=ended, finished_at=timezone.now(), error="OSError: no space")
    assert 'role="alert"' in desk.page(file)
    assert "no space" not in desk.page(file)
    desk.post(file, "again/")
    assert "data-at-work" in desk.page(file)
    work()
    file.refresh_from_db()
    assert file.state == HrFileState.READY


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 no spreadsheet", b"\xd0\xcf\x11\xe0 old", b"a;b\n1;2\n", b"x\0y;z\n", b"\xff\xfex\0"]
)
def test_what_is_no_list_of_people_is_refused_in_words(desk: Desk, content: bytes) -> None:
    answer = desk.bring(content)
    if answer.status_code == 400:  # an empty file does not come through the form
        assert not content
        return
    work()
    file = HrFile.objects.get()
    assert file.state == HrFileState.REFUSED
    assert file.trouble
    assert not storage.path_of(file.public_id).exists()


def test_a_file_that_is_wrong_all_over_fills_no_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.hr_desk.watching.MAX_WRONG_ROWS", 5)
    file = desk.looked_at(file_of(*[f"{n};none;A;B;A" for n in range(9)]))
    assert (file.state, file.found["errors"]) == (HrFileState.REFUSED, 5)


def test_a_line_of_ten_megabytes_costs_itself_alone(desk: Desk) -> None:
    file = desk.looked_at(file_of(ANNA, "x" * (10 << 20), BEN))
    assert (file.state, file.found["counts"]) == (HrFileState.READY, {"created": 2, "refused": 1})


def test_more_than_the_limit_is_not_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(storage, "MAX_BYTES", 50)
    answer = desk.bring(file_of(ANNA))
    assert answer.status_code == 400
    assert list((settings.DATA_DIR / "provisioning" / "uploads").iterdir()) == []
    assert not HrFile.objects.exists()


def test_the_file_is_for_the_portals_eyes_only_and_goes_when_it_is_done_with(desk: Desk) -> None:
    file = desk.looked_at(file_of(ANNA))
    path = storage.path_of(file.public_id)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(storage.report_of(file.public_id, "changes.csv").stat().st_mode) == 0o600
    desk.post(file, "apply/", sure="on")
    work()
    assert not path.exists()


def test_deleted_by_hand_or_after_days_all_of_it_is_gone(
    desk: Desk, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    by_hand, of_old, new = (desk.looked_at(file_of(ANNA)) for _ in range(3))
    with django_capture_on_commit_callbacks(execute=True):
        assert desk.post(by_hand, "delete/").status_code == 302
    assert not storage.path_of(by_hand.public_id).parent.exists()
    settings.HR_FILE_RETENTION_DAYS = 3
    HrFile.objects.filter(pk=of_old.pk).update(uploaded_at=timezone.now() - timedelta(days=4))
    forget_hr_files(_Idle())  # type: ignore[arg-type]  # all that it asks of its work
    assert list(HrFile.objects.all()) == [new]
    assert not storage.path_of(of_old.public_id).parent.exists()
    assert storage.path_of(new.public_id).exists()


class _Idle:
    def report(self, percent: int, step: str = "") -> None: ...


def test_what_a_job_is_at_cannot_be_deleted(desk: Desk) -> None:
    desk.bring(file_of(ANNA))
    file = HrFile.objects.get()
    desk.post(file, "delete/")
    assert HrFile.objects.exists()
    assert storage.path_of(file.public_id).exists()


@ENDED_EARLY
def test_a_file_that_nobody_will_look_at_any_more_can_be_deleted(desk: Desk, ended: State) -> None:
    desk.bring(file_of(ANNA))
    file = HrFile.objects.get()
    assert "delete/" not in desk.page(file)
    Job.objects.update(state=ended, finished_at=timezone.now())
    assert "delete/" in desk.page(file)
    desk.post(file, "delete/")
    assert not HrFile.objects.exists()


@ENDED_EARLY
def test_what_ended_early_in_the_middle_of_applying_is_not_deleted_but_forgotten_in_time(
    desk: Desk, settings: Any, ended: State
) -> None:
    file = desk.looked_at(file_of(ANNA))
    desk.post(file, "apply/", sure="on")
    long_ago = timezone.now() - timedelta(days=settings.HR_FILE_RETENTION_DAYS + 1)
    HrFile.objects.update(uploaded_at=long_ago)
    forget_hr_files(_Idle())  # type: ignore[arg-type]  # see above
    assert HrFile.objects.exists()  # its turn comes
    Job.objects.update(state=ended, finished_at=timezone.now())
    assert "again/" in desk.page(file)
    desk.post(file, "delete/")
    assert HrFile.objects.exists()  # it goes on where it stopped
    forget_hr_files(_Idle())  # type: ignore[arg-type]  # see above
    assert not HrFile.objects.exists()


@ENDED_EARLY
def test_an_undo_that_ended_early_is_tried_again_or_forgotten_in_time(desk: Desk, settings: Any, ended: State) -> None:
    file = desk.applied(file_of(ANNA))
    assert file.run is not None
    page = f"/accounts/hr/runs/{file.run.key}/"
    desk.client.post(f"{page}undo/")
    Job.objects.filter(kind="accounts.undo_import").update(state=ended, finished_at=timezone.now())
    assert "data-at-work" not in desk.client.get(page).content.decode()
    HrUndo.objects.update(ordered_at=timezone.now() - timedelta(days=settings.HR_FILE_RETENTION_DAYS + 1))
    desk.client.post(f"{page}undo/")
    assert "data-at-work" in desk.client.get(page).content.decode()
    forget_hr_files(_Idle())  # type: ignore[arg-type]  # see above
    assert HrUndo.objects.exists()
    Job.objects.filter(kind="accounts.undo_import").update(state=ended, finished_at=timezone.now())
    forget_hr_files(_Idle())  # type: ignore[arg-type]  # see above
    assert not HrUndo.objects.exists()


def test_who_lost_the_duty_meanwhile_applies_nothing(desk: Desk) -> None:
    file = desk.looked_at(file_of(ANNA))
    desk.post(file, "apply/", sure="on")
    HrDuty.objects.all().delete()
    work()
    file.refresh_from_db()
    assert (file.state, staff()) == (HrFileState.REFUSED, set())


def test_an_older_import_is_not_taken_back_before_the_newer_one(desk: Desk) -> None:
    first, second = desk.applied(file_of(ANNA)), desk.applied(file_of(ANNA, BEN))
    assert first.run is not None
    assert second.run is not None
    page = desk.client.get(f"/accounts/hr/runs/{first.run.key}/").content.decode()
    assert second.run.key in page
    assert f"/accounts/hr/runs/{first.run.key}/undo/" not in page
    desk.client.post(f"/accounts/hr/runs/{first.run.key}/undo/")
    assert not HrUndo.objects.exists()


def test_who_stays_as_the_import_made_them_is_told(desk: Desk) -> None:
    file = desk.applied(file_of(ANNA))
    assert file.run is not None
    User.objects.filter(email="anna@m.example").update(last_login=timezone.now())
    desk.client.post(f"/accounts/hr/runs/{file.run.key}/undo/")
    work()
    with translation.override("fr"):
        reason = in_words("the account is in use: it is suspended instead of deleted")
    assert "utilisé" in reason
    page = desk.client.get(f"/accounts/hr/runs/{file.run.key}/").content.decode()
    assert reason in page
    answer = desk.client.get(f"/accounts/hr/runs/{file.run.key}/left.csv")
    assert reason.encode() in b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_an_undo_while_another_import_goes_on_changes_nothing_and_says_so(desk: Desk) -> None:
    file = desk.applied(file_of(ANNA))
    assert file.run is not None
    desk.client.post(f"/accounts/hr/runs/{file.run.key}/undo/")
    with runs.only_one():
        work()
    assert staff() == {"anna@m.example"}
    undo = HrUndo.objects.get()
    assert undo.state == "refused"
    assert undo.trouble
    desk.client.post(f"/accounts/hr/runs/{file.run.key}/undo/")
    work()
    assert staff() == set()


def test_a_hostile_name_of_a_file_is_text_on_the_page_and_no_path(desk: Desk, tmp_path: Path) -> None:
    file = desk.looked_at(file_of(ANNA), name="../../<script>\u202e.csv")
    page = desk.page(file)
    assert "<script>\u202e" not in page
    assert "../" not in file.file_name
    assert storage.path_of(file.public_id).is_relative_to(tmp_path)
