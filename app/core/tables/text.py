"""From the bytes of an uploaded file to text, or to a sentence that says why it is not a table of text."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from app.core.errors import Invalid

MAX_BYTES = 50 * 1024 * 1024

# What a person may choose where detection guesses wrong; the keys are accepted in any case, "_" as "-".
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "windows-1252": "Windows-1252",
    "iso-8859-1": "ISO-8859-1",
    "iso-8859-15": "ISO-8859-15",
    "windows-1250": "Windows-1250",
    "iso-8859-2": "ISO-8859-2",
    "mac-roman": "Mac Roman",
    "cp850": "DOS 850",
}
_CODECS = {"mac-roman": "mac_roman"}

_OTHER_FORMATS = (
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook (.xls). Save it as CSV and choose that file."),
    (b"%PDF", "This is a PDF, not a CSV file."),
    (b"\x1f\x8b", "This is a compressed file (.gz). Unpack it and choose the CSV inside."),
    (b"{\\rtf", "This is a text document (RTF), not a CSV file."),
    (b"\x89PNG", "This is a picture, not a CSV file."),
    (b"\xff\xd8\xff", "This is a picture, not a CSV file."),
)
_MARKUP = re.compile(rb"\s*<(!doctype|html|head|body|table|\?xml|!--|script|meta)", re.IGNORECASE)
_JSON = re.compile(rb'\s*(\{\s*["}]|\[\s*[{\[])')
_MOJIBAKE = re.compile("[ÂÃ][\u00a0-\u00bf]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """`encoding` is the name shown to people; `notes` are sentences about doubtful letters."""

    text: str
    encoding: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:  # what people are paid for never reaches a log
        return f"Decoded({len(self.text)} characters, {self.encoding})"


def decode(body: bytes, encoding: str | None = None) -> Decoded:
    """Text of a file: UTF-8 and UTF-16 with or without BOM, else Windows-1252, unless `encoding` is chosen.

    Raises Invalid for files too large, empty, in another format, or in no known encoding.
    """
    _refuse_other_formats(body)
    decoded = _chosen(body, encoding) if encoding else _detected(body)
    text = decoded.text.rstrip("\x1a")  # DOS end-of-file mark
    if "\0" in text:
        raise Invalid("This is not a text file: it contains zero bytes. Save the table as CSV and choose that file.")
    if not text.strip():
        raise Invalid("The file is empty.")
    return Decoded(text, decoded.encoding, decoded.notes)


def _refuse_other_formats(body: bytes) -> None:
    if len(body) > MAX_BYTES:
        size = -(-len(body) // (1024 * 1024))
        raise Invalid(f"The file has {size} MB; at most {MAX_BYTES // (1024 * 1024)} MB can be read. Split it.")
    if not body:
        raise Invalid("The file is empty.")
    if body.startswith(b"PK\x03\x04"):
        head = body[:4096]
        if b"xl/" in body or b"[Content_Types].xml" in head:
            raise Invalid("This is an Excel workbook (.xlsx). Save it as CSV and choose that file.")
        if b"opendocument" in head:
            raise Invalid("This is an OpenDocument file (.ods). Save it as CSV and choose that file.")
        raise Invalid("This is a ZIP archive. Unpack it and choose the CSV inside.")
    for magic, sentence in _OTHER_FORMATS:
        if body.startswith(magic):
            raise Invalid(sentence)
    head = body[:2048].removeprefix(codecs.BOM_UTF8).replace(b"\0", b"")  # zero bytes: UTF-16
    head = head.removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE)
    if _MARKUP.match(head):
        raise Invalid("This is a web page or XML, not a CSV file.")
    if _JSON.match(head):
        raise Invalid("This is JSON, not a CSV file.")


def _chosen(body: bytes, encoding: str) -> Decoded:
    name = encoding.strip().lower().replace("_", "-")
    if name not in ENCODINGS:
        raise Invalid(
            f"“{encoding}” is not an encoding that can be chosen.",
            fields={"encoding": f"Choose one of {', '.join(ENCODINGS)}."},
        )
    codec = _CODECS.get(name, name)
    body = body.removeprefix(codecs.BOM_UTF8)
    if name == "utf-16" and body[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        codec = _bare_utf16(body) or "utf-16-le"
    try:
        return Decoded(body.decode(codec), ENCODINGS[name])
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise Invalid(
            f"The file is not {ENCODINGS[name]}: line {line} has a letter that is not.",
            fields={"encoding": "Choose another encoding."},
        ) from None


def _detected(body: bytes) -> Decoded:
    utf16 = "utf-16" if body[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else _bare_utf16(body)
    if utf16:
        try:
            return Decoded(body.decode(utf16), "UTF-16")
        except UnicodeDecodeError:
            raise Invalid("The file starts as UTF-16 but is broken further on. Export it again.") from None
    marked = body.startswith(codecs.BOM_UTF8)
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        return Decoded(body.decode("utf-8"), "UTF-8 with BOM" if marked else "UTF-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        if marked:
            raise Invalid(f"The file says it is UTF-8, but line {line} is not. Export it again.") from None
    if b"\0" in body:
        raise Invalid("This is not a text file: it contains zero bytes. Save the table as CSV and choose that file.")
    try:
        text = body.decode("windows-1252")
    except UnicodeDecodeError:
        raise Invalid("The file is neither UTF-8 nor Windows-1252 text. Save it as CSV in UTF-8.") from None
    if found := _MOJIBAKE.search(text):
        note = f"Some letters may be wrong (“{found[0]}”): the file mixes UTF-8 and Windows-1252."
        return Decoded(text, "Windows-1252", (note,))
    return Decoded(text, "Windows-1252")


def _bare_utf16(body: bytes) -> str | None:
    """UTF-16 without BOM shows as zero bytes at every second place of mostly Latin text."""
    even, odd = body[:2000:2], body[1:2000:2]
    if not odd:
        return None
    zeros_even, zeros_odd = even.count(0) / len(even), odd.count(0) / len(odd)
    if zeros_odd > 0.6 and zeros_even < 0.1:
        return "utf-16-le"
    if zeros_even > 0.6 and zeros_odd < 0.1:
        return "utf-16-be"
    return None
