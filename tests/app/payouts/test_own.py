"""What an organization earned itself: asked for by its owner, approved by the platform, paid like everything else."""

from __future__ import annotations

import io
from datetime import timedelta
from uuid import UUID

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from app.billing.invoice_models import BillingProfile
from app.charges.states import ReturnKind
from app.consultations import house as houses
from app.consultations import money
from app.consultations.states import ConsultationStatus
from app.core.clock import at, utc_now
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.methods import service as methods
from app.organizations import own_payee
from app.organizations import service as organizations
from app.organizations.states import OrganizationKind, OrganizationStatus, Role
from app.payees import service as payees
from app.payees.states import PayeeKind
from app.payouts import batches, documents, planning
from app.payouts.models import Payout
from app.payouts.states import BatchStatus, PayoutStatus
from app.pdf.render import render_remittance
from app.rails.base import Outcome
from app.reporting import doctor
from jobs import payouts as payout_jobs
from tests.factories import bookings as make
from tests.factories import people
from tests.factories.methods import SIMULATED
from tests.factories.organizations import organization
from tests.factories.payouts import PLATFORM, admin, method
from tests.fakes.rail import fake_rail

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def clinic() -> UUID:
    return organization("clinic", currency="INR", kind=OrganizationKind.PROVIDER)


def own(organization_id: UUID) -> UUID:
    with unit_of_work(PLATFORM) as session:
        found = own_payee.find(session, organization_id)
    assert found is not None
    return found


def member(organization_id: UUID, role: Role = Role.OWNER, email: str = "asha@clinic.test") -> Actor:
    account_id = people.account(Portal.ORG, email)
    with unit_of_work(PLATFORM) as session:
        organizations.add_member(
            session, operator(), organization_id, account_id=account_id, name="Asha", email=email, role=role
        )
    return Actor("Asha", role.value, account_id, organization_id=organization_id, rank=role.rank)


def states(payee_id: UUID) -> list[tuple[str, int]]:
    with unit_of_work(PLATFORM) as session:
        query = text(
            """SELECT s.state, e.amount_minor FROM earning_states s JOIN earnings e ON e.id = s.earning_id
            WHERE e.payee_id = :id ORDER BY e.created_at, e.id"""
        )
        return [tuple(row) for row in session.execute(query, {"id": payee_id})]


def healthy() -> None:
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def test_ten_thousand_rupees_are_a_thousand_five_hundred_and_the_rest(clinic: UUID) -> None:
    booked = make.paid_session(clinic, held=False)
    assert (booked.platform_minor, booked.organization_minor, booked.consultant_minor) == (
        1_000_00, 500_00, 8_500_00,
    )  # fmt: skip
    mine = own(clinic)
    assert states(mine) == [("held", 500_00)] and states(booked.payee_id) == [("held", 8_500_00)]
    make.advance(booked.id, ConsultationStatus.COMPLETED)
    with unit_of_work(PLATFORM) as session:
        assert money.release(session, SYSTEM, [booked.id]) == 2
    assert states(mine) == [("ready", 500_00)]
    healthy()


def test_a_refund_takes_the_organizations_part_back(clinic: UUID) -> None:
    booked, mine = make.paid_session(clinic), own(clinic)
    with unit_of_work(PLATFORM) as session:
        back = money.give_back(
            session, SYSTEM, booked.id, amount=Money(4_000_00, "INR"), kind=ReturnKind.REFUND, reason="Cut short"
        ).id
    for _twice in range(2):
        with unit_of_work(PLATFORM) as session:
            money.returned(session, SYSTEM, back)
    assert states(mine) == [("ready", 500_00), ("ready", -200_00)]
    healthy()


def test_only_launched_organizations_that_provide_are_payees() -> None:
    for slug, kind in (("buyer", OrganizationKind.BUYER), ("hybrid", OrganizationKind.HYBRID)):
        made = organization(slug, kind=kind)
        with unit_of_work(PLATFORM) as session:
            assert (own_payee.find(session, made) is None) == (kind is OrganizationKind.BUYER)
    draft = organization("draft", kind=OrganizationKind.PROVIDER, status=OrganizationStatus.DRAFT)
    with unit_of_work(PLATFORM) as session:
        assert own_payee.ensure(session, SYSTEM, draft) is None
        organizations.get(session, draft).status = OrganizationStatus.ACTIVE
        session.flush()
        first = own_payee.ensure(session, SYSTEM, draft)
        assert first is not None and own_payee.ensure(session, SYSTEM, draft) == first
        payee = session.execute(text("SELECT kind, name FROM payees WHERE id = :id"), {"id": first}).one()
    assert tuple(payee) == (PayeeKind.ORGANIZATION, "Draft")
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(draft)) as session:
        payees.engage(session, member(draft, email="o@draft.test"), draft, first, currency="GBP")


def test_the_owner_asks_and_the_platform_approves(clinic: UUID) -> None:
    make.paid_session(clinic)
    mine, owner, checker = own(clinic), member(clinic), admin("checker@quittance.test")
    with pytest.raises(Conflict) as nothing, unit_of_work(Scope.organization(clinic)) as session:
        batches.ask_own(session, owner, clinic)
    assert "payout method" in nothing.value.message
    with unit_of_work(PLATFORM) as session:
        method(session, mine, "simulated")
        general = planning.preview(session, clinic)  # a batch of the platform leaves it alone
        assert general.payees == 0 and {row.payee_id for row in general.blocked_lines}.isdisjoint({mine})
    with fake_rail(outcome=Outcome.PAID):
        with unit_of_work(Scope.organization(clinic)) as session:
            batch_id = batches.ask_own(session, owner, clinic).id
        assert states(mine) == [("reserved", 500_00)]
        with pytest.raises(Conflict), unit_of_work(Scope.organization(clinic)) as session:
            batches.ask_own(session, owner, clinic)
        with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
            batches.approve(session, Actor("Asha", "platform_admin", owner.account_id), batch_id)
        with unit_of_work(PLATFORM) as session:
            assert batches.approve(session, checker, batch_id).status is BatchStatus.APPROVED
            batches.run(session, checker, batch_id)
            chunk = session.execute(text("SELECT id FROM batch_chunks")).scalar_one()
        payout_jobs.run_chunk(str(chunk))
    with unit_of_work(PLATFORM) as session:
        payout = session.query(Payout).one()
        assert (payout.status, payout.amount_minor, payout.payee_id) == (PayoutStatus.PAID, 500_00, mine)
        told = session.execute(text("SELECT count(*) FROM outbox WHERE topic = 'payouts.settled'")).scalar_one()
    assert told == 1 and states(mine) == [("paid", 500_00)]
    healthy()


def asked(clinic: UUID, owner: Actor) -> UUID:
    make.paid_session(clinic)
    with unit_of_work(PLATFORM) as session:
        method(session, own(clinic), "simulated")
    with unit_of_work(Scope.organization(clinic)) as session:
        return batches.ask_own(session, owner, clinic).id


def test_an_owner_takes_it_back_until_it_is_approved(clinic: UUID) -> None:
    owner = member(clinic)
    first, mine = asked(clinic, owner), own(clinic)
    with unit_of_work(Scope.organization(clinic)) as session:
        assert batches.take_back(session, owner, first).status is BatchStatus.CANCELLED
    assert states(mine) == [("ready", 500_00)]
    with unit_of_work(PLATFORM) as session:
        noted = text("SELECT actor, action FROM audit_records WHERE subject_id = :id ORDER BY id DESC LIMIT 1")
        assert tuple(session.execute(noted, {"id": first}).one()) == ("Asha", "batch.cancelled")
        assert session.query(Payout).one().status is PayoutStatus.CANCELLED
    with pytest.raises(Conflict, match="cancelled already"), unit_of_work(Scope.organization(clinic)) as session:
        batches.take_back(session, owner, first)
    with unit_of_work(Scope.organization(clinic)) as session:
        second = batches.ask_own(session, owner, clinic).id
    with unit_of_work(PLATFORM) as session:
        batches.approve(session, admin("checker@quittance.test"), second)
    with pytest.raises(Conflict, match="approved"), unit_of_work(Scope.organization(clinic)) as session:
        batches.take_back(session, owner, second)
    assert states(mine) == [("reserved", 500_00)]
    healthy()


def test_nobody_else_takes_it_back(clinic: UUID) -> None:
    batch_id = asked(clinic, member(clinic))
    for role in (Role.ADMIN, Role.MANAGER):
        actor = member(clinic, role, f"{role.value.lower()}@clinic.test")
        with pytest.raises(Forbidden), unit_of_work(Scope.organization(clinic)) as session:
            batches.take_back(session, actor, batch_id)
    other = organization("other", kind=OrganizationKind.PROVIDER)
    stranger = member(other, email="stranger@other.test")
    with pytest.raises(NotFound), unit_of_work(Scope.organization(other)) as session:
        batches.take_back(session, stranger, batch_id)
    with unit_of_work(PLATFORM) as session:  # a batch of the platform is not theirs, whatever their rank
        session.execute(text("UPDATE batches SET own = false"))
        with pytest.raises(NotFound):
            batches.take_back(session, member(clinic, email="second@clinic.test"), batch_id)
    assert states(own(clinic)) == [("reserved", 500_00)]


def test_the_platform_is_who_pays_on_the_remittance_advice(clinic: UUID) -> None:
    owner, checker = member(clinic), admin("checker@quittance.test")
    batch_id = asked(clinic, owner)
    with unit_of_work(PLATFORM) as session:
        mine = organizations.get(session, clinic)
        mine.legal_name, mine.billing_email = "Clinic Pvt Ltd", "due@clinic.test"
        house = houses.set_up(session, operator(), name="Quittance Payouts").organization_id
        session.add(
            BillingProfile(
                organization_id=house, legal_name="Quittance Platform Pvt Ltd", street="1 Residency Road",
                city="Bengaluru", postcode="560025", region="29", country="IN", email="money@quittance.test",
            )
        )  # fmt: skip
    with fake_rail(outcome=Outcome.PAID) as rail:
        with unit_of_work(PLATFORM) as session:
            batches.approve(session, checker, batch_id)
            batches.run(session, checker, batch_id)
            chunk = session.execute(text("SELECT id FROM batch_chunks")).scalar_one()
        payout_jobs.run_chunk(str(chunk))
    with unit_of_work(PLATFORM) as session:
        payout_id = session.query(Payout).one().id
    with unit_of_work(Scope.organization(clinic)) as session:
        made = documents.remittance(session, payout_id)
    assert made.payer.lines == (
        "1 Residency Road", "Bengaluru, Karnataka 560025", "INDIA", "money@quittance.test"
    )  # fmt: skip
    printed = " ".join(" ".join(p.extract_text() for p in PdfReader(io.BytesIO(render_remittance(made))).pages).split())
    assert printed.count("Quittance Platform Pvt Ltd") >= 1 and printed.count("Clinic Pvt Ltd") == 1
    assert "Questions? money@quittance.test" in printed and "due@clinic.test" in printed
    assert made.statement_reference == f"Quittance Payouts {made.number}"  # and so it stands on the bank statement
    assert [order.reference for order in rail.orders.values()] == [f"Quittance Payouts {made.number}"]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.SUPPORT])
def test_nobody_but_an_owner_asks_or_says_where_it_goes(clinic: UUID, role: Role) -> None:
    make.paid_session(clinic)
    actor = member(clinic, role, "other@clinic.test")
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(clinic)) as session:
        batches.ask_own(session, actor, clinic)
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(clinic)) as session:
        methods.add(session, actor, own(clinic), rail="simulated", fields=SIMULATED)


def test_owners_of_other_organizations_are_refused(clinic: UUID) -> None:
    other = organization("other", kind=OrganizationKind.PROVIDER)
    stranger = member(other, email="stranger@other.test")
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(other)) as session:
        batches.ask_own(session, stranger, clinic)
    with pytest.raises(Forbidden), unit_of_work(PLATFORM) as session:
        methods.add(session, stranger, own(clinic), rail="simulated", fields=SIMULATED)


def test_another_account_waits_three_days_and_every_owner_is_told(clinic: UUID) -> None:
    make.paid_session(clinic)
    mine, owner = own(clinic), member(clinic)
    member(clinic, Role.OWNER, "ravi@clinic.test")
    with unit_of_work(Scope.organization(clinic)) as session:
        first = methods.add(session, owner, mine, rail="simulated", fields=SIMULATED)
        assert first.usable_from_at <= utc_now()
        changed = methods.add(
            session, owner, mine, rail="simulated", fields={**SIMULATED, "account_number": "5555555555"}
        )
    with pytest.raises(Conflict) as cooling, unit_of_work(Scope.organization(clinic)) as session:
        batches.ask_own(session, owner, clinic)
    assert "changed lately" in cooling.value.message
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT to_address, context->>'url' AS url FROM mails WHERE template = 'method_changed'")
        told = {(row.to_address, row.url.split("/", 3)[-1]) for row in session.execute(query)}
    page = "org/clinic/payout-account"
    assert told == {("asha@clinic.test", page), ("ravi@clinic.test", page)}
    with at(changed.usable_from_at + timedelta(seconds=1)), unit_of_work(Scope.organization(clinic)) as session:
        assert batches.ask_own(session, owner, clinic).status is BatchStatus.SUBMITTED
