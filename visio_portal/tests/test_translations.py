"""Every text is there in French, English and German: nothing missing, fuzzy, untranslated or left over."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

LANGUAGES = [code for code, _ in settings.LANGUAGES]
APPS = ("accounts", "jobs", "meetings", "templates", "transcripts", "visio_portal")
MESSAGE = re.compile(r'^msgid ((?:".*"\n)+)', re.MULTILINE)


def catalogue(language: str) -> Path:
    return Path(settings.BASE_DIR) / "locale" / language / "LC_MESSAGES" / "django.po"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All texts that the code marks today, collected in a copy of it."""
    copy = tmp_path_factory.mktemp("code")
    ignored = shutil.ignore_patterns("tests", "static", "migrations", "__pycache__", "*.mo")
    for app in APPS:
        shutil.copytree(Path(settings.BASE_DIR) / app, copy / app, ignore=ignored)
    (copy / "locale").mkdir()
    command = [
        sys.executable,
        "-m",
        "django",
        "makemessages",
        "--locale=fr",
        "--keep-pot",
        "--no-wrap",
        "--verbosity=0",
    ]
    subprocess.run(command, cwd=copy, check=True, env={"PATH": "/usr/bin:/bin"})
    return copy / "locale" / "django.pot"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_none_is_fuzzy(language: str, template: Path) -> None:
    compared = subprocess.run(["msgcmp", catalogue(language), template], capture_output=True, text=True, check=False)
    assert compared.returncode == 0, compared.stderr


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_left_of_a_text_that_is_gone(language: str, template: Path) -> None:
    assert texts(catalogue(language)) - texts(template) == set()
    assert "#~" not in catalogue(language).read_text()


def test_no_french_quotation_mark_is_left_alone_at_the_end_of_a_line() -> None:
    assert re.findall("«(?!\u00a0).*|.*(?<!\u00a0)»", catalogue("fr").read_text()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_and_format_are_kept(language: str, tmp_path: Path) -> None:
    command = ["msgfmt", "--check-format", "--check-domain", "-o", str(tmp_path / "out.mo"), str(catalogue(language))]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_english_says_what_the_code_says() -> None:
    """The source language's catalogue only exists so that English is never shown in another language."""
    entries = re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', catalogue("en").read_text(), re.MULTILINE)
    assert len(entries) > 100
    assert [entry for entry in entries if entry[0] != entry[1]] == []


def texts(path: Path) -> set[str]:
    return {"".join(re.findall(r'"(.*)"', lines)) for lines in MESSAGE.findall(path.read_text())}
