"""Thousands at once: bulk decisions, the approval queue and its counts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from app.core.errors import Forbidden, Invalid
from app.core.scope import Actor, Scope, operator
from app.db.session import engine, unit_of_work
from app.db.types import new_id
from app.ledger import service as ledger
from app.organizations.states import Role
from app.payables import queries, review
from app.payables.queries import RequestFilter, Sort
from app.payables.review import Decided, Decision
from app.payables.states import RequestStatus
from app.payees.queries import payees as listed_payees
from tests.factories import organizations, payables, payees, people
from tests.factories.payables import csv, imported

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def bills(count: int, *, suppliers: int = 3, start: int = 0) -> bytes:
    """Amounts 1.00, 2.00, …; every fifth a credit of half."""
    return csv(
        *(
            f"T{n},S{n % suppliers},Supplier {n % suppliers},{'-' if n % 5 == 4 else ''}{n + 1}.00,02/03/2026"
            for n in range(start, start + count)
        )
    )


def bulk(oxford: UUID, actor: Actor | None = None, decision: Decision = Decision.APPROVE, **more: Any) -> Decided:
    with unit_of_work(Scope.organization(oxford)) as session:
        return review.review_bulk(session, actor or operator(), oxford, decision, **more)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every SQL statement sent meanwhile."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine(), "before_cursor_execute", note)


def owed(organization_id: UUID) -> int:
    with unit_of_work(people.PLATFORM) as session:
        query = text(
            "SELECT coalesce(sum(balance_minor), 0) FROM ledger_balances WHERE organization_id = :id"
            " AND account = 'payee_available'"
        )
        return int(session.execute(query, {"id": organization_id}).scalar_one())


def test_everything_a_filter_finds_is_approved(oxford: UUID) -> None:
    imported(oxford, bills(10))
    with unit_of_work(Scope.organization(oxford)) as session:
        totals = queries.open_totals(session, oxford, RequestFilter())
    assert (totals.requests, totals.payees, totals.by_currency) == (10, 3, {"GBP": 25_00})
    done = bulk(oxford, chosen=RequestFilter())
    assert (len(done.done), done.refused, done.totals) == (10, [], {"GBP": 25_00})
    assert owed(oxford) == 25_00
    with pytest.raises(Invalid, match="at least one"):
        bulk(oxford, chosen=RequestFilter())
    assert owed(oxford) == 25_00


def test_each_id_is_done_or_refused_with_its_reason(oxford: UUID) -> None:
    vendor = people.payee(payees.vendor(oxford))
    decided, fresh, draft = (payables.submitted(oxford, vendor, minor) for minor in (1_00, 2_00, 3_00))
    payables.approve(oxford, decided)
    with unit_of_work(Scope.payee(vendor.payee_id or UUID(int=0))) as session:
        session.execute(text("UPDATE payment_requests SET status = 'draft' WHERE id = :id"), {"id": draft})
    bath = organizations.organization("bath")
    foreign = payables.submitted(bath, people.payee(payees.vendor(bath)))
    unknown = new_id()
    result = bulk(oxford, ids=[decided, fresh, draft, foreign, unknown, fresh])
    assert result.done == [fresh]
    reasons = {refused.request_id: refused.reason for refused in result.refused}
    assert reasons[decided] == "It is approved already."
    assert {reasons[i] for i in (draft, foreign, unknown)} == {"There is no such payment request."}
    assert owed(oxford) == 3_00
    assert owed(bath) == 0


def test_who_submitted_does_not_decide_in_bulk_either(oxford: UUID) -> None:
    vendor = people.payee(payees.vendor(oxford))
    own = payables.submitted(oxford, vendor)
    other = payables.submitted(oxford, people.payee(payees.vendor(oxford, "Other")))
    both = Actor("Ann", Role.ADMIN.value, vendor.account_id, organization_id=oxford, rank=80)
    result = bulk(oxford, both, ids=[own, other])
    assert result.done == [other]
    assert "yourself" in result.refused[0].reason


def test_rejecting_in_bulk_needs_a_reason_that_everybody_reads(oxford: UUID) -> None:
    imported(oxford, bills(4))
    with pytest.raises(Invalid):
        bulk(oxford, decision=Decision.REJECT, chosen=RequestFilter())
    done = bulk(oxford, decision=Decision.REJECT, chosen=RequestFilter(), reason="Wrong quarter")
    assert (len(done.done), done.totals, owed(oxford)) == (4, {}, 0)
    with unit_of_work(Scope.organization(oxford)) as session:
        page = queries.approval_queue(session, oxford, RequestFilter(status=RequestStatus.REJECTED))
        assert {row.review_reason for row in page.items} == {"Wrong quarter"}
        assert queries.life(session, done.done[0])[-1].note == "Wrong quarter"


def test_one_mail_for_each_payee_that_has_an_address(oxford: UUID, superuser: Any) -> None:
    imported(oxford, bills(9, suppliers=3))
    with unit_of_work(people.PLATFORM) as session:
        row = next(r for r in listed_payees(session, oxford).items if r.reference == "S1")
    people.payee(row.payee_id, "s1@v.test")
    bulk(oxford, chosen=RequestFilter())
    mails = superuser.execute("SELECT to_address, template, context ->> 'bills' FROM mails").fetchall()
    assert mails == [("s1@v.test", "requests_decided", "3 bills")]


def test_refused_people(oxford: UUID) -> None:
    imported(oxford, bills(2))
    bath = organizations.organization("bath")
    for actor in (people.member(oxford, Role.SUPPORT), people.member(bath, Role.OWNER)):
        with pytest.raises(Forbidden):
            bulk(oxford, actor, chosen=RequestFilter())
    stranger = people.member(bath, Role.ADMIN)
    with unit_of_work(Scope.organization(bath)) as session, pytest.raises(Invalid):
        review.review_bulk(session, stranger, bath, Decision.APPROVE, chosen=RequestFilter())
    assert owed(oxford) == 0


def test_two_people_approve_everything_at_once_and_it_is_owed_once(oxford: UUID) -> None:
    imported(oxford, bills(200))

    def go(_: int) -> int:
        try:
            return len(bulk(oxford, chosen=RequestFilter()).done)
        except Invalid:
            return 0

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(go, range(4)))
    assert sum(counts) == 200
    assert owed(oxford) == sum((n + 1) * (-100 if n % 5 == 4 else 100) for n in range(200))


def test_statements_do_not_grow_with_the_number_of_requests(oxford: UUID) -> None:
    used = []
    for start, count in ((0, 2), (100, 400)):
        with statements() as importing:
            imported(oxford, bills(count, start=start, suppliers=count))
        with statements() as approving:
            assert len(bulk(oxford, chosen=RequestFilter()).done) == count
        used.append((len(importing), len(approving)))
    assert used[0] == used[1]
    assert max(used[0]) <= 25


def test_the_queue_is_narrowed_sorted_and_paged(oxford: UUID) -> None:
    first = imported(oxford, bills(6))
    second = imported(oxford, bills(6, start=6))
    with unit_of_work(Scope.organization(oxford)) as session:

        def amounts(chosen: RequestFilter, sort: Sort = Sort.SMALLEST) -> list[int]:
            found: list[int] = []
            cursor = None
            while True:
                page = queries.approval_queue(session, oxford, chosen, sort=sort, cursor=cursor, limit=4)
                found += [row.amount_minor // 100 for row in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    return found

        assert amounts(RequestFilter()) == [-10, -5, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12]
        assert amounts(RequestFilter(), Sort.LARGEST) == [12, 11, 9, 8, 7, 6, 4, 3, 2, 1, -5, -10]
        assert amounts(RequestFilter(), Sort.OLDEST) == [1, 2, 3, 4, -5, 6, 7, 8, 9, -10, 11, 12]
        assert amounts(RequestFilter(min_minor=3_00, max_minor=7_00)) == [3, 4, 6, 7]
        assert amounts(RequestFilter(import_id=first.import_id)) == [-5, 1, 2, 3, 4, 6]
        assert amounts(RequestFilter(search="Supplier 2")) == [3, 6, 9, 12]
        assert amounts(RequestFilter(search="T7")) == [8]
        assert amounts(RequestFilter(search="s1", import_id=second.import_id)) == [8, 11]
        assert amounts(RequestFilter(currency="EUR")) == []
        assert queries.count(session, oxford, RequestFilter(search="Supplier 2")) == 4
        assert queries.counts(session, oxford)[RequestStatus.SUBMITTED] == 12
        (row,) = queries.approval_queue(session, oxford, RequestFilter(search="T0")).items
        assert (row.payee_name, row.payee_reference, row.description) == ("Supplier 0", "S0", "Bill T0")
        assert len(list(queries.all_requests(session, oxford, RequestFilter(min_minor=1)))) == 10


def test_what_came_after_a_person_looked_is_not_decided(oxford: UUID) -> None:
    imported(oxford, bills(3))
    with unit_of_work(Scope.organization(oxford)) as session:
        looked = queries.approval_queue(session, oxford, RequestFilter()).items[0].created_at
    imported(oxford, bills(3, start=3))
    assert len(bulk(oxford, chosen=RequestFilter(created_until=looked)).done) == 3


def test_search_is_for_one_organization(oxford: UUID) -> None:
    bath = organizations.organization("bath")
    imported(bath, bills(3))
    imported(oxford, bills(1))
    with unit_of_work(people.PLATFORM) as session:
        assert len(queries.approval_queue(session, oxford, RequestFilter(search="Supplier 0")).items) == 1
        assert ledger.all_funds(session, oxford) == []
