"""Batches: what one would pay, making it, and its way from draft to done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.errors import NotFound
from app.core.money import CURRENCIES, Money
from app.payouts import batches as service
from app.payouts import planning, queries, review
from app.payouts.queries import PayoutFilter
from app.payouts.states import PayoutStatus
from app.rails import registry
from portals.admin import asking, bp
from portals.admin.batch_parts import live, parts_of
from portals.admin.payout_changes import BULK
from portals.web import paging
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page
from portals.web.nav import Label

P = PayoutStatus
STATES: dict[str, tuple[Label, tuple[PayoutStatus, ...]]] = {
    "all": (_l("All"), ()),
    "open": (_l("To send"), (P.PENDING, P.APPROVED)),
    "held": (_l("On hold"), (P.ON_HOLD,)),
    "sent": (_l("Sent and paid"), (P.PROCESSING, P.PAID)),
    "failed": (_l("Failed and returned"), (P.FAILED, P.RETURNED)),
    "out": (_l("Taken out"), (P.REJECTED, P.CANCELLED)),
}


@bp.get("/batches")
def batches() -> ResponseReturnValue:
    want = paging.wanted(25)
    organization = asking.organization_named(request.args.get("organization", ""))
    found = queries.batches(db(), organization.id if organization else None, want.cursor, want.limit)
    return page(
        "admin/batches/index.html",
        fragment="admin/batches/_list.html",
        found=found,
        totals=queries.batch_totals(db(), [row.id for row in found.items]),
        neighbours=paging.neighbours(found),
        organization=organization,
        organizations=asking.organization_choices(),
    )


class NewBatchForm(OnceForm):
    organization = SelectField(_l("Organization"), [InputRequired(_l("Choose an organization."))])
    currency = SelectField(_l("Currency"), default="")
    rail = SelectField(_l("Method"), default="")
    title = StringField(_l("Title"), [Length(max=120)], description=_l("What people call this run."))

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        offered = {row.slug: row.name for row in asking.organization_choices()}
        chosen = asking.organization_named(self.organization.data or "")
        if chosen is not None:
            offered.setdefault(chosen.slug, chosen.name)
        self.organization.choices = list(offered.items())
        self.currency.choices = [("", _("Any")), *[(code, code) for code in sorted(CURRENCIES)]]
        self.rail.choices = [("", _("Any")), *[(rail.name, rail.label) for rail in registry.RAILS.values()]]


@bp.route("/batches/new", methods=["GET", "POST"])
def new_batch() -> ResponseReturnValue:
    """Without an organization: what is ready where. With one: a dry run, which a POST turns into a batch."""
    slug = request.values.get("organization", "")
    if not slug:
        return page("admin/batches/ready.html", ready=review.ready(db()), money_of=Money)
    organization = asking.organization_named(slug)
    if organization is None:
        raise NotFound(_("There is no organization “%(slug)s”.", slug=slug))
    form = NewBatchForm(data={name: text for name, text in request.args.items() if text})
    if form.accepts():
        with form.refusals():
            made = service.create(
                db(), g.actor, organization.id, title=form.title.data or "",
                currency=form.currency.data or None, rail=form.rail.data or None,
            )  # fmt: skip
            toast = (_("Batch %(number)s opened", number=made.number), _("Its payouts are being planned."))
            return done(back=url_for(".batch", batch_id=made.id), toast=toast)
    currency = form.currency.data if form.currency.data in CURRENCIES else None
    rail = form.rail.data if form.rail.data in registry.RAILS else None
    return page(
        "admin/batches/new.html",
        fragment="admin/batches/_preview.html",
        form=form,
        organization=organization,
        preview=planning.preview(db(), organization.id, currency=currency, rail=rail),
        blocked_text=planning.blocked_text,
        rail_of=registry.rail,
    )


@bp.get("/batches/<uuid:batch_id>")
def batch(batch_id: UUID) -> ResponseReturnValue:
    want, state = paging.wanted(), request.args.get("state", "all")
    state = state if state in STATES else "all"
    chosen = PayoutFilter(statuses=STATES[state][1], batch_id=batch_id, search=request.args.get("q", "").strip()[:100])
    found = queries.payouts(db(), chosen, want.cursor, want.limit)
    lines: dict[str, Any] = {
        "lines": review.lines(db(), found.items, g.actor.account_id),
        "neighbours": paging.neighbours(found),
        "states": STATES,
        "state": state,
        "search": chosen.search,
        "bulk": BULK["open"][1:],
        "batch_id": batch_id,
    }
    return page("admin/batches/batch.html", fragment="admin/batches/_lines.html", **live(batch_id), **lines)


@bp.get("/batches/<uuid:batch_id>/progress")
def batch_progress(batch_id: UUID) -> ResponseReturnValue:
    """Polled by the page: 204 while nothing changed. At the end the part comes without its trigger."""
    context = live(batch_id)
    if request.args.get("seen") == context["seen"]:
        return Response(status=204)
    return page("admin/batches/progress.html", fragment="admin/batches/_live.html", **context)


def _changed(batch_id: UUID, title: str, text: str = "") -> ResponseReturnValue:
    return done(*parts_of(batch_id), back=url_for(".batch", batch_id=batch_id), toast=(title, text))


@bp.post("/batches/<uuid:batch_id>/submission")
def batch_submission(batch_id: UUID) -> ResponseReturnValue:
    made = service.submit(db(), g.actor, batch_id)
    return _changed(batch_id, _("%(number)s submitted", number=made.number), _("Somebody else approves it now."))


@bp.post("/batches/<uuid:batch_id>/approval")
@step_up_required
def batch_approval(batch_id: UUID) -> ResponseReturnValue:
    made = service.approve(db(), g.actor, batch_id)
    return _changed(batch_id, _("%(number)s approved", number=made.number), _("It can be run now."))


@bp.post("/batches/<uuid:batch_id>/run")
@step_up_required
def batch_run(batch_id: UUID) -> ResponseReturnValue:
    """Start it, or go on after a pause."""
    made = service.run(db(), g.actor, batch_id)
    return _changed(batch_id, _("%(number)s is running", number=made.number))


@bp.post("/batches/<uuid:batch_id>/pause")
def batch_pause(batch_id: UUID) -> ResponseReturnValue:
    made = service.pause(db(), g.actor, batch_id)
    return _changed(batch_id, _("%(number)s paused", number=made.number), _("What was sent already goes on."))


class BatchReasonForm(OnceForm):
    reason = TextAreaField(_l("Reason"), [InputRequired(_l("Say why.")), Length(max=500)])


@bp.route("/batches/<uuid:batch_id>/<any(reopening, cancellation):noun>", methods=["GET", "POST"])
def batch_ending(batch_id: UUID, noun: str) -> ResponseReturnValue:
    """Send a submitted batch back to draft, or cancel it; both with a reason."""
    form, act = BatchReasonForm(), {"reopening": service.reopen, "cancellation": service.cancel}[noun]
    if form.accepts():
        with form.refusals():
            made = act(db(), g.actor, batch_id, form.reason.data or "")
            words = {"reopening": _("%(number)s sent back", number=made.number)}
            return _changed(batch_id, words.get(noun) or _("%(number)s canceled", number=made.number))
    return page(
        "admin/batches/ending.html",
        fragment="admin/batches/_ending.html",
        form=form,
        noun=noun,
        batch=review.batch(db(), batch_id),
    )
