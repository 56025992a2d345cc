from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from accounts.models import HrDuty, HrFile, Organisation, User
from accounts.provisioning.tests.conftest import no_pause, offices  # noqa: F401  fixtures
from jobs.worker import Worker


@pytest.fixture(autouse=True)
def no_limits_from_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@dataclass
class Desk:
    """Somebody of HR in front of a browser, as far as the second factor."""

    person: User
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.client.force_login(self.person)
        app = Authenticator.objects.create(user=self.person, type="totp", data={"secret": ""})
        session = self.client.session
        session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "id": app.pk, "at": time.time()}]
        session["account_authentication_methods_user"] = str(self.person.pk)
        session.save()

    def bring(
        self, content: str | bytes, *, name: str = "hr.csv", source: str = "sirh", full: bool = False, most: str = "2"
    ) -> HttpResponse:
        people = SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)
        form = {"people": people, "source": source, "max_leavers": most, **({"is_full": "on"} if full else {})}
        answer: HttpResponse = self.client.post("/accounts/hr/", form)  # type: ignore[assignment]  # Django's test client
        return answer

    def looked_at(self, content: str | bytes, **options: object) -> HrFile:
        """The file as it is after somebody brought it and a worker looked."""
        answer = self.bring(content, **options)  # type: ignore[arg-type]  # handed on
        assert answer.status_code == 302, answer.content.decode()
        work()
        return HrFile.objects.latest("pk")

    def applied(self, content: str | bytes, **options: object) -> HrFile:
        file = self.looked_at(content, **options)
        assert self.post(file, "apply/", sure="on").status_code == 302
        work()
        file.refresh_from_db()
        return file

    def page(self, file: HrFile, what: str = "") -> str:
        answer = self.client.get(f"{address(file)}{what}")
        assert answer.status_code == 200, answer.status_code
        return answer.content.decode()

    def post(self, file: HrFile, what: str, **form: str) -> HttpResponse:
        answer: HttpResponse = self.client.post(f"{address(file)}{what}", form)  # type: ignore[assignment]  # see above
        return answer


def address(file: HrFile) -> str:
    return f"/accounts/hr/files/{file.public_id}/"


def work() -> None:
    """All that is due now."""
    worker = Worker()
    while worker.work_once():
        pass


@pytest.fixture
def desk(offices: dict[str, Organisation]) -> Desk:  # noqa: F811  the fixture of that name
    """Of the source "sirh" and no other."""
    person = User.objects.create_user("hr@m.example", "un bien long secret", first_name="Hélène", last_name="Roy")
    HrDuty.objects.create(user=person, source="sirh")
    return Desk(person)
