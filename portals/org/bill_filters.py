"""The filters of the approval queue, as its address holds them; the same for the page, bulk decisions and the CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from flask import g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.money import CURRENCIES, Money
from app.payables.queries import RequestFilter, Sort
from app.payables.states import RequestStatus
from app.payees import queries as payees
from portals.org import asking
from portals.org.asking import Applied, house_money
from portals.web.amounts import Unreadable, read_amount
from portals.web.db import db
from portals.web.filters import date_text

S = RequestStatus
VIEWS: dict[str, RequestStatus | None] = {
    "submitted": S.SUBMITTED,
    "disputed": S.DISPUTED,
    "approved": S.APPROVED,
    "rejected": S.REJECTED,
    "cancelled": S.CANCELLED,
    "all": None,
}
LABELS = {
    "submitted": _l("To approve"),
    "disputed": _l("Disputed"),
    "approved": _l("Approved"),
    "rejected": _l("Rejected"),
    "cancelled": _l("Withdrawn"),
    "all": _l("All"),
}
OPEN = frozenset({"submitted", "disputed"})
SORTS = {
    Sort.NEWEST: _l("Newest first"),
    Sort.OLDEST: _l("Oldest first"),
    Sort.LARGEST: _l("Largest first"),
    Sort.SMALLEST: _l("Smallest first"),
}
NAMES = ("due", "q", "payee", "import", "currency", "min", "max", "from", "to")


class Due(StrEnum):
    """When what is still to be paid falls due, by the calendar of the organization."""

    OVERDUE = "overdue"
    WEEK = "week"


DUE_LABELS = {Due.OVERDUE: _l("Overdue"), Due.WEEK: _l("Due this week")}


@dataclass(frozen=True, slots=True)
class Queue:
    """`found` is what the database is asked; `values` what stands in the address; `wrong` why a filter was left out."""

    view: str
    found: RequestFilter
    sort: Sort
    values: Mapping[str, str]
    applied: list[Applied] = field(default_factory=list)
    wrong: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The address's parameters, for links that keep the filters."""
        sort = {} if self.sort is Sort.NEWEST else {"sort": self.sort.value}
        return {"status": self.view, **self.values, **sort}

    @property
    def decides(self) -> bool:
        """Whether this view holds what waits for a decision, and this reader may decide."""
        return self.view in OPEN


def asked(args: Mapping[str, str] | None = None) -> Queue:
    """Read the filters from the address of this request, or from `args`."""
    args = request.args if args is None else args
    view = args.get("status", "submitted")
    view = view if view in VIEWS else "submitted"
    values = {name: args.get(name, "").strip()[:100] for name in NAMES}
    values = {name: text for name, text in values.items() if text}
    currency = values.get("currency") if values.get("currency") in CURRENCIES else None
    least, wrong = _amount(values.get("min", ""), currency)
    most, wrong_too = _amount(values.get("max", ""), currency)
    due = asking.one_of(Due, values, "due")
    due_from, due_until = _due_days(due)
    found = RequestFilter(
        status=VIEWS[view],
        search=values.get("q", ""),
        payee_id=asking.one_id(values, "payee"),
        import_id=asking.one_id(values, "import"),
        currency=currency or (g.organization.currency if least or most else None),
        min_minor=least.minor if least else None,
        max_minor=most.minor if most else None,
        invoice_from=asking.day(values, "from"),
        invoice_until=asking.day(values, "to"),
        due_from=due_from,
        due_until=due_until,
    )
    sort = asking.one_of(Sort, args, "sort") or Sort.NEWEST
    return Queue(view, found, sort, values, _applied(found, due, least, most), wrong or wrong_too)


def of_current_page() -> Queue:
    """The filters of the page a change was made on, as htmx names it."""
    return asked(dict(parse_qsl(urlsplit(request.headers.get("HX-Current-URL", "")).query)))


def _amount(typed: str, currency: str | None) -> tuple[Money | None, str]:
    if not typed:
        return None, ""
    try:
        return read_amount(typed, currency or g.organization.currency), ""
    except Unreadable as fault:
        return None, str(fault)


def house_today() -> date:
    """The day it is where the organization is."""
    return utc_now().astimezone(ZoneInfo(g.organization.time_zone)).date()


def _due_days(due: Due | None) -> tuple[date | None, date | None]:
    """First and last day: before today, or today and the six days after."""
    if due is None:
        return None, None
    today = house_today()
    return (None, today - timedelta(days=1)) if due is Due.OVERDUE else (today, today + timedelta(days=6))


def _applied(found: RequestFilter, due: Due | None, least: Money | None, most: Money | None) -> list[Applied]:
    """The chips of what is on."""
    facts = [
        ("due", _("Due"), DUE_LABELS[due] if due else ""),
        ("q", _("Search"), found.search),
        ("payee", _("Payee"), _payee_name(found)),
        ("import", _("Import"), _("one file") if found.import_id else ""),
        ("currency", _("Currency"), found.currency if found.currency and not (least or most) else ""),
        ("min", _("At least"), house_money(least) if least else ""),
        ("max", _("At most"), house_money(most) if most else ""),
        ("from", _("From"), date_text(found.invoice_from) if found.invoice_from else ""),
        ("to", _("To"), date_text(found.invoice_until) if found.invoice_until else ""),
    ]
    return [Applied(label, str(value), asking.without(name)) for name, label, value in facts if value]


def _payee_name(found: RequestFilter) -> str:
    if found.payee_id is None:
        return ""
    try:
        return str(payees.detail(db(), g.organization.id, found.payee_id).name)
    except NotFound:
        return _("unknown")
