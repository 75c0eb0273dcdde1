"""Near its credit limit an organization is told: once, and again after it was below in between."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app.core.clock import at, utc_now
from app.core.money import Money
from app.core.topics import Topic
from app.db.outbox import OutboxRow
from app.db.session import unit_of_work
from app.notify.models import Mail
from app.notify.rendering import render
from app.organizations.states import Role
from jobs import billing as jobs
from jobs import payouts
from tests.factories import billing, organizations, people
from tests.factories.charges import funds
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def college(database_url: str) -> UUID:
    billing.issuer()
    made = billing.buyer(country="US", email="ap@hartwell.test")
    organizations.credit(made, 1_000_00, "USD")
    return made


def mails() -> list[Mail]:
    with unit_of_work(PLATFORM) as session:
        return list(session.scalars(select(Mail).where(Mail.template == "limit_near").order_by(Mail.id)))


def promised() -> set[str]:
    with unit_of_work(PLATFORM) as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == Topic.LIMITS_WATCHED.value))
        return {row.payload["organization_id"] for row in rows}


def test_once_at_80_percent_and_once_more_after_it_was_below(college: UUID) -> None:
    steps: list[tuple[str, int, int]] = [
        ("charged", 799_99, 0), ("charged", 1, 1), ("charged", 150_00, 1), ("paid", 150_00, 1), ("paid", 1, 1),
        ("charged", 1, 2), ("charged", 5_00, 2),
    ]  # fmt: skip
    for number, (what, minor, expected) in enumerate(steps):
        with at(utc_now() + timedelta(minutes=number)):
            if what == "charged":
                billing.charge(college, minor)
                for _ in range(2):
                    jobs.watch_limits(str(college))
            else:
                funds(college, minor, "USD")
                payouts.funds_arrived(str(college))
        assert len(mails()) == expected, (number, what)
    assert promised() == {str(college)}
    first = mails()[0]
    assert (first.to_address, first.context["used"]["minor"]) == ("ap@hartwell.test", 800_00)
    told = render("limit_near", first.context).text
    assert "$800.00" in told and "$200.00 is left" in told


def test_the_sweep_finds_those_nobody_told(college: UUID) -> None:
    other = billing.buyer("other")
    people.member(other, Role.OWNER, "owner@other.test")
    organizations.credit(other, 10_00, "USD")
    for buyer, minor in ((college, 100_00), (other, 9_00), (billing.buyer("third"), 50_00)):
        billing.charge(buyer, minor)
    for _ in range(2):
        jobs.watch_limits()
    assert [one.to_address for one in mails()] == ["owner@other.test"]
    assert Money(9_00, "USD").minor == mails()[0].context["used"]["minor"]
