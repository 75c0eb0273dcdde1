"""Pictures: decoded, cut to a square (people) or made smaller (logos) and written anew: only the picture is left.

What a camera notes in it (place, time, owner) goes, and so does whatever else somebody hid in it.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.core.errors import Invalid
from app.files.sniffing import Inspected, inspect

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

KINDS = frozenset({"png", "jpg", "jpeg", "webp"})
MAX_BYTES = 8_000_000
SIDE = 512
LOGO_WIDTH, LOGO_HEIGHT, LOGO_BYTES = 600, 200, 200_000
_MOST_PIXELS = 40_000_000
_QUALITY = 85


def square(content: bytes, name: str) -> tuple[Inspected, bytes]:
    """A JPEG of at most SIDE × SIDE pixels, from a PNG, JPEG or WebP. Raises Invalid with a sentence for the reader."""
    inspect(content, name, max_bytes=MAX_BYTES, only=KINDS)
    made = _redrawn(content)
    return Inspected("picture.jpg", "image/jpeg", len(made), hashlib.sha256(made).hexdigest()), made


def logo(content: bytes, name: str) -> tuple[Inspected, bytes]:
    """At most LOGO_WIDTH × LOGO_HEIGHT pixels and LOGO_BYTES, its proportions kept: a PNG, or a JPEG where that is too
    large. Raises Invalid with a sentence for the reader."""
    inspect(content, name, max_bytes=MAX_BYTES, only=KINDS)
    with _readable():
        upright = _upright(content)
        upright.thumbnail((LOGO_WIDTH, LOGO_HEIGHT))
        out = io.BytesIO()
        upright.save(out, "PNG", optimize=True)
        kind, made = "png", out.getvalue()
        if len(made) > LOGO_BYTES:
            kind, made = "jpeg", _jpeg(_on_white(upright))
    digest = hashlib.sha256(made).hexdigest()
    return Inspected(f"logo.{kind.replace('jpeg', 'jpg')}", f"image/{kind}", len(made), digest), made


def content_type(picture: bytes) -> str:
    """Of a picture made here."""
    return "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"


def _redrawn(content: bytes) -> bytes:
    from PIL import ImageOps  # slow to load

    with _readable():
        paper = _on_white(_upright(content))
        side = min(SIDE, *paper.size)
        return _jpeg(ImageOps.fit(paper, (side, side)))


def _upright(content: bytes) -> Picture:
    from PIL import Image, ImageOps

    with warnings.catch_warnings(), Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as found:
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        if found.width * found.height > _MOST_PIXELS:
            raise _refuse("The picture has too many pixels. Send a smaller one.")
        return ImageOps.exif_transpose(found).convert("RGBA")


def _on_white(picture: Picture) -> Picture:
    from PIL import Image

    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture)
    return paper.convert("RGB")


def _jpeg(picture: Picture) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


@contextmanager
def _readable() -> Iterator[None]:
    """What a decoder makes of a broken picture is one refusal."""
    from PIL import Image, ImageFile, UnidentifiedImageError

    # WeasyPrint switches this on for the whole process: then a file cut short would pass as a grey picture.
    lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        yield
    except (
        UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError,
        Image.DecompressionBombError, Image.DecompressionBombWarning,
    ):  # fmt: skip
        raise _refuse("The picture cannot be read. Send another one.") from None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient


def _refuse(reason: str) -> Invalid:
    return Invalid(reason, fields={"file": reason})
