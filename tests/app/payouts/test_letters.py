"""The mail of a paid payout: a consultant reads the days of the run, how much was held, and finds every line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.notify.rendering import render
from app.organizations.models import Organization
from app.payouts import letters, runs, service
from jobs import months
from tests.factories import payouts as make
from tests.factories import people
from tests.factories.appointments import clinic, held, on
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
NOVEMBER = datetime(2026, 11, 2, 6, tzinfo=UTC)


def mail_of(address: str) -> Any:
    with unit_of_work(PLATFORM) as session:
        ids = list(session.execute(text("SELECT id FROM payouts")).scalars())
        letters.settled(session, ids, "paid")
        row = session.execute(
            text("SELECT subject, context FROM mails WHERE template = 'payout_paid' AND to_address = :to"),
            {"to": address},
        ).one()
        return render("payout_paid", row.context)


def test_a_month_of_a_doctor() -> None:
    with clock.at(NOVEMBER):
        place = clinic(2)
        people.account(Portal.CONSULTANT, "doctor0@clinic.test", place.payee_ids[0])
        held(place, on(3), on(4), on(9))
        held(place, on(5), doctor=1)
        with unit_of_work(PLATFORM) as session:
            span = runs.span_of(session.get_one(Organization, place.organization_id))
            run_id: UUID = runs.start(session, SYSTEM, place.organization_id, span).id
        months.work(str(run_id), str(place.organization_id))
        mail = mail_of("doctor0@clinic.test")
    for body in (mail.text, mail.html):
        assert "October 1, 2026 – October 31, 2026" in body
        assert "/consultant/earnings?month=2026-10" in body
        assert "Sessions" not in body
    assert "Appointments: 3" in mail.text


def test_a_vendor_reads_nothing_of_it() -> None:
    place = make.shop(1)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE payees SET email = 'vendor@example.test'"))
    make.earn(place, 10_00)
    with unit_of_work(Scope.payee(place.payee_ids[0])) as session:
        me = make.payee_actor(place.payee_ids[0])
        service.withdraw(session, me, organization_id=place.organization_id, currency="GBP")
    mail = mail_of("vendor@example.test")
    for word in ("Appointments", "Sessions", "Earned", "/earnings"):
        assert word not in mail.text
