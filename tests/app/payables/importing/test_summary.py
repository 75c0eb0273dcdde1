"""The one JSON object an import prints."""

from __future__ import annotations

import json

from app.payables.importing import read_bills, summarize
from tests.app.payables.importing.writing import bills


def test_the_object() -> None:
    found = read_bills(
        bills("T1,S1,A,,5.00,x", "T2,S2,B,,-1.50,x", "T3,S2,B,,0,x", "T1,S1,A,,5.00,x", "T5,S1,A,,7.00,x"),
        currency="GBP",
    )
    summary = summarize(found, imported=2, already=1).as_dict()
    assert json.loads(json.dumps(summary)) == {
        "read": 5,
        "imported": 2,
        "already": 2,
        "skipped": 1,
        "payees": 2,
        "credits": 1,
        "total_minor": 1050,
        "currency": "GBP",
        "errors": [{"line": 4, "column": "Amount", "reason": "The amount is zero"}],
    }
    assert summary["read"] == summary["imported"] + summary["already"] + summary["skipped"]


def test_several_currencies_have_no_one_total() -> None:
    found = read_bills(b"Ref,Supplier,Amount,Currency\n1,A,5,USD\n2,A,6,EUR\n3,A,7,EUR\n", currency="GBP")
    summary = summarize(found, imported=3, already=0).as_dict()
    assert (summary["total_minor"], summary["currency"]) == (None, None)
    assert summary["totals"] == {"EUR": 1300, "USD": 500}


def test_a_file_without_a_good_row() -> None:
    summary = summarize(read_bills(bills("T1,S1,A,,0,x"), currency="GBP"), imported=0, already=0).as_dict()
    assert (summary["payees"], summary["total_minor"], summary["currency"]) == (0, 0, "GBP")
