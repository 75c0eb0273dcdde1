"""Consultations across organizations: found, shown with their money, and seen to by hand."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.consultations.models import Consultation
from app.consultations.states import Practice
from app.core.clock import today
from app.db.session import unit_of_work
from app.identity.states import Portal
from tests.factories import bookings as make
from tests.factories import client_money, people
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.admin.conftest import SignIn, told_of
from tests.portals.admin.test_statements import statements
from tests.portals.conftest import Browser


def status(consultation_id: UUID) -> str:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(Consultation, consultation_id).status.value


def test_what_the_list_finds(browser: Browser, held: Consultation) -> None:
    house = organization("house", is_house=True, currency="USD")
    advisor = make.consultant(house, Practice.ADVISOR, "Tomas Lind")
    other = make.booked(make.offering(house, None, 900), advisor, make.client_account("Eve Stone", "eve@client.test"))

    def found(query: str) -> set[UUID]:
        page = browser.get(f"/admin/consultations?{query}")
        assert page.status_code == 200
        return {one for one in (held.id, other.id) if f"consultation-{one}" in page.text}

    assert found("") == {held.id, other.id}
    for term in ("lovelace", "ADA@client", "meera", str(held.id)):
        assert found(f"q={term}") == {held.id}, term
    assert found("q=30+min") == {held.id, other.id} and found("q=50%25") == set() and found(f"q={uuid4()}") == set()
    assert found("status=booked") == found("organization=fernhill") == {held.id}
    assert found("practice=doctor") == found("paid_by=invoice") == set() and found("paid_by=card") == {
        held.id,
        other.id,
    }
    day, after = (today() + timedelta(days=n) for n in (2, 5))
    assert found(f"from={day}&to={day}") == {held.id, other.id} and found(f"from={after}") == set()
    assert found(f"payee={advisor}") == {other.id} and found("status=nonsense&from=x") == {held.id, other.id}
    page = browser.get("/admin/consultations?limit=1")
    assert "cursor=" in page.text
    assert browser.get("/admin/consultations?cursor=broken").status_code == 422


def test_a_page_costs_the_same_for_many(browser: Browser, held: Consultation) -> None:
    browser.get("/admin/consultations")
    with statements() as one:
        browser.get("/admin/consultations")
    offering = make.offering(held.organization_id, held.payee_id, 50_00)
    for n in range(6):
        make.booked(offering, held.payee_id, held.client_account_id, hours=100 + n)
    with statements() as many:
        page = browser.get("/admin/consultations")
    assert page.text.count('id="consultation-') == 7 and len(many) == len(one)


def test_the_page_of_one(browser: Browser, held: Consultation) -> None:
    page = browser.get(f"/admin/consultations/{held.id}").text
    for told in (
        "Ada Lovelace",
        "ada@client.test",
        "Meera Iyer",
        "10 % of 100.00 USD",
        "85 % of 100.00 USD",
        "Fernhill",
    ):
        assert told in page, told
    assert "$85.00" in page and "$10.00" in page and "$5.00" in page
    assert "completion" not in page and "client-absence" not in page  # it has not begun
    client_money.begun(held.id)
    page = browser.get(f"/admin/consultations/{held.id}").text
    assert "completion" in page and "client-absence" in page and "consultant-absence" in page
    assert browser.get(f"/admin/consultations/{uuid4()}").status_code == 404


@pytest.mark.parametrize(
    ("noun", "after", "gone"),
    [
        ("completion", "completed", []), ("client-absence", "no_show_client", []),
        ("consultant-absence", "no_show_consultant", [("refund", 100_00, "pending")]),
        ("cancellation", "cancelled", [("refund", 100_00, "pending")]),
    ],
)  # fmt: skip
def test_who_was_there(
    browser: Browser, held: Consultation, noun: str, after: str, gone: list[tuple[str, int, str]]
) -> None:
    client_money.begun(held.id)
    path = f"/admin/consultations/{held.id}/{noun}"
    assert browser.get(path).status_code == 200
    refused = browser.post(path, {"reason": " "})
    assert refused.status_code == 422 and "reads this with the amount" in refused.text and status(held.id) == "booked"
    named = browser.post(path, {"reason": "Mrs Lovelace wrote"})
    assert named.status_code == 422 and "leave the rest of it out" in named.text and status(held.id) == "booked"
    once = {"reason": "Ada wrote at noon", "idempotency_key": uuid4().hex}
    for _twice in range(2):
        assert browser.post(path, once).status_code == 303 and status(held.id) == after
        assert client_money.returns() == gone
    assert "Ada wrote at noon" in " ".join(told_of(held.id)) + str(cancel_reason(held.id))
    with unit_of_work(PLATFORM) as session:
        actors = session.execute(text("SELECT DISTINCT actor FROM audit_records WHERE subject_kind = 'consultation'"))
        assert "Admin" in {row.actor for row in actors}


def cancel_reason(consultation_id: UUID) -> str | None:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(Consultation, consultation_id).cancel_reason


def test_what_cannot_be_said_is_refused_in_a_sentence(browser: Browser, held: Consultation) -> None:
    path = f"/admin/consultations/{held.id}"
    for noun in ("completion", "client-absence", "consultant-absence"):
        answer = browser.post(f"{path}/{noun}", {"reason": "Heard so"})
        assert answer.status_code == 409 and "It has not begun yet." in answer.text
    assert browser.post(f"{path}/cancellation", {"reason": "The room burnt"}).status_code == 303
    answer = browser.post(f"{path}/completion", {"reason": "x"})
    assert answer.status_code == 409
    client_money.begun(held.id)
    assert "cannot count as held" in browser.post(f"{path}/completion", {"reason": "x"}).text
    assert status(held.id) == "cancelled"


def test_who_is_refused(held: Consultation, sign_in: SignIn, browser: Browser) -> None:
    people.account(Portal.CONSULTANT, "meera@consultant.test", held.payee_id)
    back = client_money.asked_back(held.id)
    paths = (
        "/admin/consultations", f"/admin/consultations/{held.id}", f"/admin/consultations/{held.id}/completion",
        f"/admin/consultations/{held.id}/refunds/new", f"/admin/consultations/{held.id}/disputes/new", "/admin/refunds",
        f"/admin/refunds/{back}/decision", f"/admin/refunds/{back}/settlement",
    )  # fmt: skip
    for portal, email in ((Portal.CONSULTANT, "meera@consultant.test"), (Portal.CLIENT, "ada@client.test")):
        stranger = sign_in(portal, email)
        for path in paths:
            assert stranger.get(path).status_code == 404
        assert stranger.post(f"/admin/refunds/{back}/retry").status_code == 404
        assert stranger.post(f"/admin/consultations/{held.id}/cancellation", {"reason": "Mine"}).status_code == 404
    assert status(held.id) == "booked"
