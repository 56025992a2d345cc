"""The way to the sign-in service and back: what is asked for, where it ends, and what is said when it fails."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, User
from accounts.proconnect.refusals import _KINDS, _UNKNOWN, _WORDS, clean_code, words_of
from accounts.proconnect.tests.hostile_provider import HostileProvider, Visit

pytestmark = pytest.mark.django_db


def test_what_is_asked_for_is_what_proconnect_takes_and_nothing_more(visit: Visit) -> None:
    sent = visit.start()
    assert set(sent) == {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "claims",
        "code_challenge",
        "code_challenge_method",
    }
    assert sent["redirect_uri"] == "http://testserver/accounts/proconnect/callback/"
    assert len(sent["state"]) >= 32
    assert len(sent["nonce"]) >= 32
    acr = {"essential": True, "values": ["eidas1", "eidas1-mfa", "eidas2", "eidas3"]}
    assert json.loads(sent["claims"]) == {"id_token": {"amr": None, "acr": acr}}
    assert visit.start()["nonce"] != sent["nonce"]


def test_a_step_up_names_every_level_that_is_good_enough(visit: Visit) -> None:
    sent = visit.start("?level=eidas2")
    assert json.loads(sent["claims"])["id_token"]["acr"]["values"] == ["eidas2", "eidas3"]
    assert json.loads(visit.start("?level=nonsense")["claims"])["id_token"]["acr"]["values"][0] == "eidas1"


def test_a_step_up_that_came_back_weaker_is_refused(provider: HostileProvider, visit: Visit) -> None:
    sent = visit.start("?level=eidas2")
    answer = visit.back(code=provider.code_for(sent), state=visit.state)
    assert "<code>acr</code>" in answer.content.decode()
    assert not visit.is_signed_in


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "\t//evil.example"]
)
def test_nobody_is_led_off_the_portal(wanted: str, provider: HostileProvider, visit: Visit) -> None:
    answer = visit.client.get("/accounts/proconnect/", {"next": wanted})
    sent = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
    assert visit.back(code=provider.code_for(sent), state=sent["state"])["Location"] == "/"


def test_several_windows_may_be_on_their_way_at_once(provider: HostileProvider, visit: Visit) -> None:
    first = visit.start("?next=/rooms/")
    visit.start()
    assert visit.back(code=provider.code_for(first), state=first["state"])["Location"] == "/rooms/"
    for _ in range(30):
        visit.start()
    assert len(visit.client.session["oidc_states"]) == 10


def test_another_name_of_the_portal_leads_to_the_registered_one_first(visit: Visit, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "other.example"]
    answer = visit.client.get("/accounts/proconnect/?next=/rooms/", headers={"host": "other.example"})
    assert answer["Location"] == "http://testserver/accounts/proconnect/?next=/rooms/"


# --- errors


# proconnect.md's list, by kind: what people read is never "unknown" for these.
DOCUMENTED = [
    *("login_required", "access_denied", "invalid_scope", "invalid_request", "idp_hint_not_found", "invalid_client"),
    *("unsupported_response_type", "server_error", "Y000400", "Y000404", "Y030110", "Y030111", "Y030031"),
    *("Y04A586", "Y500015", "500001", "500006", "500024", "500025", "500027", "Y500006"),
    *[f"0200{number}" for number in range(17, 33)],
    *[f"1900{number:02}" for number in range(1, 15)],
    "oidc-provider-rendered-error:invalid_redirect_uri",
]


@pytest.mark.parametrize("code", DOCUMENTED)
def test_each_documented_code_has_words_of_its_own(code: str, visit: Visit) -> None:
    visit.start("?next=/r/abc-defg-hij")
    answer = visit.back(error=code, state=visit.state)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert words_of(code) is not _UNKNOWN
    assert f"<code>{code}</code>" in page
    assert "mailto:support@culture.example" in page
    assert 'href="/r/abc-defg-hij"' in page  # as a guest


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("Y999999", "Y999999"),
        ("<script>alert(1)</script>", "scriptalert1script"),
        ("é" * 9, "unknown"),
        ("x" * 500, "x" * 64),
    ],
)
def test_a_code_that_nobody_knows_is_shown_and_harmless(code: str, shown: str, visit: Visit) -> None:
    visit.start()
    page = visit.back(error=code, state=visit.state, error_description="<b>hostile</b>").content.decode()
    assert f"<code>{shown}</code>" in page
    assert "hostile" not in page
    assert words_of(shown) is _UNKNOWN


def test_refusals_of_one_code_are_told_apart_by_what_the_provider_says(visit: Visit) -> None:
    levels = words_of("access_denied", "requested ACRs could not be satisfied")
    assert levels is _WORDS["acr"]
    assert words_of("access_denied", "invalid identity") is _WORDS["500006"]
    assert words_of("access_denied") not in (levels, _UNKNOWN)


def test_an_error_without_a_state_of_ours_changes_nothing(visit: Visit) -> None:
    visit.sign_in()
    assert visit.back(error="access_denied", state="x" * 43)["Location"] == "/"
    assert visit.back(error="access_denied").status_code == 302
    assert visit.is_signed_in


def test_who_goes_back_to_the_callback_is_still_signed_in(provider: HostileProvider, visit: Visit) -> None:
    visit.sign_in()
    assert visit.back(code="spent", state=visit.state)["Location"] == "/"
    assert visit.is_signed_in


def test_refusals_are_in_the_audit_log_with_their_code(provider: HostileProvider, visit: Visit) -> None:
    provider.forge = {"aud": "another"}
    visit.sign_in()
    assert "oidc:token.aud" in AuditEntry.objects.get(action="sign_in_refused").after


def test_all_words_are_of_codes_that_can_be_shown() -> None:
    assert [code for code in [*_WORDS, *(start for start, _ in _KINDS)] if clean_code(code) != code] == []


# --- the button


def test_the_official_button_is_shown_where_proconnect_is_set_up(visit: Visit, settings: Settings) -> None:
    for path in ("/", "/accounts/login/?next=/rooms/"):
        page = visit.client.get(path).content.decode()
        assert "fr-connect__brand" in page
        assert "S’identifier avec" in page
        assert "Qu’est-ce que ProConnect" in page
        assert "<form" not in page[page.index("fr-connect-group") : page.index("fr-connect__brand")]
    assert "/accounts/proconnect/?next=%2Frooms%2F" in page
    settings.OIDC_PROVIDER_NAME = "Keycloak"
    page = visit.client.get("/").content.decode()
    assert "fr-connect" not in page
    assert "Keycloak" in page
    settings.OIDC_ISSUER = ""
    page = visit.client.get("/").content.decode()
    assert "/accounts/proconnect/" not in page


# --- signing out


def test_signing_out_ends_the_session_here_first_and_there_next(provider: HostileProvider, visit: Visit) -> None:
    visit.sign_in()
    token = visit.client.session["oidc"]["id_token"]
    answer = visit.client.post("/accounts/logout/")
    assert answer.status_code == 200  # a redirect after a form's POST is what the policy blocks
    assert not visit.is_signed_in
    page = answer.content.decode()
    address = page[page.index('content="0;url=') + 15 :].split('"')[0].replace("&amp;", "&")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{provider.issuer}/session/end?")
    assert asked["id_token_hint"] == token
    assert asked["post_logout_redirect_uri"] == "http://testserver/accounts/proconnect/signed-out/"
    wrong = visit.client.get("/accounts/proconnect/signed-out/", {"state": "x" * 43})
    assert wrong.status_code == 403
    assert AuditEntry.objects.filter(action="signed_out").count() == 1


def test_the_state_of_the_sign_out_is_verified_and_used_once(provider: HostileProvider, visit: Visit) -> None:
    visit.sign_in()
    visit.client.post("/accounts/logout/")
    state = visit.client.session["oidc_logout_state"]
    answer = visit.client.get("/accounts/proconnect/signed-out/", {"state": state})
    assert answer["Location"] == "/"
    assert "ProConnect" in visit.client.get("/").content.decode()
    assert visit.client.get("/accounts/proconnect/signed-out/", {"state": state}).status_code == 403


def test_with_a_provider_that_is_down_one_is_signed_out_here_all_the_same(
    provider: HostileProvider, visit: Visit
) -> None:
    visit.sign_in()
    from django.core.cache import cache

    cache.clear()
    provider.is_down = True
    assert visit.client.post("/accounts/logout/").status_code == 302
    assert not visit.is_signed_in


def test_a_local_session_knows_nothing_of_the_provider_at_its_end(provider: HostileProvider) -> None:
    User.objects.create_user("a@culture.example", "a long password")
    client = Client()
    client.post("/accounts/login/", {"login": "a@culture.example", "password": "a long password"})
    assert client.post("/accounts/logout/").status_code == 302
    assert not provider.asked


# --- silent sign-in


def silently(visit: Visit, path: str = "/") -> Any:
    return visit.client.get(path)


def test_who_comes_back_is_signed_in_without_a_click(provider: HostileProvider, visit: Visit) -> None:
    visit.sign_in()
    visit.client.cookies.pop("visio_session")
    first = silently(visit, "/r/abc-defg-hij")
    assert first["Location"] == "/accounts/proconnect/?silent=1&next=%2Fr%2Fabc-defg-hij"
    there = visit.client.get(first["Location"])
    sent = {name: values[0] for name, values in parse_qs(urlsplit(there["Location"]).query).items()}
    assert sent["prompt"] == "none"
    back = visit.back(code=provider.code_for(sent), state=sent["state"])
    assert back["Location"] == "/r/abc-defg-hij"
    assert visit.is_signed_in


@pytest.mark.parametrize("error", ["login_required", "access_denied", "server_error"])
def test_a_silent_try_that_fails_says_nothing_and_is_not_repeated(
    error: str, provider: HostileProvider, visit: Visit
) -> None:
    visit.sign_in()
    visit.client.cookies.pop("visio_session")
    there = visit.client.get(silently(visit)["Location"])
    state = parse_qs(urlsplit(there["Location"]).query)["state"][0]
    assert visit.back(error=error, state=state)["Location"] == "/"
    assert silently(visit).status_code == 200
    assert silently(visit, "/accounts/login/").status_code == 200


def test_a_provider_that_is_down_makes_no_silent_detour(provider: HostileProvider, visit: Visit) -> None:
    visit.sign_in()
    visit.client.cookies.pop("visio_session")
    from django.core.cache import cache

    cache.clear()
    provider.is_down = True
    assert visit.client.get(silently(visit)["Location"])["Location"] == "/"
    assert silently(visit).status_code == 200


def test_nobody_is_signed_in_silently_who_was_never_here_who_signed_out_or_by_a_script(
    provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    assert silently(visit).status_code == 200
    visit.sign_in()
    visit.client.post("/accounts/logout/")
    assert silently(visit).status_code == 200
    visit.sign_in()
    visit.client.cookies.pop("visio_session")
    assert visit.client.get("/", headers={"sec-fetch-dest": "empty", "sec-fetch-mode": "cors"}).status_code == 200
    assert visit.client.get("/legal/").status_code == 200
    settings.OIDC_SILENT_SIGN_IN = False
    assert silently(visit).status_code == 200


# --- the settings


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"OIDC_ISSUER": "proconnect"}, "visio.E030", "OIDC_ISSUER"),
    ({"OIDC_ISSUER": "http://proconnect.example/api/v2"}, "visio.E031", "OIDC_ISSUER"),
    ({"OIDC_DISCOVERY_URL": "http://proconnect.example/x"}, "visio.E031", "OIDC_DISCOVERY_URL"),
    ({"OIDC_CLIENT_ID": ""}, "visio.E032", "OIDC_CLIENT_ID"),
    ({"OIDC_CLIENT_SECRET": ""}, "visio.E032", "OIDC_CLIENT_SECRET"),
    ({"OIDC_SIGN_ALGORITHM": "none"}, "visio.E033", "OIDC_SIGN_ALGORITHM"),
    ({"OIDC_SIGN_ALGORITHM": "HS256", "OIDC_CLIENT_SECRET": "short"}, "visio.E034", "OIDC_CLIENT_SECRET"),
    ({"OIDC_CLAIMS": ["name=x"]}, "visio.E035", "OIDC_CLAIMS"),
    ({"OIDC_CLAIMS": ["email"]}, "visio.E035", "OIDC_CLAIMS"),
    ({"OIDC_SCOPES": "profile"}, "visio.E036", "OIDC_SCOPES"),
    ({"OIDC_ALLOWED_SIRETS": ["123"]}, "visio.E037", "OIDC_ALLOWED_SIRETS"),
    ({"OIDC_TIMEOUT_SECONDS": 0}, "visio.E038", "OIDC_TIMEOUT_SECONDS"),
    ({"OIDC_ISSUER": "", "OIDC_CLIENT_ID": "x"}, "visio.W030", "OIDC_ISSUER"),
    ({"OIDC_ACR_VALUES": []}, "visio.W031", "OIDC_ACR_VALUES"),
    ({"SUPPORT_CONTACT": ""}, "visio.W032", "SUPPORT_CONTACT"),
]


@pytest.mark.parametrize(("values", "check_id", "variable"), MISTAKES)
def test_a_mistake_in_the_settings_is_found_by_name(
    values: dict[str, Any], check_id: str, variable: str, provider: HostileProvider, settings: Settings
) -> None:
    from accounts.proconnect.checks import check_sign_in_service

    assert check_sign_in_service(None) == []
    for name, value in values.items():
        setattr(settings, name, value)
    found = {message.id: f"{message.msg} {message.hint}" for message in check_sign_in_service(None)}
    assert variable in found[check_id]
    assert variable in str(found[check_id].split(".")[-2:]) or variable in found[check_id]


def test_the_checks_are_among_those_that_serve_asks(provider: HostileProvider, settings: Settings) -> None:
    settings.OIDC_CLIENT_ID = ""
    with pytest.raises(Exception, match="OIDC_CLIENT_ID"):
        call_command("check")
    assert django_settings.OIDC_FALLBACK_TO_EMAIL_FOR_IDENTIFICATION is False
