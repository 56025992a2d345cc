"""Files as people save them, CSV or XLSX, as rows of cells: each line of the file is a row or a named trouble.

Read line by line, so that memory does not grow with the file, and no line swallows those behind it: a quotation mark
that is never closed, or a line without end, costs that line alone.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree  # for its error alone: openpyxl parses

from django.utils.translation import gettext as _

from accounts.provisioning.problems import FileRefused

# 250,000 people are 30 MB.
MAX_FILE_BYTES = 512 << 20
MAX_LINE_BYTES = 64 << 10
# What openpyxl reads at once: the texts of all cells and the styles. Those of 250,000 people are 25 MB.
MAX_BYTES_BESIDE_SHEETS = 96 << 20
# A cell with line breaks spans some lines; one of which the quotation mark is not closed would span all.
MAX_LINES_OF_A_ROW = 20
_CHUNK = 1 << 20
_DELIMITERS = ";,\t"
_SHEETS = "xl/worksheets/"
_XLSX, _XLS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# é, à, ç, … in UTF-8. In cp1252 that would be Ã and a sign that follows no letter.
_UTF8_LETTER = re.compile(rb"\xc3[\x80-\xbf]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

# (line, cells, trouble): the trouble's code in `problems`, "" for none.
Record = tuple[int, Sequence[str], str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file that is open. `lines` is how many it has; `digest` is SHA-256 of its bytes."""

    name: str
    header: Sequence[str]
    lines: int
    digest: str
    records: Iterator[Record]


@contextmanager
def open_table(path: str, stdin: BinaryIO) -> Iterator[Table]:
    """`path` may be "-". Raises `FileRefused`."""
    with _opened(path, stdin) as file:
        begin = file.read(4)
        file.seek(0)
        if begin.startswith(_XLS):
            raise FileRefused(_("This is an old Excel file (.xls). Save it as .xlsx or as CSV."))
        name = "-" if path == "-" else Path(path).name
        yield _spreadsheet(name, file) if begin == _XLSX else _text(name, file)


@contextmanager
def _opened(path: str, stdin: BinaryIO) -> Iterator[BinaryIO]:
    """Seekable, and not too large."""
    if path == "-":
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(_Bounded(stdin), copy)
            copy.seek(0)
            yield copy
        return
    try:
        file = open(path, "rb")  # noqa: SIM115  closed below; only the opening may fail this way
    except OSError as error:
        raise FileRefused(_("The file cannot be read: %(error)s") % {"error": error.strerror}) from error
    with file:
        if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
            raise FileRefused(_too_large())
        yield file


class _Bounded:
    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.left = stream, MAX_FILE_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise FileRefused(_too_large())
        return data


def _too_large() -> str:
    return _("The file is larger than %(size)d MB. Split it.") % {"size": MAX_FILE_BYTES >> 20}


def _text(name: str, file: BinaryIO) -> Table:
    encoding, digest, lines = _survey(file)
    numbered = _NumberedLines(file, encoding)
    header_line = next((line for _n, line, _t in numbered if line.strip() and not line.lower().startswith("sep=")), "")
    if not header_line:
        raise FileRefused(_("The file is empty."))
    delimiter = max(_DELIMITERS, key=header_line.count)
    header = next(csv.reader([header_line], delimiter=delimiter), [])
    return Table(name, header, lines, digest, _cells(numbered, delimiter))


def _survey(file: BinaryIO) -> tuple[str, str, int]:
    """Encoding, SHA-256 and number of lines: one quick look at all of it. Leaves `file` behind a byte order mark.

    Whatever is UTF-8, or looks like it but for some damaged bytes, is: else one bad byte would garble all names.
    """
    begin = file.read(4)
    if begin.startswith(_UTF16) or b"\0" in begin:
        raise FileRefused(_("The file is in UTF-16, or no text at all. Save it as CSV in UTF-8."))
    file.seek(0)
    digest, lines, rest = hashlib.sha256(), 0, b""
    is_utf8, looks_like_it = True, begin.startswith(b"\xef\xbb\xbf")
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        lines += chunk.count(b"\n")
        looks_like_it = looks_like_it or _UTF8_LETTER.search(chunk) is not None
        if is_utf8:
            rest, is_utf8 = _undecoded(rest + chunk)
    is_utf8 = is_utf8 and not rest
    file.seek(3 if begin.startswith(b"\xef\xbb\xbf") else 0)
    return "utf-8" if is_utf8 or looks_like_it else "cp1252", digest.hexdigest(), lines


def _undecoded(data: bytes) -> tuple[bytes, bool]:
    """The half letter at the end of `data`, and whether the rest is UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        is_half = error.end == len(data) and len(data) - error.start < 4 and error.reason == "unexpected end of data"
        return (data[error.start :], True) if is_half else (b"", False)
    return b"", True


class _NumberedLines:
    """(number, text, trouble), with a way to give lines back."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self.file, self.encoding, self.number = file, encoding, 0
        self.returned: deque[tuple[int, str, str]] = deque()

    def __iter__(self) -> Iterator[tuple[int, str, str]]:
        return self

    def __next__(self) -> tuple[int, str, str]:
        if self.returned:
            return self.returned.popleft()
        raw = self.file.readline(MAX_LINE_BYTES)
        if not raw:
            raise StopIteration
        self.number += 1
        if len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
            while (more := self.file.readline(_CHUNK)) and not more.endswith(b"\n"):
                pass
            return self.number, raw[:200].decode(self.encoding, "replace"), "too_long"
        # A mark in the place of bytes that are no letter: `rows` refuses the cell, by name.
        return self.number, raw.decode(self.encoding, "replace"), ""

    def give_back(self, lines: Sequence[tuple[int, str, str]]) -> None:
        self.returned.extendleft(reversed(lines))


def _cells(lines: _NumberedLines, delimiter: str) -> Iterator[Record]:
    for number, line, trouble in lines:
        text = line
        if trouble:
            yield number, [text], trouble
            continue
        if '"' in text and text.count('"') % 2:
            text, trouble = _with_following(text, lines)
        if trouble:
            yield number, [text], trouble
            continue
        row = next(csv.reader((text,) if text is line else io.StringIO(text, newline=""), delimiter=delimiter), [])
        if row:
            yield number, row, ""


def _with_following(text: str, lines: _NumberedLines) -> tuple[str, str]:
    """`text` with the lines behind it up to the one that closes its quotation mark, and the trouble if none does."""
    taken: list[tuple[int, str, str]] = []
    whole = text
    for following in lines:
        taken.append(following)
        whole += following[1]
        if following[2] or len(taken) == MAX_LINES_OF_A_ROW or len(whole) > MAX_LINE_BYTES:
            break
        if whole.count('"') % 2 == 0:
            return whole, ""
    lines.give_back(taken)
    return text, "open_quote"


def _spreadsheet(name: str, file: BinaryIO) -> Table:
    import openpyxl  # half a second, for XLSX alone

    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            # A small file may unpack to no end.
            sizes = [(entry.file_size, entry.filename.startswith(_SHEETS)) for entry in archive.infolist()]
            beside = sum(size for size, is_sheet in sizes if not is_sheet)
            if sum(size for size, _sheet in sizes) > MAX_FILE_BYTES or beside > MAX_BYTES_BESIDE_SHEETS:
                raise FileRefused(_too_large())
        book = openpyxl.load_workbook(file, read_only=True, data_only=False)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise FileRefused(_damaged()) from error
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if len(sheets) != 1:
        text = _("The spreadsheet has %(count)d visible sheets; it must have one.")
        raise FileRefused(text % {"count": len(sheets)})
    rows = _sheet_rows(sheets[0])
    header = next((cells for _n, cells, _t in rows), None)
    if header is None:
        raise FileRefused(_("The file is empty."))
    return Table(name, header, sheets[0].max_row or 0, digest, _padded(rows, len(header)))


def _damaged() -> str:
    return _("The spreadsheet cannot be read: it is damaged, or locked by a password.")


def _padded(rows: Iterator[Record], width: int) -> Iterator[Record]:
    """A spreadsheet keeps no empty cells at the end of a row."""
    for number, cells, trouble in rows:
        yield number, [*cells, *[""] * (width - len(cells))], trouble


def _sheet_rows(sheet: object) -> Iterator[Record]:
    rows = enumerate(sheet.iter_rows(values_only=True), 1)  # type: ignore[attr-defined]  # openpyxl has no types
    while True:
        try:
            number, row = next(rows)
        except StopIteration:
            return
        except (ElementTree.ParseError, zipfile.BadZipFile, zlib.error, ValueError, KeyError) as error:
            raise FileRefused(_damaged()) from error
        cells = [_cell(value) for value in row]
        if any(cells):
            yield number, cells, ""


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # An array formula is an object of its own; it is refused as any other formula is.
    return str(value) if isinstance(value, str | int | float | time | timedelta) else "="
