from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from app.identity import password_hash


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with the least work: these tests are about what follows from right and wrong."""
    monkeypatch.setattr(password_hash, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    password_hash._nobodys.cache_clear()
