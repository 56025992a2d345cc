"""The guide for people says the same in each language: the same sections in the same order, with the same keys."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from tests.portal import ROOT

GUIDES = {code: ROOT / "docs" / ("users.md" if code == "en" else f"users.{code}.md") for code, _ in settings.LANGUAGES}


def sections(text: str) -> list[dict[str, object]]:
    """What a section has that is the same in each language: its level, its keys and codes, pictures, rows, points."""
    found = []
    for section in re.split(r"^(?=#+ )", text, flags=re.MULTILINE)[1:]:
        lines = section.splitlines()
        found.append(
            {
                "level": section.index(" "),
                "codes": re.findall(r"`[^`]+`", section),
                "pictures": re.findall(r"\]\((screenshots/[^)]+)\)", section),
                "rows": sum(line.startswith("|") for line in lines),
                "points": sum(line.startswith("* ") for line in lines),
                "paragraphs": section.count("\n\n"),
            }
        )
    return found


def test_the_guide_is_there_in_each_language_and_leads_to_the_others() -> None:
    readme = (ROOT / "README.md").read_text()
    for path in GUIDES.values():
        assert f"](docs/{path.name})" in readme
        others = {other.name for other in GUIDES.values()} - {path.name}
        assert others == set(re.findall(r"\]\((users[\w.]*\.md)\)", path.read_text()))


@pytest.mark.parametrize("language", [code for code in GUIDES if code != "en"])
def test_its_sections_are_the_same_in_each_language(language: str) -> None:
    english, other = sections(GUIDES["en"].read_text()), sections(GUIDES[language].read_text())
    assert len(english) > 5
    assert len(other) == len(english)
    for number, (wanted, got) in enumerate(zip(english, other, strict=True)):
        assert got == wanted, f"section {number + 1} of {GUIDES[language].name} is not that of users.md"


@pytest.mark.parametrize("language", GUIDES)
def test_its_pictures_are_there(language: str) -> None:
    for section in sections(GUIDES[language].read_text()):
        for picture in section["pictures"]:  # type: ignore[attr-defined]  # a list
            assert (ROOT / "docs" / picture).is_file()
