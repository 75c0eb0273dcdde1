"""Payment requests made through their services."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from app.core.money import Money
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.db.types import new_id
from app.payables import import_service, review, service
from app.payables.import_service import BillFile, Imported
from app.payables.importing import read_bills
from app.payables.rules import RequestForm

DAY = date(2026, 3, 2)


def form(minor: int = 100_00, currency: str = "GBP", **more: Any) -> RequestForm:
    return RequestForm(
        Money(minor, currency), more.pop("description", "Tree work"), more.pop("invoice_on", DAY), **more
    )


def submitted(organization_id: UUID, actor: Actor, minor: int = 100_00, **more: Any) -> UUID:
    """A request of the payee that `actor` is signed in for."""
    assert actor.payee_id is not None
    with unit_of_work(Scope.payee(actor.payee_id)) as session:
        return service.submit_new(session, actor, organization_id, form(minor, **more), even_so=True).id


def approved(organization_id: UUID, actor: Actor, minor: int = 100_00, agreed: int | None = None, **more: Any) -> UUID:
    """A request agreed to by the operator, in full or to `agreed` minor units."""
    request_id = submitted(organization_id, actor, minor, **more)
    approve(organization_id, request_id, agreed)
    return request_id


def approve(organization_id: UUID, request_id: UUID, agreed: int | None = None, currency: str = "GBP") -> None:
    with unit_of_work(Scope.organization(organization_id)) as session:
        review.approve(
            session,
            operator(),
            organization_id,
            request_id,
            amount=None if agreed is None else Money(agreed, currency),
            reason="" if agreed is None else "Less was agreed",
        )


def vendor_actor(payee_id: UUID) -> Actor:
    """Signed in for a payee, without the cost of an account."""
    return Actor("Vendor", "payee", new_id(), payee_id=payee_id)


HEADINGS = "Reference,Supplier ID,Supplier Name,Amount,Date"


def csv(*lines: str) -> bytes:
    return "\r\n".join([HEADINGS, *lines, ""]).encode()


def imported(organization_id: UUID, body: bytes, *, skip_bad: bool = False, terms_days: int = 0) -> Imported:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return import_service.import_bills(
            session,
            operator(),
            organization_id,
            read_bills(body, currency="GBP"),
            BillFile("bills.csv", "0" * 64),
            skip_bad=skip_bad,
            terms_days=terms_days,
        )
