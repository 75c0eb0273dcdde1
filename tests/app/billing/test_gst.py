"""India's GST against the cases written down beside the project, and rules for any amounts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing import gst, taxing
from app.billing.assessment import Buyer, Item, Seller
from app.billing.indian_states import STATES, UNION_TERRITORIES
from app.core.errors import Invalid
from app.core.money import Money
from tests.specs import missing, specs

FILE = specs("tax", "gst_cases.json")
OWN = "29AAACA1234A1ZG"
needs_cases = missing(FILE)


def _cases(*, assessed: bool) -> list[Any]:
    if not FILE.exists():
        return [pytest.param({"name": "none"}, marks=needs_cases)]
    found = [case for case in json.loads(FILE.read_text())["cases"] if ("expected" in case) is assessed]
    return [pytest.param(case, id=case["name"]) for case in found]


@pytest.mark.parametrize("case", _cases(assessed=True))
def test_cases(case: dict[str, Any]) -> None:
    expected = case["expected"]
    currency = case.get("currency", "INR")
    items = [
        Item(line["description"], Money(line["taxable_paise"], currency), line["rate_bp"]) for line in expected["lines"]
    ]
    seller = Seller("IN", case["supplier_state"], OWN, undertaking=case["lut"])
    buyer = Buyer(case["recipient_country"], case["recipient_state"] or "", case["recipient_gstin"] or "", case["sez"])
    found = gst.assess(seller, buyer, items)
    assert found.place == expected["place_of_supply"]
    for line, taxed in zip(expected["lines"], found.items, strict=True):
        told = {f"{head.name.lower()}_paise": head.amount.minor for head in taxed.heads}
        assert told == {name: line[name] for name in line if name.endswith("gst_paise")}
    assert {f"{head.name.lower()}_paise": head.amount.minor for head in _by_name(found.heads)} == expected["heads"]
    assert found.net.minor == expected["taxable_paise"]
    assert found.tax.minor == expected["tax_paise"]
    assert found.round_off.minor == expected["round_off_paise"]
    assert found.total.minor == expected["grand_total_paise"]


def _by_name(heads: Any) -> Any:
    return {head.name: head for head in heads}.values()


@pytest.mark.parametrize("case", _cases(assessed=False))
def test_last_day_of_credit_notes(case: dict[str, Any]) -> None:
    supplied = date.fromisoformat(case["supply_date"])
    assert gst.last_credit_note_day(supplied) == date.fromisoformat(case["expected_last_credit_note_date"])


def _vectors() -> list[Any]:
    path = specs("tax", "gstin_vectors.json")
    if not path.exists():
        return [pytest.param({"value": ""}, marks=missing(path))]
    return [pytest.param(one, id=one["value"].strip()) for one in json.loads(path.read_text())["vectors"]]


@pytest.mark.parametrize("vector", _vectors())
def test_identifiers(vector: dict[str, Any]) -> None:
    if vector["expected_valid"]:
        assert len(gst.gstin(vector["value"])) == 15
    else:
        with pytest.raises(Invalid):
            gst.gstin(vector["value"])


def test_states_are_those_of_the_list() -> None:
    path = specs("tax", "gst_state_codes.json")
    if not path.exists():
        pytest.skip(f"NO LIST of states: {path.name} is not at hand")
    codes = json.loads(path.read_text())["codes"]
    assert {one["code"]: one["name"] for one in codes} == STATES
    assert {one["code"] for one in codes if one["second_head"] == "UTGST"} == UNION_TERRITORIES


@given(
    lines=st.lists(
        st.tuples(st.integers(1, 10**10), st.sampled_from([0, 500, 1200, 1800, 2800])), min_size=1, max_size=8
    ),
    place=st.sampled_from(sorted(STATES)),
)
def test_any_bill(lines: list[tuple[int, int]], place: str) -> None:
    items = [Item("A", Money(minor, "INR"), rate) for minor, rate in lines]
    found = taxing.assess(Seller("IN", "29", OWN), Buyer("IN", place), items)
    assert found.total == found.net + found.tax + found.round_off
    assert found.total.minor % 100 == 0 and -49 <= found.round_off.minor <= 50
    assert sum(head.amount.minor for head in found.heads) == found.tax.minor
    names = {head.name for head in found.heads}
    assert names == ({"CGST", "SGST"} if place == "29" else {"IGST"})
    if place == "29":  # both heads are computed alike
        assert len({sum(h.amount.minor for h in found.heads if h.name == name) for name in names}) == 1


def test_a_territory_of_the_union_levies_its_own() -> None:
    found = gst.assess(Seller("IN", "04", "04AAAFC5678D1ZQ"), Buyer("IN", "04"), [Item("A", Money(100, "INR"), 1800)])
    assert [head.name for head in found.heads] == ["CGST", "UTGST"]


def test_a_special_zone_is_always_another_state() -> None:
    zone = Buyer("IN", "29", "29AAACA1234A1ZG", special_zone=True)
    item = [Item("A", Money(100_00, "INR"), 1800)]
    paid = gst.assess(Seller("IN", "29", OWN), zone, item)
    assert (paid.tax.minor, paid.place) == (18_00, "29") and "ON PAYMENT" in paid.note
    bonded = gst.assess(Seller("IN", "29", OWN, undertaking=True), zone, item)
    assert bonded.tax.minor == 0 and "WITHOUT PAYMENT" in bonded.note


def test_an_issuer_without_a_state_is_refused() -> None:
    with pytest.raises(Invalid, match="state"):
        gst.assess(Seller("IN", "", OWN), Buyer("IN"), [Item("A", Money(1, "INR"), 1800)])
