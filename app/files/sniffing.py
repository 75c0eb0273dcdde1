"""What a file is by its bytes, whatever its name and the browser say. Only kinds that are safe to hand on are taken."""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass

from app.core.errors import Invalid

MAX_BYTES = 10_000_000
# Extension → content type. A name must end in one of these, and the content must be of that kind.
TYPES: dict[str, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_TEXTS = frozenset({"csv", "tsv", "txt"})
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!", b"\x00asm", b"dex\n")
_MARKUP = re.compile(r"<\s*(!doctype|html|head|body|script|svg|iframe|object|embed|\?xml|xsl:)", re.IGNORECASE)
_OFFICE = {"xl/workbook.xml": "xlsx", "word/document.xml": "docx"}


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that may be kept: its cleaned name, its real type, its size and its SHA-256 (hex)."""

    name: str
    content_type: str
    size_bytes: int
    sha256: str


def inspect(content: bytes, name: str, *, max_bytes: int = MAX_BYTES, only: frozenset[str] | None = None) -> Inspected:
    """Look at an uploaded file; `only` narrows the extensions. Raises Invalid with a sentence for the uploader."""
    cleaned = clean_name(name)
    if not content:
        raise _refuse("The file is empty.")
    if len(content) > max_bytes:
        raise _refuse(f"The file is larger than {max_bytes / 1_000_000:g} MB.")
    extension = cleaned.rpartition(".")[2].lower() if "." in cleaned else ""
    allowed = sorted(only if only is not None else TYPES)
    if extension not in allowed or extension not in TYPES:
        raise _refuse(f"Only these kinds are taken: {', '.join(allowed)}.")
    kind = sniff(content)
    fits = kind == "text/plain" if extension in _TEXTS else kind == TYPES[extension]
    if not fits:
        raise _refuse(f"The file’s name ends in .{extension}, but its content is something else.")
    return Inspected(cleaned, TYPES[extension], len(content), hashlib.sha256(content).hexdigest())


def sniff(content: bytes) -> str:
    """The content type by the bytes: one of TYPES' values, text/plain for any harmless text, "" for all else."""
    if content.startswith(_PROGRAMS):
        return ""
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    return "text/plain" if _harmless_text(content) else ""


def clean_name(name: str) -> str:
    """A bare file name to show and to offer on download: no folders, no control or direction signs, 120 characters."""
    composed = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    visible = "".join(c for c in composed if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    visible = re.sub(r'[<>:"|?*]', "_", re.sub(r"\s+", " ", visible)).strip(". ")
    stem, point, extension = visible.rpartition(".")
    if point and len(extension) <= 10:
        return f"{(stem or 'file')[: 119 - len(extension)]}.{extension}"
    return visible[:120] or "file"


def _office(content: bytes) -> str:
    """Word and Excel without macros; a ZIP with anything else is nothing we take."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return ""
    if "[Content_Types].xml" not in names or any(name.lower().endswith((".bin", ".exe", ".js")) for name in names):
        return ""
    return next((TYPES[extension] for part, extension in _OFFICE.items() if part in names), "")


def _harmless_text(content: bytes) -> bool:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text):
            return False
        return not _MARKUP.search(text[:4096]) and not re.search(r"<\s*script", text, re.IGNORECASE)
    return False


def _refuse(reason: str) -> Invalid:
    return Invalid(reason, fields={"file": reason})
