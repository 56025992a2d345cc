"""Files as people save them: separators, encodings, titles, spreadsheets, and what is broken in them."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
from django.conf import settings

from accounts.models import Employment, Organisation, User
from accounts.provisioning.tests.conftest import Provision, file_of
from accounts.provisioning.tests.test_provision_users import ANNA, BEN, CLEO, person


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_encodings_and_line_ends(provision: Provision, encoding: str, separator: str, end: str) -> None:
    text = file_of(ANNA, CLEO).replace(";", separator).replace("\n", end)
    assert provision(text.encode(encoding)).counts == {"created": 2}
    assert (person("3").first_name, person("3").last_name) == ("Cléo", "Noël")


@pytest.mark.parametrize(
    "header",
    [
        "hr_id;email;first_name;last_name",
        "Employee ID;E-mail address;Given name;Surname",
        "N° agent;Adresse électronique;PRÉNOM;Nom d’usage",
        "Personalnummer;E-Mail;Vorname;Nachname",
    ],
)
def test_titles_in_three_languages(provision: Provision, header: str) -> None:
    assert provision(f"{header}\n1;anna@m.example;Anna;Petit\n").counts == {"created": 1}
    assert person("1").get_full_name() == "Anna Petit"


def test_own_titles_by_a_file(provision: Provision, tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("# ours\nhr_id = Clé\nemail = Contact\nlast_name = Nom complet\n")
    said = provision("Clé;Contact;Nom complet;Matricule\n1;anna@m.example;Petit;x\n", "--map", str(names))
    assert (said.code, said.facts["ignored_columns"]) == (0, ["Matricule"])
    assert person("1").last_name == "Petit"
    names.write_text("hr_id = Nowhere\n")
    assert provision(file_of(ANNA), "--map", str(names)).code == 3
    names.write_text("nonsense\n")
    assert provision(file_of(ANNA), "--map", str(names)).code == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Matricule;Courriel;Mail\n1;a@m.example;b@m.example\n", "Mail"),
        ("Matricule;Nom\n1;A\n", "email"),
        ("", "vide"),
        ("\n\n", "vide"),
        (b"\xff\xfeM\x00a\x00", "UTF-16"),
        (b"M\x00a\x00t\x00", "UTF-16"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xlsx"),
        (b"PK\x03\x04 and nothing more", "abîm"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_as_a_whole(
    provision: Provision, content: str | bytes, said: str
) -> None:
    answer = provision(content)
    assert answer.code == 3
    assert said in answer.facts["text"]
    assert not User.objects.exists()


def test_a_file_that_is_not_there(provision: Provision) -> None:
    from accounts.provisioning.tests.conftest import command

    assert command("provision_users", "/nowhere/hr.csv", "--source", "s", "--json").code == 3


def test_a_line_of_ten_megabytes_costs_that_line_alone(provision: Provision) -> None:
    said = provision(file_of(ANNA, f"2;{'x' * 10_000_000};B;B;A", CLEO))
    assert (said.code, said.counts) == (1, {"created": 2, "refused": 1})
    assert said.wrong[0][0] == "3"
    assert Path(said.facts["report"]).stat().st_size < 2000


def test_a_quotation_mark_that_is_never_closed_costs_that_line_alone(provision: Provision) -> None:
    many = [f"{n};p{n}@m.example;P;{n};A" for n in range(10, 60)]
    said = provision(file_of(ANNA, '2;ben@m.example;"Ben;Roux;A', *many))
    assert said.counts == {"created": 51, "refused": 1}
    assert said.wrong[0][0] == "3"


def test_cells_with_line_breaks_and_separators(provision: Provision) -> None:
    said = provision(file_of('1;anna@m.example;"Anna\nMaria";"Petit; née ""Grand""";A;;;', BEN))
    assert (said.wrong, said.counts) == ([], {"created": 2})
    assert person("1").get_full_name() == 'Anna Maria Petit; née "Grand"'


def test_one_damaged_byte_garbles_no_other_name(provision: Provision) -> None:
    said = provision(file_of(CLEO).encode() + b"4;dan@m.example;D\xe9n;Lac;A\n")
    assert said.counts == {"created": 1, "refused": 1}
    assert person("3").last_name == "Noël"


def test_the_line_excel_writes_for_itself_is_no_header(provision: Provision) -> None:
    assert provision("sep=;\n" + file_of(ANNA)).counts == {"created": 1}


def test_invisible_letters_in_a_key_or_an_address_are_refused(provision: Provision) -> None:
    said = provision(file_of("1\u200b;anna@m.example;A;A", "2;ben\u202e@m.example;B;B", "3;c@m.example;C\u202e;C"))
    assert said.counts == {"created": 1, "refused": 2}
    assert person("3").first_name == "C"


def spreadsheet(*rows: tuple[object, ...], sheets: int = 1) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for number in range(1, sheets):
        book.create_sheet(f"More {number}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_spreadsheet_with_numbers_dates_and_a_formula(provision: Provision) -> None:
    import datetime

    said = provision(
        spreadsheet(
            ("Matricule", "Courriel", "Nom", "Date d'arrivée"),
            (17, "anna@m.example", "Noël", datetime.datetime(2020, 2, 1)),
            (18.0, "ben@m.example", '=HYPERLINK("http://x")', None),
            (None, None, None, None),
            (19, "cleo@m.example", "Roux", "01/03/2021"),
        ),
        name="hr.xlsx",
    )
    assert (said.code, said.counts) == (1, {"created": 2, "refused": 1})
    assert said.wrong[0][:2] == ["3", "Nom"]
    dates = dict(Employment.objects.values_list("hr_id", "arrives_on"))
    assert {key: str(day) for key, day in dates.items()} == {"17": "2020-02-01", "19": "2021-03-01"}


def test_a_spreadsheet_with_two_sheets_is_refused(provision: Provision) -> None:
    assert provision(spreadsheet(("Matricule", "Courriel"), sheets=2), name="hr.xlsx").code == 3


def test_standard_input_is_read(provision: Provision, monkeypatch: pytest.MonkeyPatch) -> None:
    from accounts.provisioning.tests.conftest import command

    class Piped:
        buffer = io.BytesIO(file_of(ANNA).encode())

    monkeypatch.setattr(sys, "stdin", Piped)
    assert command("provision_users", "-", "--source", "sirh", "--apply", "--json").counts == {"created": 1}


def test_the_example_in_the_documentation_can_be_imported(provision: Provision) -> None:
    for key in ("DNUM", "DNUM-1", "DNUM-2"):
        Organisation.objects.create(name=key, source="sirh", external_id=key)
    example = (settings.BASE_DIR / "docs" / "hr-example.csv").read_text()
    assert example in (settings.BASE_DIR / "docs" / "administrators.md").read_text()
    said = provision(example)
    assert said.code == 0
    assert said.counts["created"] >= 3  # one leaves at the end of 2026
    assert not person("00012348").is_active


def test_the_spreadsheet_reader_is_not_loaded_for_text() -> None:
    code = "import accounts.provisioning.reading, sys; sys.exit('openpyxl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_array_formula_is_refused_as_any_other(provision: Provision) -> None:
    from openpyxl.worksheet.formula import ArrayFormula

    rows = (("Matricule", "Courriel", "Prénom"), (1, "anna@m.example", ArrayFormula("C2:C2", "=1+1")))
    assert provision(spreadsheet(*rows), name="hr.xlsx").counts == {"refused": 1}


def test_a_spreadsheet_that_is_cut_off_is_refused_as_a_whole(provision: Provision) -> None:
    whole = spreadsheet(("Matricule", "Courriel"), (1, "anna@m.example"))
    cut = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(cut, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[:-60] if name.endswith("sheet1.xml") else data)
    assert provision(cut.getvalue(), name="hr.xlsx").code == 3
