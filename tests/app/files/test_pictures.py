"""What is left of a picture is the picture."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image

from app.core.errors import Invalid
from app.files.pictures import LOGO_BYTES, SIDE, content_type, logo, square


def test_a_camera_s_notes_are_gone_and_the_picture_stands_upright() -> None:
    made = Image.new("RGB", (900, 600), "white")
    made.paste("red", (150, 0, 450, 600))  # left half of the middle square
    notes = Image.Exif()
    notes[0x0112] = 3  # upside down
    notes[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    out = io.BytesIO()
    made.save(out, "JPEG", exif=notes)
    inspected, content = square(out.getvalue(), "me.jpg")
    found = Image.open(io.BytesIO(content))
    assert (inspected.content_type, inspected.size_bytes, found.size) == ("image/jpeg", len(content), (SIDE, SIDE))
    assert not found.getexif() and b"Exif" not in content
    left, right = found.getpixel((100, 256)), found.getpixel((400, 256))
    assert left > (230, 230, 230) and right[0] > 200 and right[1] < 60  # type: ignore[operator,index]


def test_see_through_parts_are_white_and_small_ones_stay_small() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(out, "WEBP")
    found = Image.open(io.BytesIO(square(out.getvalue(), "me.webp")[1]))
    assert found.size == (30, 30) and found.getpixel((5, 5)) == (255, 255, 255)


def test_no_bombs() -> None:
    out = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(out, "PNG")
    with pytest.raises(Invalid, match="pixels"):
        square(out.getvalue(), "me.png")


@pytest.mark.parametrize(
    ("size", "expected"), [((1_200, 300), (600, 150)), ((300, 900), (67, 200)), ((80, 40), (80, 40))]
)
def test_a_logo_keeps_its_proportions_and_never_grows(size: tuple[int, int], expected: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.new("RGBA", size, (200, 30, 30, 120)).save(out, "PNG")
    inspected, content = logo(out.getvalue(), "logo.png")
    found = Image.open(io.BytesIO(content))
    assert (found.format, found.mode, found.size) == ("PNG", "RGBA", expected)
    assert inspected.content_type == content_type(content) == "image/png"


def test_a_logo_of_noise_is_small_enough_all_the_same() -> None:
    out = io.BytesIO()
    Image.frombytes("RGB", (600, 200), os.urandom(600 * 200 * 3)).save(out, "PNG")
    inspected, content = logo(out.getvalue(), "noise.png")
    assert len(out.getvalue()) > LOGO_BYTES >= len(content) == inspected.size_bytes
    assert (inspected.name, content_type(content)) == ("logo.jpg", "image/jpeg")


def test_what_is_no_picture_is_no_logo() -> None:
    with pytest.raises(Invalid):
        logo(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo.svg")
