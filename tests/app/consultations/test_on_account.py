"""What members book at the organization's expense stays within its credit limit, also when they pay at one moment."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.consultations import booking, hours, offerings, on_account, payments
from app.consultations.models import Consultation
from app.consultations.states import PaidBy, Practice
from app.core import clock
from app.core.errors import Conflict
from app.core.scope import ROLE_PERMISSIONS, Actor, Permission, Scope
from app.db.session import unit_of_work
from app.db.types import new_id
from app.ledger import service as ledger
from app.organizations.queries import Membership
from app.organizations.states import BillingMode, OrganizationStatus, Role
from app.reporting import doctor
from tests.app.consultations import making
from tests.app.consultations.making import NOON
from tests.factories import consultations, organizations, people
from tests.factories.people import PLATFORM

SUNDAY = NOON - timedelta(days=2)


def membership(role: Role, mode: BillingMode) -> Membership:
    return Membership(new_id(), new_id(), "oxford", "Oxford", role, OrganizationStatus.ACTIVE, mode)


@pytest.mark.parametrize("role", list(Role))
def test_who_uses_the_account_stands_in_the_table_of_permissions(role: Role) -> None:
    may = role in (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.LEARNER)
    assert (Permission.ACCOUNT_USE in ROLE_PERMISSIONS[role.value]) is may
    for mode, on in (
        (BillingMode.TAG_ONLY, PaidBy.TAG),
        (BillingMode.SEAT_PACK, PaidBy.CREDIT),
        (BillingMode.INVOICED_MONTHLY, PaidBy.INVOICE),
    ):
        mine = membership(role, mode)
        assert payments.on_account(mine) is on
        assert payments.ways(mine) == (tuple(dict.fromkeys((PaidBy.TAG, on))) if may else ())


def test_of_three_learners_who_pay_at_once_the_limit_bears_two(database_url: str) -> None:
    payee_id = making.consultant(consultations.house(), practice=Practice.ADVISOR)
    with unit_of_work(Scope.payee(payee_id)) as session:
        hours.set_week(session, making.actor_of(payee_id), payee_id, {0: [(600, 960)]}, "UTC")
    buyer = organizations.organization("buyers", currency="USD", billing_mode=BillingMode.INVOICED_MONTHLY)
    organizations.credit(buyer, 40_00, "USD")
    with unit_of_work(PLATFORM) as session:
        half = next(one.id for one in offerings.sessions(session) if one.duration_minutes == 30)
    booked: list[tuple[Actor, UUID]] = []
    for n in range(3):
        email = f"learner{n}@client.test"
        people.member(buyer, Role.LEARNER, email)
        who = making.client(email)
        assert who.account_id is not None
        with clock.at(SUNDAY), unit_of_work(Scope.client(who.account_id)) as session:
            made = booking.book(
                session, who, payee_id=payee_id, offering_id=half, starts_at=NOON + timedelta(minutes=30 * n),
                client_time_zone="UTC", locale="en_US", paid_by=PaidBy.INVOICE, buyer_organization_id=buyer,
            )  # fmt: skip
            booked.append((who, made.id))
    start, said = threading.Barrier(3), []

    def pay(who: Actor, consultation_id: UUID) -> None:
        start.wait(10)
        assert who.account_id is not None
        try:
            with unit_of_work(Scope.client(who.account_id)) as session:
                on_account.pay(session, who, session.get_one(Consultation, consultation_id))
        except Conflict as refusal:
            said.append(refusal.message)

    threads = [threading.Thread(target=pay, args=pair) for pair in booked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert said == ["The organization’s funds and credit do not cover this: $2.00 is left, $19.00 is needed."]
    with unit_of_work(PLATFORM) as session:
        assert ledger.funds(session, buyer, "USD").minor == -38_00
        assert session.execute(text("SELECT count(*) FROM unbilled_charges")).scalar_one() == 2
        assert doctor.examine(session) == []
