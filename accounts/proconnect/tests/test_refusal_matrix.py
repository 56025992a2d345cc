"""What a sign-in service must not get past us: each forged, stale or misplaced answer, through the outer door."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, SignInIdentity, User
from accounts.proconnect.tests.hostile_provider import CLIENT_ID, CLIENT_SECRET, HostileProvider, Visit

pytestmark = pytest.mark.django_db


def refused(visit: Visit, answer: Any, code: str, status: int = 403) -> None:
    """Nobody is signed in, nobody was made, and the page names the code and whom to ask."""
    page = answer.content.decode()
    assert f"<code>{code}</code>" in page, page[page.find("<h1") : page.find("<h1") + 900]
    assert answer.status_code == status
    assert "support@culture.example" in page
    assert answer["Cache-Control"].startswith("max-age=0") or "no-store" in answer["Cache-Control"]
    assert not visit.is_signed_in
    assert not User.objects.exists()
    assert not SignInIdentity.objects.exists()


NOW = int(time.time())


def _shown(value: object) -> str:
    """A test's name, the same in each process that collects it, whatever the time."""
    return str(value).replace(str(NOW - 120), "past").replace(str(NOW + 7200), "future")[:40]


# What is changed in the id_token, and the code that says so.
FORGED_TOKENS: list[tuple[dict[str, Any], str]] = [
    ({"aud": "another"}, "token.aud"),
    ({"aud": None}, "token.aud"),
    ({"aud": [CLIENT_ID, "another"]}, "token.azp"),
    ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "token.azp"),
    ({"azp": "another"}, "token.azp"),
    ({"iss": "https://evil.example"}, "token.iss"),
    ({"iss": None}, "token.iss"),
    ({"nonce": "another"}, "token.nonce"),
    ({"nonce": None}, "token.nonce"),
    ({"exp": NOW - 120}, "token.exp"),
    ({"exp": None}, "token.exp"),
    ({"iat": NOW + 7200}, "token.iat"),
    ({"iat": None}, "token.iat"),
    ({"nbf": NOW + 7200}, "token.iat"),
    ({"sub": None}, "token.sub"),
    ({"sub": ""}, "token.sub"),
    ({"sub": "x" * 256}, "token.sub"),
    ({"sub": "another"}, "userinfo.sub"),
    ({"acr": "eidas0"}, "acr"),
    ({"acr": None}, "acr"),
    ({"acr": ["eidas1"]}, "acr"),
]


@pytest.mark.parametrize(("changes", "code"), FORGED_TOKENS, ids=_shown)
def test_a_forged_id_token_signs_nobody_in(
    changes: dict[str, Any], code: str, provider: HostileProvider, visit: Visit
) -> None:
    provider.forge = changes
    refused(visit, visit.sign_in(), code)


FORGED_USERINFO: list[tuple[dict[str, Any], str]] = [
    ({"sub": "another"}, "userinfo.sub"),
    ({"aud": "another"}, "userinfo.aud"),
    ({"iss": "https://evil.example"}, "userinfo.iss"),
    ({"exp": NOW - 120}, "userinfo.exp"),
    ({"iat": None}, "userinfo.iat"),
    ({"email": None}, "claim.email"),
    ({"email": "no address"}, "claim.email"),
    ({"email": ["a@culture.example"]}, "claim.email"),
    ({"siret": None}, "claim.siret"),
    ({"siret": "13002526500014"}, "claim.siret"),
]


@pytest.mark.parametrize(("changes", "code"), FORGED_USERINFO, ids=_shown)
def test_a_forged_userinfo_signs_nobody_in(
    changes: dict[str, Any], code: str, provider: HostileProvider, visit: Visit
) -> None:
    provider.info = changes
    refused(visit, visit.sign_in(), code)


def test_json_where_a_signed_userinfo_is_registered_is_refused(provider: HostileProvider, visit: Visit) -> None:
    provider.info_is_json = True
    refused(visit, visit.sign_in(), "userinfo.format")


def test_a_signed_userinfo_where_json_is_registered_is_refused(
    provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    settings.OIDC_SIGNED_USERINFO = False
    refused(visit, visit.sign_in(), "userinfo.format")


# --- keys and algorithms


@pytest.mark.parametrize("algorithm", ["HS256", "none", "ES256"])
def test_the_algorithm_is_the_registered_one_whatever_the_header_says(
    algorithm: str, provider: HostileProvider, visit: Visit
) -> None:
    provider.algorithm = algorithm
    provider.kid = "ec" if algorithm == "ES256" else "first"
    refused(visit, visit.sign_in(), "token.alg")


def test_a_public_key_is_no_secret_to_sign_with(provider: HostileProvider, visit: Visit, settings: Settings) -> None:
    settings.OIDC_SIGN_ALGORITHM = "HS256"
    refused(visit, visit.sign_in(), "token.alg")


def test_a_key_for_another_algorithm_is_not_taken(provider: HostileProvider, visit: Visit, settings: Settings) -> None:
    settings.OIDC_SIGN_ALGORITHM = "ES256"
    provider.algorithm, provider.kid = "ES256", "first"
    refused(visit, visit.sign_in(), "token.kid")


def test_a_token_of_an_unknown_key_is_refused_and_the_keys_are_asked_for_once(
    provider: HostileProvider, visit: Visit
) -> None:
    provider.signed_with, provider.kid = "first", "unknown"
    refused(visit, visit.sign_in(), "token.kid")
    before = provider.times_asked("/jwks")
    for _ in range(3):
        refused(visit, visit.sign_in(), "token.kid")
    assert provider.times_asked("/jwks") == before


def test_a_token_without_a_key_id_is_refused(provider: HostileProvider, visit: Visit) -> None:
    provider.signed_with, provider.kid = "first", ""
    refused(visit, visit.sign_in(), "token.kid")


def test_a_key_that_only_claims_to_be_the_published_one_is_refused(provider: HostileProvider, visit: Visit) -> None:
    provider.signed_with = "second"
    refused(visit, visit.sign_in(), "token.signature")


def test_keys_are_kept_and_a_new_one_is_found_at_once(provider: HostileProvider, visit: Visit) -> None:
    assert visit.sign_in().status_code == 302
    assert Visit(provider).sign_in().status_code == 302
    assert provider.times_asked("/jwks") == 1
    assert provider.times_asked("/openid-configuration") == 1
    provider.kid, provider.published = "second", ("second",)
    rotated = Visit(provider)
    assert rotated.sign_in().status_code == 302
    assert rotated.is_signed_in
    assert provider.times_asked("/jwks") == 2


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "HS256"])
def test_each_registered_algorithm_signs_in(
    algorithm: str, provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    settings.OIDC_SIGN_ALGORITHM = provider.algorithm = algorithm
    provider.kid = "ec" if algorithm == "ES256" else "first"
    assert visit.sign_in().status_code == 302
    assert visit.is_signed_in


# --- state, code, PKCE


def test_a_state_is_good_once_and_in_its_own_browser_only(provider: HostileProvider, visit: Visit) -> None:
    sent = visit.start()
    elsewhere = Visit(provider)
    refused(elsewhere, elsewhere.back(code=provider.code_for(sent), state=visit.state), "state")
    assert provider.times_asked("/token") == 0  # the code was not spent for a stranger
    refused(visit, visit.back(code=provider.code_for(sent), state="x" * 43), "state")
    refused(visit, visit.back(code=provider.code_for(sent)), "state")
    assert visit.back(code="wrong", state=visit.state).status_code == 403
    refused(visit, visit.back(code=provider.code_for(sent), state=visit.state), "state")


def test_a_replayed_code_is_refused(provider: HostileProvider, visit: Visit) -> None:
    code = provider.code_for(visit.start())
    assert visit.back(code=code, state=visit.state).status_code == 302
    thief = Visit(provider)
    thief.start()
    answer = thief.back(code=code, state=thief.state)
    assert "<code>code</code>" in answer.content.decode()
    assert not thief.is_signed_in


def test_a_code_of_another_browser_is_worth_nothing(provider: HostileProvider, visit: Visit) -> None:
    """PKCE and nonce: a code that was stolen, or planted, does not fit this browser's request."""
    stolen = provider.code_for(visit.start())
    thief = Visit(provider)
    thief.start()
    refused(thief, thief.back(code=stolen, state=thief.state), "code")


def test_without_pkce_the_nonce_still_binds_the_code_to_its_browser(
    provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    settings.OIDC_PKCE = False
    sent = visit.start()
    assert "code_challenge" not in sent
    thief = Visit(provider)
    thief.start()
    refused(thief, thief.back(code=provider.code_for(sent), state=thief.state), "token.nonce")


def test_a_state_that_is_too_old_is_refused(
    provider: HostileProvider, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = visit.start()
    session = visit.client.session
    session["oidc_states"][visit.state]["began_at"] -= 3600
    session.save()
    refused(visit, visit.back(code=provider.code_for(sent), state=visit.state), "state")


def test_an_answer_that_names_another_issuer_is_refused(provider: HostileProvider, visit: Visit) -> None:
    sent = visit.start()
    refused(visit, visit.back(code=provider.code_for(sent), state=visit.state, iss="https://evil.example"), "token.iss")


def test_an_answer_without_a_code_is_refused(provider: HostileProvider, visit: Visit) -> None:
    visit.start()
    refused(visit, visit.back(state=visit.state), "code")


# --- the provider itself


def test_a_provider_that_is_down_offers_the_meeting_as_a_guest(provider: HostileProvider, visit: Visit) -> None:
    provider.is_down = True
    answer = visit.client.get("/accounts/proconnect/?next=/r/abc-defg-hij")
    refused(visit, answer, "unavailable", 503)
    assert 'href="/r/abc-defg-hij"' in answer.content.decode()
    asked = len(provider.asked)
    assert visit.client.get("/accounts/proconnect/").status_code == 503
    assert len(provider.asked) == asked  # not everybody waits for it
    assert not AuditEntry.objects.filter(action="sign_in_refused").exists()  # nobody was refused: it was not there


@pytest.mark.parametrize("path", ["/openid-configuration", "/token", "/jwks", "/userinfo"])
def test_a_slow_provider_is_not_waited_for(
    path: str, provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    settings.OIDC_TIMEOUT_SECONDS = 1
    provider.slow_path = path
    before = time.monotonic()
    if path == "/openid-configuration":
        answer: Any = visit.client.get("/accounts/proconnect/")
    else:
        answer = visit.sign_in("?next=/r/abc-defg-hij")
        assert 'href="/r/abc-defg-hij"' in answer.content.decode()
    assert time.monotonic() - before < 4
    refused(visit, answer, "timeout", 503)


def test_a_provider_that_goes_down_in_between_is_said_to_be_down(provider: HostileProvider, visit: Visit) -> None:
    sent = visit.start()
    provider.is_down = True
    refused(visit, visit.back(code=provider.code_for(sent), state=visit.state), "unavailable", 503)


def test_another_issuers_discovery_document_is_refused(provider: HostileProvider, visit: Visit) -> None:
    provider.issuer_said = "https://evil.example"
    refused(visit, visit.client.get("/accounts/proconnect/"), "discovery.issuer")


ODD_ANSWERS: list[tuple[tuple[int, Any], str, int]] = [
    ((401, {"error": "invalid_client"}), "invalid_client", 403),
    ((400, {"error": "invalid_grant"}), "code", 403),
    ((400, ["nonsense"]), "code", 403),
    ((500, {}), "unavailable", 503),
    ((429, {}), "unavailable", 503),
    ((200, {"access_token": "x"}), "token.format", 403),
    ((200, {"id_token": "x", "access_token": "x"}), "token.format", 403),
    ((200, {"id_token": 5, "access_token": "x"}), "token.format", 403),
    ((200, []), "token.format", 403),
]


@pytest.mark.parametrize(("answer", "code", "status"), ODD_ANSWERS, ids=lambda value: str(value)[:40])
def test_odd_answers_of_the_token_endpoint_are_refused(
    answer: tuple[int, Any], code: str, status: int, provider: HostileProvider, visit: Visit
) -> None:
    provider.token_answer = answer
    refused(visit, visit.sign_in(), code, status)


def test_no_token_reaches_the_log(
    provider: HostileProvider, visit: Visit, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    sent = visit.start()
    code = provider.code_for(sent)
    visit.back(code=code, state=visit.state)
    token = visit.client.session["oidc"]["id_token"]
    provider.forge = {"aud": "another"}
    second = Visit(provider)
    second.sign_in()
    output = "".join(capsys.readouterr()) + caplog.text
    assert "token.aud" in output
    for secret in (token, token.split(".")[2], code, sent["state"], sent["nonce"], CLIENT_SECRET):
        assert secret not in output


def test_a_local_form_with_code_and_state_in_its_address_asks_no_provider(
    provider: HostileProvider, visit: Visit
) -> None:
    """The libraries' backend would take both from any request that somebody authenticates by."""
    sent = visit.start()
    code = provider.code_for(sent)
    client = Client()
    client.post(f"/accounts/login/?state={visit.state}&code={code}", {"login": "a@b.example", "password": "wrong"})
    assert provider.times_asked("/token") == 0
