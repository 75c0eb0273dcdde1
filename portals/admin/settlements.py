"""What people say became of a payout: by file or check one person is all there is, elsewhere two have to agree."""

from __future__ import annotations

from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.payouts import contradictions, exports, verdicts
from app.payouts.review import ReviewLine
from app.rails import registry
from app.rails.base import Outcome
from portals.admin import bp
from portals.admin.payouts import one
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page


class SettlementForm(OnceForm):
    """What somebody saw at the bank."""

    outcome = RadioField(
        _l("What happened"),
        [InputRequired(_l("Say what happened."))],
        choices=[("paid", _l("Paid")), ("failed", _l("Failed")), ("returned", _l("Returned after it was paid"))],
    )
    note = TextAreaField(
        _l("How you know"),
        [InputRequired(_l("Say how you know.")), Length(max=500)],
        description=_l("For example the line of the bank statement. It is kept as evidence."),
    )


class VerdictForm(OnceForm):
    """What somebody found out at the provider."""

    outcome = RadioField(
        _l("What happened"),
        [InputRequired(_l("Say what happened."))],
        choices=[("paid", _l("Paid: the payee has the money")), ("failed", _l("Never paid: nothing left our account"))],
    )
    note = TextAreaField(
        _l("How you know"),
        [InputRequired(_l("Say how you know.")), Length(max=500)],
        description=_l("For example what the provider’s dashboard or support says. It is kept as evidence."),
    )


@bp.route("/payouts/<uuid:payout_id>/settlement", methods=["GET", "POST"])
@step_up_required
def settlement(payout_id: UUID) -> ResponseReturnValue:
    """Mark a payout by file or check as paid, failed or returned; say what became of one by another rail."""
    line = one(payout_id)
    if registry.rail(line.row.rail).exports and contradictions.open_of(db(), payout_id) is None:
        return _of_export(line)
    return _verdict(line)


def _of_export(line: ReviewLine) -> ResponseReturnValue:
    form = SettlementForm()
    if form.accepts():
        with form.refusals():
            exports.mark(db(), g.actor, line.id, Outcome(form.outcome.data), form.note.data)
            said = _("Payout %(number)s is marked with your note.", number=line.number)
            return done(back=url_for(".payout", payout_id=line.id), toast=(_("Recorded"), said))
    return page("admin/payouts/settlement.html", fragment="admin/payouts/_settlement.html", form=form, line=line)


def _verdict(line: ReviewLine) -> ResponseReturnValue:
    form = VerdictForm()
    if form.accepts():
        with form.refusals():
            verdicts.propose(db(), g.actor, line.id, Outcome(form.outcome.data), form.note.data)
            said = _("A second person decides about payout %(number)s now.", number=line.number)
            return done(back=url_for(".payout", payout_id=line.id), toast=(_("Recorded"), said))
    return page(
        "admin/payouts/settlement.html",
        fragment="admin/payouts/_settlement.html",
        form=form,
        line=line,
        two=True,
        contradicted=contradictions.open_of(db(), line.id) is not None,
    )


@bp.post("/payouts/<uuid:payout_id>/settlement/confirmation")
@step_up_required
def settlement_confirmation(payout_id: UUID) -> ResponseReturnValue:
    verdicts.confirm(db(), g.actor, payout_id)
    return done(back=url_for(".payout", payout_id=payout_id), toast=_("Settled: state and books follow"))


@bp.post("/payouts/<uuid:payout_id>/settlement/rejection")
@step_up_required
def settlement_rejection(payout_id: UUID) -> ResponseReturnValue:
    verdicts.reject(db(), g.actor, payout_id)
    return done(back=url_for(".payout", payout_id=payout_id), toast=_("Taken back: the rail is asked on"))
