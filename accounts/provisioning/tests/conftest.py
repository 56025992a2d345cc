from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Organisation
from accounts.provisioning import applying

HEADER = "Matricule;Courriel;Prénom;Nom;Service;Date d'arrivée;Date de départ;Statut"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(applying, "PAUSE_SECONDS", 0)
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()


@pytest.fixture
def offices(db: None) -> dict[str, Organisation]:
    ministry = Organisation.objects.create(name="Ministère", source="sirh", external_id="M")
    names = {"A": "Bureau A", "B": "Bureau B"}
    return {
        key: Organisation.objects.create(name=name, source="sirh", external_id=key, parent=ministry)
        for key, name in names.items()
    }


@dataclass
class Said:
    """What a command answered."""

    code: int
    facts: dict[str, Any]
    text: str

    @property
    def counts(self) -> dict[str, int]:
        found: dict[str, int] = self.facts["counts"]
        return found

    @property
    def wrong(self) -> list[list[str]]:
        """The report of wrong rows, without its head."""
        text = Path(self.facts["report"]).read_text("utf-8-sig") if self.facts["report"] else ""
        return [line.split(";") for line in text.splitlines()[1:]]


Provision = Callable[..., Said]


@pytest.fixture
def provision(tmp_path: Path, offices: dict[str, Organisation]) -> Provision:
    """`provision(text, "--full")`: the command with such a file, applied. Bytes are written as they are."""

    def run(
        content: str | bytes, *options: str, apply: bool = True, source: str = "sirh", name: str = "hr.csv"
    ) -> Said:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return command("provision_users", str(file), "--source", source, "--json", *options, *["--apply"] * apply)

    return run


def command(*arguments: str) -> Said:
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    text = out.getvalue()
    return Said(code, json.loads(text) if text.startswith("{") else {}, text + err.getvalue())


def exported() -> str:
    return command("export_users").text


def file_of(*rows: str, header: str = HEADER) -> str:
    """Rows as `hr_id;email;first;last;office;arrives;leaves;status`; what is left out at the end is empty."""
    width = header.count(";")
    return "\n".join([header, *(row + ";" * (width - row.count(";")) for row in rows)]) + "\n"
