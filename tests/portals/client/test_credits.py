"""A member books by a credit of the organization, sees who paid, and gives it back by cancelling in time."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app.billing.models import CreditUse
from app.consultations import hours, offerings
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus as S
from app.consultations.states import PaidBy, Practice
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.notify.models import Mail
from app.organizations.states import Role
from tests.app.consultations import making
from tests.factories import consultations, people
from tests.factories import credits as make
from tests.factories.people import PLATFORM
from tests.portals.client.test_pages import SOON, SignIn, _url
from tests.portals.conftest import Browser


@pytest.fixture
def buyer(database_url: str) -> UUID:
    """Fernhill bought five half hours; Ada Vance is there every day from 8 to 12; Noor learns at Fernhill."""
    payee_id = consultations.consultant(name="Ada Vance", practice=Practice.ADVISOR)
    with unit_of_work(Scope.payee(payee_id)) as session:
        hours.set_week(session, making.actor_of(payee_id), payee_id, {n: [(480, 720)] for n in range(7)}, "UTC")
    with unit_of_work(PLATFORM) as session:
        half = next(one for one in offerings.sessions(session) if one.duration_minutes == 30)
    buyer = make.buyer()
    make.pack(make.owner(buyer), half)
    people.member(buyer, Role.LEARNER, "noor@client.test")
    return buyer


@pytest.fixture
def noor(buyer: UUID, sign_in: SignIn) -> Browser:
    people.account(Portal.CLIENT, "noor@client.test")
    return sign_in(Portal.CLIENT, "noor@client.test")


def _book(browser: Browser, buyer: UUID, slot: int = 0) -> str:
    starts = (SOON + timedelta(minutes=30 * slot - 90)).isoformat()
    answer = browser.post(
        _url(), {"starts_at": starts, "buyer": f"credit:{buyer}", "idempotency_key": starts}
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_book_and_cancel(noor: Browser, buyer: UUID) -> None:
    form = noor.get(_url()).text
    assert "Fernhill: 1 credit of 5 left" in form and "Fernhill pays" not in form
    at = _book(noor, buyer)
    assert _book(noor, buyer) == at  # sent twice
    page = noor.get(at).text
    assert "a credit of Fernhill" in page and "Booked" in page
    assert "Fernhill: 1 credit of 4 left" in noor.get(_url()).text
    assert noor.post(f"{at}/cancellation", {"reason": "", "idempotency_key": "c"}).status_code == 303
    assert "The credit went back to Fernhill" in noor.get(at).text
    assert "Fernhill: 1 credit of 5 left" in noor.get(_url()).text
    with unit_of_work(PLATFORM) as session:
        made = session.scalars(select(Consultation)).one()
        assert (made.status, made.paid_by) == (S.CANCELLED, PaidBy.CREDIT)
        assert session.scalars(select(CreditUse)).one().returned_at is not None
        mail = session.scalars(select(Mail).where(Mail.template == "consultation_cancelled")).one()
    assert "its credit again" in mail.context["what"] and mail.context["refund"] is None


def test_when_none_is_left_it_is_not_offered(noor: Browser, buyer: UUID) -> None:
    for slot in range(5):
        _book(noor, buyer, slot)
    form = noor.get(_url()).text
    assert "1 credit of" not in form and "paid by my card" in form
    starts = (SOON + timedelta(minutes=60)).isoformat()
    at = f"{_url()}&week={SOON.date()}"
    answer = noor.post(at, {"starts_at": starts, "buyer": f"credit:{buyer}", "idempotency_key": "late"})
    assert answer.status_code == 422 and starts[:16] in answer.text


def test_who_is_no_member_is_offered_nothing(buyer: UUID, sign_in: SignIn) -> None:
    people.account(Portal.CLIENT, "sam@client.test")
    sam = sign_in(Portal.CLIENT, "sam@client.test")
    assert "Fernhill" not in sam.get(_url()).text
    answer = sam.post(
        _url(), {"starts_at": SOON.isoformat(), "buyer": f"credit:{buyer}", "idempotency_key": "s"}
    )  # fmt: skip
    assert answer.status_code == 422
    with unit_of_work(PLATFORM) as session:
        assert session.scalars(select(CreditUse)).all() == []
