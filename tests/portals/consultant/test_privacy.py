"""No answer of the consultant portal, page, file or JSON, tells more of a client than the first name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from app.charges.states import ChargeProvider
from app.consultations import booking, hours, money, reviews
from app.consultations.models import Consultation
from app.consultations.reviews import Verdict
from app.consultations.states import CancelledBy
from app.core import clock
from app.core.clock import utc_now
from app.core.scope import SYSTEM, Scope, operator
from app.db.session import unit_of_work
from app.identity.models import Account
from app.identity.states import Portal
from app.notify.models import Mail
from app.notify.rendering import render
from tests.app.consultations import making
from tests.architecture.conftest import guarded_routes
from tests.factories import consultations
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
EMAIL, SURNAME, PHONE = "n.quillfeather@client.test", "Quillfeather", "+44 20 7946 0958"
SECRETS = ("quillfeather", "7946 0958", "79460958")
WORDS = f"Call me at {PHONE} or {EMAIL}. Noor {SURNAME}"
SOON = (utc_now() + timedelta(days=9)).replace(hour=10, minute=0, second=0, microsecond=0)


@pytest.fixture
def world(database_url: str) -> tuple[UUID, list[UUID]]:
    """A consultant with a held and reviewed, a cancelled and a coming consultation of one client."""
    payee_id = consultations.consultant()
    noor = making.client(EMAIL)
    noor = type(noor)("Noor", "client", noor.account_id)
    assert noor.account_id is not None
    made = [
        making.consultation(payee_id, noor, making.ConsultationStatus.PENDING, SOON + timedelta(days=day))
        for day in range(3)
    ]
    with unit_of_work(PLATFORM) as session:
        session.execute(update(Account).where(Account.id == noor.account_id).values(name=f"Noor {SURNAME}"))
        session.execute(
            update(Consultation).values(
                pricing={"rule": "consultant", "rule_version": 1, "consultant_bps": 8000, "override": False,
                         "currency": "USD", "list_minor": 100_00, "price_minor": 100_00, "discount_minor": 0,
                         "platform_bps": 2000, "platform_minor": 20_00, "organization_bps": 0, "organization_minor": 0,
                         "consultant_minor": 80_00, "shares": []}
            )
        )  # fmt: skip
    for one in made:
        with unit_of_work(PLATFORM) as session:
            charge = money.charge(session, SYSTEM, session.get_one(Consultation, one), ChargeProvider.SIMULATED)
            money.paid(session, SYSTEM, charge.id)
            booking.confirm(session, SYSTEM, one)
    with unit_of_work(Scope.client(noor.account_id)) as session:
        booking.reschedule(session, noor, made[2], _free(payee_id))
        booking.cancel(session, noor, made[1], CancelledBy.CLIENT, WORDS)
    with clock.at(SOON + timedelta(hours=1)), unit_of_work(PLATFORM) as session:
        booking.complete(session, SYSTEM, [made[0]])
    with unit_of_work(Scope.client(noor.account_id)) as session:
        reviews.hide(
            session, operator(), reviews.write(session, noor, made[0], Verdict(5, WORDS)), "Not about the work."
        )
    making.premium(payee_id)
    return payee_id, made


def _free(payee_id: UUID) -> datetime:
    with unit_of_work(Scope.payee(payee_id)) as session:
        hours.set_week(session, making.actor_of(payee_id), payee_id, {n: [(480, 720)] for n in range(7)}, "UTC")
    return SOON + timedelta(days=5)


def test_every_answer_of_the_consultant_portal(app: Flask, world: tuple[UUID, list[UUID]], sign_in: SignIn) -> None:
    _payee_id, made = world
    priya = sign_in(Portal.CONSULTANT, "priya@consultant.test")
    with unit_of_work(PLATFORM) as session:
        found = {
            "consultation_id": made,
            "earning_id": list(session.execute(text("SELECT id FROM earnings")).scalars()),
        }
    urls = []
    for route in guarded_routes(app):
        if route.portal is not Portal.CONSULTANT or route.method != "GET":
            continue
        names = [name for name in route.rule.arguments if name.endswith("_id")]
        if not names:
            urls.append(route.url())
        ids = found.get(names[0], []) if names else []
        urls += [route.url(ids=lambda _name, one=one: one) for one in ids]  # type: ignore[misc]
    urls += [f"/consultant/consultations?view={view}" for view in ("past", "cancelled", "upcoming")]
    urls += [f"/consultant/payments/lines/earning/{one}" for one in found["earning_id"]]
    urls += [f"/consultant/earnings{more}" for more in ("?state=held", "?state=returned", ".csv?state=ready")]
    urls += ["/consultant/", "/consultant/analytics", "/consultant/reviews", "/api/v1/advisors/earnings"]
    urls += ["/consultants/priya-raghavan", "/api/v1/consultations", *(f"/api/v1/consultations/{one}" for one in made)]
    answered, named = 0, 0
    for url in urls:
        answer = priya.get(url)
        body = answer.data.decode("utf-8", "replace").lower()
        assert not [secret for secret in SECRETS if secret in body], url
        answered += answer.status_code == 200
        named += "noor" in body
        part = priya.get(url, headers={"HX-Request": "true", "HX-Request-Type": "partial"})
        assert not [secret for secret in SECRETS if secret in part.data.decode("utf-8", "replace").lower()], url
    assert answered > 35
    assert named > 16  # the walk does reach what is about the client


def test_every_mail_to_the_consultant(world: tuple[UUID, list[UUID]]) -> None:
    with unit_of_work(PLATFORM) as session:
        mails = session.scalars(select(Mail).where(Mail.to_address == "priya@consultant.test")).all()
        assert {mail.template for mail in mails} >= {"consultation_new", "consultation_news"}
        for mail in mails:
            body = render(mail.template, mail.context)
            assert not [one for one in SECRETS if one in (mail.subject + body.text + body.html).lower()], mail.template


def test_what_the_consultants_scope_can_read(world: tuple[UUID, list[UUID]]) -> None:
    """Below the pages: no row that the database shows to a consultant has it."""
    payee_id, _made = world
    with unit_of_work(Scope.payee(payee_id)) as session:
        for table in ("consultations", "timeline_events", "earnings", "reviews", "audit_records", "charges"):
            rows = str(session.execute(text(f"SELECT row_to_json(t) FROM {table} t")).all()).lower()
            assert not [one for one in SECRETS if one in rows], table
