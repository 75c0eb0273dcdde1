"""Quotes: the price shared by the rates of the day, with a snapshot that tells the same arithmetic later."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from app.consultations import pricing
from app.consultations.pricing import Quote
from app.consultations.profile_models import Offering
from app.consultations.states import Practice
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.db.types import new_id
from app.earnings import rates
from tests.factories.bookings import collaborators, consultant, offering
from tests.factories.organizations import organization

pytestmark = pytest.mark.usefixtures("database_url")


def quoted(what: Offering, payee_id: UUID, discount_minor: int = 0) -> Quote:
    with unit_of_work(Scope.client(new_id())) as session:
        return pricing.quote(session, what, payee_id, discount_minor=discount_minor)


def told(quote: Quote, payee_id: UUID | None = None) -> list[tuple[str, int]]:
    snapshot = json.loads(json.dumps(quote.snapshot))
    return [(line.kind, line.amount.minor) for line in pricing.explain(snapshot, payee_id)]


def test_a_provider_organizations_booking_with_and_without_an_override() -> None:
    clinic = organization("clinic", currency="INR")
    somebody = consultant(clinic)
    what = offering(clinic, somebody, 10_000_00, "INR", 60)
    quote = quoted(what, somebody)
    assert (quote.platform.minor, quote.organization.minor, quote.consultant.minor) == (1_000_00, 500_00, 8_500_00)
    assert quote.organization_id == clinic and quote.shares == [(somebody, 1, Money(8_500_00, "INR"))]
    assert told(quote) == [
        ("price", 10_000_00), ("platform", 1_000_00), ("organization", 500_00), ("consultant", 8_500_00),
    ]  # fmt: skip
    assert pricing.rule_of(quote.snapshot) == "The organization’s rates, as they are by default"
    with unit_of_work(Scope.organization(clinic)) as session:
        rates.set_override(session, operator(), clinic, somebody, 8_800)
    after = quoted(what, somebody)
    assert (after.platform.minor, after.organization.minor, after.consultant.minor) == (1_000_00, 200_00, 8_800_00)
    assert "agreed in person" in pricing.rule_of(after.snapshot)
    assert told(quote)[-1] == ("consultant", 8_500_00)  # what was quoted before is told as it was


def test_an_advisors_session_and_a_discount_the_platform_bears() -> None:
    house = organization("house", is_house=True, currency="USD")
    advisor, what = consultant(house, Practice.ADVISOR), offering(house, None, 1900)
    quote = quoted(what, advisor, 400)
    assert (quote.list.minor, quote.price.minor) == (1900, 1500)
    assert (quote.platform.minor, quote.organization.minor, quote.consultant.minor) == (570, 0, 1330)
    assert told(quote) == [("price", 1900), ("discount", -400), ("paid", 1500), ("platform", 570), ("consultant", 1330)]
    arithmetic = [line.arithmetic for line in pricing.explain(quote.snapshot)]
    assert "30 % of 19.00 USD, half-up" in arithmetic and "70 % of 19.00 USD: what is left" in arithmetic
    for wrong in (-1, 1901):
        with pytest.raises(Invalid):
            quoted(what, advisor, wrong)


def test_collaborators_share_the_consultants_part() -> None:
    clinic = organization("clinic")
    owner, second, third = (consultant(clinic) for _ in range(3))
    what = offering(clinic, owner, 100_01)
    collaborators(what.id, (second, 1), (owner, 2), (third, 1))
    quote = quoted(what, owner)
    assert quote.shares[0][:2] == (owner, 2)
    assert sum(part.minor for _, _, part in quote.shares) == quote.consultant.minor == 8_501
    assert [kind for kind, _ in told(quote)].count("share") == 3
    mine = [line for line in pricing.explain(quote.snapshot, second) if line.kind == "share"]
    assert [line.label for line in mine] == ["Your part"] and mine[0].arithmetic == "1 of 4 parts of 85.01 USD"


def test_who_cannot_be_booked() -> None:
    clinic, other = organization("clinic"), organization("other")
    owner, stranger = consultant(clinic), consultant(other)
    what = offering(clinic, owner, 50_00)
    with pytest.raises(NotFound):
        quoted(what, stranger)
    with pytest.raises(NotFound):
        quoted(offering(clinic, None, 900), new_id())
    collaborators(what.id, (owner, 1), (stranger, 1))
    with pytest.raises(Conflict):
        quoted(what, owner)
