"""Invoices, credit and debit notes of every organization that buys; the close of the month; money that came in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.audit import queries as trail
from app.audit.queries import AuditFilter
from app.billing import closing, invoice_cards, notes, settling
from app.billing import invoice_queries as invoices
from app.billing.invoice_states import InvoiceOrigin
from app.core.clock import today, utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import CURRENCIES, Money
from app.organizations import queries as organizations
from portals.admin import asking, bp
from portals.shared import invoices as shared
from portals.shared.downloads import csv_file
from portals.web import paging
from portals.web.db import db
from portals.web.filters import money
from portals.web.forms import BaseForm, MoneyField, OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

REFUSED = 20


class TransferForm(OnceForm):
    number = StringField(
        _l("Invoice"), [InputRequired(_l("Give the number of the invoice.")), Length(max=40)],
        description=_l("As the transfer names it."),
    )  # fmt: skip
    currency = SelectField(_l("Currency"), choices=[(code, code) for code in sorted(CURRENCIES)])
    amount = MoneyField(
        _l("Amount"), [InputRequired(_l("Write an amount."))], currency_field="currency",
        description=_l("As much as arrived: less is a part payment, more stays in the organization’s funds."),
    )  # fmt: skip
    reference = StringField(
        _l("Reference"), [InputRequired(_l("Write what the statement says.")), Length(max=settling.LONGEST_REFERENCE)],
        description=_l("Of the bank statement. The same one counts once."),
    )  # fmt: skip
    received_on = DateField(_l("Received on"), [InputRequired(_l("Give the day."))])


class DebitForm(OnceForm):
    description = StringField(_l("What for"), [InputRequired(_l("Say what for.")), Length(max=200)])
    amount = MoneyField(_l("Amount before tax"), [InputRequired(_l("Write an amount."))])
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Say why.")), Length(max=notes.LONGEST_REASON)], render_kw={"rows": 3},
        description=_l("It stands on the document."),
    )  # fmt: skip


class ReturnForm(OnceForm):
    amount = MoneyField(_l("Amount"), [InputRequired(_l("Write an amount."))])
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Say why.")), Length(max=500)], render_kw={"rows": 3}
    )  # fmt: skip


def _wanted() -> tuple[invoices.Wanted, str]:
    slug = request.args.get("organization", "")
    chosen = asking.organization_named(slug)
    return shared.wanted_of(request.args, chosen.id if chosen else None), slug if chosen else ""


@bp.get("/billing")
def invoicing() -> ResponseReturnValue:
    want, (wanted, slug) = paging.wanted(), _wanted()
    found = invoices.documents(db(), wanted, want.cursor, want.limit)
    return page(
        "admin/billing/index.html", fragment="admin/billing/_list.html", found=found, wanted=wanted, slug=slug,
        neighbours=paging.neighbours(found), views=shared.VIEWS, badges=shared.badges, titles=shared.TITLES,
        minor=Money, url_with=paging.url_with, organizations=asking.organization_choices(),
    )  # fmt: skip


@bp.get("/billing.csv")
def invoicing_file() -> ResponseReturnValue:
    """What the list shows, with the same filter."""
    wanted, _slug = _wanted()
    return csv_file(shared.HEADER, shared.csv_rows(db(), wanted), f"invoices-{today()}.csv")


@bp.get("/billing/<uuid:invoice_id>")
def issued_invoice(invoice_id: UUID) -> ResponseReturnValue:
    found = shared.detail(invoice_id)
    charge = invoice_cards.charge_of(db(), invoice_id)
    spare = invoice_cards.spare(db(), charge) if charge is not None else None
    return page("admin/billing/invoice.html", charge=charge, spare=spare, **found)


@bp.get("/billing/<uuid:invoice_id>/pdf")
def issued_invoice_pdf(invoice_id: UUID) -> ResponseReturnValue:
    return shared.pdf_file(invoice_id)


@bp.get("/billing/<uuid:invoice_id>/<any(cii, ubl):form>.xml")
def issued_invoice_xml(invoice_id: UUID, form: str) -> ResponseReturnValue:
    return shared.xml_file(invoice_id, form)


@bp.route("/billing/transfers/new", methods=["GET", "POST"])
@step_up_required
def invoice_transfer() -> ResponseReturnValue:
    """A transfer on the bank statement, matched by the number it names."""
    given = asking.one_id(request.args, "invoice")
    row = invoices.document(db(), given) if given else None
    start: dict[str, Any] = {"received_on": today()}
    if row is not None:
        start |= {"number": row.number, "currency": row.currency, "amount": Money(row.open_minor, row.currency)}
    form = TransferForm(data=start)
    if form.accepts():
        try:
            with form.refusals():
                return _transferred(form)
        except Conflict as refusal:
            form.blame(refusal)
            return page("admin/billing/transfer.html", form=form, row=row, status=409)
    return page("admin/billing/transfer.html", form=form, row=row)


def _transferred(form: TransferForm) -> ResponseReturnValue:
    try:
        found = invoices.numbered(db(), form.number.data or "")
    except NotFound as refusal:
        raise Invalid(refusal.message, fields={"number": refusal.message}) from None
    amount = form.amount.data
    made = settling.transferred(
        db(), g.actor, found.id, amount=amount, reference=form.reference.data or "",
        received_on=form.received_on.data or today(),
    )  # fmt: skip
    rest = _("%(amount)s is open.", amount=money(made.open)) if made.open else _("Nothing is open.")
    return done(back=url_for(".issued_invoice", invoice_id=made.id), toast=(_("Transfer recorded"), rest))


def _left(line: Any, currency: str) -> Money:
    return Money(line.net_minor - line.credited_minor, currency)


def _credit_form(lines: Any, currency: str) -> type[BaseForm]:
    """An amount for each line, empty for none of it."""
    fields: dict[str, Any] = {
        f"line_{line.position}": MoneyField(
            line.description, [Optional()],
            description=_("At most %(left)s before tax", left=money(_left(line, currency))),
        )
        for line in lines
        if line.net_minor > line.credited_minor
    }  # fmt: skip
    fields["reason"] = TextAreaField(
        _l("Reason"), [InputRequired(_l("Say why.")), Length(max=notes.LONGEST_REASON)], render_kw={"rows": 3},
        description=_l("It stands on the document."),
    )  # fmt: skip
    return type("CreditForm", (OnceForm,), fields)


@bp.route("/billing/<uuid:invoice_id>/credit-note", methods=["GET", "POST"])
@step_up_required
def credit_note(invoice_id: UUID) -> ResponseReturnValue:
    row, lines = invoices.document(db(), invoice_id), invoices.lines(db(), invoice_id)
    form = _credit_form(lines, row.currency)()
    parts = [(line, form[f"line_{line.position}"]) for line in lines if f"line_{line.position}" in form]
    for _line, field in parts:
        field.currency = row.currency  # type: ignore[attr-defined]
    if form.accepts():
        with form.refusals():
            made = _credited(row, parts, str(form["reason"].data or ""))
            said = _("%(number)s is on its way by mail.", number=made.number)
            return done(back=url_for(".issued_invoice", invoice_id=made.id), toast=(_("Credit note issued"), said))
    return page("admin/billing/credit_note.html", form=form, row=row, fields=[field for _line, field in parts])


def _credited(row: Any, parts: Any, reason: str) -> Any:
    wrong, wanted = {}, []
    for line, field in parts:
        if field.data is None:
            continue
        if not 0 < field.data.minor <= line.net_minor - line.credited_minor:
            wrong[field.name] = _("Above zero, and not more than is left of the line.")
        wanted.append((line.id, field.data))
    if wrong:
        raise Invalid(next(iter(wrong.values())), fields=wrong)
    if not wanted:
        sentence = _("Write an amount for at least one line.")
        raise Invalid(sentence, fields={parts[0][1].name: sentence} if parts else {})
    return invoices.document(db(), notes.credit_by_hand(db(), g.actor, row.id, wanted, reason))


@bp.route("/billing/<uuid:invoice_id>/debit-note", methods=["GET", "POST"])
@step_up_required
def debit_note(invoice_id: UUID) -> ResponseReturnValue:
    row, form = invoices.document(db(), invoice_id), DebitForm()
    form.amount.currency = row.currency
    if form.accepts():
        with form.refusals():
            made = notes.debit(
                db(), g.actor, row.id, form.amount.data, form.description.data or "", form.reason.data or ""
            )
            said = _("It is on its way by mail, and is paid like an invoice.")
            return done(back=url_for(".issued_invoice", invoice_id=made), toast=(_("Debit note issued"), said))
    return page("admin/billing/debit_note.html", form=form, row=row)


@bp.route("/billing/<uuid:invoice_id>/card-refund", methods=["GET", "POST"])
@step_up_required
def invoice_card_refund(invoice_id: UUID) -> ResponseReturnValue:
    """What credit notes left in the funds goes back to the card that paid."""
    row, charge = invoices.document(db(), invoice_id), invoice_cards.charge_of(db(), invoice_id)
    if charge is None:
        raise NotFound(_("No card paid this invoice."))
    spare = invoice_cards.spare(db(), charge)
    form = ReturnForm(data={"amount": spare})
    form.amount.currency = row.currency
    if form.accepts():
        with form.refusals():
            invoice_cards.give_back(db(), g.actor, row.id, form.amount.data, form.reason.data or "")
            toast = (_("Refund asked for"), _("It counts once it went through."))
            return done(back=url_for(".issued_invoice", invoice_id=row.id), toast=toast)
    return page("admin/billing/card_refund.html", form=form, row=row, spare=spare)


@bp.route("/billing/close", methods=["GET", "POST"])
@step_up_required
def close_month() -> ResponseReturnValue:
    """Who would be billed what for the month that is over, who was refused lately, and the close itself."""
    before = closing.month_start(utc_now())
    form = OnceForm()
    if form.accepts():
        with form.refusals():
            closing.ask_close(db(), g.actor)
            toast = (_("The month is being closed"), _("Invoices appear here one after the other."))
            return done(back=url_for(".invoicing"), toast=toast)
    refused = trail.records(db(), AuditFilter(action="invoice.refused"), limit=REFUSED).items
    return page(
        "admin/billing/close.html", form=form, before=before, rows=invoices.to_bill(db(), before), minor=Money,
        later=invoices.to_bill(db()), refused=refused,
        names=organizations.names(db(), {row.organization_id for row in refused if row.organization_id}),
    )  # fmt: skip


@bp.post("/billing/organizations/<slug>")
@step_up_required
def bill_organization(slug: str) -> ResponseReturnValue:
    """Everything up to now of one of them."""
    found = organizations.by_slug(db(), slug)
    made = closing.bill_one(db(), g.actor, found.id, origin=InvoiceOrigin.REQUEST)
    return done(back=url_for(".issued_invoice", invoice_id=made[0]), toast=(_("Billed"), found.name))
