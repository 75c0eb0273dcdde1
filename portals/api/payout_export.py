"""`/api/admin/payouts/export`: the filtered list as CSV, as long as it is, sent while it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, g, request
from flask_babel import gettext as _

from app.audit import service as audit
from app.core.clock import today
from app.core.errors import Invalid
from app.core.money import Money
from app.core.scope import Permission
from app.payouts import listing, review
from app.payouts.queries import PayoutFilter
from app.rails import registry
from portals.api import payout_asking as asking
from portals.api import platform, proved
from portals.api.payout_json import PROVIDERS
from portals.shared.downloads import csv_file
from portals.web.asked import Asked
from portals.web.db import db
from portals.web.formats import masked

# The order is what callers read by: append, never reorder. "doctor" is the payee, whoever it is.
COLUMNS = ("id", "doctorId", "doctor_name", "doctor_email", "amount", "currency", "bankDetails", "status")
_FILTERS = ("status", "doctor", "payee", "provider", "organization", "start_date", "end_date")
BANK = PROVIDERS["BANK_TRANSFER"]


@platform.get("/payouts/export")
def payout_export() -> Response:
    """The filters of the list. Destinations are masked; `unmasked=true` with `provider=BANK_TRANSFER` opens them for
    an admin who proved who they are lately. Either way the download is on the audit trail."""
    g.actor.require(Permission.PAYOUT_READ)
    chosen = asking.chosen()
    unmasked = _unmasked(chosen)
    asked = Asked()
    said = {f"filter_{name}": asked.text(name) for name in _FILTERS if asked.text(name)}
    audit.record(db(), g.actor, "payouts.downloaded", "payout", unmasked=unmasked, **said)
    rows = _opened(chosen) if unmasked else _masked(chosen)
    return csv_file(COLUMNS, rows, f"payouts-{today()}.csv")


def _unmasked(chosen: PayoutFilter) -> bool:
    wanted = request.args.get("unmasked", "false").lower()
    if wanted not in ("true", "false"):
        raise Invalid(_("true or false."), fields={"unmasked": _("true or false.")})
    if wanted == "false":
        return False
    g.actor.require(Permission.PLATFORM)
    proved()
    if chosen.rail != BANK:
        said = _("Only with provider=BANK_TRANSFER.")
        raise Invalid(said, fields={"unmasked": said})
    return True


def _masked(chosen: PayoutFilter) -> Iterator[tuple[object, ...]]:
    session = db()

    def rows() -> Iterator[tuple[object, ...]]:
        for row in review.all_payouts(session, chosen):
            yield _line(row, f"{registry.rail(row.rail).label} {masked(row.last4)}")

    return rows()


def _opened(chosen: PayoutFilter) -> Iterator[tuple[object, ...]]:
    """Opened before the answer begins, so that the audit line that names them is kept first."""
    found = listing.with_destinations(db(), g.actor, chosen, "payouts downloaded with full details")
    return (_line(row, _details(destination)) for row, destination in found)


def _details(destination: Mapping[str, str]) -> str:
    """`sort_code=070246; account_number=…`, in the order of the fields of the form."""
    names = [field.name for field in registry.rail(BANK).fields]
    return "; ".join(f"{name}={destination[name]}" for name in names if destination.get(name))


def _line(row: Any, details: str) -> tuple[object, ...]:
    return (
        row.id, row.payee_id, row.payee_name, row.payee_email or "",
        Money(row.amount_minor, row.currency).plain(), row.currency, details, row.status.value.upper(),
    )  # fmt: skip
