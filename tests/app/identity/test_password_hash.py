"""Which passwords will do, and that checking one takes the same time whoever it is for."""

from __future__ import annotations

import time

import pytest

from app.identity import password_hash


@pytest.mark.parametrize(
    "weak",
    ["short", "elevenchars", "password1234", "P@ssw0rd12345", "qwertyuiop12", "aaaaaaaaaaaaaa", "121212121212",
     "abcdefghijkl", "iloveyou2026!", "maya.chen2026!x", "letmeinletmein", "Welcome12345678", "x" * 129],
)  # fmt: skip
def test_weak(weak: str) -> None:
    said = password_hash.weakness(weak, "maya.chen@example.test")
    assert said
    assert said.endswith(".")


@pytest.mark.parametrize(
    "good",
    [
        "three brown cows 77",
        "correct horse battery staple",
        "kJ8#vQ2!mZ7@xW",
        "überraschung im märz",
        "密码是很长的一句话没错吧",
    ],
)
def test_good(good: str) -> None:
    assert password_hash.weakness(good, "maya@example.test") is None


def test_hash_and_check() -> None:
    stored = password_hash.hashed("three brown cows 77")
    assert stored.startswith("$argon2id$")
    assert password_hash.fits("three brown cows 77", stored)
    assert not password_hash.fits("three brown cows 78", stored)
    assert not password_hash.fits("anything at all", None)
    assert not password_hash.fits("anything at all", "not a hash")


def test_nobody_takes_as_long_as_somebody() -> None:
    """Best of several, so that a busy machine does not decide: no stored password is no shortcut."""
    stored = password_hash.hashed("three brown cows 77")
    password_hash.fits("wrong", None)

    def best(stored: str | None) -> float:
        times = []
        for _n in range(4):
            began = time.perf_counter()
            password_hash.fits("wrong wrong wrong", stored)
            times.append(time.perf_counter() - began)
        return min(times)

    assert best(None) > 0.5 * best(stored)
