"""Writing a bill: new, as a draft, changed before it was reviewed, sent again after it was rejected."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, HiddenField, MultipleFileField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.core.clock import today
from app.core.errors import Conflict
from app.core.money import CURRENCIES, Money
from app.files import queries as files
from app.files import service as file_service
from app.files.models import FilePurpose
from app.methods.queries import usable_method
from app.organizations.queries import Payer
from app.payables import rules, service
from app.payables.models import PaymentRequest
from app.payables.rules import RequestForm
from app.payables.service import LooksRepeated
from app.payables.states import RequestStatus, WorkType
from app.payees.rules import due_on
from portals.shared.payee import payers
from portals.shared.payee.requests import mine
from portals.web.db import db
from portals.web.filters import money
from portals.web.forms import MoneyField
from portals.web.htmx import done, page
from portals.web.i18n import reader_today
from portals.web.uploads import FilesForm

KINDS = frozenset({"pdf", "png", "jpg", "jpeg", "webp"})
ACCEPT = ",".join(f".{extension}" for extension in sorted(KINDS))


class BillForm(FilesForm):
    """`send` is the button: "draft" keeps it, anything else sends it. `even_so` says yes to a look-alike."""

    organization = SelectField(_l("For"), choices=lambda: [(p.slug, p.name) for p in payers.mine()])
    description = TextAreaField(
        _l("What is it for?"),
        [InputRequired(_l("Say what the money is for.")), Length(max=rules.LONGEST_DESCRIPTION)],
        render_kw={"rows": 3},
    )
    amount = MoneyField(_l("Amount"), [InputRequired(_l("Enter an amount."))], currency_field="currency")
    currency = SelectField(_l("Currency"), choices=lambda: [(code, code) for code in sorted(CURRENCIES)])
    work_type = SelectField(_l("Kind of work"), choices=lambda: [(w.value, w.label) for w in WorkType])
    invoice_number = StringField(_l("Invoice number"), [Optional(), Length(max=rules.LONGEST_INVOICE_NUMBER)])
    invoice_on = DateField(_l("Invoice date"), [InputRequired(_l("Give the date of the invoice."))])
    project = StringField(_l("Project"), [Optional(), Length(max=rules.LONGEST_PROJECT)])
    files = MultipleFileField(_l("Invoice and receipts"))
    only = KINDS
    other_kinds = _l("is neither a PDF nor a picture. Other papers can go with a message.")
    even_so = BooleanField(_l("Yes, this is another bill. Submit anyway."))
    version = HiddenField()

    @property
    def is_draft(self) -> bool:
        return request.form.get("send") == "draft"

    def content(self, file_ids: list[UUID]) -> RequestForm:
        return RequestForm(
            amount=self.amount.data,
            description=self.description.data,
            invoice_on=self.invoice_on.data,
            work_type=WorkType(self.work_type.data),
            invoice_number=self.invoice_number.data,
            project=self.project.data,
            file_ids=file_ids,
        )


def request_payment() -> ResponseReturnValue:
    """A new bill."""
    payer = payers.chosen() or next(iter(payers.mine()), None)
    form = BillForm(
        organization=payer.slug if payer else "",
        currency=payer.currency if payer else "USD",
        invoice_on=reader_today(),
        work_type=WorkType.CONTRACT_WORK.value,
    )
    repeated: list[str] = []
    if _ready(form, payers.find(form.organization.data), None):
        try:
            with form.refusals():
                return _told(_write(form))
        except LooksRepeated as refusal:
            form.blame(refusal)
            repeated = refusal.references
        except Conflict as refusal:
            form.blame(refusal)
    return _page(form, payer, None, repeated)


def _ready(form: BillForm, payer: Payer | None, request_id: UUID | None) -> bool:
    """Whether the form can be sent. Where something is wrong, everything that is wrong is said at once."""
    if form.accepts_with_files():
        return True
    if form.is_submitted():
        day, number = form.invoice_on, form.invoice_number
        if day.data and not day.errors and (fault := rules.day_fault(day.data, today())):
            day.errors = [fault]
        if payer and number.data and not number.errors:
            taken = service.number_taken(db(), payer.organization_id, g.actor.payee_id, number.data.strip(), request_id)
            number.errors = [taken] if taken else []
    return False


def _write(form: BillForm) -> PaymentRequest:
    payer = payers.by_slug(form.organization.data)
    content = form.content(_attach(form, payer.organization_id))
    if form.is_draft:
        return service.draft(db(), g.actor, payer.organization_id, content)
    return service.submit_new(db(), g.actor, payer.organization_id, content, even_so=form.even_so.data)


def _attach(form: BillForm, organization_id: UUID) -> list[UUID]:
    return [
        file_service.add(
            db(),
            g.actor,
            upload.inspected,
            upload.key,
            organization_id=organization_id,
            payee_id=g.actor.payee_id,
            purpose=FilePurpose.ATTACHMENT,
        ).id
        for upload in form.uploads
    ]


def edit_request(request_id: UUID) -> ResponseReturnValue:
    """Change a bill that nobody has reviewed, or send a rejected one once more."""
    bill = mine(request_id)
    if bill.status not in rules.OPEN_TO_EDIT:
        raise Conflict(_("This bill was reviewed and cannot be changed any more."))
    payer = next((p for p in payers.mine() if p.organization_id == bill.organization_id), None)
    form = BillForm(**_as_written(bill, payer))
    repeated: list[str] = []
    if _ready(form, payer, bill.id):
        try:
            with form.refusals():
                changed = _rewrite(form, bill.id, bill.organization_id)
                return _told(changed, sent=bill.status != RequestStatus.SUBMITTED)
        except LooksRepeated as refusal:
            form.blame(refusal)
            repeated = refusal.references
        except Conflict as refusal:
            form.blame(refusal)
    return _page(form, payer, bill, repeated)


def _as_written(bill: Any, payer: Payer | None) -> dict[str, Any]:
    return {
        "organization": payer.slug if payer else "",
        "description": bill.description,
        "amount": Money(bill.amount_minor, bill.currency),
        "currency": bill.currency,
        "work_type": WorkType(bill.work_type).value,
        "invoice_number": bill.invoice_number,
        "invoice_on": bill.invoice_on,
        "project": bill.project,
        "version": bill.version,
    }


def _rewrite(form: BillForm, request_id: UUID, organization_id: UUID) -> PaymentRequest:
    """Changed, and sent if it was not sent yet; what is in review stays in review."""
    seen = str(form.version.data or "")
    version = int(seen) if seen.isdigit() else None
    content = form.content(_attach(form, organization_id))
    changed = service.edit(db(), g.actor, request_id, content, version=version, even_so=form.even_so.data)
    if form.is_draft or changed.status is RequestStatus.SUBMITTED:
        return changed
    return service.submit(db(), g.actor, request_id, even_so=form.even_so.data)


def _told(bill: PaymentRequest, *, sent: bool = True) -> ResponseReturnValue:
    """`sent`: it was not in review before."""
    titles = {
        RequestStatus.DRAFT: _("Draft saved"),
        RequestStatus.SUBMITTED: _("Bill sent") if sent else _("Bill saved"),
    }
    text = _("%(reference)s, %(amount)s", reference=bill.reference, amount=money(bill.amount))
    return done(back=url_for(".request", request_id=bill.id), toast=(titles.get(bill.status, _("Bill saved")), text))


def _page(form: BillForm, payer: Payer | None, bill: Any | None, repeated: list[str]) -> ResponseReturnValue:
    method = usable_method(db(), g.actor.payee_id, payer.currency) if payer else None
    return page(
        "shared/payee/requests/write.html",
        fragment="shared/payee/requests/_write.html",
        form=form,
        payer=payer,
        due_on=due_on(form.invoice_on.data, payer.terms_days) if payer and form.invoice_on.data else None,
        several_payers=len(payers.mine()) > 1,
        bill=bill,
        attached=files.of_subject(db(), bill.id) if bill else [],
        repeated=repeated,
        blocked=method.blocked if method else None,
        accept=ACCEPT,
    )


def mount(bp: Blueprint) -> None:
    both = ["GET", "POST"]
    bp.route("/request-payment", methods=both)(request_payment)
    bp.route("/requests/<uuid:request_id>/edit", methods=both)(edit_request)
