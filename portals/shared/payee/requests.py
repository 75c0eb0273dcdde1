"""Bills this payee sent: the list, each with its way, and what can still be done with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.audit import queries as audit
from app.core.errors import Conflict, NotFound
from app.files import queries as files
from app.files import service as file_service
from app.payables import rules, service
from app.payables.states import RequestStatus, WorkType
from app.payees.rules import due_on
from app.payouts import queries as payouts
from app.reporting import money_map
from app.reporting.money_map import Group
from portals.shared.payee import payers
from portals.shared.payee.bill_steps import bill_steps
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page

PAGE = 25


class DisputeForm(BaseForm):
    reason = TextAreaField(
        _l("What is wrong with the amount?"),
        [InputRequired(_l("Say what is wrong.")), Length(max=rules.LONGEST_REASON)],
        render_kw={"rows": 4},
    )


def requests() -> ResponseReturnValue:
    wanted, payer, want = request.args.get("state", ""), payers.chosen(), paging.wanted(PAGE)
    group = Group(wanted) if wanted in set(Group) else Group.ALL
    found = money_map.bills(
        db(),
        g.actor.payee_id,
        group=group,
        organization_id=payer.organization_id if payer else None,
        cursor=want.cursor,
        limit=want.limit,
    )
    return page(
        "shared/payee/requests/index.html",
        fragment="shared/payee/requests/_list.html",
        found=found,
        group=group,
        groups=list(Group),
        neighbours=paging.neighbours(found),
        several_payers=len(payers.mine()) > 1 and payer is None,
        mixed=len({line.amount.currency for line in found.items}) > 1,
        payer=payer,
    )


def mine(request_id: UUID) -> Any:
    """The bill's row. Raises NotFound for somebody else's: the scope does not show it."""
    found = money_map.bill(db(), request_id)
    if found is None or found.payee_id != g.actor.payee_id:
        raise NotFound(_("There is no such bill."))
    return found


def show(request_id: UUID) -> ResponseReturnValue:
    bill = mine(request_id)
    place = money_map.place_of_bill(bill)
    events = audit.timeline(db(), request_id)
    payout = payouts.payout(db(), place.payout_id) if place.payout_id else None
    payer = next((one for one in payers.mine() if one.organization_id == bill.organization_id), None)
    return page(
        "shared/payee/requests/show.html",
        bill=bill,
        asked=money_map.asked(bill),
        agreed=money_map.agreed(bill),
        work_type=WorkType(bill.work_type).label,
        place=place,
        events=events,
        due_on=bill.due_on or (due_on(bill.invoice_on, payer.terms_days) if payer else None),
        steps=bill_steps(bill, place, events, payout),
        payout=payout,
        attached=files.of_subject(db(), request_id),
        can=_can(bill, place.state),
    )


def _can(bill: Any, state: str) -> dict[str, bool]:
    """What the person may do with it now."""
    status, own = RequestStatus(bill.status), bill.amount_minor > 0
    return {
        "edit": own and status in (RequestStatus.DRAFT, RequestStatus.SUBMITTED),
        "resubmit": own and status is RequestStatus.REJECTED,
        "submit": own and status is RequestStatus.DRAFT,
        "withdraw": own and status is RequestStatus.SUBMITTED,
        "cancel": own and status in (RequestStatus.DRAFT, RequestStatus.REJECTED, RequestStatus.DISPUTED),
        "answer": state == "awaiting_acceptance",
    }


def submission(request_id: UUID) -> ResponseReturnValue:
    """Send a draft as it is. A look-alike is asked about on the form."""
    mine(request_id)
    try:
        bill = service.submit(db(), g.actor, request_id)
    except service.LooksRepeated as refusal:
        raise Conflict(_("%(why)s Open it with Edit and confirm there.", why=refusal.message)) from None
    return _done(bill.id, _("Bill sent"))


def withdrawal(request_id: UUID) -> ResponseReturnValue:
    service.withdraw(db(), g.actor, mine(request_id).id)
    return _done(request_id, _("Taken back. It is a draft again."))


def cancellation(request_id: UUID) -> ResponseReturnValue:
    service.cancel(db(), g.actor, mine(request_id).id)
    return _done(request_id, _("The bill is given up."))


def acceptance(request_id: UUID) -> ResponseReturnValue:
    service.accept(db(), g.actor, mine(request_id).id)
    return _done(request_id, _("You accepted the amount."))


def dispute(request_id: UUID) -> ResponseReturnValue:
    bill = mine(request_id)
    form = DisputeForm()
    if form.accepts():
        with form.refusals():
            service.dispute(db(), g.actor, request_id, form.reason.data)
            return _done(request_id, _("Your dispute was sent."))
    return page(
        "shared/payee/requests/dispute.html",
        fragment="shared/payee/requests/_dispute.html",
        form=form,
        bill=bill,
        asked=money_map.asked(bill),
        agreed=money_map.agreed(bill),
    )


def file_removal(request_id: UUID, file_id: UUID) -> ResponseReturnValue:
    bill = mine(request_id)
    if bill.status not in rules.OPEN_TO_EDIT:
        raise Conflict(_("This bill was reviewed and cannot be changed any more."))
    if all(row.id != file_id for row in files.of_subject(db(), request_id)):
        raise NotFound(_("There is no such file."))
    gone = file_service.remove(db(), g.actor, file_id)
    return _done(request_id, _("%(name)s was taken off.", name=gone.name))


def _done(request_id: UUID, said: str) -> ResponseReturnValue:
    return done(back=url_for(".request", request_id=request_id), toast=said)


def mount(bp: Blueprint) -> None:
    one = "/requests/<uuid:request_id>"
    bp.get("/requests")(requests)
    bp.get(one, endpoint="request")(show)
    bp.post(f"{one}/submission")(submission)
    bp.post(f"{one}/withdrawal")(withdrawal)
    bp.post(f"{one}/cancellation")(cancellation)
    bp.post(f"{one}/acceptance")(acceptance)
    bp.route(f"{one}/dispute", methods=["GET", "POST"])(dispute)
    bp.post(f"{one}/files/<uuid:file_id>/removal")(file_removal)
