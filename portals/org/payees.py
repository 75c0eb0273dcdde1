"""The payees of the organization: the list, one payee with what it is owed and where it is paid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.audit import queries as history
from app.core.clock import today, utc_now
from app.core.scope import Permission
from app.identity import queries as accounts
from app.methods import queries as methods
from app.payables import queries as requests
from app.payables.queries import RequestFilter
from app.payees import notes, queries, service, tags
from app.payees.kinds import SPECS, spec_of
from app.payees.rules import terms_text
from app.payees.states import EngagementStatus, PayeeKind
from app.payouts import destinations
from app.payouts import queries as payouts
from app.payouts.queries import PayoutFilter
from app.payouts.rules import payout_number
from app.reporting import directory, organization
from app.reporting.money_map import places_of_requests
from portals.org import bp, payee_filters
from portals.org.consultants import KINDS, consulting
from portals.shared.business import tax_difference, tax_form_state
from portals.shared.downloads import csv_file
from portals.shared.timeline import steps
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, page

LATEST = 8
KIND_PAGES = [SPECS[kind] for kind in (PayeeKind.CREATOR, PayeeKind.CONTRACTOR, PayeeKind.VENDOR)]


@bp.get("/payees")
@require(Permission.PAYEE_READ)
def payees() -> ResponseReturnValue:
    return _directory(None)


@bp.get("/<any(creators, contractors, vendors):plural>")
@require(Permission.PAYEE_READ)
def payees_of_kind(plural: str) -> ResponseReturnValue:
    """The same list, of one kind only."""
    return _directory(next(spec.kind for spec in KIND_PAGES if spec.plural.lower() == plural))


def _directory(fixed: PayeeKind | None) -> ResponseReturnValue:
    want, asked = paging.wanted(), payee_filters.asked(fixed)
    organization_id = g.organization.id
    found = directory.payees(
        db(), organization_id, asked.found, order=asked.order, cursor=want.cursor, limit=want.limit
    )
    ids = [row.payee_id for row in found.items]
    return page(
        "org/payees/index.html",
        fragment="org/payees/_list.html",
        found=found,
        chosen=asked.found,
        asked=asked,
        order=asked.order,
        fixed=fixed,
        plural=spec_of(fixed).plural if fixed else "Payees",
        address=request.path,
        kind_pages=KIND_PAGES,
        status_labels=payee_filters.STATUS_LABELS,
        tags_of=tags.of_payees(db(), organization_id, ids),
        tags_in_use=[] if htmx.wants_fragment() else tags.in_use(db(), organization_id),
        neighbours=paging.neighbours(found),
        defaults=directory.default_methods(db(), ids),
        without=0 if htmx.wants_fragment() else methods.count_without_method(db(), organization_id),
        url_with=paging.url_with,
    )


FILE_COLUMNS = (
    "Name", "Legal name", "Business type", "Trading name", "Registration number", "Kind", "E-mail", "Country",
    "Reference", "Currency", "Payment terms", "Terms (days)", "Commission (%)", "Status", "Reason", "Tags",
    "Payout method", "Here since",
)  # fmt: skip


@bp.get("/payees.csv")
@require(Permission.PAYEE_READ)
def payees_file() -> Response:
    """Everybody the filters of the address find."""
    chosen, organization_id = payee_filters.asked().found, g.organization.id

    def rows() -> Iterator[list[object]]:
        for row in directory.all_payees(db(), organization_id, chosen):
            yield [
                row.name, row.legal_name, row.business_type, row.trading_name, row.registration_number,
                row.kind.value, row.email, row.country, row.reference, row.currency, terms_text(row.terms_days),
                row.terms_days, f"{row.commission_bps / 100:g}", row.status.value, row.status_reason, row.tags,
                "yes" if row.has_method else "no", row.created_at.date().isoformat(),
            ]  # fmt: skip

    return csv_file(FILE_COLUMNS, rows(), f"payees-{g.slug}-{today()}.csv")


@bp.get("/payees/<uuid:payee_id>")
@require(Permission.PAYEE_READ)
def payee(payee_id: UUID) -> ResponseReturnValue:
    row = queries.detail(db(), g.organization.id, payee_id)
    bills = requests.approval_queue(db(), g.organization.id, RequestFilter(payee_id=payee_id), limit=LATEST).items
    paid = payouts.payouts(db(), PayoutFilter(organization_id=g.organization.id, payee_id=payee_id), None, LATEST)
    return page(
        "org/payees/payee.html",
        row=row,
        consulting=consulting(payee_id) if row.kind is PayeeKind.CONSULTANT else None,
        kinds=KINDS,
        standings=organization.standings(db(), g.organization.id, payee_id),
        methods=methods.methods(db(), payee_id),
        proofs=destinations.records(db(), payee_id),
        now=utc_now(),
        people=accounts.accounts_of_payee(db(), payee_id),
        invitable=spec_of(row.kind).portal is not None,
        bills=bills,
        places=places_of_requests(db(), [bill.id for bill in bills]),
        payouts=paid.items,
        payout_number=payout_number,
        own_methods=spec_of(row.kind).single_engagement,
        business=spec_of(row.kind).is_business,
        earns_commission=spec_of(row.kind).earns_commission,
        difference=tax_difference(payee_id, row.business_type),
        tags=tags.of_payees(db(), g.organization.id, [payee_id]).get(payee_id, []),
        notes=notes.notes(db(), g.organization.id, payee_id, limit=3).items,
        steps=steps(history.of_engagement(db(), g.organization.id, payee_id), "engagement"),
        form_state=tax_form_state(g.organization.id, payee_id, row.currency),
    )


class StatusForm(BaseForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Give a reason.")), Length(max=1_000)], description=_l("The payee reads it.")
    )


class ResumeForm(BaseForm):
    """Nothing to fill in: going on needs no reason."""


_MOVES = {
    "pause": EngagementStatus.PAUSED,
    "suspension": EngagementStatus.SUSPENDED,
    "end": EngagementStatus.ENDED,
    "resumption": EngagementStatus.ACTIVE,
}


@bp.route("/payees/<uuid:payee_id>/<any(pause, suspension, end, resumption):noun>", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def engagement(payee_id: UUID, noun: str) -> ResponseReturnValue:
    """Pause, suspend, end or take up again the work with a payee."""
    row = queries.detail(db(), g.organization.id, payee_id)
    form: Any = ResumeForm() if noun == "resumption" else StatusForm()
    if form.accepts():
        with form.refusals():
            reason = form.reason.data if noun != "resumption" else ""
            service.set_status(db(), g.actor, g.organization.id, payee_id, _MOVES[noun], reason=reason)
            words = {
                "pause": _("Paused"),
                "suspension": _("Suspended"),
                "end": _("Ended"),
                "resumption": _("Active again"),
            }
            return done(back=url_for(".payee", payee_id=payee_id), toast=(words[noun], row.name))
    return page("org/payees/engagement.html", fragment="org/payees/_engagement.html", form=form, row=row, noun=noun)
