"""Which numbers and lines a form takes, and who needs one."""

from __future__ import annotations

import pytest

from app.tax import rules, wording
from app.tax.states import Classification, TinKind

LINES = {
    "first_name": "Ana", "last_name": "Ruiz", "street": "1 Elm St", "city": "Austin", "state": "TX",
    "zip_code": "78701", "signed_name": "Ana Ruiz",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        (TinKind.SSN, "536-90-4399", "536904399"),
        (TinKind.SSN, "536 90 4399", "536904399"),
        (TinKind.SSN, "000-12-3456", None),
        (TinKind.SSN, "666-12-3456", None),
        (TinKind.SSN, "912-70-3456", None),
        (TinKind.SSN, "536-00-4399", None),
        (TinKind.SSN, "53690439", None),
        (TinKind.SSN, "５36904399", None),
        (TinKind.ITIN, "912-70-3456", "912703456"),
        (TinKind.ITIN, "912-55-3456", "912553456"),
        (TinKind.ITIN, "912-89-3456", None),
        (TinKind.ITIN, "536-90-4399", None),
        (TinKind.EIN, "91-1144442", "911144442"),
        (TinKind.EIN, "07-3456789", None),
        (TinKind.EIN, "", None),
    ],
)
def test_numbers(kind: TinKind, text: str, kept: str | None) -> None:
    assert rules.normal_tin(kind, text) == kept


@pytest.mark.parametrize(
    ("country", "currency", "us"),
    [("US", "GBP", True), (None, "USD", True), ("", "USD", True), ("GB", "USD", False), (None, "GBP", False)],
)
def test_who_is_us(country: str | None, currency: str, us: bool) -> None:
    assert rules.is_us(country, currency) is us


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"first_name": " "}, "first_name"),
        ({"last_name": ""}, "last_name"),
        ({"street": ""}, "street"),
        ({"city": ""}, "city"),
        ({"state": "XX"}, "state"),
        ({"zip_code": "7870"}, "zip_code"),
        ({"signed_name": ""}, "signed_name"),
        ({"fatca_code": "Z"}, "fatca_code"),
        ({"exempt_payee_code": "14"}, "exempt_payee_code"),
        ({"exempt_payee_code": "5"}, "exempt_payee_code"),
        ({"city": "x" * 121}, "city"),
    ],
)
def test_faults_name_their_line(change: dict[str, str], field: str) -> None:
    assert rules.faults(LINES, Classification.INDIVIDUAL, TinKind.SSN) == {}
    assert list(rules.faults(LINES | change, Classification.INDIVIDUAL, TinKind.SSN)) == [field]


def test_businesses_give_an_ein_and_a_name() -> None:
    wrong = rules.faults(LINES, Classification.LLC_C, TinKind.SSN)
    assert set(wrong) == {"entity_name", "tin_kind"}
    assert set(rules.faults({**LINES, "entity_name": "Elm Trust"}, Classification.OTHER, TinKind.EIN)) == {
        "other_classification"
    }


def test_item_two_can_be_struck() -> None:
    assert len(wording.items(backup_withholding=True)) == 3
    assert not any("not subject to backup" in item for item in wording.items(backup_withholding=True))
    assert wording.sha256(backup_withholding=True) != wording.sha256(backup_withholding=False)
