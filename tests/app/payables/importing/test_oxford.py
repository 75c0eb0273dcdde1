"""The real file this importer is measured by: Oxford City Council, July to September 2017 (OGL v3.0)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.payables.importing import Bills, Choices, read_bills, skipped_csv, summarize

_NAME = "oxford_supplier_payments_2017_q3.csv"
_DEFAULT = Path(__file__).resolve().parents[5] / "shared" / "samples"
SAMPLE = Path(os.environ.get("QUITTANCE_SAMPLES") or _DEFAULT) / _NAME

pytestmark = [
    pytest.mark.samples,
    pytest.mark.skipif(not SAMPLE.exists(), reason=f"{_NAME} is neither in QUITTANCE_SAMPLES nor in ../shared/samples"),
]


@pytest.fixture(scope="module")
def oxford() -> Bills:
    return read_bills(SAMPLE.read_bytes(), currency="GBP")


def test_the_figures(oxford: Bills) -> None:
    assert summarize(oxford, imported=3259, already=0).as_dict() == {
        "read": 3259,
        "imported": 3259,
        "already": 0,
        "skipped": 0,
        "payees": 644,
        "credits": 10,
        "total_minor": 1_134_400_535,
        "currency": "GBP",
        "errors": [],
    }


def test_columns_lines_and_cells(oxford: Bills) -> None:
    assert {name: heading for name, heading in oxford.columns.choices().items() if heading} == {
        "reference": "Trans No",
        "supplier_reference": "Supplier ID",
        "supplier_name": "Supplier Name",
        "amount": "Amount",
        "date": "Paid Date",
        "description": "Type of Expenditure",
        "category": "Service Area",
    }
    assert oxford.columns.unmapped == ("Client", "Expenditure Code")
    assert [row.line for row in oxford.rows] == list(range(2, 3261))
    assert oxford.rows[0].reference == "1038986 - 2"
    assert len({row.reference for row in oxford.rows}) == 3259
    assert oxford.notes == [
        "“KENT COUNTY COUNCIL” stands under 2 supplier references (20010933, 20011042); they stay separate suppliers."
    ]
    assert dict(oxford.facts())["Dates written as"] == "DD/MM/YYYY"


def test_the_same_bills_in_other_dress(oxford: Bills) -> None:
    body = SAMPLE.read_text("utf-8")
    for dressed in (body.encode("utf-8-sig"), body.encode("windows-1252"), body.encode("utf-16")):
        assert read_bills(dressed, currency="GBP").rows == oxford.rows
    by_hand = read_bills(SAMPLE.read_bytes(), Choices(columns=oxford.columns.choices()), currency="GBP")
    assert by_hand.rows == oxford.rows


def test_one_bad_row_of_many_comes_back(oxford: Bills) -> None:
    body = SAMPLE.read_bytes().replace(b"198.35", b"0", 1)
    found = read_bills(body, currency="GBP")
    assert found.bad_lines == [2] and len(found.rows) == 3258
    assert b"1038986 - 2" in skipped_csv(found)
