"""Electronic invoices: schemas, EN 16931's rules, amounts that add up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.billing import taxing
from app.billing.assessment import Buyer, Item, Seller
from app.billing.documents import Document, DocumentKind, Party
from app.billing.einvoice import cii, ubl
from app.core.errors import Conflict
from app.core.money import Money
from tests.app.billing.making import BOSTON, GHENT, LYON, PARIS, document
from tests.app.billing.validation import CII_RULES, UBL_RULES, broken_rules, schema_faults

BUYERS = {"at home": LYON, "reverse charge": GHENT, "outside": BOSTON}
KINDS = list(DocumentKind)


def _faults(made: Document) -> list[str]:
    paper = "CreditNote" if made.kind is DocumentKind.CREDIT_NOTE else "Invoice"
    cross, universal = cii.build(made), ubl.build(made)
    return [
        *schema_faults(cross, "cii"), *broken_rules(cross, CII_RULES),
        *schema_faults(universal, paper), *broken_rules(universal, UBL_RULES),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("buyer", BUYERS.values(), ids=list(BUYERS))
def test_a_receiver_accepts_both_forms(buyer: Party, kind: DocumentKind) -> None:
    assert _faults(document(buyer, kind)) == []


def test_several_rates_and_no_bank() -> None:
    assert _faults(document(rates=(2000, 550), bank=None, period=None, buyer_reference="")) == []


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 10**9), st.sampled_from([0, 210, 550, 1000, 2000])), min_size=1, max_size=6))
def test_any_amounts_add_up_to_the_receivers_rules(lines: list[tuple[int, int]]) -> None:
    items = [Item("A line", Money(minor, "EUR"), rate) for minor, rate in lines]
    found = taxing.assess(Seller("FR", tax_id=PARIS.tax_id), Buyer("FR"), items)
    made = replace(document(), assessment=found, quantities=(1,) * len(lines))
    assert _faults(made) == []


def test_a_wrong_total_is_seen() -> None:
    """The rules that are run here do find what is wrong."""
    wrong = cii.build(document()).replace(b">1840.00<", b">1841.00<")
    assert any("BR-CO-15" in fault for fault in broken_rules(wrong, CII_RULES))


def test_the_same_document_gives_the_same_bytes() -> None:
    assert cii.build(document()) == cii.build(document())
    assert ubl.build(document()) == ubl.build(document())


def test_only_for_issuers_with_a_vat_number() -> None:
    for build in (cii.build, ubl.build):
        with pytest.raises(Conflict):
            build(document(seller=BOSTON))
