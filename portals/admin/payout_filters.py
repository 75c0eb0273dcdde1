"""The filters of the payout queue, as its address holds them; the same for the page, its counts and the CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.money import CURRENCIES, Money
from app.payees.queries import MOST_FOUND
from app.payouts import review
from app.payouts.queries import PayoutFilter
from app.payouts.review import VIEWS, in_view
from app.rails import registry
from portals.admin import asking
from portals.admin.asking import Applied
from portals.web.amounts import Unreadable, read_amount
from portals.web.db import db
from portals.web.filters import date_text, money

LABELS = {
    "open": _l("Open"),
    "second": _l("Waiting for second"),
    "approved": _l("Ready to send"),
    "on_hold": _l("On hold"),
    "processing": _l("Processing"),
    "failed": _l("Failed and returned"),
    "done": _l("Done"),
}
NAMES = ("q", "organization", "rail", "currency", "min", "from", "to", "batch")


@dataclass(frozen=True, slots=True)
class Queue:
    """`found` is what the database is asked; `values` what stands in the address; `wrong` why a filter was left out."""

    view: str
    found: PayoutFilter
    values: Mapping[str, str]
    applied: list[Applied] = field(default_factory=list)
    wrong: str = ""

    @property
    def chosen(self) -> PayoutFilter:
        return in_view(self.view, self.found)

    @property
    def query(self) -> dict[str, str]:
        """The address's parameters, for links that keep the filters."""
        return {"view": self.view, **self.values}


def asked(args: Mapping[str, str] | None = None) -> Queue:
    """Read the filters from the address of this request, or from `args`."""
    args = request.args if args is None else args
    view = args.get("view", "open")
    values = {name: args.get(name, "").strip()[:100] for name in NAMES}
    values = {name: text for name, text in values.items() if text}
    view = view if view in VIEWS else "open"
    organization = asking.organization_named(values.get("organization", ""))
    currency = values.get("currency") if values.get("currency") in CURRENCIES else None
    minimum, wrong = _minimum(values.get("min", ""), currency)
    found = PayoutFilter(
        organization_id=organization.id if organization else None,
        rail=values.get("rail") if values.get("rail") in registry.RAILS else None,
        currency=currency,
        search=values.get("q", ""),
        start=asking.day(args, "from"),
        end=asking.day(args, "to"),
        minimum_minor=minimum,
        zone=g.tz,
        single=values.get("batch") == "none",
    )
    return Queue(view, found, values, _applied(found, organization.name if organization else ""), wrong)


def of_current_page() -> Queue:
    """The filters of the page a change was made on, as htmx names it."""
    return asked(dict(parse_qsl(urlsplit(request.headers.get("HX-Current-URL", "")).query)))


def views_context(queue: Queue, looked_up: PayoutFilter | None = None) -> dict[str, Any]:
    """What tabs and chips need. `too_wide`: the search finds more payees than are looked through."""
    chosen = looked_up or queue.chosen
    return {
        "labels": LABELS,
        "counts": review.view_counts(db(), chosen),
        "capped": partial(asking.capped, cap=review.count_cap(chosen)),
        "too_wide": len(chosen.found_payees or ()) >= MOST_FOUND,
    }


def _minimum(typed: str, currency: str | None) -> tuple[int | None, str]:
    if not typed:
        return None, ""
    if currency is None:
        return None, _("Choose a currency to filter by amount.")
    try:
        return read_amount(typed, currency).minor, ""
    except Unreadable as fault:
        return None, str(fault)


def _applied(found: PayoutFilter, organization_name: str) -> list[Applied]:
    """The chips of what is on."""
    facts = [
        ("q", _("Payee"), found.search),
        ("organization", _("Organization"), organization_name),
        ("rail", _("Method"), registry.rail(found.rail).label if found.rail else ""),
        ("currency", _("Currency"), found.currency or ""),
        ("min", _("At least"), _amount(found)),
        ("from", _("From"), date_text(found.start) if found.start else ""),
        ("to", _("To"), date_text(found.end) if found.end else ""),
        ("batch", _("Batches"), _("left out") if found.single else ""),
    ]
    return [Applied(label, value, asking.without(name)) for name, label, value in facts if value]


def _amount(found: PayoutFilter) -> str:
    if found.minimum_minor is None or found.currency is None:
        return ""
    return money(Money(found.minimum_minor, found.currency))
