"""Collected files are served by the names that the manifest has, and nothing else of the folder is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from pytest_django import Settings

from visio_portal.static_files import StaticFilesMiddleware

# An answer that is closed ends the request, and with it connections to the database that earlier tests left open.
pytestmark = pytest.mark.django_db

STORAGE = {"BACKEND": "visio_portal.static_files.PortalStaticStorage"}
# What the front end's build makes, and whether its name says what is in it.
BUILT = {
    "call/chunk-Stage-ABCD1234.js": True,
    "call/vendor/mediapipe-0.10.14/vision_wasm_internal.wasm": True,
    "call/main.js": False,
    "call/sizes.json": False,
    "call/backgrounds/blue.svg": False,
    "chunk-other.js": False,
}


@pytest.fixture
def get(tmp_path: Path, settings: Settings) -> Callable[[str], HttpResponseBase]:
    """Asks a portal whose folder of collected files holds one style sheet, and a stranger."""
    (tmp_path / "site.0123456789ab.css").write_text("p{}")
    (tmp_path / "site.css").write_text("p{}")
    (tmp_path / "stranger.css").write_text("q{}")
    for name in BUILT:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("built")
    names = {"site.css": "site.0123456789ab.css", **{name: name for name in BUILT}}
    manifest = {"version": "1.1", "paths": names, "hash": ""}
    (tmp_path / "staticfiles.json").write_text(json.dumps(manifest))
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": STORAGE}
    middleware = StaticFilesMiddleware(lambda request: HttpResponse(status=404))
    return lambda path: middleware(RequestFactory().get(path))


def test_a_file_is_served_by_its_hash_for_ever(get: Callable[[str], HttpResponseBase]) -> None:
    for _ in range(2):  # looked at once, then remembered
        with closing(get("/static/site.0123456789ab.css")) as answer:
            assert isinstance(answer, StreamingHttpResponse)
            assert b"".join(answer) == b"p{}"
            assert "immutable" in answer["Cache-Control"]


def test_its_plain_name_is_served_for_a_minute(get: Callable[[str], HttpResponseBase]) -> None:
    with closing(get("/static/site.css")) as answer:
        assert (answer.status_code, "immutable" in answer["Cache-Control"]) == (200, False)


@pytest.mark.parametrize(("name", "is_for_ever"), BUILT.items())
def test_what_the_build_names_by_content_or_version_is_kept_for_ever(
    name: str, is_for_ever: bool, get: Callable[[str], HttpResponseBase]
) -> None:
    with closing(get(f"/static/{name}")) as answer:
        assert (answer.status_code, "immutable" in answer["Cache-Control"]) == (200, is_for_ever)


@pytest.mark.parametrize("name", ["stranger.css", "../settings.py", "", "none.css", "staticfiles.json"])
def test_what_the_manifest_does_not_name_has_no_address(name: str, get: Callable[[str], HttpResponseBase]) -> None:
    assert get(f"/static/{name}").status_code == 404


def test_a_file_that_is_gone_is_not_found(tmp_path: Path, get: Callable[[str], HttpResponseBase]) -> None:
    (tmp_path / "site.css").unlink()
    assert get("/static/site.css").status_code == 404


def test_each_icon_of_a_page_is_one_of_the_dsfr() -> None:
    """The browser shows a filled square for one that is not."""
    sheet = finders.find("dsfr/dist/utility/utility.min.css")
    assert sheet
    icons = {
        (path.name, icon)
        for path in (settings.BASE_DIR / "templates").rglob("*.html")
        for icon in re.findall(r"fr-icon-\w[\w-]+", path.read_text())
    }
    assert len(icons) > 10
    known = set(re.findall(r"\.(fr-icon-\w[\w-]+)", Path(sheet).read_text()))
    assert {(name, icon) for name, icon in icons if icon not in known} == set()
