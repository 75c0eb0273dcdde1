"""Learners book on the account of their organization, in any billing mode; others do not. On pages and by JSON."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.billing import closing
from app.billing.documents import DocumentKind
from app.billing.invoice_states import InvoiceOrigin
from app.charges.client_models import Charge
from app.charges.states import ChargeStatus, ReturnKind
from app.consultations import money, offerings
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus as S
from app.consultations.states import PaidBy
from app.core.scope import SYSTEM, operator
from app.db.session import unit_of_work
from app.ledger import service as ledger
from app.organizations import service as members
from app.organizations.models import Member, Organization
from app.organizations.states import BillingMode, Role
from app.reporting import doctor
from jobs import clients as money_jobs
from tests.factories import billing, organizations, people
from tests.factories import credits as make
from tests.factories.people import PLATFORM
from tests.portals.client.test_pages import SOON, _url
from tests.portals.conftest import Browser

M = BillingMode
MAY = (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.LEARNER)
MAY_NOT = (Role.SUPPORT, Role.CONSULTANT)


def _buyer(mode: BillingMode, role: Role | None, limit: int = 20_00) -> UUID:
    """Fernhill, which has five half hours or credit; Noor belongs to it."""
    buyer = make.buyer(billing_mode=mode)
    if mode is M.SEAT_PACK:
        with unit_of_work(PLATFORM) as session:
            half = next(one for one in offerings.sessions(session) if one.duration_minutes == 30)
        make.pack(make.owner(buyer), half)
    if mode is M.INVOICED_MONTHLY:
        organizations.credit(buyer, limit, "USD")
    if role is not None:
        people.member(buyer, role, "noor@client.test")
    return buyer


def _form(buyer: UUID, way: PaidBy, slot: int = 0) -> dict[str, str]:
    starts = SOON.replace(hour=8 + slot).isoformat()
    return {"starts_at": starts, "idempotency_key": f"{way}{slot}", "buyer": f"{way.value}:{buyer}"}


def _ask(browser: Browser, advisor: UUID, slot: int = 0, **more: Any) -> Any:
    body = {"advisor_id": str(advisor), "duration_minutes": 30, "starts_at": SOON.replace(hour=8 + slot).isoformat()}
    return browser.open(
        "/api/v1/consultations/book", method="POST", json=body | more, headers={"X-CSRFToken": browser.csrf_token()}
    )


def _one(consultation_id: UUID) -> Consultation:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(Consultation, consultation_id)


def _charges() -> list[tuple[str, ChargeStatus]]:
    with unit_of_work(PLATFORM) as session:
        rows = session.scalars(select(Charge).where(Charge.subject_kind == "consultation")).all()
        return [(row.provider.value, row.status) for row in rows]


@pytest.mark.parametrize("role", MAY)
def test_the_funds_pay_for_every_role_that_uses_the_account(noor: Browser, role: Role) -> None:
    buyer = _buyer(M.INVOICED_MONTHLY, role)
    form = noor.get(f"{_url()}&week={SOON.date()}").text
    assert "Fernhill pays" in form and "Keep this time and go on" in form  # who pays is chosen with it
    pay = noor.post(_url(), _form(buyer, PaidBy.INVOICE)).location
    assert "Fernhill pays from its funds" in noor.get(pay).text
    assert noor.post(pay, {"idempotency_key": "p"}).status_code == 303
    made = UUID(pay.split("/")[3])
    money_jobs.confirm(str(made))
    found = _one(made)
    assert (found.status, found.paid_by, found.buyer_organization_id) == (S.BOOKED, PaidBy.INVOICE, buyer)
    shown = noor.get(f"/client/consultations/{made}").text
    assert "Paid by" in shown and "Fernhill" in shown
    with unit_of_work(PLATFORM) as session:
        assert ledger.funds(session, buyer, "USD").minor == -19_00
        assert session.execute(text("SELECT amount_minor FROM unbilled_charges")).scalar_one() == 19_00
        assert doctor.examine(session) == []


@pytest.mark.parametrize("mode", list(M))
@pytest.mark.parametrize("role", [*MAY_NOT, None])
def test_supporters_consultants_and_outsiders_do_not(
    noor: Browser, advisor: UUID, mode: BillingMode, role: Role | None
) -> None:
    buyer = _buyer(mode, role)
    form = noor.get(f"{_url()}&week={SOON.date()}").text
    assert "Fernhill" not in form and "Keep this time and pay $19.00" in form
    for way in (PaidBy.TAG, PaidBy.INVOICE, PaidBy.CREDIT):
        assert noor.post(_url(), _form(buyer, way)).status_code == 422
        refused = _ask(noor, advisor, buyer_organization_id=str(buyer), paid_by=way.value)
        assert refused.status_code == 422, refused.text
        assert ("no member" if role is None else f"Your role there is {role.label}") in refused.text
    assert _charges() == []


def test_over_the_limit_is_refused_with_the_number_and_nothing_is_lost(noor: Browser, advisor: UUID) -> None:
    buyer = _buyer(M.INVOICED_MONTHLY, Role.LEARNER, limit=20_00)
    pay = noor.post(_url(), _form(buyer, PaidBy.INVOICE)).location
    second = noor.post(_url(), _form(buyer, PaidBy.INVOICE, 1)).location  # kept, not paid yet
    assert noor.post(pay, {"idempotency_key": "p"}).status_code == 303
    refused = noor.post(second, {"idempotency_key": "q"})
    assert refused.status_code == 409 and "$1.00 is left, $19.00 is needed" in refused.text
    form = _form(buyer, PaidBy.INVOICE, 2)
    refused = noor.post(f"{_url()}&week={SOON.date()}", form)
    assert refused.status_code == 409 and "$1.00 is left, $19.00 is needed" in refused.text
    assert f'<option selected value="invoice:{buyer}">' in refused.text
    refused = _ask(noor, advisor, 2, buyer_organization_id=str(buyer))
    assert refused.status_code == 409 and "$1.00 is left" in refused.text and "buyer_organization_id" in refused.text
    assert [status for _provider, status in _charges()] == [ChargeStatus.SUCCEEDED]


def test_who_lost_the_role_meanwhile_does_not_spend(noor: Browser) -> None:
    buyer = _buyer(M.INVOICED_MONTHLY, Role.LEARNER)
    people.member(buyer, Role.OWNER, "boss@fernhill.test")
    pay = noor.post(_url(), _form(buyer, PaidBy.INVOICE)).location
    with unit_of_work(PLATFORM) as session:
        noor_id = session.scalars(select(Member.id).where(Member.email == "noor@client.test")).one()
        members.remove_member(session, operator(), buyer, noor_id)
    refused = noor.post(pay, {"idempotency_key": "p"})
    assert refused.status_code == 422 and "Choose yours" in refused.text
    assert _charges() == []


@pytest.mark.parametrize(
    ("mode", "paid_by", "status", "provider"),
    [
        (M.TAG_ONLY, PaidBy.TAG, "pending", "simulated"),
        (M.SEAT_PACK, PaidBy.CREDIT, "booked", "credit"),
        (M.INVOICED_MONTHLY, PaidBy.INVOICE, "pending", "funds"),
    ],
)
def test_by_json_the_mode_says_what_pays(
    noor: Browser, advisor: UUID, mode: BillingMode, paid_by: PaidBy, status: str, provider: str
) -> None:
    buyer = _buyer(mode, Role.LEARNER)
    answer = _ask(noor, advisor, buyer_organization_id=str(buyer))
    assert answer.status_code == 201, answer.text
    assert answer.json["status"] == status
    found = _one(UUID(answer.json["consultation_id"]))
    assert (found.paid_by, found.buyer_organization_id) == (paid_by, buyer)
    paid = ChargeStatus.PENDING if provider == "simulated" else ChargeStatus.SUCCEEDED
    assert _charges() == [(provider, paid)]
    if paid_by is not PaidBy.TAG:
        money_jobs.confirm(str(found.id))
        assert _one(found.id).status is S.BOOKED
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def test_by_json_ones_own_card_is_possible_in_any_mode(noor: Browser, advisor: UUID) -> None:
    buyer = _buyer(M.INVOICED_MONTHLY, Role.LEARNER)
    made = _ask(noor, advisor, buyer_organization_id=str(buyer), paid_by="tag")
    assert made.status_code == 201 and _charges() == [("simulated", ChargeStatus.PENDING)]
    for wrong in ({"paid_by": "gold"}, {"paid_by": "card"}, {"buyer_organization_id": "x"}):
        body = {"buyer_organization_id": str(buyer), **wrong}
        assert _ask(noor, advisor, 1, **body).status_code == 422
    assert _ask(noor, advisor, 1, buyer_organization_id=str(buyer), paid_by="credit").status_code == 422
    nobodys = _ask(noor, advisor, 1, paid_by="invoice")  # a project may name the organization, here nothing does
    assert nobodys.status_code == 422 and "buyer_organization_id" in nobodys.text


def test_no_credit_left_is_refused(noor: Browser, advisor: UUID) -> None:
    buyer = make.buyer()
    people.member(buyer, Role.LEARNER, "noor@client.test")
    refused = _ask(noor, advisor, buyer_organization_id=str(buyer))
    assert refused.status_code == 409 and _charges() == []


@pytest.mark.parametrize(("role", "reads"), [(Role.MANAGER, True), (Role.LEARNER, False)])
def test_who_reads_the_invoices_finds_those_of_a_booking_and_its_credit_note(
    noor: Browser, role: Role, reads: bool
) -> None:
    with unit_of_work(PLATFORM) as session:
        house = session.scalars(select(Organization.id).where(Organization.is_house)).one()
    billing.profile(house)
    buyer = _buyer(M.INVOICED_MONTHLY, role)
    pay = noor.post(_url(), _form(buyer, PaidBy.INVOICE)).location
    noor.post(pay, {"idempotency_key": "p"})
    made = UUID(pay.split("/")[3])
    with unit_of_work(PLATFORM) as session:
        closing.bill_one(session, SYSTEM, buyer, origin=InvoiceOrigin.REQUEST)
        money.give_back(session, SYSTEM, made, amount=None, kind=ReturnKind.REFUND, reason="It was not held.")
    shown = noor.get(pay.removesuffix("/pay")).text
    for kind in (DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE):
        document = billing.only(buyer, kind=kind)
        assert (document.number in shown) is reads
        assert (f"/org/fernhill/billing/invoices/{document.id}" in shown) is reads
