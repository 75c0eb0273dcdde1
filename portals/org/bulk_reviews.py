"""Decisions on many bills at once: those ticked, or everything a filter finds, thousands in a few statements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, TextAreaField
from wtforms.validators import Length

from app.core.clock import utc_now
from app.core.errors import Invalid
from app.core.money import Money
from app.core.scope import Permission
from app.payables import queries, review
from app.payables.queries import RequestFilter, Totals
from app.payables.review import Decided, Decision
from portals.org import asking, bill_filters, bill_lines, bp
from portals.org.asking import house_money
from portals.org.bill_changes import LONGEST_REASON
from portals.org.bill_filters import Queue
from portals.web.db import db
from portals.web.filters import number
from portals.web.forms import OnceForm
from portals.web.guards import require
from portals.web.htmx import done, is_htmx, page

SHOWN_REFUSALS = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One way to decide, as its buttons and its form say it."""

    decision: Decision
    label: LazyString
    icon: str
    kind: str
    note: LazyString


CHANGES = {
    "approvals": Change(
        Decision.APPROVE, _l("Approve"), "check", "primary",
        _l("Each bill is approved in full and becomes payable when its terms have passed."),
    ),
    "rejections": Change(
        Decision.REJECT, _l("Reject"), "x", "danger", _l("The payees read your reason and may send the bills again.")
    ),
}  # fmt: skip


class BulkForm(OnceForm):
    """`until` and `expected`: what the reader was shown, so that nothing newer or else is decided."""

    reason = TextAreaField(_l("Reason"), [Length(max=LONGEST_REASON)])
    until = HiddenField()
    expected = HiddenField()


@bp.route("/bills/<any(approvals, rejections):noun>", methods=["GET", "POST"])
@require(Permission.REQUEST_REVIEW)
def bulk_review(noun: str) -> ResponseReturnValue:
    """Ticked rows come as `id`; with `all=1` the filter of the address is meant."""
    change = CHANGES[noun]
    return _of_filter(noun, change) if request.args.get("all") == "1" else _of_ids(noun, change)


def _of_ids(noun: str, change: Change) -> ResponseReturnValue:
    form, ids = BulkForm(), asking.chosen_ids()
    if form.accepts():
        with form.refusals():
            found = review.review_bulk(
                db(), g.actor, g.organization.id, change.decision, ids=ids, reason=form.reason.data or ""
            )
            return _told(change, found)
    return page(
        "org/bills/bulk.html",
        fragment="org/bills/_bulk.html",
        form=form,
        change=change,
        ids=ids,
        totals=None,
        count=len(ids),
        action=url_for(".bulk_review", noun=noun),
        back=url_for(".bills"),
    )


def _of_filter(noun: str, change: Change) -> ResponseReturnValue:
    queue = bill_filters.asked()
    form = BulkForm()
    until = _moment(form.until.data) or utc_now()
    chosen = replace(queue.found, created_until=until)
    totals = queries.open_totals(db(), g.organization.id, chosen)
    if form.accepts():
        with form.refusals():
            _refuse_another_list(form, totals)
            return _told(change, _decide(change, chosen, form.reason.data or ""), queue)
    shown = utc_now()
    form.until.data, form.expected.data = shown.isoformat(), fingerprint(totals)
    return page(
        "org/bills/bulk.html",
        fragment="org/bills/_bulk.html",
        form=form,
        change=change,
        ids=(),
        totals=totals,
        count=totals.requests,
        action=url_for(".bulk_review", noun=noun, all=1, **queue.query),
        back=url_for(".bills", **queue.query),
    )


def _decide(change: Change, chosen: RequestFilter, reason: str) -> Decided:
    return review.review_bulk(db(), g.actor, g.organization.id, change.decision, chosen=chosen, reason=reason)


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


def fingerprint(totals: Totals) -> str:
    """What a person was shown before they said yes."""
    sums = ",".join(f"{code}{minor}" for code, minor in sorted(totals.by_currency.items()))
    return f"{totals.requests}:{sums}"


def _refuse_another_list(form: BulkForm, totals: Totals) -> None:
    """Raises Invalid when the bills are not those the form was about."""
    if form.expected.data != fingerprint(totals):
        raise Invalid(_("The list changed while you were looking at it. These are the new numbers."))


def _told(change: Change, found: Decided, queue: Queue | None = None) -> ResponseReturnValue:
    """One toast, the list as it is now, and every bill that was left as it is with its reason."""
    approved, done_count = change.decision is Decision.APPROVE, len(found.done)
    title = (
        ngettext("%(n)s bill approved", "%(n)s bills approved", done_count, n=number(done_count))
        if approved
        else ngettext("%(n)s bill rejected", "%(n)s bills rejected", done_count, n=number(done_count))
    )
    sums = ", ".join(house_money(Money(minor, code)) for code, minor in sorted(found.totals.items()))
    if is_htmx():
        queue = bill_filters.of_current_page()
        return done(
            "org/bills/_queue.html",
            "org/bills/_views.html",
            "org/bills/_refused.html",
            back=url_for(".bills", **queue.query),
            toast=(title, sums),
            **bill_lines.current(queue),
            **refusals(found),
        )
    back = url_for(".bills", **(queue.query if queue else {}))
    if found.refused:
        return page("org/bills/outcome.html", title=title, sums=sums, back=back, **refusals(found))
    return done(back=back, toast=(title, sums))


def refusals(found: Decided) -> dict[str, Any]:
    """The bills that were not decided, the first of them one by one."""
    return {
        "refused": found.refused[:SHOWN_REFUSALS],
        "more_refused": max(len(found.refused) - SHOWN_REFUSALS, 0),
        "refused_count": len(found.refused),
    }
