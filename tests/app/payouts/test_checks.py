from __future__ import annotations

import pytest

from app.payouts.checks import status_of
from app.rails.check import CheckStatus


@pytest.mark.parametrize(
    ("attempt", "code", "evidence", "expected"),
    [
        ("submitted", None, None, None),
        ("accepted", None, None, CheckStatus.PRINTED),
        ("accepted", None, {"accepted": {}}, CheckStatus.PRINTED),
        ("accepted", None, {"mailed": {"by": "Noor"}}, CheckStatus.MAILED),
        ("succeeded", None, {"mailed": {}}, CheckStatus.CLEARED),
        ("failed", "check_void", None, CheckStatus.VOID),
        ("failed", "check_stopped", None, CheckStatus.STOPPED),
        ("failed", "void", None, None),  # the whole export was made void before its release
        ("returned", "check_stopped", None, CheckStatus.STOPPED),
        ("unknown", None, None, None),
    ],
)
def test_the_state_of_a_check_is_that_of_its_attempt(
    attempt: str, code: str | None, evidence: dict[str, object] | None, expected: CheckStatus | None
) -> None:
    assert status_of(attempt, code, evidence) is expected
