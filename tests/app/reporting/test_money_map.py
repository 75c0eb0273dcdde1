"""The money map read from the database: pages over all kinds, one's own only, balances that are the books'."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.core.errors import Invalid
from app.core.money import Money
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.ledger import service as ledger
from app.ledger.recipes import Account
from app.payouts import service as payouts
from app.reporting import balances, money_map
from app.reporting.money_map import Group, Line, Tab
from app.reporting.rules import Bucket
from tests.factories import methods, organizations, payables, payees, people
from tests.factories.people import PLATFORM

YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def oxford(database_url: str) -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def vendor(oxford: UUID) -> Actor:
    return _vendor(oxford, "Lumen Print")


def _vendor(organization_id: UUID, name: str) -> Actor:
    payee_id = payees.vendor(organization_id, name)
    methods.simulated(payee_id)
    return people.payee(payee_id)


def withdraw(oxford: UUID, vendor: Actor, minor: int) -> UUID:
    with unit_of_work(Scope.payee(_id(vendor))) as session:
        amount = Money(minor, "GBP")
        return payouts.withdraw(session, vendor, organization_id=oxford, currency="GBP", amount=amount).id


def _id(vendor: Actor) -> UUID:
    assert vendor.payee_id is not None
    return vendor.payee_id


def lines(vendor: Actor, tab: Tab = Tab.ALL) -> list[Line]:
    """All of them, two at a time: paging is part of the test."""
    found: list[Line] = []
    cursor = None
    with unit_of_work(Scope.payee(_id(vendor))) as session:
        while True:
            page = money_map.lines(session, _id(vendor), tab=tab, cursor=cursor, limit=2)
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found


def test_pages_over_bills_and_payouts_miss_nothing(oxford: UUID, vendor: Actor) -> None:
    for number in range(3):
        payables.approved(oxford, vendor, 100_00 + number, description=f"Bill {number}")
        withdraw(oxford, vendor, 50_00 + number)
    found = lines(vendor)
    assert [line.kind for line in found] == ["payout", "bill"] * 3
    assert [line.at for line in found] == sorted((line.at for line in found), reverse=True)
    assert len({line.id for line in found}) == 6
    assert [line.amount.minor for line in lines(vendor, Tab.PAYOUTS)] == [-50_02, -50_01, -50_00]
    assert [line.title for line in lines(vendor, Tab.BILLS)] == ["Bill 2", "Bill 1", "Bill 0"]
    assert lines(vendor, Tab.CREDITS) == []


def test_back_and_forth_is_the_same_page(oxford: UUID, vendor: Actor) -> None:
    for number in range(5):
        payables.approved(oxford, vendor, 100_00 + number)
    with unit_of_work(Scope.payee(_id(vendor))) as session:
        first = money_map.lines(session, _id(vendor), limit=2)
        second = money_map.lines(session, _id(vendor), limit=2, cursor=first.next_cursor)
        back = money_map.lines(session, _id(vendor), limit=2, cursor=second.previous_cursor)
    assert [line.id for line in back.items] == [line.id for line in first.items]
    assert back.previous_cursor is None


@pytest.mark.parametrize("cursor", ["x", "WyJuIiwgMSwgMl0", "WyJuIiwgIjIwMjYiLCAibm8iXQ"])
def test_a_broken_cursor_is_refused(vendor: Actor, cursor: str) -> None:
    with unit_of_work(Scope.payee(_id(vendor))) as session, pytest.raises(Invalid):
        money_map.lines(session, _id(vendor), cursor=cursor)


def test_nobody_reads_anothers_lines(oxford: UUID, vendor: Actor) -> None:
    request_id = payables.approved(oxford, vendor, 100_00)
    other = _vendor(oxford, "Other Works")
    with unit_of_work(Scope.payee(_id(other))) as session:
        assert money_map.lines(session, _id(vendor)).items == []
        assert money_map.bill(session, request_id) is None
        assert money_map.places_of_requests(session, [request_id]) == {}
        assert all(not b.available for b in balances.balances(session, _id(vendor), YEAR))


def test_payee_and_organization_read_the_same(oxford: UUID, vendor: Actor) -> None:
    ids = [
        payables.submitted(oxford, vendor, 1_00),
        payables.approved(oxford, vendor, 2_00, agreed=1_00),
        payables.approved(oxford, vendor, 3_00),
    ]
    withdraw(oxford, vendor, 1_00)
    with unit_of_work(Scope.payee(_id(vendor))) as session:
        mine = money_map.places_of_requests(session, ids)
    with unit_of_work(Scope.organization(oxford)) as session:
        theirs = money_map.places_of_requests(session, ids)
    with unit_of_work(PLATFORM) as session:
        everyones = money_map.places_of_requests(session, ids)
    assert mine == theirs == everyones
    assert [mine[i].bucket for i in ids] == [Bucket.REVIEW, Bucket.HELD, Bucket.RESERVED]


def test_bills_by_what_they_wait_for(oxford: UUID, vendor: Actor) -> None:
    payables.submitted(oxford, vendor, 1_00)
    payables.approved(oxford, vendor, 2_00)
    with unit_of_work(Scope.payee(_id(vendor))) as session:
        counts = {group: len(money_map.bills(session, _id(vendor), group=group).items) for group in Group}
    assert counts == {Group.ALL: 2, Group.DRAFT: 0, Group.REVIEW: 1, Group.APPROVED: 1, Group.REJECTED: 0}


def test_balances_are_the_books(oxford: UUID, vendor: Actor) -> None:
    payables.submitted(oxford, vendor, 7_00)
    payables.approved(oxford, vendor, 100_00, agreed=80_00)  # held for an answer
    payables.approved(oxford, vendor, 300_00)
    withdraw(oxford, vendor, 120_00)
    with unit_of_work(Scope.payee(_id(vendor))) as session:
        (found,) = balances.balances(session, _id(vendor), YEAR)
        books = ledger.payee_balances(session, _id(vendor))["GBP"]
    assert (found.pending, found.pending_count) == (Money(80_00, "GBP"), 1) and found.next_ready_at is not None
    assert found.available == Money(180_00, "GBP")
    assert (found.in_transit, found.in_transit_count) == (Money(120_00, "GBP"), 1)
    assert (found.in_review, found.in_review_count) == (Money(7_00, "GBP"), 1)
    assert (found.paid, found.paid_count, found.arrives_on) == (Money(0, "GBP"), 0, None)
    assert books[Account.PAYEE_AVAILABLE] == found.available
    assert books[Account.PAYEE_HELD] == found.pending
    assert books[Account.PAYEE_IN_TRANSIT] == found.in_transit


def test_a_new_payee_has_zeros_in_its_own_currency(vendor: Actor) -> None:
    with unit_of_work(Scope.payee(_id(vendor))) as session:
        (found,) = balances.balances(session, _id(vendor), YEAR)
    assert (found.currency, found.available.minor, found.organization_slug) == ("GBP", 0, "oxford")


def test_the_newest_payout_that_has_not_arrived(oxford: UUID, vendor: Actor) -> None:
    payables.approved(oxford, vendor, 100_00)
    with unit_of_work(Scope.payee(_id(vendor))) as session:
        assert balances.newest_moving(session, _id(vendor)) is None
    withdraw(oxford, vendor, 10_00)
    newest = withdraw(oxford, vendor, 20_00)
    with unit_of_work(Scope.payee(_id(vendor))) as session:
        found = balances.newest_moving(session, _id(vendor))
    assert found is not None and found.id == newest
