"""What the address of a payout list asks for, read strictly: a filter nobody understands is refused, not left out."""

from __future__ import annotations

from uuid import UUID

from flask import request
from flask_babel import gettext as _

from app.core.errors import Invalid, NotFound
from app.organizations import queries as organizations
from app.payees.states import PayeeKind
from app.payouts.queries import PayoutFilter
from app.payouts.states import PayoutStatus
from portals.api.payout_json import PROVIDERS, STATUSES
from portals.web.asked import Asked
from portals.web.db import db

MOST_SKIPPED = 10_000
# In a filter that cannot find anything: a payee and a doctor who are different people.
NOBODY = UUID(int=0)


class _Asked(Asked):
    def statuses(self) -> tuple[PayoutStatus, ...]:
        """One, or several with commas between."""
        wanted = [word.strip().upper() for word in self.text("status").split(",") if word.strip()]
        if any(word not in STATUSES for word in wanted):
            self.fault("status", _("One of %(known)s.", known=", ".join(STATUSES)))
        return tuple(dict.fromkeys(STATUSES[word] for word in wanted if word in STATUSES))

    def rail(self) -> str | None:
        wanted = self.text("provider").upper()
        if wanted and wanted not in PROVIDERS:
            self.fault("provider", _("One of %(known)s.", known=", ".join(PROVIDERS)))
        return PROVIDERS.get(wanted)

    def organization(self) -> UUID | None:
        """By id or by slug."""
        wanted = self.text("organization")
        try:
            return UUID(wanted) if wanted else None
        except ValueError:
            pass
        try:
            return organizations.by_slug(db(), wanted).id
        except NotFound as refusal:
            self.fault("organization", refusal.message)
            return None


def chosen() -> PayoutFilter:
    """`status doctor payee provider organization startDate endDate`; days in UTC, both included. Raises Invalid."""
    asked = _Asked()
    payee, doctor = asked.one_id("payee"), asked.one_id("doctor")
    found = PayoutFilter(
        statuses=asked.statuses(),
        organization_id=asked.organization(),
        payee_id=NOBODY if payee and doctor and payee != doctor else payee or doctor,
        kind=PayeeKind.CONSULTANT if doctor else None,
        rail=asked.rail(),
        start=asked.day("start_date"),
        end=asked.day("end_date"),
    )
    asked.check()
    return found


def skip() -> int:
    """Rows to leave out. Raises Invalid for nonsense, for too many, and beside a cursor."""
    wanted = request.args.get("skip", "0")
    said = ""
    if not (wanted.isascii() and wanted.isdigit()):
        said = _("A whole number of rows.")
    elif len(wanted) > 5 or int(wanted) > MOST_SKIPPED:
        said = _("At most 10,000. Go on with cursor, which is nextCursor of the page before.")
    elif int(wanted) and request.args.get("cursor"):
        said = _("Give cursor or skip, not both.")
    if said:
        raise Invalid(said, fields={"skip": said})
    return int(wanted)
