from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Employment, Membership, MergeProposal, Organisation, User
from accounts.proconnect.tests.conftest import provider, visit  # noqa: F401  its fixtures, for these tests as well
from accounts.proconnect.tests.hostile_provider import MARIE, HostileProvider, Visit

EMAIL, SIRET = str(MARIE["email"]), str(MARIE["siret"])
OTHER_SIRET = "11000201100044"


@dataclass
class Pair:
    """Marie's account with all that is hers, and the one that she got by a new key; `visit` is her browser in it."""

    known: User
    fresh: User
    office: Organisation
    visit: Visit

    @property
    def proposal(self) -> MergeProposal:
        return MergeProposal.objects.get(fresh=self.fresh)


def signed_in_as(there: Visit) -> User | None:
    """Whom the portal serves there now, if anybody."""
    if there.client.get("/rooms/").status_code != 200:
        return None
    return User.objects.get(pk=there.client.session["_auth_user_id"])


def make_pair(provider: HostileProvider) -> Pair:  # noqa: F811  the fixture of this name
    office = Organisation.objects.create(name="Culture", siret=SIRET)
    known = User.objects.create_user(EMAIL, first_name="Marie", last_name="Durand")
    Membership.objects.create(user=known, organisation=office)
    Employment.objects.create(user=known, source="sirh", hr_id="7", email=EMAIL, organisation=office)
    Visit(provider).sign_in()
    provider.person |= {"sub": "marie anew", "idp_id": "idp-new"}
    there = Visit(provider)
    there.sign_in()
    return Pair(known, User.objects.get(pk=there.client.session["_auth_user_id"]), office, there)


@pytest.fixture
def pair(db: None, provider: HostileProvider, folder: None) -> Pair:  # noqa: F811  as above
    return make_pair(provider)


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss@culture.example"))
    return client
