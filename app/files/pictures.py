"""Pictures of people: decoded, cut to a square and written anew, so that nothing but the picture is left of a file.

What a camera notes in it (place, time, owner) goes, and so does whatever else somebody hid in it.
"""

from __future__ import annotations

import hashlib
import io
import warnings

from app.core.errors import Invalid
from app.files.sniffing import Inspected, inspect

KINDS = frozenset({"png", "jpg", "jpeg", "webp"})
MAX_BYTES = 8_000_000
SIDE = 512
_MOST_PIXELS = 40_000_000
_QUALITY = 85


def square(content: bytes, name: str) -> tuple[Inspected, bytes]:
    """A JPEG of at most SIDE × SIDE pixels, from a PNG, JPEG or WebP. Raises Invalid with a sentence for the reader."""
    inspect(content, name, max_bytes=MAX_BYTES, only=KINDS)
    made = _redrawn(content)
    return Inspected("picture.jpg", "image/jpeg", len(made), hashlib.sha256(made).hexdigest()), made


def _redrawn(content: bytes) -> bytes:
    from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError  # slow to load

    # WeasyPrint switches this on for the whole process: then a file cut short would pass as a grey picture.
    lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as found:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if found.width * found.height > _MOST_PIXELS:
                raise _refuse("The picture has too many pixels. Send a smaller one.")
            upright = ImageOps.exif_transpose(found).convert("RGBA")
        paper = Image.new("RGBA", upright.size, "white")
        paper.alpha_composite(upright)
        side = min(SIDE, *paper.size)
        out = io.BytesIO()
        ImageOps.fit(paper.convert("RGB"), (side, side)).save(out, "JPEG", quality=_QUALITY, optimize=True)
    except (
        UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError,
        Image.DecompressionBombError, Image.DecompressionBombWarning,
    ):  # fmt: skip
        raise _refuse("The picture cannot be read. Send another one.") from None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient
    return out.getvalue()


def _refuse(reason: str) -> Invalid:
    return Invalid(reason, fields={"file": reason})
