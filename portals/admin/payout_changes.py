"""What admins do to payouts, one or many at a time. A single payout is a choice of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.errors import Conflict
from app.payouts import queries, review, service
from app.payouts.review import ReviewLine
from app.payouts.service import Outcome
from portals.admin import asking, bp, payout_filters
from portals.admin.batch_parts import parts_of
from portals.web import session
from portals.web.appearance import back_url
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import step_up
from portals.web.htmx import Fragment, Toast, done, fragment, is_htmx, page, refused
from portals.web.nav import Label


@dataclass(frozen=True, slots=True)
class Change:
    """`noun` is the last part of the address, `action` what the service calls it. `asks`: a reason is needed first."""

    noun: str
    action: str
    label: Label
    icon: str
    kind: str = ""
    asks: Label = ""
    asks_many: Label = ""
    note: Label = ""
    moves_money: bool = False

    def heading(self, count: int) -> str:
        return str(self.asks) if count == 1 else str(self.asks_many) % {"n": count}


CHANGES = {
    change.noun: change
    for change in (
        Change("approvals", "approve", _l("Approve"), "check", "primary", moves_money=True),
        Change("sendings", "send", _l("Send"), "send", "primary", moves_money=True),
        Change("releases", "release", _l("End hold"), "player-play", "primary"),
        Change("retries", "retry", _l("Try again"), "refresh", "primary"),
        Change(
            "holds", "hold", _l("Hold"), "player-pause",
            asks=_l("Put this payout on hold?"), asks_many=_l("Put %(n)s payouts on hold?"),
            note=_l("It stays where it is until somebody ends the hold. The payee reads why."),
        ),
        Change(
            "rejections", "reject", _l("Reject"), "x", "danger",
            asks=_l("Reject this payout?"), asks_many=_l("Reject %(n)s payouts?"),
            note=_l("The money goes back to the payee’s balance. The payee reads why."),
        ),
        Change(
            "cancellations", "cancel", _l("Cancel payout"), "ban", "danger",
            asks=_l("Cancel this payout?"), asks_many=_l("Cancel %(n)s payouts?"),
            note=_l("The money goes back to the payee’s balance and can be paid with another payout."),
        ),
    )
}  # fmt: skip
BY_ACTION = {change.action: change for change in CHANGES.values()}
# What the bar offers in each view of the queue; the first decides which rows can be ticked.
BULK = {
    view: tuple(BY_ACTION[action] for action in actions)
    for view, actions in {
        "open": ("approve", "hold", "reject"),
        "second": ("approve", "hold", "reject"),
        "approved": ("send", "hold", "cancel"),
        "on_hold": ("release", "reject", "cancel"),
        "failed": ("retry",),
    }.items()
}


class ReasonForm(OnceForm):
    reason = TextAreaField(_l("Reason"), [InputRequired(_l("Say why; the payee reads it.")), Length(max=500)])


@bp.route(f"/payouts/<any({', '.join(CHANGES)}):noun>", methods=["GET", "POST"])
def payout_changes(noun: str) -> ResponseReturnValue:
    """`id` names the payouts. GET asks for the reason of a hold, rejection or cancellation."""
    change, ids = CHANGES[noun], asking.chosen_ids()
    if change.moves_money and not session.is_stepped_up():
        return step_up()
    form = ReasonForm()
    if change.asks and not form.accepts():
        return _ask(change, form, ids)
    if request.method == "GET":
        raise Conflict(_("Use the button on the page."))
    reason = form.reason.data if change.asks else ""
    outcomes = service.bulk(db(), g.actor, ids, change.action, reason or "")
    return _answer(change, outcomes)


def chosen_lines(ids: Sequence[UUID]) -> list[ReviewLine]:
    """Payouts by id as this admin reads them, newest first."""
    return review.lines(db(), queries.payouts_by_id(db(), ids), g.actor.account_id)


def _ask(change: Change, form: ReasonForm, ids: Sequence[UUID]) -> ResponseReturnValue:
    return page(
        "admin/payouts/decision.html",
        fragment="admin/payouts/_decision.html",
        form=form,
        change=change,
        lines=chosen_lines(ids),
        back=_back(),
        whole=bool(request.values.get("whole")),
        batch_id=request.values.get("batch", ""),
        mixed=bool(request.values.get("mixed")),
    )


def _back() -> str:
    """The page the change was made on."""
    return asking.own_page(request.form.get("back", "")) or back_url(url_for(".payouts"))


def _answer(change: Change, outcomes: Sequence[Outcome]) -> ResponseReturnValue:
    lines = {line.id: line for line in chosen_lines([outcome.payout_id for outcome in outcomes])}
    refusals = [(lines.get(o.payout_id), o.refused) for o in outcomes if o.refused]
    if len(refusals) == len(outcomes):
        return _all_refused(refusals, lines)
    notice = _notice(change, outcomes)
    if not is_htmx() and refusals:
        # Said on a page of its own: a notice would be gone before it is read. What was done is kept.
        return page("admin/payouts/outcome.html", notice=notice, refusals=refusals, back=_back())
    if request.form.get("whole"):
        return done(back=_back(), toast=notice)
    changed = [lines[o.payout_id] for o in outcomes if o.payout_id in lines]
    return done(*_parts(changed, refusals), back=_back(), toast=notice)


def _all_refused(refusals: Sequence[tuple[Any, str]], lines: dict[UUID, ReviewLine]) -> ResponseReturnValue:
    reasons = list(dict.fromkeys(reason for _line, reason in refusals))
    told = Conflict(reasons[0] if len(reasons) == 1 else _("None of them could be changed."))
    if request.form.get("whole"):
        return refused(told)
    if not is_htmx() and len(refusals) > 1:
        notice = Toast(told.message, kind="bad")
        return page("admin/payouts/outcome.html", status=409, notice=notice, refusals=refusals, back=_back())
    return refused(told, *_parts(list(lines.values()), refusals if len(refusals) > 1 else []))


def _parts(lines: Sequence[ReviewLine], refusals: Sequence[tuple[Any, str]]) -> list[Fragment]:
    """Every part of the queue, or of the batch, that a change touches."""
    batch_id = request.form.get("batch")
    queue = payout_filters.of_current_page()
    context: dict[str, Any] = {"queue": queue, "bulk": BULK.get(queue.view, ()), "batch_id": batch_id or ""}
    context["mixed"] = bool(request.form.get("mixed"))
    if batch_id:
        context["bulk"] = BULK["open"][1:]
        rest = parts_of(UUID(batch_id))
    else:
        rest = [
            fragment(
                "admin/payouts/_views.html",
                **payout_filters.views_context(queue),
                **context,
            )
        ]
    rows = [fragment("admin/payouts/_row.html", line=line, **context) for line in lines]
    drawers = [fragment("admin/payouts/_drawer_row.html", line=line, **context) for line in lines]
    return [
        *rows,
        *drawers,
        fragment("admin/payouts/_refused.html", refusals=refusals),
        fragment("admin/payouts/_bulk_key.html"),
        *rest,
    ]


def _notice(change: Change, outcomes: Sequence[Outcome]) -> Toast:
    good = [outcome for outcome in outcomes if not outcome.refused]
    half = sum(1 for outcome in good if outcome.note == "needs a second approval")
    n, refused_count = len(good), len(outcomes) - len(good)
    texts = {
        "approve": ngettext("%(num)s payout approved", "%(num)s payouts approved", n),
        "send": ngettext("%(num)s payout on its way", "%(num)s payouts on their way", n),
        "release": ngettext("%(num)s hold ended", "%(num)s holds ended", n),
        "retry": ngettext("%(num)s payout goes out again", "%(num)s payouts go out again", n),
        "hold": ngettext("%(num)s payout on hold", "%(num)s payouts on hold", n),
        "reject": ngettext("%(num)s payout rejected", "%(num)s payouts rejected", n),
        "cancel": ngettext("%(num)s payout canceled", "%(num)s payouts canceled", n),
    }
    said = []
    if half:
        said.append(ngettext("%(num)s needs a second person.", "%(num)s need a second person.", half))
    if change.action in ("release", "retry"):
        said.append(_("They need approval again."))
    if refused_count:
        said.append(
            ngettext("%(num)s was refused; see why above.", "%(num)s were refused; see why above.", refused_count)
        )
    return Toast(texts[change.action], " ".join(said), "bad" if refused_count else "ok")
