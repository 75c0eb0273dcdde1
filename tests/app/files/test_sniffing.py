from __future__ import annotations

import hashlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.files.sniffing import TYPES, clean_name, inspect, sniff

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def _zip(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return made.getvalue()


GOOD = {
    "bill.pdf": PDF,
    "Scan.PNG": PNG,
    "photo.jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "photo.jpeg": b"\xff\xd8\xff\xe1\x00\x10Exif",
    "photo.webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "bills.csv": b"Supplier,Amount\r\nCaf\xe9 & Co,\xa312.00\r\n",
    "bills.tsv": "Ärzte\t12\n".encode("utf-8-sig"),
    "note.txt": "a < b, Grüße".encode("utf-16"),
    "book.xlsx": _zip("[Content_Types].xml", "xl/workbook.xml"),
    "letter.docx": _zip("[Content_Types].xml", "word/document.xml"),
}
BAD = {
    "empty.pdf": b"",
    "page.html": b"<!doctype html><p>x",
    "page.txt": b"\n <HTML><body>x",
    "page.csv": b"a,b\n1,<script>alert(1)</script>",
    "late.csv": b"a,b\n" + b"1,2\n" * 5_000 + b"1,<SCRIPT>x",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "drawing.txt": b"<?xml version='1.0'?><svg/>",
    "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "tool.exe": b"MZ\x90\x00",
    "tool.pdf": b"MZ\x90\x00",
    "tool.txt": b"#!/bin/sh\nrm -rf /\n",
    "tool.csv": b"\x7fELF\x02\x01\x01",
    "scan.pdf": PNG,
    "scan.png": PDF,
    "book.csv": _zip("[Content_Types].xml", "xl/workbook.xml"),
    "macros.xlsx": _zip("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"),
    "archive.docx": _zip("anything.txt"),
    "broken.xlsx": b"PK\x03\x04 and nothing more",
    "noname": PDF,
    ".pdf.html": PDF,
    "bill.pdf.exe": PDF,
    "data.csv": b"a,b\x00\n",
}


@pytest.mark.parametrize("name", GOOD)
def test_what_people_send_is_taken(name: str) -> None:
    found = inspect(GOOD[name], name)
    assert found.content_type == TYPES[name.rpartition(".")[2].lower()]
    assert (found.name, found.size_bytes) == (name, len(GOOD[name]))
    assert found.sha256 == hashlib.sha256(GOOD[name]).hexdigest()


@pytest.mark.parametrize("name", BAD)
def test_what_could_harm_or_lies_about_itself_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        inspect(BAD[name], name)
    assert refusal.value.fields["file"]


def test_size_and_kind_can_be_narrowed() -> None:
    with pytest.raises(Invalid, match=r"larger than 0\.01 MB"):
        inspect(b"x" * 10_001, "a.txt", max_bytes=10_000)
    with pytest.raises(Invalid, match="csv, txt"):
        inspect(PDF, "a.pdf", only=frozenset({"csv", "txt"}))
    assert inspect(b"a,b\n", "a.csv", only=frozenset({"csv", "txt"})).content_type == "text/csv"


@pytest.mark.parametrize(
    ("given_name", "cleaned"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\bills\\September 2017.csv", "September 2017.csv"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie_ x.pdf"),
        ("gpj.\u202efdp.exe", "gpj.fdp.exe"),
        ('quote".pdf', "quote_.pdf"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_names_are_only_names(given_name: str, cleaned: str) -> None:
    assert clean_name(given_name) == cleaned


@given(st.text(max_size=200))
def test_a_clean_name_is_short_stays_so_and_has_no_tricks(name: str) -> None:
    cleaned = clean_name(name)
    assert 1 <= len(cleaned) <= 120
    assert clean_name(cleaned) == cleaned
    assert not set(cleaned) & set('/\\\r\n\0"<>')


@given(st.binary(max_size=400))
def test_any_bytes_get_an_answer(content: bytes) -> None:
    assert sniff(content) in {"", *TYPES.values()}
