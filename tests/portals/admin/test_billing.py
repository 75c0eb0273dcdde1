"""How an organization pays, changed by the platform alone; what is left of a pack goes back."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from app.billing import pack_returns
from app.billing.invoice_models import BillingProfile
from app.billing.models import SeatPack
from app.billing.states import PackStatus
from app.charges.client_models import ChargeReturn
from app.charges.states import ReturnStatus
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.files import service as files
from app.files.models import FilePurpose
from app.files.sniffing import inspect
from app.files.storage import storage
from app.identity.states import Portal
from app.organizations.models import Organization
from app.organizations.states import BillingMode
from tests.factories import billing, bookings, people
from tests.factories import credits as make
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

HERE = "/admin/organizations/fernhill"


@pytest.fixture
def pack(database_url: str) -> SeatPack:
    what = bookings.offering(organization("house", is_house=True, currency="USD"), None, 19_00)
    return make.pack(make.owner(make.buyer()), what)


@pytest.fixture
def admin(pack: SeatPack, sign_in) -> Browser:  # type: ignore[no-untyped-def]
    people.admin()
    found: Browser = sign_in(Portal.ADMIN, "admin@quittance.test")
    return found


def mode(organization_id: UUID) -> BillingMode:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(Organization, organization_id).billing_mode


def test_not_while_credits_are_left(admin: Browser, pack: SeatPack) -> None:
    page = admin.get(f"{HERE}/billing").text
    assert "By seat credits" in page and "5 credits" in page
    assert admin.get(f"{HERE}/billing-mode").status_code == 200
    answer = admin.post(f"{HERE}/billing-mode", {"mode": "TAG_ONLY", "idempotency_key": "1"})
    assert answer.status_code == 409 and "5 credits are left" in answer.text
    assert mode(pack.organization_id) is BillingMode.SEAT_PACK
    wrong = admin.post(f"{HERE}/billing-mode", {"mode": "BARTER", "idempotency_key": "2"})
    assert wrong.status_code == 422


def test_refund_what_is_left_then_change(admin: Browser, pack: SeatPack) -> None:
    at = f"{HERE}/packs/{pack.id}/refund"
    assert admin.get(at).status_code == 200
    assert admin.post(at, {"reason": "", "idempotency_key": "1"}).status_code == 422
    assert admin.post(at, {"reason": "They moved away", "idempotency_key": "2"}).status_code == 303
    assert admin.post(at, {"reason": "Again", "idempotency_key": "3"}).status_code == 409
    with unit_of_work(PLATFORM) as session:
        back = session.scalars(select(ChargeReturn)).one()
        assert back.amount_minor == 95_00
    assert "On its way" in admin.get("/admin/refunds?view=waiting").text or back.status is ReturnStatus.PENDING
    with unit_of_work(PLATFORM) as session:
        pack_returns.not_returned(session, SYSTEM, back.id, "The card is closed.")
    assert "The card is closed" in admin.get("/admin/refunds").text
    assert admin.post(f"/admin/refunds/{back.id}/retry", {"idempotency_key": "r"}).status_code == 303
    with unit_of_work(PLATFORM) as session:
        second = session.scalars(select(ChargeReturn).where(ChargeReturn.id != back.id)).one()
        pack_returns.returned(session, SYSTEM, second.id)
        assert session.get_one(SeatPack, pack.id).status is PackStatus.REFUNDED
    assert admin.post(f"{HERE}/billing-mode", {"mode": "TAG_ONLY", "idempotency_key": "4"}).status_code == 303
    assert mode(pack.organization_id) is BillingMode.TAG_ONLY


def test_a_refund_that_came_back_is_settled_by_leaving_the_credits(admin: Browser, pack: SeatPack) -> None:
    with unit_of_work(PLATFORM) as session:
        back = pack_returns.refund(session, people_admin(), pack.id, "Asked for")
        pack_returns.returned(session, SYSTEM, back.id)
        pack_returns.came_back(session, SYSTEM, back.id, "The account is closed.")
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(SeatPack, pack.id).status is PackStatus.ACTIVE
    settled = admin.post(f"/admin/refunds/{back.id}/settlement", {"note": "They keep them", "idempotency_key": "s"})
    assert settled.status_code == 303
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(ChargeReturn, back.id).settled_at is not None


def people_admin():  # type: ignore[no-untyped-def]
    return people.Actor("Admin", "platform_admin")


def test_nobody_else(pack: SeatPack, sign_in) -> None:  # type: ignore[no-untyped-def]
    people.account(Portal.CLIENT, "noor@client.test")
    for browser in (sign_in(Portal.CLIENT, "noor@client.test"),):
        assert browser.get(f"{HERE}/billing").status_code == 404
        assert browser.post(f"{HERE}/packs/{pack.id}/refund", {"reason": "mine"}).status_code == 404


def test_terms_that_are_agreed_and_the_documents_an_organization_sent(admin: Browser, pack: SeatPack) -> None:
    assert "no billing details yet" in admin.get(f"{HERE}/billing").text
    assert admin.get(f"{HERE}/billing-terms").status_code == 404
    billing.profile(pack.organization_id, legal_name="Fernhill SARL", email="ap@fernhill.test", terms_days=30)
    content = b"%PDF-1.4\n%%EOF\n"
    key = storage().put(content)
    with unit_of_work(PLATFORM) as session:
        file_id = files.add(
            session, people.admin("two@quittance.test"), inspect(content, "registration.pdf"), key,
            organization_id=pack.organization_id, purpose=FilePurpose.ATTACHMENT, subject_id=pack.organization_id,
        ).id  # fmt: skip
    shown = admin.get(f"{HERE}/billing").text
    assert "Fernhill SARL" in shown and "Net 30" in shown and "registration.pdf" in shown
    assert admin.get(f"{HERE}/documents/{file_id}").status_code == 200
    assert admin.get(f"/admin/organizations/house/documents/{file_id}").status_code == 404
    assert admin.post(f"{HERE}/billing-terms", {"terms_days": "31", "idempotency_key": "a"}).status_code == 422
    assert admin.post(f"{HERE}/billing-terms", {"terms_days": "60", "idempotency_key": "b"}).status_code == 303
    with unit_of_work(PLATFORM) as session:
        found = session.scalars(select(BillingProfile).where(BillingProfile.email == "ap@fernhill.test")).one()
        assert found.terms_days == 60
