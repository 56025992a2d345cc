"""Sign-in against oidc-provider, which ProConnect itself runs: with each algorithm, levels, scopes and its sign-out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import SignInIdentity, User
from tests.idp.service import SECRET, SignInService, sign_in_service

pytestmark = pytest.mark.django_db
PORTAL = "http://testserver"


@pytest.fixture(scope="module")
def running() -> Iterator[SignInService]:
    with sign_in_service(PORTAL) as service:
        yield service


@pytest.fixture
def service(running: SignInService, settings: Settings) -> SignInService:
    cache.clear()
    running.become(sub="9c1e-marie", email="marie.durand@culture.example", _acr="eidas1", _amr=["pwd"])
    settings.PORTAL_URL = PORTAL
    settings.OIDC_ISSUER = running.issuer
    settings.OIDC_CLIENT_ID = "rs256"
    settings.OIDC_CLIENT_SECRET = SECRET
    return running


class Browser:
    """Follows redirects between both, each with its own cookies."""

    def __init__(self, elsewhere: httpx.Client) -> None:
        self.portal = Client()
        self.elsewhere = elsewhere

    def open(self, address: str) -> Any:
        """The portal's answer where the way ends, or the other side's where that shows a page."""
        for _ in range(20):
            if address.startswith("/") or address.startswith(PORTAL):
                parts = urlsplit(address)
                answer: Any = self.portal.get(parts.path, dict(parse_qsl(parts.query)))
                if answer.status_code != 302 or not answer["Location"].startswith("http"):
                    return answer
                address = answer["Location"]
            else:
                there = self.elsewhere.get(address)
                if not there.is_redirect:
                    return there
                address = str(httpx.URL(address).join(there.headers["location"]))
        raise AssertionError("running in circles")

    @property
    def is_signed_in(self) -> bool:
        return "_auth_user_id" in self.portal.session


@pytest.fixture
def browser() -> Iterator[Browser]:
    with httpx.Client() as elsewhere:
        yield Browser(elsewhere)


@pytest.mark.parametrize(("client", "algorithm"), [("rs256", "RS256"), ("es256", "ES256"), ("hs256", "HS256")])
def test_each_algorithm_signs_in(
    client: str, algorithm: str, service: SignInService, browser: Browser, settings: Settings
) -> None:
    settings.OIDC_CLIENT_ID, settings.OIDC_SIGN_ALGORITHM = client, algorithm
    settings.OIDC_SIGNED_USERINFO = algorithm != "HS256"
    assert browser.open("/accounts/proconnect/?next=/rooms/")["Location"] == "/rooms/"
    identity = SignInIdentity.objects.get()
    assert (identity.sub, identity.acr, identity.siret) == ("9c1e-marie", "eidas1", "13002526500013")
    assert User.objects.get().get_full_name() == "Marie DURAND"


def test_a_level_that_cannot_be_reached_is_refused_there_and_said_here(
    service: SignInService, browser: Browser
) -> None:
    service.become(_acr="eidas0")
    answer = browser.open("/accounts/proconnect/")
    assert answer.status_code == 403
    assert "<code>access_denied</code>" in answer.content.decode()
    assert not browser.is_signed_in


def test_a_step_up_asks_for_the_level_although_a_session_is_there(service: SignInService, browser: Browser) -> None:
    browser.open("/accounts/proconnect/")
    service.become(_acr="eidas2", _amr=["pwd", "mfa"])
    assert browser.open("/accounts/proconnect/?level=eidas2&next=/rooms/")["Location"] == "/rooms/"
    assert browser.portal.session["oidc"]["acr"] == "eidas2"
    assert browser.portal.session["oidc"]["amr"] == ["pwd", "mfa"]


def test_a_scope_that_this_client_may_not_have_is_a_mistake_of_the_set_up(
    service: SignInService, browser: Browser, settings: Settings
) -> None:
    settings.OIDC_SCOPES = "openid email siret phone"
    answer = browser.open("/accounts/proconnect/")
    assert answer.status_code == 403
    assert "<code>invalid_scope</code>" in answer.content.decode()


def test_silent_sign_in_with_and_without_a_session_there(service: SignInService, browser: Browser) -> None:
    assert browser.open("/accounts/proconnect/?silent=1&next=/test")["Location"] == "/test"
    assert not browser.is_signed_in
    browser.open("/accounts/proconnect/")
    browser.portal.cookies.pop("visio_session")
    assert browser.open("/accounts/proconnect/?silent=1&next=/test")["Location"] == "/test"
    assert browser.is_signed_in


def test_the_sign_out_there_is_accepted_and_leads_back(service: SignInService, browser: Browser) -> None:
    browser.open("/accounts/proconnect/")
    page = browser.portal.post("/accounts/logout/").content.decode()
    address = re.findall(r'content="0;url=([^"]+)"', page)[0].replace("&amp;", "&")
    confirm = browser.elsewhere.get(address)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', confirm.text))
    action = re.findall(r'action="([^"]+)"', confirm.text)[0]
    there = browser.elsewhere.post(action, data=fields)
    assert browser.open(there.headers["location"])["Location"] == "/"
    assert not browser.is_signed_in
    # Nobody is signed in there any more, either.
    browser.open("/accounts/proconnect/?silent=1")
    assert not browser.is_signed_in
