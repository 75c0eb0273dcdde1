"""HMAC-SHA256 as callers sign with it."""

from __future__ import annotations

import base64

import pytest

from app.core.macs import fits, fits_base64, mac, mac_base64, same

# RFC 4231, test case 2
SECRET, CONTENT = "Jefe", b"what do ya want for nothing?"
HEX = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_the_vector_of_the_standard() -> None:
    assert mac(SECRET, CONTENT) == HEX
    assert base64.b64decode(mac_base64(SECRET, CONTENT)).hex() == HEX


@pytest.mark.parametrize("given", [HEX, HEX.upper(), f" {HEX}\n"])
def test_case_and_spaces_of_hexadecimal_do_not_matter(given: str) -> None:
    assert fits(SECRET, CONTENT, given)


def test_one_of_several_is_enough() -> None:
    assert fits(["new", SECRET], CONTENT, "00", HEX)
    assert fits_base64(["new", SECRET], CONTENT, mac_base64(SECRET, CONTENT))
    assert not fits(["new", "old"], CONTENT, HEX)


@pytest.mark.parametrize("given", ["", "é", "\ud800", HEX[:-1], f"{HEX}0", HEX.replace("5", "6", 1)])
def test_anything_else_does_not_fit(given: str) -> None:
    assert not fits(SECRET, CONTENT, given)
    assert not fits_base64(SECRET, CONTENT, given)
    assert not same(HEX, given)


def test_an_empty_secret_fits_nothing() -> None:
    assert not fits("", CONTENT, mac("", CONTENT))
    assert not fits(["", ""], CONTENT, mac("", CONTENT))
    assert not fits_base64("", CONTENT, mac_base64("", CONTENT))
    assert not fits(SECRET, CONTENT)
