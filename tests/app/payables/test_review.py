"""Deciding on payment requests, one by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import at
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import Money
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.earnings import queries as earnings
from app.ledger import service as ledger
from app.ledger.recipes import Account
from app.organizations.states import Role
from app.payables import queries, review, rules, service
from app.payables.models import PaymentRequest
from app.payables.states import RequestStatus
from tests.factories import organizations, payables, payees, people
from tests.factories.payables import form

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def vendor(oxford: UUID) -> Actor:
    return people.payee(payees.vendor(oxford, email="office@sms.test"), "ann@sms.test")


@pytest.fixture
def manager(oxford: UUID) -> Actor:
    return people.member(oxford, Role.MANAGER)


def owed(payee_id: UUID | None) -> tuple[int, int]:
    """Held and available, minor units."""
    assert payee_id is not None
    with unit_of_work(Scope.payee(payee_id)) as session:
        found = ledger.payee_balances(session, payee_id).get("GBP", {})
    zero = Money(0, "GBP")
    return found.get(Account.PAYEE_HELD, zero).minor, found.get(Account.PAYEE_AVAILABLE, zero).minor


def decide(oxford: UUID, actor: Actor, request_id: UUID, **more: Any) -> PaymentRequest:
    with unit_of_work(Scope.organization(oxford)) as session:
        act = review.reject if more.pop("reject", False) else review.approve
        return act(session, actor, oxford, request_id, **more)


def test_an_approved_bill_is_owed_and_its_writer_is_told(
    oxford: UUID, vendor: Actor, manager: Actor, superuser: Any
) -> None:
    request_id = payables.submitted(oxford, vendor)
    superuser.execute("DELETE FROM mails")
    done = decide(oxford, manager, request_id, version=1)
    assert (done.status, done.approved_minor, done.reviewed_by) == (RequestStatus.APPROVED, 100_00, manager.label)
    assert owed(vendor.payee_id) == (0, 100_00)
    mails = superuser.execute("SELECT to_address, template FROM mails ORDER BY 1").fetchall()
    assert mails == [("ann@sms.test", "request_approved"), ("office@sms.test", "request_approved")]
    with unit_of_work(Scope.payee(done.payee_id)) as session:
        life = [(event.subject_kind, event.to_state) for event in queries.life(session, request_id)]
    assert life == [("payment_request", "submitted"), ("payment_request", "approved"), ("earning", "ready")]


def test_terms_are_counted_in_the_organization_s_days(oxford: UUID, manager: Actor) -> None:
    vendor = people.payee(payees.vendor(oxford, "Termed", terms_days=30))
    with at(datetime(2026, 3, 3, tzinfo=UTC)):
        request_id = payables.submitted(oxford, vendor, invoice_on=date(2026, 3, 2))
        decide(oxford, manager, request_id)
        assert owed(vendor.payee_id) == (100_00, 0)
    with unit_of_work(people.PLATFORM) as session:
        (held,) = earnings.held(session, vendor.payee_id or UUID(int=0))
    assert held.available_at == datetime(2026, 3, 31, 23, tzinfo=UTC)  # 1 April in London is summer time


def test_a_lower_amount_needs_a_reason_and_waits_for_the_payee(oxford: UUID, vendor: Actor, manager: Actor) -> None:
    request_id = payables.submitted(oxford, vendor)
    with pytest.raises(Invalid) as refused:
        decide(oxford, manager, request_id, amount=Money(60_00, "GBP"))
    assert list(refused.value.fields) == ["reason"]
    moment = datetime(2026, 3, 5, 12, tzinfo=UTC)
    with at(moment):
        decide(oxford, manager, request_id, amount=Money(60_00, "GBP"), reason="Six of ten trees")
    assert owed(vendor.payee_id) == (60_00, 0)
    with unit_of_work(people.PLATFORM) as session:
        (held,) = earnings.held(session, vendor.payee_id or UUID(int=0))
        assert (held.reason, held.available_at) == ("acceptance", moment + timedelta(days=3))
        notes = [event.note for event in queries.life(session, request_id)]
    assert "£60.00 of £100.00 approved: Six of ten trees" in notes


def test_the_payee_accepts_at_once(oxford: UUID, vendor: Actor) -> None:
    request_id = payables.approved(oxford, vendor, 100_00, 60_00)
    with unit_of_work(Scope.payee(vendor.payee_id or UUID(int=0))) as session:
        service.accept(session, vendor, request_id)
    assert owed(vendor.payee_id) == (0, 60_00)
    with unit_of_work(Scope.payee(vendor.payee_id or UUID(int=0))) as session:
        with pytest.raises(Conflict):
            service.accept(session, vendor, request_id)
        with pytest.raises(Conflict):
            service.dispute(session, vendor, request_id, "too late")


def test_accepting_leaves_the_terms_to_wait_for(oxford: UUID) -> None:
    vendor = people.payee(payees.vendor(oxford, "Termed", terms_days=30))
    with at(datetime(2026, 3, 3, tzinfo=UTC)):
        request_id = payables.approved(oxford, vendor, 100_00, 60_00)
        with unit_of_work(Scope.payee(vendor.payee_id or UUID(int=0))) as session:
            service.accept(session, vendor, request_id)
            (held,) = earnings.held(session, vendor.payee_id or UUID(int=0))
    assert (held.reason, held.amount_minor) == ("terms", 60_00)
    assert owed(vendor.payee_id) == (60_00, 0)


def test_a_disputed_amount_is_decided_again(oxford: UUID, vendor: Actor, manager: Actor) -> None:
    request_id = payables.approved(oxford, vendor, 100_00, 60_00)
    with unit_of_work(Scope.payee(vendor.payee_id or UUID(int=0))) as session:
        with pytest.raises(Invalid):
            service.dispute(session, vendor, request_id, " ")
        disputed = service.dispute(session, vendor, request_id, "Ten trees were cut")
    assert (disputed.status, owed(vendor.payee_id)) == (RequestStatus.DISPUTED, (0, 0))
    decide(oxford, manager, request_id, amount=Money(90_00, "GBP"), reason="Nine")
    assert owed(vendor.payee_id) == (90_00, 0)
    with unit_of_work(Scope.payee(vendor.payee_id or UUID(int=0))) as session:
        service.dispute(session, vendor, request_id, "Ten!")
    decide(oxford, manager, request_id)
    assert owed(vendor.payee_id) == (0, 100_00)


def test_a_rejected_bill_says_why_and_may_come_again(
    oxford: UUID, vendor: Actor, manager: Actor, superuser: Any
) -> None:
    request_id = payables.submitted(oxford, vendor)
    with pytest.raises(Invalid):
        decide(oxford, manager, request_id, reject=True, reason=" ")
    decide(oxford, manager, request_id, reject=True, reason="Wrong order number")
    assert owed(vendor.payee_id) == (0, 0)
    assert superuser.execute("SELECT count(*) FROM mails WHERE template = 'request_rejected'").fetchone()[0] == 2
    with unit_of_work(Scope.payee(vendor.payee_id or UUID(int=0))) as session:
        service.edit(session, vendor, request_id, form(99_00))
        again = service.submit(session, vendor, request_id)
        assert (again.review_reason, again.reviewed_by) == (None, None)
    decide(oxford, manager, request_id)
    assert owed(vendor.payee_id) == (0, 99_00)


def test_who_may_not_decide(oxford: UUID, vendor: Actor) -> None:
    request_id = payables.submitted(oxford, vendor)
    bath = organizations.organization("bath")
    stranger = people.member(bath, Role.OWNER)
    for actor in (people.member(oxford, Role.SUPPORT), stranger, vendor):
        with pytest.raises(Forbidden):
            decide(oxford, actor, request_id)
        with pytest.raises(Forbidden):
            decide(oxford, actor, request_id, reject=True, reason="no")
    with unit_of_work(Scope.organization(bath)) as session, pytest.raises(NotFound):
        review.approve(session, stranger, bath, request_id)
    # One person with both hats on does not approve what they asked for.
    both = Actor("Ann", Role.ADMIN.value, vendor.account_id, organization_id=oxford, rank=80)
    with pytest.raises(Forbidden, match="yourself"):
        decide(oxford, both, request_id)
    assert owed(vendor.payee_id) == (0, 0)


@pytest.mark.parametrize("amount", [0, -1, 100_01])
def test_more_than_was_asked_is_not_approved(oxford: UUID, vendor: Actor, manager: Actor, amount: int) -> None:
    request_id = payables.submitted(oxford, vendor)
    with pytest.raises(Invalid):
        decide(oxford, manager, request_id, amount=Money(amount, "GBP"), reason="because")
    with pytest.raises(Invalid):
        decide(oxford, manager, request_id, amount=Money(50_00, "EUR"), reason="because")
    assert owed(vendor.payee_id) == (0, 0)


def test_a_reviewer_with_an_old_page_is_refused(oxford: UUID, vendor: Actor, manager: Actor) -> None:
    request_id = payables.submitted(oxford, vendor)
    with unit_of_work(Scope.payee(vendor.payee_id or UUID(int=0))) as session:
        service.edit(session, vendor, request_id, form(900_00))
    with pytest.raises(Conflict, match="in the meantime"):
        decide(oxford, manager, request_id, version=1)
    assert owed(vendor.payee_id) == (0, 0)


def test_two_reviewers_at_once_one_wins(oxford: UUID, vendor: Actor) -> None:
    request_id = payables.submitted(oxford, vendor)
    reviewers = [people.member(oxford, Role.MANAGER, f"m{n}@oxford.test") for n in range(4)]

    def go(number: int) -> str:
        try:
            if number % 2:
                decide(oxford, reviewers[number], request_id, reject=True, reason="no")
                return "rejected"
            decide(oxford, reviewers[number], request_id)
        except Conflict:
            return "too late"
        return "approved"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(go, range(4)))
    assert answers.count("too late") == 3
    assert owed(vendor.payee_id) == ((0, 100_00) if "approved" in answers else (0, 0))


@given(asked=st.integers(1, 10**12), part=st.integers(-(10**12), 10**13), negative=st.booleans())
def test_what_is_agreed_has_the_sign_and_at_most_the_size_of_what_was_asked(
    asked: int, part: int, negative: bool
) -> None:
    request = Money(-asked if negative else asked, "GBP")
    try:
        agreed = rules.agreed_amount(request, Money(part, "GBP"), "because")
    except Invalid:
        assert part == 0 or (part > 0) is negative or abs(part) > asked
    else:
        assert agreed.minor == part
        assert 0 < abs(part) <= asked
        assert (part < 0) is negative
    assert rules.agreed_amount(request, None, "") == request
