"""No page and no state of the call is left out of what axe and the screenshots look at."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import User
from meetings.services.rooms import create_room
from tests.pages_and_states import (
    NO_PAGE,
    PAGES,
    TEMPLATES,
    addresses,
    call_views,
    reason_for_no_page,
    whole_page_templates,
)
from tests.tours import NOT_TOURED, TOURS

ADDRESSES = dict(addresses())
# What the pages of Django's own administration are is not ours to say.
NAMED_NO_PAGE = sorted(name for name in ADDRESSES if name not in PAGES and not name.startswith("admin:"))


def test_each_address_is_a_page_that_is_looked_at_or_says_why_it_is_none() -> None:
    assert len(ADDRESSES) > 40
    forgotten = [name for name in ADDRESSES if name not in PAGES and reason_for_no_page(name) is None]
    assert not forgotten, f"add them to PAGES (or to NO_PAGE, with a reason) in tests/pages_and_states.py: {forgotten}"
    both = [name for name in PAGES if reason_for_no_page(name) is not None]
    assert not both
    gone = [name for name in PAGES if name not in ADDRESSES]
    assert not gone, f"no longer in the URL table: {gone}"


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMED_NO_PAGE)
def test_what_is_named_no_page_shows_none(name: str) -> None:
    host = User.objects.create_user("host@example.org", first_name="Alice", last_name="Martin")
    room = create_room(acting_user=host)
    client = Client()
    client.force_login(host)
    path = re.sub(r"<int:\w+>", "1", ADDRESSES[name].replace("<str:slug>", room.slug).replace("<str:identity>", "x"))
    answer = client.get(f"/{path}")
    is_html = answer.headers.get("Content-Type", "").startswith("text/html")
    assert not (is_html and answer.status_code == 200), f"/{path} is a page: {reason_for_no_page(name)} is not true"


def test_each_error_page_is_looked_at() -> None:
    assert whole_page_templates() <= {page.template for page in TEMPLATES}


def test_each_state_of_the_call_page_is_on_a_tour() -> None:
    states = call_views()
    assert {
        "state-connected",
        "state-unsupported",
        "panel-people",
        "fault-refused",
        "notice-offline",
        "refusal-removed",
    } <= states
    toured = {name for tour in TOURS.values() for name in tour.views} | set(NOT_TOURED)
    assert not states - toured, f"add them to a tour in tests/tours.py: {states - toured}"
    gone = {name for name in toured - states if name.startswith(("state-", "panel-", "fault-", "notice-", "refusal-"))}
    assert not gone, f"no longer states of the page: {gone}"


def test_reasons_are_given() -> None:
    assert all(len(reason) > 5 for reason in (*NO_PAGE.values(), *NOT_TOURED.values()))
