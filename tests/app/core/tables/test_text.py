"""Bytes become text, or a sentence that says why not."""

from __future__ import annotations

import io
import zipfile

import pytest

from app.core.errors import Invalid
from app.core.tables import text as text_module
from app.core.tables.text import decode

CAFE = "Supplier,Amount\nCafé Zoë £,1\n"


@pytest.mark.parametrize(
    ("body", "label"),
    [
        (CAFE.encode(), "UTF-8"),
        (CAFE.encode("utf-8-sig"), "UTF-8 with BOM"),
        (CAFE.encode("windows-1252"), "Windows-1252"),
        (CAFE.encode("utf-16"), "UTF-16"),
        (CAFE.encode("utf-16-le"), "UTF-16"),
        (CAFE.encode("utf-16-be"), "UTF-16"),
        (b"\xfe\xff" + CAFE.encode("utf-16-be"), "UTF-16"),
    ],
)
def test_encodings_are_recognized(body: bytes, label: str) -> None:
    decoded = decode(body)
    assert decoded.text == CAFE
    assert decoded.encoding == label
    assert decoded.notes == ()


def test_windows_1252_has_its_own_signs() -> None:
    assert decode(b"a,b\n\x80 \x93quoted\x94 \x96 dash,1\n").text == "a,b\n€ “quoted” – dash,1\n"


def test_a_chosen_encoding_wins() -> None:
    body = "a,b\nŁódź,1\n".encode("windows-1250")
    assert "Łódź" not in decode(body).text
    assert decode(body, "Windows_1250").text == "a,b\nŁódź,1\n"
    assert decode(CAFE.encode("utf-16-be"), "utf-16").text == CAFE


def test_a_chosen_encoding_that_does_not_fit_names_the_line() -> None:
    with pytest.raises(Invalid, match="line 2") as caught:
        decode(CAFE.encode("windows-1252"), "utf-8")
    assert set(caught.value.fields) == {"encoding"}
    with pytest.raises(Invalid, match="not an encoding"):
        decode(b"a,b", "klingon")


def test_mixed_encodings_are_said() -> None:
    mixed = "a,b\nCafé,1\n".encode() + "Zoë,2\n".encode("windows-1252")
    decoded = decode(mixed)
    assert decoded.encoding == "Windows-1252"
    assert "mixes UTF-8 and Windows-1252" in decoded.notes[0]


def _workbook(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "<x/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "empty"),
        (b" \r\n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (_workbook("xl/workbook.xml"), "Excel workbook"),
        (_workbook("readme.txt"), "ZIP"),
        (b"PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "OpenDocument"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel"),
        (b"%PDF-1.7\n...", "PDF"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\xef\xbb\xbf  <HTML>", "web page"),
        ("<html>".encode("utf-16"), "web page"),
        (b'<?xml version="1.0"?><a/>', "web page or XML"),
        (b'{"bills": []}', "JSON"),
        (b'[{"reference": 1}]', "JSON"),
        (b"Reference,Amount\n1\x00,2\n", "zero bytes"),
        (b"\x89PNG\r\n\x1a\n\0\0", "picture"),
        (b"Reference,Amount\n\x81\x8d,2\n", "neither UTF-8 nor Windows-1252"),
        (b"\xef\xbb\xbfReference,Amount\n\xe9,2\n", "says it is UTF-8, but line 2 is not"),
        (b"\xff\xfe\x00\xd8a", "broken"),
    ],
)
def test_other_files_are_refused_with_a_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        decode(body)


def test_a_file_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "MAX_BYTES", 1024 * 1024)
    with pytest.raises(Invalid, match="2 MB; at most 1 MB"):
        decode(b"a,b\n" * 300_000)


def test_the_end_mark_of_dos_goes() -> None:
    assert decode(b"a,b\r\n1,2\r\n\x1a").text == "a,b\r\n1,2\r\n"
