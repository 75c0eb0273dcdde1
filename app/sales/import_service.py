"""Orders from files, the part that writes; reading is `app.sales.importing`. The buyer's address is never kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Invalid
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import outbox, paging, uploads
from app.db.session import ScopedSession
from app.db.types import new_id
from app.files import service as files
from app.gateways.shops import ChangeKind, ShopChange
from app.payees.models import Payee
from app.sales import service
from app.sales.importing import OrderRow, Orders
from app.sales.models import DiscountCode, Order, OrderImport
from app.sales.states import ImportStatus, OrderSource

SUBJECT = "order_import"
AT_ONCE = 1_000  # orders written in one transaction
SHOWN_CODES = 50


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A code of a file: how many of its new orders have it, and whose it is (None: nobody's yet)."""

    code: str
    orders: int
    payee_name: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. `known`: there already; `elsewhere`: came in another way, by the line in the file."""

    new: int
    known: int
    elsewhere: dict[int, str]
    codes: list[CodeLine]


def keep(
    session: Session, actor: Actor, organization_id: UUID, *, file_id: UUID, name: str, sha256: str, orders: Orders
) -> OrderImport:
    """Note a file that was read, before anything of it is imported. Raises Forbidden, Invalid without orders."""
    _require(actor, organization_id)
    if not orders.rows and not orders.faults:
        said = "No order of this file has a discount code and is paid."
        raise Invalid(said, fields={"file": said})
    record = OrderImport(
        id=new_id(),
        organization_id=organization_id,
        file_id=file_id,
        status=ImportStatus.UPLOADED,
        summary={"at": 0, "new": 0, "known": 0, "elsewhere": 0, "refunds": 0, **_counted(orders)},
        **uploads.opened(actor, name=name, sha256=sha256),
    )
    session.add(record)
    session.flush()
    audit.record(
        session, actor, "orders.uploaded", SUBJECT, record.id, organization_id=organization_id, file=name, sha256=sha256
    )
    return record


def _counted(orders: Orders) -> dict[str, int]:
    return {
        "read": orders.read,
        "without_code": orders.without_code,
        "unpaid": orders.unpaid,
        "faulty": len({fault.line for fault in orders.faults}),
    }


def preview(session: ScopedSession, actor: Actor, organization_id: UUID, orders: Orders) -> Preview:
    """What would come of a file. Nothing is written. Raises Forbidden."""
    _require(actor, organization_id)
    with session.elevated("a whole file at once; every statement names the organization"):
        known, elsewhere = set[str](), dict[int, str]()
        for start in range(0, len(orders.rows), AT_ONCE):
            here, there = _there(session, organization_id, orders.rows[start : start + AT_ONCE])
            known |= here
            elsewhere |= there
        new = [row for row in orders.rows if row.external_id not in known and row.line not in elsewhere]
        return Preview(len(new), len(known), elsewhere, _codes(session, organization_id, new))


def _codes(session: Session, organization_id: UUID, rows: Sequence[OrderRow]) -> list[CodeLine]:
    owners = session.execute(
        select(DiscountCode.code, Payee.name)
        .join(Payee, Payee.id == DiscountCode.payee_id)
        .where(DiscountCode.organization_id == organization_id)
    )
    owner = {row.code.lower(): str(row.name) for row in owners}
    written: dict[str, str] = {}
    count: Counter[str] = Counter()
    for row in rows:
        code = next((code for code in row.codes if code.lower() in owner), row.codes[0])
        written.setdefault(code.lower(), code)
        count[code.lower()] += 1
    return [CodeLine(written[code], number, owner.get(code)) for code, number in count.most_common(SHOWN_CODES)]


def _there(session: Session, organization_id: UUID, rows: Sequence[OrderRow]) -> tuple[set[str], dict[int, str]]:
    """Ids that were imported before, and by line those that came in another way with the same id or number."""
    names = {row.external_id for row in rows} | {row.number for row in rows}
    found = session.execute(
        select(Order.source, Order.external_id, Order.number).where(
            Order.organization_id == organization_id, or_(Order.external_id.in_(names), Order.number.in_(names))
        )
    ).all()
    imported = {row.external_id for row in found if row.source is OrderSource.IMPORT}
    others = {name: row.source.value for row in found if row.source is not OrderSource.IMPORT
              for name in (row.external_id, row.number)}  # fmt: skip
    elsewhere = {}
    for row in rows:
        source = others.get(row.external_id) or others.get(row.number)
        if source is not None and row.external_id not in imported:
            elsewhere[row.line] = source
    return imported & {row.external_id for row in rows}, elsewhere


def confirm(
    session: Session, actor: Actor, organization_id: UUID, import_id: UUID, *, skip_faulty: bool
) -> OrderImport:  # fmt: skip
    """Hand a file to the job that imports it, once. Raises Forbidden, NotFound, Conflict, Invalid for faults nobody
    agreed to leave out."""
    _require(actor, organization_id)
    record = uploads.waiting(session, OrderImport, organization_id, import_id)
    uploads.agreed(record.summary["faulty"], skip_faulty, "skip_faulty")
    uploads.confirmed(actor, record)
    outbox.emit(session, Topic.ORDERS_IMPORT_CONFIRMED, import_id=import_id, organization_id=organization_id)
    return record


def take(session: ScopedSession, record: OrderImport, orders: Orders) -> bool:
    """Write the next orders of a confirmed file; False when it is done. `record` is locked and kept with how far it is.

    Orders that came in another way are left out, so that nobody is credited twice for them.
    """
    actor, organization_id = uploads.actor_of(record), record.organization_id
    done = record.summary["at"]
    rows = orders.rows[done : done + AT_ONCE]
    _here, elsewhere = _there(session, organization_id, rows)
    taken = [row for row in rows if row.line not in elsewhere]
    result = service.record_orders(
        session, actor, organization_id, OrderSource.IMPORT, [row.order() for row in taken]
    )  # fmt: skip
    refunds = sum(_refund(session, actor, organization_id, row) for row in taken if row.refunded_minor)
    counts = {"new": result.new, "known": result.known, "elsewhere": len(elsewhere), "refunds": refunds}
    record.summary = {
        **record.summary,
        "at": done + len(rows),
        **{name: record.summary[name] + number for name, number in counts.items()},
    }
    if done + len(rows) < len(orders.rows):
        session.flush()
        return True
    _finish(session, actor, record)
    return False


def _refund(session: ScopedSession, actor: Actor, organization_id: UUID, row: OrderRow) -> bool:
    """What the file says went back, known by its sum: a later file with a larger one is told by the shop itself."""
    change = ShopChange(
        "imported", row.external_id, ChangeKind.REFUND, datetime.fromisoformat(row.ordered_at),
        gross_minor=row.refunded_minor, note="From the imported file",
    )  # fmt: skip
    return service.record_change(session, actor, organization_id, OrderSource.IMPORT, change)


def _finish(session: Session, actor: Actor, record: OrderImport) -> None:
    uploads.finish(record)
    _forget_file(session, actor, record)
    audit.record(
        session, actor, "orders.imported", SUBJECT, record.id, organization_id=record.organization_id,
        file=record.file_name, sha256=record.file_sha256, new=record.summary["new"], known=record.summary["known"],
    )  # fmt: skip


def fail(session: Session, record: OrderImport, reason: str) -> None:
    """The job could not import the file; the reason is for the person who uploaded it."""
    uploads.fail(session, record, reason)


def discard(session: Session, actor: Actor, organization_id: UUID, import_id: UUID) -> None:
    """Give up a file nothing was imported from. Raises Forbidden, NotFound, Conflict."""
    _require(actor, organization_id)
    record = uploads.waiting(session, OrderImport, organization_id, import_id)
    _forget_file(session, actor, record)
    session.execute(delete(OrderImport).where(OrderImport.id == import_id))


def _forget_file(session: Session, actor: Actor, record: OrderImport) -> None:
    file_id, record.file_id = record.file_id, None
    session.flush()
    if file_id is not None:
        files.remove(session, actor, file_id)


def locked(session: Session, organization_id: UUID, import_id: UUID) -> OrderImport:
    """Raises NotFound."""
    return uploads.find(session, OrderImport, organization_id, import_id, lock=True)


def find(session: Session, organization_id: UUID, import_id: UUID) -> OrderImport:
    """Raises NotFound."""
    return uploads.find(session, OrderImport, organization_id, import_id)


def imports(
    session: Session, organization_id: UUID, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """id, file_name, status, summary, imported_by, created_at, finished_at; newest first."""
    return uploads.listing(session, OrderImport, organization_id, cursor, limit)


def _require(actor: Actor, organization_id: UUID) -> None:
    actor.require(Permission.SALES_RECORD)
    actor.require_organization(organization_id)
