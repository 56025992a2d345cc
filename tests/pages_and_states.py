"""All that people can be shown: every address of the portal, every error page, every state of the call page.

The lists are read from what the product itself is made of (URL table, templates, the call page's TypeScript), so that a
page or state that nobody looks at is found by its absence: axe and the screenshots go by these lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from django.urls import URLPattern, URLResolver, get_resolver

from tests.portal import ROOT

CALL = ROOT / "frontend" / "call"

Who = Literal["guest", "host", "administrator"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page, where it is and for whom. `{slug}`: a room of the host; `{invitation}`: a fresh one-time link;
    `{departure}`: of somebody who was cut off; `{organisation}`, `{member}`: led by the administrator, and of it;
    `{merge}`, `{refused}`, `{merged}`: merge proposals;
    `{token}`: of a program.
    """

    name: str
    path: str
    who: Who = "guest"


@dataclass(frozen=True, slots=True)
class Template:
    """A page that cannot be had by asking for it, shown as the template makes it. `context` is Python."""

    name: str
    template: str
    context: str = "{}"


# By the name of the address in the URL table.
PAGES: dict[str, Sequence[Page]] = {
    "meetings:home": (Page("home", "/"), Page("home-signed-in", "/", "host")),
    "meetings:rooms": (Page("rooms", "/rooms/", "host"), Page("rooms-not-found", "/rooms/?q=zzz", "host")),
    "meetings:room_settings": (Page("room-settings", "/rooms/{slug}/settings", "host"),),
    "meetings:call": (Page("call", "/r/{slug}", "host"),),  # its states are below
    "meetings:test": (Page("test", "/test"),),
    "meetings:legal": (Page("legal", "/legal/"),),
    "meetings:accessibility": (Page("accessibility", "/accessibility/"),),
    "account_login": (Page("sign-in", "/accounts/login/"),),
    "account_logout": (Page("sign-out", "/accounts/logout/", "host"),),
    "account_inactive": (Page("inactive", "/accounts/inactive/"),),
    "account_change_password": (Page("password", "/accounts/password/change/", "host"),),
    "account_reauthenticate": (Page("confirm-password", "/accounts/security/confirm/", "host"),),
    "mfa_index": (
        Page("second-factor-none", "/accounts/security/", "host"),
        Page("second-factor", "/accounts/security/", "administrator"),
    ),
    "mfa_activate_totp": (Page("second-factor-app", "/accounts/security/app/add/", "host"),),
    "mfa_deactivate_totp": (Page("second-factor-app-remove", "/accounts/security/app/remove/", "administrator"),),
    "mfa_add_webauthn": (Page("second-factor-passkey", "/accounts/security/passkeys/add/", "host"),),
    "mfa_view_recovery_codes": (Page("recovery-codes", "/accounts/security/recovery-codes/", "administrator"),),
    "mfa_generate_recovery_codes": (
        Page("recovery-codes-new", "/accounts/security/recovery-codes/new/", "administrator"),
    ),
    "mfa_reauthenticate": (Page("confirm-code", "/accounts/security/confirm/code/", "administrator"),),
    "accounts:profile": (Page("profile", "/accounts/profile/", "host"),),
    "accounts:invitation": (Page("invitation", "{invitation}"),),
    "accounts:hr_desk": (Page("hr-files", "/accounts/hr/", "administrator"),),
    "organisation:overview": (
        Page("organisation", "/organisation/{organisation}/", "administrator"),
        Page("organisation-not-found", "/organisation/{organisation}/?q=zzz", "administrator"),
    ),
    "organisation:people": (
        Page("organisation-people", "/organisation/{organisation}/people/", "administrator"),
        Page("organisation-people-not-found", "/organisation/{organisation}/people/?q=zzz", "administrator"),
    ),
    "organisation:add": (Page("organisation-add", "/organisation/{organisation}/people/add/", "administrator"),),
    "organisation:policies": (
        Page("organisation-policies", "/organisation/{organisation}/policies/", "administrator"),
    ),
    "organisation:person": (Page("organisation-person", "/organisation/people/{member}/", "administrator"),),
    "organisation:role": (
        Page("organisation-role", "/organisation/people/{member}/role/{organisation}/", "administrator"),
    ),
    "organisation:act": (Page("organisation-act", "/organisation/people/{member}/suspend/", "administrator"),),
    "admin:index": (Page("administration", "/admin/", "administrator"),),
    "admin:usage": (Page("administration-usage", "/admin/usage/", "administrator"),),
    "admin:settings_check": (Page("administration-settings", "/admin/settings-check/", "administrator"),),
    "admin:accounts_user_changelist": (Page("administration-people", "/admin/accounts/user/", "administrator"),),
    "admin:jobs_mail_changelist": (Page("administration-mails", "/admin/jobs/mail/", "administrator"),),
    "admin:accounts_apitoken_changelist": (
        Page("administration-tokens", "/admin/accounts/apitoken/", "administrator"),
    ),
    "admin:accounts_apitoken_add": (
        Page("administration-token-new", "/admin/accounts/apitoken/add/", "administrator"),
    ),
    "admin:accounts_apitoken_change": (Page("administration-token", "{token}", "administrator"),),
    "admin:meetings_callreport_change": (Page("administration-departure", "{departure}", "administrator"),),
    "admin:accounts_mergeproposal_change": (
        Page("administration-merge", "{merge}", "administrator"),
        Page("administration-merge-refused", "{refused}", "administrator"),
        Page("administration-merged", "{merged}", "administrator"),
    ),
}
_SAMPLE_FINGERPRINT = "{'fingerprint': ':'.join(['7F'] * 32)}"
_SAMPLE_REFUSAL = (
    "{'words': {'happened': 'It does not answer.', 'remedy': 'Try again.', 'may_retry': True}, 'code': 'Y500015', "
    "'service': 'ProConnect', 'again': '/', 'meeting': '/r/abc-defg-hij', 'support': 'support@example.org'}"
)
_SAMPLE_STEP_UP = "{'room': 'Budget', 'needed': {'level': {'label': 'eidas2'}, 'origin': 'Ministry of Tests'}}"
_SAMPLE_MAIL = (
    "{'title': 'Mail', 'mails': "
    "[{'to': 'bob@example.org', 'subject': 'Budget', 'content': {'text': 'Good morning, Bob'}}]}"
)
_NOBODY = "'public_id': '0' * 8 + '-0000-4000-8000-' + '0' * 12"
_SAMPLE_LINK = (
    f"{{'person': {{{_NOBODY}, 'display_name': 'Noa Petit'}}, 'link': 'https://example.org/?token=' + 'x' * 43}}"
)
_SAMPLE_LED = f"{{'organisations': [{{{_NOBODY}, 'name': name}} for name in ('Culture', 'Finances')]}}"
_SAMPLE_ADDING = (
    f"{{'organisation': {{{_NOBODY}, 'name': 'Culture'}}, 'form': __import__("
    "'visio_portal.organisation.forms', fromlist=['forms']).NewPersonForm({'email': 'x'})}"
)
_HR_REPORT = "{'name': 'errors.csv', 'titles': ['ligne', 'valeur'], 'rows': [['4', \"'=cmd()\"]], 'is_cut': True}"
_HR_FILE = (
    "{'file': {'public_id': '0' * 8 + '-0000-4000-8000-' + '0' * 12, 'name': 'agents-2026-12.csv', 'source': 'sirh', "
    "'is_full': True, 'max_leavers': 2.0, 'by': 'Hélène Roy', 'confirmed_by': 'Hélène Roy', %s}}"
)
_HR_RESULT = (
    f"'counts': [('Créés', 12), ('Partis', 3)], 'errors': {_HR_REPORT}, 'facts': {{'withheld': 2, 'nameless': 1}}"
)
_HR_RUN = (
    "{'run': {'key': '2026-11-25-1', 'name': 'agents-2026-12.csv', 'source': 'sirh', 'by': 'Hélène Roy', "
    "'state': 'Terminé', 'colour': 'success', 'counts': [('Créés', 12), ('Partis', 3)], %s}}"
)
_HR_PROGRESS = "'progress': {'percent': 42, 'step': 'Le fichier est lu.'}"
_HR_WAITS = f"'phase': 'ready', 'colour': 'new', 'state': '…', 'changes': {_HR_REPORT}, {_HR_RESULT}"
_HR_READY = (
    f"{{**{_HR_FILE % _HR_WAITS}, 'form': __import__('accounts.hr_desk.forms', fromlist=['forms']).DecisionForm()}}"
)
_HR_FILES = "[" + _HR_FILE % "'state': 'Refusé', 'colour': 'error'" + "['file']]"
_HR_RUNS = "[" + _HR_RUN % "'at': ''" + "['run']]"
_HR_FORM = "__import__('accounts.hr_desk.forms', fromlist=['forms']).UploadForm(['sirh'], {'max_leavers': 'x'}, {})"
_HR_LISTS = f"{{'form': {_HR_FORM}, 'files': {_HR_FILES}, 'runs': {_HR_RUNS}}}"
TEMPLATES: tuple[Template, ...] = (
    *(Template(f"error-{code}", f"{code}.html") for code in ("400", "403", "403_csrf", "404", "429", "500", "503")),
    Template("invitation-invalid", "accounts/invitation_invalid.html"),
    # The portal under test has no sign-in service that could refuse anybody.
    Template("sign-in-refused", "accounts/sign_in_refused.html", _SAMPLE_REFUSAL),
    # Its refresh leads on at once: here to itself.
    Template("signing-out", "accounts/signing_out.html", "{'address': '#content', 'service': 'ProConnect'}"),
    Template("step-up", "meetings/step_up.html", _SAMPLE_STEP_UP),
    Template("confirm-address", "accounts/confirm_address.html", "{'token': 'x'}"),
    # A link is the answer to an act; who leads one organisation never sees the list of theirs.
    Template("organisation-link", "organisation/link.html", _SAMPLE_LINK),
    Template("organisations", "organisation/index.html", _SAMPLE_LED),
    Template("organisation-add-refused", "organisation/add.html", _SAMPLE_ADDING),
    # States of HR's files and imports, each of which lasts as long as a job.
    Template("hr-files-refused-form", "accounts/hr/desk.html", _HR_LISTS),
    Template(
        "hr-file-at-work",
        "accounts/hr/file.html",
        _HR_FILE % f"'phase': 'looking', 'colour': 'info', 'state': '…', {_HR_PROGRESS}",
    ),
    Template("hr-file-ready", "accounts/hr/file.html", _HR_READY),
    Template(
        "hr-file-refused",
        "accounts/hr/file.html",
        _HR_FILE % "'phase': 'refused', 'colour': 'error', 'state': '…', 'trouble': 'Le fichier est vide.'",
    ),
    Template("hr-file-stuck", "accounts/hr/file.html", _HR_FILE % "'phase': 'stuck', 'colour': 'info', 'state': '…'"),
    Template(
        "hr-file-applied",
        "accounts/hr/file.html",
        _HR_FILE % f"'phase': 'applied', 'colour': 'success', 'state': '…', 'run': '2026-11-25-1', {_HR_RESULT}",
    ),
    Template("hr-run", "accounts/hr/run.html", _HR_RUN % "'phase': 'still'"),
    Template("hr-run-at-work", "accounts/hr/run.html", _HR_RUN % f"'phase': 'undoing', {_HR_PROGRESS}"),
    Template(
        "hr-run-undone",
        "accounts/hr/run.html",
        _HR_RUN % f"'phase': 'still', 'undone': '…', 'left_rows': {_HR_REPORT}",
    ),
    Template("hr-undo", "accounts/hr/undo.html", _HR_RUN % "'phase': 'still'"),
    # They ask for a passkey, which only tests/test_browser_factors.py has.
    Template("confirm-passkey", "mfa/webauthn/reauthenticate.html"),
    Template("passkey-remove", "mfa/webauthn/authenticator_confirm_delete.html", "{'authenticator': 'Passkey 1'}"),
    Template("mail-text", "admin/jobs/mail_text.html", _SAMPLE_MAIL),
    # There only where the portal made its own certificate, and a browser that trusts it not yet.
    Template("trust", "visio_portal/trust.html", _SAMPLE_FINGERPRINT),
)

_API = "JSON of the call page"
_ACT = "an act, by POST alone; the answer is another page"
NO_PAGE: dict[str, str] = {
    "readyz": "one word for load balancers",
    "trust": "its template is looked at in TEMPLATES: the portal under test speaks no HTTPS",
    "trust_certificate": "a file",
    "admin": "Django's own pages, for administrators, but for those in PAGES",
    "set_language": _ACT,
    "javascript-catalog": "a script",
    "meetings:new_room": _ACT,
    "meetings:close_room": _ACT,
    "meetings:forgive": _ACT,
    "meetings:r/<str:slug>/": "leads to the address without the slash",
    "accounts:sign_out_elsewhere": _ACT,
    "accounts:end_session": _ACT,
    "accounts:send_address_link": _ACT,
    "accounts:confirm_address": "its template is looked at in TEMPLATES: it needs the link of a mail",
    "accounts:hr_file": "its template is looked at in TEMPLATES: it needs a file that somebody brought",
    "accounts:hr_run": "its template is looked at in TEMPLATES: it needs an import",
    "accounts:hr_undo": "its template is looked at in TEMPLATES: it needs an import",
    "accounts:hr_apply": _ACT,
    "accounts:hr_again": _ACT,
    "accounts:hr_delete": _ACT,
    "accounts:hr_report": "a file",
    "accounts:hr_left": "a file",
    "organisation:index": "its template is looked at in TEMPLATES: who leads one organisation is led on to it",
    "mfa_authenticate": "between password and portal: the tour of the administration passes it, and looks",
    "mfa_reauthenticate_webauthn": "its template is looked at in TEMPLATES: it asks for a passkey",
    "mfa_remove_webauthn": "its template is looked at in TEMPLATES: it asks for a passkey",
    "mfa_list_webauthn": "leads to the page of all factors",
    "mfa_login_webauthn": _ACT,
    "mfa_download_recovery_codes": "a file",
    "meetings:webhook_livekit": "what the media engine tells",
    "meetings:api_": _API,
    "api": "JSON for programs",
    "proconnect": "leads to the sign-in service and back; what it refuses is looked at in TEMPLATES",
}


def addresses() -> Iterator[tuple[str, str]]:
    """(name, route) of each address in the URL table; where it has no name, its route is its name."""
    yield from _walk(get_resolver().url_patterns, "", "")


def _walk(patterns: Sequence[URLPattern | URLResolver], namespace: str, before: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name or route}", route
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, inner, route)


def reason_for_no_page(name: str) -> str | None:
    """Why this address is none that people look at, or None where nobody said so."""
    namespace = name.partition(":")[0]
    if namespace == "admin" and name in PAGES:
        return None
    return NO_PAGE.get(name) or NO_PAGE.get(namespace) or (NO_PAGE["meetings:api_"] if ":api_" in name else None)


def whole_page_templates() -> set[str]:
    """Templates that a server shows by itself when something is wrong: named by their status."""
    return {path.name for path in (ROOT / "templates").glob("[45]*.html")}


# --- The call page: states as its own source lists them


def call_views() -> set[str]:
    """Each state of the call page: `state-…`, `reconnecting-…`, `panel-…`, `fault-…`, `notice-…`, `refusal-…`."""
    phase = (CALL / "phase.ts").read_text()
    phases = {*_strings(_between(phase, "type FinalName =", ";")), *_names(_between(phase, "type Phase =", "export "))}
    return {
        *(f"state-{name}" for name in phases | {"unsupported"}),
        *(f"reconnecting-{name}" for name in _strings(_between(phase, "layer:", "}"))),
        *(f"notice-{name}" for name in _strings(_between(phase, "type Notice =", ";"))),
        *(f"panel-{name}" for name in _strings(_of(CALL / "stagecontext.ts", "type PanelName ="))),
        *(f"refusal-{name}" for name in _strings(_of(CALL / "contract.ts", "type RefusalCode ="))),
        *(f"fault-{name}" for name in _strings(_of(CALL / "devicefault.ts", "type DeviceFault ="))),
    }


def _of(path: Path, start: str) -> str:
    return _between(path.read_text(), start, ";")


def _between(text: str, start: str, end: str) -> str:
    assert start in text, f"{start!r} is no longer where the states are read from"
    without_comments = re.sub(r"/\*.*?\*/|//[^\n]*", "", text.split(start, 1)[1], flags=re.DOTALL)
    return without_comments.split(end, 1)[0]


def _names(text: str) -> set[str]:
    return set(re.findall(r'name: "([\w-]+)"', text))


def _strings(text: str) -> set[str]:
    return set(re.findall(r'"([\w-]+)"', text))
