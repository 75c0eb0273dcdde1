"""What a seat pack costs with its tax is what its invoice says, and what goes back of it what its credit notes say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing import notes, pack_bills, packs, snapshots
from app.billing.assessment import Assessment, Buyer, Seller
from app.billing.documents import DocumentKind, Party
from app.billing.invoice_models import Invoice
from app.billing.pack_bills import Sides
from app.billing.parties import Billed, Issuer
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.db.types import new_id
from tests.factories import billing, bookings
from tests.factories import credits as make
from tests.factories.people import PLATFORM

GSTIN, VAT = "29AAACA1234A1ZG", "FR40303265045"


@dataclass(frozen=True)
class Case:
    """Who sells at which rate and who buys; one for each way a service is taxed."""

    seller: Seller
    buyer: Buyer
    rate_bps: int
    currency: str


CASES = {
    "same state": Case(Seller("IN", "29", GSTIN), Buyer("IN", "29"), 1800, "INR"),
    "another state": Case(Seller("IN", "29", GSTIN), Buyer("IN", "33"), 1800, "INR"),
    "low rate": Case(Seller("IN", "29", GSTIN), Buyer("IN", "29"), 500, "INR"),
    "union territory": Case(Seller("IN", "29", GSTIN), Buyer("IN", "04"), 1200, "INR"),
    "special zone": Case(Seller("IN", "29", GSTIN), Buyer("IN", "29", special_zone=True), 1800, "INR"),
    "undertaking": Case(Seller("IN", "29", GSTIN, True), Buyer("US"), 1800, "INR"),
    "exported in dollars": Case(Seller("IN", "29", GSTIN), Buyer("US"), 1800, "USD"),
    "at home": Case(Seller("FR", tax_id=VAT), Buyer("FR"), 2000, "EUR"),
    "odd rate": Case(Seller("FR", tax_id=VAT), Buyer("FR"), 550, "EUR"),
    "reverse charge": Case(Seller("FR", tax_id=VAT), Buyer("BE", tax_id="BE0428759497"), 2000, "EUR"),
    "outside the Union": Case(Seller("FR", tax_id=VAT), Buyer("KE"), 2000, "KES"),
    "no tax": Case(Seller("US"), Buyer("US"), 0, "USD"),
    "no fractions": Case(Seller("FR", tax_id=VAT), Buyer("FR"), 2000, "JPY"),
}


def sides(of: Case) -> Sides:
    def party(one: Seller | Buyer) -> Party:
        return Party("Somebody", one.country, region=one.region, tax_id=one.tax_id)

    return Sides(
        Issuer(new_id(), party(of.seller), of.seller, "QT", "998311", of.rate_bps, None),
        Billed(new_id(), party(of.buyer), of.buyer, "", 30),
    )


@pytest.mark.parametrize("name", CASES)
@given(price=st.integers(1, 5_000_000), cuts=st.lists(st.integers(1, 5_000_000), max_size=6), taxed=st.booleans())
def test_parts_that_go_back_are_the_whole_in_every_tax_case(
    name: str, price: int, cuts: list[int], taxed: bool
) -> None:
    """`taxed`: whether the law lets its credit notes take tax back, too."""
    case = CASES[name]
    quoted = pack_bills.quote(sides(case), "5 credits", Money(price, case.currency))
    assert quoted.document is not None
    issued = snapshots.thaw(snapshots.freeze(quoted.document))
    assert issued.total == quoted.total
    edges = [0, *sorted({cut % price for cut in cuts} - {0}), price]
    nothing = Money(0, case.currency)
    net, gone, told, found = nothing, nothing, nothing, issued.assessment
    for low, high in pairwise(edges):
        part = Money(high - low, case.currency)
        item = notes.same_tax(found.items[0], part, taxed=taxed, before=net)
        note = notes.rounded_together(Assessment((item,), round_to_unit=found.round_to_unit), gone, told)
        assert note.total.minor >= 0
        net, gone, told = net + part, gone + note.net + note.tax, told + note.total
    if taxed:
        assert told == issued.total
    elif not found.round_to_unit:
        assert told == Money(price, case.currency)


@pytest.mark.usefixtures("database_url")
@pytest.mark.parametrize(
    ("one", "parts"), [(19_02, (1, 1, 1, 1, 1)), (10_49, (2, 2, 1)), (99_95, (1, 4)), (42, (3, 2))]
)
def test_what_goes_back_is_what_its_credit_note_will_say(one: int, parts: tuple[int, ...]) -> None:
    """Rupees are rounded, and all notes of an invoice together."""
    house = billing.india()
    what = bookings.offering(house, None, one, currency="INR")
    buyer = make.buyer(currency="INR")
    billing.profile(buyer, legal_name="Kaveri Academy", country="IN", region="29")
    pack = make.pack(make.owner(buyer), what)
    invoice = billing.only(buyer, kind=DocumentKind.INVOICE)
    with unit_of_work(PLATFORM) as session:
        assert packs.charge_of(session, pack.id).amount_minor == invoice.total_minor
    line, told = billing.lines(invoice.id)[0], 0
    for number in parts:
        net = Money(number * one, "INR")
        with unit_of_work(PLATFORM) as session:
            going = pack_bills.gross(session, pack)(net)
            assert pack_bills.net_of(session, pack, going, net) == net
            note = notes.credit(session, SYSTEM, invoice.id, [(line.id, net)], "Not used", given_back=True)
            assert session.get_one(Invoice, note).total == going
        told += going.minor
    assert told == invoice.total_minor and invoice.issued_on <= date.today()
