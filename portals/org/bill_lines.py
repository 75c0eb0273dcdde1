"""Bills as this member reads them: where the money is, what looks repeated, and why a decision is not theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import g, url_for

from app.audit.models import Audience
from app.core.money import Money
from app.core.scope import Permission
from app.db.paging import AnyRow, Page
from app.earnings.rules import HOLD_TEXT
from app.files import queries as files
from app.methods import queries as methods
from app.methods.rules import BLOCKED_TEXT
from app.payables import queries
from app.payables.doubles import Double, doubles
from app.payables.rules import OPEN_TO_REVIEW, may_review
from app.payables.states import RequestStatus
from app.rails import registry
from app.reporting.money_map import places_of_requests
from app.reporting.rules import Bucket, Place
from portals.org import asking, bill_filters
from portals.org.bill_filters import Queue
from portals.shared.timeline import steps
from portals.web import paging
from portals.web.db import db
from portals.web.paging import Neighbours

ROWS = 36  # a page stays below 1,500 elements, drawers included


_TO_PAY = frozenset({Bucket.REVIEW, Bucket.HELD, Bucket.READY, Bucket.RESERVED})


@dataclass(frozen=True, slots=True)
class BillLine:
    """`why_not`: the reason against a decision by this reader, "" when it is theirs."""

    row: AnyRow
    place: Place
    like: Sequence[Double]
    why_not: str

    @property
    def id(self) -> UUID:
        return self.row.id  # type: ignore[no-any-return]

    @property
    def asked(self) -> Money:
        return Money(self.row.amount_minor, self.row.currency)

    @property
    def agreed(self) -> Money:
        """What was approved, or what is asked for while nobody decided."""
        minor = self.row.approved_minor
        return self.asked if minor is None else Money(minor, self.row.currency)

    @property
    def open(self) -> bool:
        return self.row.status in OPEN_TO_REVIEW

    @property
    def number(self) -> str:
        return str(self.row.invoice_number or self.row.reference)

    @property
    def title(self) -> str:
        return str(self.row.description or self.row.category or self.number)

    @property
    def overdue(self) -> bool:
        """Its day has passed where the organization is, and it is not on its way."""
        return self.asked.minor > 0 and self.place.bucket in _TO_PAY and self.row.due_on < bill_filters.house_today()


def lines(rows: Sequence[AnyRow]) -> list[BillLine]:
    """Two statements for any number of rows."""
    ids = [row.id for row in rows]
    places = places_of_requests(db(), ids)
    alike = doubles(db(), g.organization.id, [row.id for row in rows if row.status in OPEN_TO_REVIEW])
    return [BillLine(row, places[row.id], alike.get(row.id, ()), _why_not(row)) for row in rows]


def _why_not(row: AnyRow) -> str:
    if not g.actor.can(Permission.REQUEST_REVIEW):
        return "Your role does not include this."
    return may_review(row.status, row.submitted_by_account_id, g.actor.account_id) or ""


def one(request_id: UUID) -> BillLine:
    """Raises NotFound."""
    return lines([queries.detail(db(), request_id, g.organization.id)])[0]


def listed(queue: Queue, found: Page) -> dict[str, Any]:
    """What the list shows; for the page, and for the parts a change sends back."""
    return {
        "queue": queue,
        "labels": bill_filters.LABELS,
        "sorts": bill_filters.SORTS,
        "dues": bill_filters.DUE_LABELS,
        "lines": lines(found.items),
        "neighbours": _neighbours(queue, found),
        "counts": tab_counts(),
        "deciding": queue.decides and g.actor.can(Permission.REQUEST_REVIEW),
    }


def _neighbours(queue: Queue, found: Page) -> Neighbours:
    def link(cursor: str | None) -> str | None:
        return url_for("org.bills", **queue.query, cursor=cursor) if cursor else None

    return Neighbours(newer=link(found.previous_cursor), older=link(found.next_cursor))


def tab_counts() -> Mapping[str, str]:
    """What stands on the tabs; decided and all bills are not counted for people."""
    found = queries.counts(db(), g.organization.id)
    return {
        view: asking.capped(found.get(status, 0))
        for view, status in bill_filters.VIEWS.items()
        if status is not None and view in ("submitted", "disputed", "rejected")
    }


def current(queue: Queue) -> dict[str, Any]:
    """The list as it is now, after a change made on it."""
    want = paging.wanted(ROWS)
    found = queries.approval_queue(db(), g.organization.id, queue.found, sort=queue.sort, limit=want.limit)
    return listed(queue, found)


def details(line: BillLine) -> dict[str, Any]:
    """Everything the drawer and the page of one bill show."""
    usable = methods.usable_method(db(), line.row.payee_id, line.row.currency)
    life = queries.life(db(), line.id, Audience.STAFF)
    return {
        "line": line,
        "steps": steps(life),
        "disputed": next((event.note for event in reversed(life) if event.to_state == RequestStatus.DISPUTED), ""),
        "files": files.of_subject(db(), line.id),
        "usable": usable,
        "blocked": BLOCKED_TEXT[usable.blocked] if usable.blocked else "",
        "rail_label": lambda name: registry.rail(name).label,
        "may_release": _may_release(line),
    }


def _may_release(line: BillLine) -> bool:
    held_for_terms = line.place.bucket is Bucket.HELD and line.place.reason in HOLD_TEXT.values()
    return held_for_terms and line.place.state == "held" and g.actor.can(Permission.EARNING_RELEASE)
