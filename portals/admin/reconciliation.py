"""The desk: statement lines nobody has explained yet, what each could be, and what was said of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.audit import service as audit
from app.core.clock import today
from app.core.errors import Invalid
from app.core.money import Money
from app.reconciliation import desk, queries, rules, targets, write_offs
from app.reconciliation.queries import LineFilter
from app.reconciliation.states import How, LineState, TargetKind
from portals.admin import asking, bp
from portals.admin.statements import ACCOUNT_LABELS
from portals.shared.downloads import csv_file
from portals.web import paging
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

STATES = {
    LineState.OPEN: _l("To explain"),
    LineState.PROPOSED: _l("Write-offs to decide"),
    LineState.SUSPENDED: _l("In suspense"),
    LineState.MATCHED: _l("Matched"),
    LineState.WRITTEN_OFF: _l("Written off"),
}
KINDS = {
    TargetKind.PAYOUT: _l("Payout"),
    TargetKind.RETURN: _l("Payout that came back"),
    TargetKind.EXPORT: _l("Sum of an export"),
    TargetKind.DEPOSIT: _l("Deposit"),
    TargetKind.INVOICE_PAYMENT: _l("Paid invoice"),
    TargetKind.TRANSFER_OUT: _l("Sent to our own account"),
    TargetKind.TRANSFER_IN: _l("Came from our own account"),
    TargetKind.SUSPENSE: _l("Suspense"),
    TargetKind.WRITE_OFF: _l("Written off"),
}
HOW = {
    How.REFERENCE: _l("by its reference"),
    How.CHECK_NUMBER: _l("by the number of the check"),
    How.EXPORT: _l("as the sum of an export"),
    How.AMOUNT: _l("by amount and days"),
    How.PERSON: _l("by hand"),
}
# The state of what a line could be about, in the words of its own page.
SETTLED = {
    "accepted": _l("At the bank"), "succeeded": _l("Paid"), "returned": _l("Came back"), "failed": _l("Failed"),
    "released": _l("Released"), "announced": _l("Announced"), "confirmed": _l("Confirmed"), "sent": _l("Sent"),
    "arrived": _l("Arrived"), "came_back": _l("Came back"),
}  # fmt: skip
COLUMNS = ("account", "booked_on", "amount", "currency", "description", "counterparty", "reference", "state", "how",
           "by", "note")  # fmt: skip
DIRECTIONS = {"in": True, "out": False}


class MatchForm(OnceForm):
    rest_to_suspense = BooleanField(_l("Put the rest into suspense"))
    note = TextAreaField(_l("Note"), [Length(max=desk.LONGEST_NOTE)], render_kw={"rows": 2})


class SuspenseForm(OnceForm):
    note = TextAreaField(
        _l("What is known"), [InputRequired(_l("Say what is known.")), Length(max=desk.LONGEST_NOTE)],
        description=_l("For whoever finds out."), render_kw={"rows": 3},
    )  # fmt: skip


class UndoForm(OnceForm):
    note = TextAreaField(
        _l("What was wrong"), [InputRequired(_l("Say what was wrong.")), Length(max=desk.LONGEST_NOTE)],
        render_kw={"rows": 3},
    )  # fmt: skip


class WriteOffForm(OnceForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Say why.")), Length(max=desk.LONGEST_NOTE)],
        description=_l("The second person decides by it."), render_kw={"rows": 3},
    )  # fmt: skip


def asked() -> LineFilter:
    """What the address asks for; nonsense is left out."""
    args = request.args
    age, account = args.get("age", ""), args.get("account", "")
    return LineFilter(
        asking.one_of(LineState, args, "state") or LineState.OPEN,
        today(),
        account=account if account in ACCOUNT_LABELS else "",
        age=age if age in {label for _days, label in rules.AGES} else "",
        incoming=DIRECTIONS.get(args.get("direction", "")),
        search=args.get("q", "")[:100],
        since=asking.day(args, "since"),
        until=asking.day(args, "until"),
    )


def address(chosen: LineFilter, **changed: Any) -> dict[str, Any]:
    """The parameters of the address of this filter, with some changed; None takes one off."""
    direction = {True: "in", False: "out"}.get(chosen.incoming) if chosen.incoming is not None else None
    values: dict[str, Any] = {
        "state": chosen.state.value, "account": chosen.account, "age": chosen.age, "direction": direction,
        "q": chosen.search, "since": chosen.since, "until": chosen.until, **changed,
    }  # fmt: skip
    return {name: value for name, value in values.items() if value}


@bp.get("/reconciliation")
def reconciliation() -> ResponseReturnValue:
    chosen, want = asked(), paging.wanted()
    found = queries.lines(db(), chosen, want.cursor, want.limit)
    matches = {row.match_id: row.currency for row in found.items if row.match_id}
    return page(
        "admin/reconciliation/index.html",
        fragment="admin/reconciliation/_lines.html",
        found=found,
        neighbours=paging.neighbours(found),
        chosen=chosen,
        address=lambda **changed: url_for(".reconciliation", **address(chosen, **changed)),
        csv_url=url_for(".reconciliation_file", **address(chosen)),
        states=STATES,
        counts=queries.counts(db()),
        capped=asking.capped,
        ageing=queries.ageing(db(), chosen.today, chosen.account),
        ages=[label for _days, label in rules.AGES],
        age_of=lambda row: rules.age_of(row.booked_on, chosen.today),
        parts=queries.parts(db(), matches),
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {"kinds": KINDS, "how": HOW, "accounts": ACCOUNT_LABELS, "link_to": link_to}


@bp.get("/reconciliation.csv")
def reconciliation_file() -> ResponseReturnValue:
    """The same filter as a file, as long as it is; the download is audited."""
    chosen, session = asked(), db()
    told = {f"filter_{name}": str(value) for name, value in address(chosen).items()}
    audit.record(session, g.actor, "lines.downloaded", desk.SUBJECT, **told)

    def rows() -> Iterator[tuple[object, ...]]:
        for row in queries.all_lines(session, chosen):
            yield (
                row.account, row.booked_on, Money(row.amount_minor, row.currency).plain(), row.currency,
                row.description, row.counterparty, row.reference, row.state, row.how, row.made_by, row.note,
            )  # fmt: skip

    return csv_file(COLUMNS, rows(), f"statement-lines-{chosen.state.value}-{today()}.csv")


def link_to(part: Any) -> str:
    """The page of what a part of a line is about; "" for what has none."""
    match part.kind:
        case TargetKind.PAYOUT | TargetKind.RETURN:
            return url_for(".payout", payout_id=part.page_id)
        case TargetKind.EXPORT:
            return url_for(".export", export_id=part.page_id)
        case TargetKind.DEPOSIT:
            return url_for(".deposits", state="all")
    return ""


@bp.get("/reconciliation/lines/<uuid:line_id>")
def statement_line(line_id: UUID) -> ResponseReturnValue:
    return _line_page(line_id, MatchForm())


def _line_page(line_id: UUID, form: MatchForm) -> ResponseReturnValue:
    """The line, what it could be, and everything that was said of it."""
    row, words = desk.line(db(), line_id), request.args.get("q", "")[:100]
    state, write_off = queries.state_of(db(), line_id)
    said = queries.history(db(), line_id)
    waits = state is LineState.OPEN
    said_by_bank = f"{row.reference} {row.description} {row.counterparty}"
    asked_for = {"account": row.account, "amount": row.amount, "words": words, "said": said_by_bank}
    found = targets.search(db(), **asked_for, day=row.booked_on) if waits else []
    exact = [one for one in found if one.amount == row.amount]
    return page(
        "admin/reconciliation/line.html",
        fragment="admin/reconciliation/_work.html",
        row=row,
        state=state,
        write_off=write_off,
        why_not=_why_not(write_off),
        found=found,
        likely=exact[0] if len(exact) == 1 else None,
        settled=SETTLED,
        ticked=request.form.getlist("target"),
        words=words,
        form=form,
        said=said,
        undone={one.undoes_id for one in said},
        parts=queries.parts(db(), {one.id: row.currency for one in said}),
        **_words(),
    )


def _why_not(write_off: Any) -> str:
    if write_off is None:
        return ""
    refused = rules.may_decide(
        write_off.proposed_by_account_id, write_off.proposed_by, g.actor.account_id, g.actor.label
    )
    return refused or ""


def _here(line_id: UUID) -> str:
    return url_for(".statement_line", line_id=line_id)


@bp.post("/reconciliation/lines/<uuid:line_id>/match")
def line_match(line_id: UUID) -> ResponseReturnValue:
    form = MatchForm()
    if form.accepts():
        with form.refusals():
            desk.match(
                db(), g.actor, line_id, _targets(), note=form.note.data or "",
                rest_to_suspense=bool(form.rest_to_suspense.data),
            )  # fmt: skip
            return done(back=url_for(".reconciliation"), toast=_("The line is matched"))
    return _line_page(line_id, form)


def _targets() -> list[tuple[TargetKind, UUID]]:
    """The ticked candidates, "kind:id" each. Raises Invalid for none, or for what is no candidate."""
    found = []
    for text in dict.fromkeys(request.form.getlist("target")):
        kind, _colon, target_id = text.partition(":")
        try:
            found.append((TargetKind(kind), UUID(target_id)))
        except ValueError:
            raise Invalid(_("One of the chosen rows is not known. Search again.")) from None
    if not found:
        raise Invalid(_("Tick what the line is about."))
    return found


@bp.route("/reconciliation/lines/<uuid:line_id>/suspense", methods=["GET", "POST"])
def line_suspense(line_id: UUID) -> ResponseReturnValue:
    form, row = SuspenseForm(), desk.line(db(), line_id)
    if form.accepts():
        with form.refusals():
            desk.suspend(db(), g.actor, line_id, form.note.data or "")
            return done(back=url_for(".reconciliation"), toast=_("The line is in suspense"))
    return _dialog("suspense", form, row)


@bp.route("/reconciliation/lines/<uuid:line_id>/undoing", methods=["GET", "POST"])
def line_undoing(line_id: UUID) -> ResponseReturnValue:
    form, row = UndoForm(), desk.line(db(), line_id)
    if form.accepts():
        with form.refusals():
            desk.undo(db(), g.actor, line_id, form.note.data or "")
            return done(back=_here(line_id), toast=_("The line waits again"))
    return _dialog("undoing", form, row)


@bp.route("/reconciliation/lines/<uuid:line_id>/write-off", methods=["GET", "POST"])
def line_write_off(line_id: UUID) -> ResponseReturnValue:
    form, row = WriteOffForm(), desk.line(db(), line_id)
    if form.accepts():
        with form.refusals():
            write_offs.propose(db(), g.actor, line_id, form.reason.data or "")
            return done(back=_here(line_id), toast=(_("Write-off proposed"), _("Somebody else decides now.")))
    return _dialog("write_off", form, row)


@bp.post("/reconciliation/write-offs/<uuid:write_off_id>/approval")
@step_up_required
def write_off_approval(write_off_id: UUID) -> ResponseReturnValue:
    write_offs.approve(db(), g.actor, write_off_id)
    return done(back=url_for(".reconciliation", state="proposed"), toast=_("The line is written off"))


@bp.route("/reconciliation/write-offs/<uuid:write_off_id>/rejection", methods=["GET", "POST"])
def write_off_rejection(write_off_id: UUID) -> ResponseReturnValue:
    form, found = WriteOffForm(), write_offs.find(db(), write_off_id)
    form.reason.description = _("Whoever proposed it reads this.")
    if form.accepts():
        with form.refusals():
            write_offs.reject(db(), g.actor, write_off_id, form.reason.data or "")
            return done(back=_here(found.line_id), toast=_("The line waits again"))
    return _dialog("rejection", form, desk.line(db(), found.line_id), write_off=found)


def _dialog(name: str, form: OnceForm, row: Any, **more: Any) -> ResponseReturnValue:
    return page(
        "admin/reconciliation/dialog.html", fragment=f"admin/reconciliation/_{name}.html",
        inside=f"admin/reconciliation/_{name}.html", form=form, row=row, **more,
    )  # fmt: skip
