from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.money import Money
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.db.types import new_id
from app.ledger import account_lines, recipes, service
from app.ledger.recipes import Account
from tests.factories import charges, organizations, payees, people

pytestmark = pytest.mark.usefixtures("database_url")


def all_lines(
    organization_id: UUID, account: Account, limit: int, payee_id: UUID | None = None
) -> list[account_lines.AccountLine]:
    found: list[account_lines.AccountLine] = []
    cursor = None
    with unit_of_work(people.PLATFORM) as session:
        while True:
            page = account_lines.lines(
                session, account, "GBP", organization_id=organization_id, payee_id=payee_id, cursor=cursor, limit=limit
            )
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.integers(-10_000, 10_000).filter(bool), min_size=1, max_size=12),
    limit=st.integers(1, 5),
)
def test_each_balance_is_the_sum_of_all_lines_up_to_it(amounts: list[int], limit: int) -> None:
    organization_id = organizations.organization(f"o{new_id().hex}")
    payee_id = payees.vendor(organization_id)
    with unit_of_work(people.PLATFORM) as session:
        for minor in amounts:
            service.post(
                session, recipes.EARNING_READY, ref=str(new_id()), organization_id=organization_id,
                payee_id=payee_id, amount=Money(minor, "GBP"),
            )  # fmt: skip
    lines = all_lines(organization_id, Account.PAYEE_AVAILABLE, limit, payee_id)
    assert [line.amount.minor for line in reversed(lines)] == amounts
    expected, running = [], 0
    for minor in amounts:
        running += minor
        expected.append(running)
    assert [line.balance.minor for line in reversed(lines)] == expected


def test_pages_forward_and_back_show_the_same_lines() -> None:
    oxford = organizations.organization()
    for number in range(5):
        charges.funds(oxford, 100 * (number + 1), reference=f"D{number}")
    with unit_of_work(Scope.organization(oxford)) as session:
        first = account_lines.lines(session, Account.FUNDS, "GBP", organization_id=oxford, limit=2)
        second = account_lines.lines(
            session, Account.FUNDS, "GBP", organization_id=oxford, limit=2, cursor=first.next_cursor
        )
        back = account_lines.lines(
            session, Account.FUNDS, "GBP", organization_id=oxford, limit=2, cursor=second.previous_cursor
        )
        with pytest.raises(Invalid):
            account_lines.lines(session, Account.FUNDS, "GBP", organization_id=oxford, cursor="nonsense")
    assert [line.memo for line in first.items] == ["D4", "D3"]
    assert [line.balance.minor for line in second.items] == [600, 300]
    assert back.items == first.items
    assert back.previous_cursor is None
    assert first.items[0].label == "Deposit"
    everything = all_lines(oxford, Account.FUNDS, 2)
    assert all(newer.balance - newer.amount == older.balance for newer, older in pairwise(everything))


def test_another_organization_sees_no_line() -> None:
    oxford, bath = organizations.organization(), organizations.organization("bath")
    charges.funds(oxford, 500)
    with unit_of_work(Scope.organization(bath)) as session:
        assert account_lines.lines(session, Account.FUNDS, "GBP", organization_id=oxford).items == []


def test_an_account_is_asked_for_with_its_owner() -> None:
    oxford = organizations.organization()
    with unit_of_work(people.PLATFORM) as session:
        with pytest.raises(ValueError, match="not an account of that"):
            account_lines.lines(session, Account.FUNDS, "GBP")
        with pytest.raises(ValueError, match="not an account of that"):
            account_lines.lines(session, Account.PAYEE_HELD, "GBP", organization_id=oxford)
