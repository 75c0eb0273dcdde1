"""Reads about invoices: documents, what is set against them, and where an organization stands. Minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, null, or_, select, text, union_all
from sqlalchemy.orm import Session, aliased

from app.billing.documents import DocumentKind
from app.billing.invoice_models import (
    BilledCharge,
    CreditedReturn,
    Invoice,
    InvoiceLine,
    InvoicePayment,
    UnbilledCharge,
)
from app.billing.invoice_states import InvoiceStatus
from app.billing.models import SeatPack
from app.charges import promised
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeProvider, ReturnKind
from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.money import Money
from app.db import paging
from app.organizations.models import Organization

LONGEST_SEARCH = 100
_I, _C = Invoice, aliased(Invoice)
_OPEN = _I.total_minor - _I.paid_minor - _I.credited_minor


class View(StrEnum):
    """What a list of documents can be narrowed to. OPEN has what is overdue, too."""

    ALL = "all"
    OPEN = "open"
    OVERDUE = "overdue"
    PART_PAID = "part_paid"
    PAID = "paid"
    CREDIT_NOTES = "credit_notes"
    DEBIT_NOTES = "debit_notes"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`search`: part of a number or of the organization's name. Days of issue are both included."""

    view: View = View.ALL
    search: str = ""
    organization_id: UUID | None = None
    since: date | None = None
    until: date | None = None


_COLUMNS = (
    _I.id, _I.organization_id, _I.kind, _I.origin, _I._status.label("status"), _I.number, _I.issued_on, _I.due_on,
    _I.period_start, _I.period_end, _I.currency, _I.net_minor, _I.tax_minor, _I.round_off_minor, _I.total_minor,
    _I.paid_minor, _I.credited_minor, _OPEN.label("open_minor"), _I.corrects_id, _C.number.label("corrects_number"),
    _I.reason, _I.paid_at, _I.created_at, _I.reminded_days, Organization.name.label("organization"), Organization.slug,
)  # fmt: skip
_NEWEST = paging.Key((_I.created_at, _I.id), ("created_at", "id"))


def _documents(wanted: Wanted) -> paging.AnySelect:
    query: paging.AnySelect = (
        select(*_COLUMNS)
        .join(Organization, Organization.id == _I.organization_id)
        .outerjoin(_C, _C.id == _I.corrects_id)
        .where(*_narrowed(wanted.view))
    )
    if wanted.organization_id is not None:
        query = query.where(_I.organization_id == wanted.organization_id)
    if wanted.search:
        like = "%" + wanted.search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        query = query.where(or_(_I.number.ilike(like), Organization.name.ilike(like)))
    if wanted.since is not None:
        query = query.where(_I.issued_on >= wanted.since)
    if wanted.until is not None:
        query = query.where(_I.issued_on <= wanted.until)
    return query


def _narrowed(view: View) -> tuple[ColumnElement[bool], ...]:
    to_pay = and_(_I._status == InvoiceStatus.SENT, _I.kind != DocumentKind.CREDIT_NOTE)
    match view:
        case View.OPEN:
            return (to_pay,)
        case View.OVERDUE:
            return (to_pay, _I.due_on < utc_now().date())
        case View.PART_PAID:
            return (to_pay, _I.paid_minor > 0)
        case View.PAID:
            return (_I._status == InvoiceStatus.PAID, _I.kind != DocumentKind.CREDIT_NOTE)
        case View.CREDIT_NOTES:
            return (_I.kind == DocumentKind.CREDIT_NOTE,)
        case View.DEBIT_NOTES:
            return (_I.kind == DocumentKind.DEBIT_NOTE,)
        case View.ALL:
            return ()


def documents(
    session: Session, wanted: Wanted, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """Issued documents, newest first: the columns of an invoice with `open_minor`, `corrects_number`, and the
    `organization` and `slug` of who is billed."""
    return paging.fetch(session, _documents(wanted), _NEWEST, cursor, limit)


def document(session: Session, invoice_id: UUID, organization_id: UUID | None = None) -> paging.AnyRow:
    """One of them. Raises NotFound, also for another organization's."""
    found = session.execute(
        _documents(Wanted(organization_id=organization_id)).where(_I.id == invoice_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such invoice.")
    return found


def numbered(session: Session, number: str) -> paging.AnyRow:
    """The document of a number, as a bank statement has it: letters of any case, blanks do not count.

    Raises NotFound. Needs a platform scope.
    """
    wanted = "".join(number.split()).upper()
    found = session.execute(_documents(Wanted()).where(func.upper(_I.number) == wanted)).first()
    if found is None:
        raise NotFound("There is no invoice of this number.")
    return found


def lines(session: Session, invoice_id: UUID) -> Sequence[InvoiceLine]:
    query = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.position)
    return session.scalars(query).all()


def payments(session: Session, invoice_id: UUID) -> Sequence[InvoicePayment]:
    """What was set against it, oldest first; a negative one was taken back."""
    query = select(InvoicePayment).where(InvoicePayment.invoice_id == invoice_id)
    return session.scalars(query.order_by(InvoicePayment.created_at, InvoicePayment.id)).all()


def who_took_back(session: Session, payments: Sequence[InvoicePayment]) -> dict[str, ReturnKind]:
    """Of those that were taken back, by their reference: a refund at the card's provider, or its bank."""
    ids = [UUID(one.reference) for one in payments if one.amount_minor < 0]
    if not ids:
        return {}
    found = session.execute(select(ChargeReturn.id, ChargeReturn.kind).where(ChargeReturn.id.in_(ids)))
    return {str(row.id): row.kind for row in found}


def notes(session: Session, invoice_id: UUID) -> Sequence[paging.AnyRow]:
    """The credit and debit notes of an invoice, oldest first: id, kind, number, issued_on, total_minor, currency,
    reason, created_at."""
    query = select(
        _I.id, _I.kind, _I.number, _I.issued_on, _I.total_minor, _I.currency, _I.reason, _I.created_at
    ).where(_I.corrects_id == invoice_id)
    return session.execute(query.order_by(_I.created_at, _I.id).limit(200)).all()


def of_charge(session: Session, charge_id: UUID) -> Sequence[paging.AnyRow]:
    """The invoice that a charge is on, and the credit notes of what went back of it: id, kind, number, return_id."""
    invoice = (
        select(_I.id, _I.kind, _I.number, null().label("return_id"), _I.created_at)
        .join(BilledCharge, BilledCharge.invoice_id == _I.id)
        .where(BilledCharge.charge_id == charge_id)
    )
    notes_ = (
        select(_I.id, _I.kind, _I.number, CreditedReturn.return_id, _I.created_at)
        .join(CreditedReturn, CreditedReturn.note_id == _I.id)
        .join(ChargeReturn, ChargeReturn.id == CreditedReturn.return_id)
        .where(ChargeReturn.charge_id == charge_id)
    )
    both = union_all(invoice, notes_).subquery()
    return session.execute(select(both).order_by(both.c.created_at, both.c.id)).all()


def went_to_card(session: Session, note_id: UUID) -> bool:
    """Whether what a credit note says went back to the card that had paid."""
    query = (
        select(Charge.id)
        .join(ChargeReturn, ChargeReturn.charge_id == Charge.id)
        .join(CreditedReturn, CreditedReturn.return_id == ChargeReturn.id)
        .where(CreditedReturn.note_id == note_id, Charge.provider != ChargeProvider.FUNDS)
    )
    return session.scalar(query.limit(1)) is not None


def of_pack(session: Session, pack_id: UUID) -> Sequence[paging.AnyRow]:
    """The invoice of a seat pack and every note about it, oldest first: id, kind, number. A pack that was on an invoice
    with other things has that one, and the notes of what went back of it."""
    own = select(SeatPack.invoice_id).where(SeatPack.id == pack_id).scalar_subquery()
    query = select(_I.id, _I.kind, _I.number).where(or_(_I.id == own, _I.corrects_id == own))
    found = session.execute(query.order_by(_I.created_at, _I.id).limit(200)).all()
    if found:
        return found
    charge_id = session.scalar(
        select(Charge.id).where(Charge.subject_kind == "seat_pack", Charge.subject_id == pack_id)
    )
    return of_charge(session, charge_id) if charge_id else []


@dataclass(frozen=True, slots=True)
class Standing:
    """One currency of an organization that is billed.

    `outstanding` is what is open of its invoices after `credited` (credit notes against them) and `paid`; `overdue`
    is part of it. `unbilled` is on no invoice yet. `funds`: without what clients paid for its consultants. `exposure`
    is what they are short of: the one number that the `limit` bounds. `ahead`: what it has paid in that is not needed.
    """

    outstanding: Money
    overdue: Money
    credited: Money
    paid: Money
    open_number: int
    next_due_on: date | None
    unbilled: Money
    unbilled_number: int
    funds: Money
    limit: Money

    @property
    def currency(self) -> str:
        return self.funds.currency

    @property
    def exposure(self) -> Money:
        return Money(max(0, -self.funds.minor), self.currency)

    @property
    def left(self) -> Money:
        """What can still be booked: funds and what is left of the limit."""
        return Money(max(0, self.limit.minor + self.funds.minor), self.currency)

    @property
    def ahead(self) -> Money:
        return Money(max(0, self.funds.minor), self.currency)

    @property
    def otherwise(self) -> Money:
        """What of the exposure is neither on an open invoice nor waits for one: payouts and seat packs on credit."""
        return Money(max(0, self.exposure.minor - self.outstanding.minor - self.unbilled.minor), self.currency)


_STANDINGS = text(
    f"""WITH open AS (
        SELECT currency, count(*) AS number, sum(total_minor - paid_minor - credited_minor) AS minor,
            sum(total_minor - paid_minor - credited_minor) FILTER (WHERE due_on < CAST(:today AS date)) AS overdue,
            sum(credited_minor) AS credited, sum(paid_minor) AS paid, min(due_on) AS next_due_on
        FROM invoices WHERE organization_id = :organization_id AND status = 'sent' AND kind <> 'credit_note'
        GROUP BY currency
    ), waiting AS (
        SELECT currency, count(*) AS number, sum(amount_minor) AS minor FROM unbilled_charges
        WHERE organization_id = :organization_id GROUP BY currency
    ), kept AS (
        SELECT currency, balance_minor AS minor FROM ledger_balances
        WHERE organization_id = :organization_id AND account = 'funds'
    ), others AS (
        {promised.of_organization(":organization_id")}
    ), limits AS (
        SELECT currency, credit_limit_minor AS minor FROM funds_policies WHERE organization_id = :organization_id
    ), used AS (
        SELECT CAST(:own AS text) AS currency UNION SELECT currency FROM open UNION SELECT currency FROM waiting
        UNION SELECT currency FROM kept WHERE minor <> 0 UNION SELECT currency FROM limits WHERE minor > 0
    )
    SELECT used.currency, open.number AS open_number, CAST(open.minor AS bigint) AS outstanding,
        CAST(open.overdue AS bigint) AS overdue, CAST(open.credited AS bigint) AS credited,
        CAST(open.paid AS bigint) AS paid, open.next_due_on, waiting.number AS unbilled_number,
        CAST(waiting.minor AS bigint) AS unbilled, limits.minor AS credit_limit,
        coalesce(kept.minor, 0) - greatest(coalesce(others.minor, 0), 0) AS funds
    FROM used LEFT JOIN open USING (currency) LEFT JOIN waiting USING (currency) LEFT JOIN kept USING (currency)
    LEFT JOIN limits USING (currency) LEFT JOIN others USING (currency)
    ORDER BY used.currency <> CAST(:own AS text), used.currency"""
)


def standings(session: Session, organization_id: UUID, own_currency: str) -> list[Standing]:
    """By currency, the organization's own first; as far as the scope sees it."""
    rows = session.execute(
        _STANDINGS,
        {"organization_id": organization_id, "own": own_currency, "today": utc_now().date()},
    )
    return [
        Standing(
            **{
                name: Money(int(getattr(row, column) or 0), row.currency)
                for name, column in (
                    ("outstanding", "outstanding"), ("overdue", "overdue"), ("credited", "credited"), ("paid", "paid"),
                    ("unbilled", "unbilled"), ("funds", "funds"), ("limit", "credit_limit"),
                )
            },
            open_number=row.open_number or 0, next_due_on=row.next_due_on, unbilled_number=row.unbilled_number or 0,
        )
        for row in rows
    ]  # fmt: skip


def to_pay(session: Session, organization_id: UUID, limit: int = 5) -> Sequence[paging.AnyRow]:
    """Its open documents, the one due first before the others: id, number, kind, due_on, total_minor, paid_minor,
    credited_minor, open_minor, currency."""
    query = select(
        _I.id, _I.number, _I.kind, _I.due_on, _I.total_minor, _I.paid_minor, _I.credited_minor,
        _OPEN.label("open_minor"), _I.currency,
    ).where(_I.organization_id == organization_id, *_narrowed(View.OPEN))  # fmt: skip
    return session.execute(query.order_by(_I.due_on, _I.id).limit(limit)).all()


def to_bill(session: Session, before: datetime | None = None, limit: int = 200) -> Sequence[paging.AnyRow]:
    """What the next close would bill: name, slug, organization_id, currency, number of charges and their sum as
    `minor`, by name. Needs a platform scope. `before`: charged before that moment."""
    U = UnbilledCharge
    query = (
        select(
            Organization.name, Organization.slug, U.organization_id, U.currency, func.count().label("number"),
            cast(func.sum(U.amount_minor), BigInteger).label("minor"),
        )
        .join(Organization, Organization.id == U.organization_id)
        .group_by(Organization.name, Organization.slug, U.organization_id, U.currency)
        .order_by(Organization.name, U.currency)
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        query = query.where(U.charged_at < before)
    return session.execute(query).all()
