"""Billing of an organization that buys: what was used, what is owed, its invoices and credit notes, paying them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.billing import closing, invoice_cards, letters, parties, queries
from app.billing import invoice_queries as invoices
from app.billing.invoice_cards import CardStanding, CardState
from app.billing.invoice_states import InvoiceOrigin
from app.charges.states import ChargeProvider, ChargeStatus
from app.core.clock import today, utc_now
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.core.scope import Permission
from app.gateways import providers
from app.organizations.states import BillingMode, OrganizationKind
from app.payees.rules import terms_text
from portals.org import bp, kept_cards, usage
from portals.shared import cards
from portals.shared import invoices as shared
from portals.shared.downloads import csv_file
from portals.web import paging
from portals.web.db import db
from portals.web.guards import require
from portals.web.htmx import done, go, page


def _buys() -> None:
    """Raises NotFound for an organization that only provides: nothing is billed to it."""
    if g.organization.kind is OrganizationKind.PROVIDER:
        raise NotFound(_("Your organization buys nothing here, so nothing is billed to it."))


@bp.get("/billing")
@require(Permission.BILLING_READ)
def billing() -> ResponseReturnValue:
    _buys()
    want, wanted = paging.wanted(25), shared.wanted_of(request.args, g.organization.id)
    found = invoices.documents(db(), wanted, want.cursor, want.limit)
    listed = {
        "found": found, "neighbours": paging.neighbours(found), "wanted": wanted, "views": shared.VIEWS,
        "badges": shared.badges, "titles": shared.TITLES, "minor": Money, "url_with": paging.url_with,
    }  # fmt: skip
    if request.headers.get("HX-Request-Type") == "partial":
        return page("org/billing/index.html", fragment="org/billing/_documents.html", **listed)
    now = utc_now().date()
    standings = invoices.standings(db(), g.organization.id, g.organization.currency)
    to_pay = invoices.to_pay(db(), g.organization.id)
    return page(
        "org/billing/index.html", standings=standings, month=usage.month_text(now), **usage.shown(),
        to_pay=to_pay, card=invoice_cards.standing(db(), g.actor, to_pay[0].id) if to_pay else None,
        balances=queries.balances(db(), [g.organization.id]), mode=g.organization.billing_mode, modes=BillingMode,
        manages=g.actor.can(Permission.BILLING_MANAGE), settles=g.actor.can(Permission.ORGANIZATION_SETTINGS),
        terms=terms_text(parties.terms_of(db(), g.organization.id)), limited=any(one.limit for one in standings),
        method=kept_cards.shown(), bank=kept_cards.bank(), notice_to=letters.address_of(db(), g.organization),
        waiting=[one for one in standings if one.unbilled],
        **listed,
    )  # fmt: skip


@bp.get("/billing/invoices.csv")
@require(Permission.BILLING_READ)
def billing_file() -> ResponseReturnValue:
    """What the list shows, with the same filter."""
    _buys()
    rows = shared.csv_rows(db(), shared.wanted_of(request.args, g.organization.id))
    return csv_file(shared.HEADER, rows, f"invoices-{g.slug}-{today()}.csv")


@bp.get("/billing/usage.csv")
@require(Permission.BILLING_READ)
def usage_file() -> ResponseReturnValue:
    """Every session that the usage on the page counts, with the same month and department."""
    _buys()
    return usage.file()


@bp.post("/billing/invoices")
@require(Permission.BILLING_MANAGE)
def bill_now() -> ResponseReturnValue:
    """Everything up to now, without waiting for the end of the month."""
    _buys()
    with db().elevated("an organization asks to be billed now"):
        made = closing.bill_one(db(), g.actor, g.organization.id, origin=InvoiceOrigin.REQUEST)
    number = invoices.document(db(), made[0], g.organization.id).number
    toast = (_("Billed"), _("%(number)s is on its way by mail.", number=number))
    return done(back=url_for(".org_invoice", invoice_id=made[0]), toast=toast)


@bp.get("/billing/invoices/<uuid:invoice_id>")
@require(Permission.BILLING_READ)
def org_invoice(invoice_id: UUID) -> ResponseReturnValue:
    found = shared.detail(invoice_id, g.organization.id)
    card = invoice_cards.standing(db(), g.actor, invoice_id)
    charging = card.state is CardState.CHARGING or cards.returned(card.charge) == "deciding"
    return page(
        "org/billing/invoice.html", card=card, charging=charging, spent=card.state is CardState.SPENT,
        kept_name=cards.named(card.kept) if card.kept else "", **found,
    )  # fmt: skip


@bp.get("/billing/invoices/<uuid:invoice_id>/pdf")
@require(Permission.BILLING_READ)
def org_invoice_pdf(invoice_id: UUID) -> ResponseReturnValue:
    return shared.pdf_file(invoice_id)


@bp.get("/billing/invoices/<uuid:invoice_id>/<any(cii, ubl):form>.xml")
@require(Permission.BILLING_READ)
def org_invoice_xml(invoice_id: UUID, form: str) -> ResponseReturnValue:
    return shared.xml_file(invoice_id, form)


@bp.route("/billing/invoices/<uuid:invoice_id>/payment", methods=["GET", "POST"])
@require(Permission.BILLING_MANAGE)
def invoice_payment(invoice_id: UUID) -> ResponseReturnValue:
    """By a test card in sandbox, or in the provider's own field. What is charged is what is open."""
    row = invoices.document(db(), invoice_id, g.organization.id)
    back, now = url_for(".org_invoice", invoice_id=row.id), invoice_cards.standing(db(), g.actor, row.id)
    if not now.payable:
        return go(back)
    charge = now.charge
    if not cards.is_simulated(charge):
        return _real_card(row, now, back)
    form = cards.KeepingCardForm()
    if form.accepts():
        with form.refusals():
            card = cards.card_of(form.number.data or "")
            made = invoice_cards.begin(db(), g.actor, row.id, ChargeProvider.SIMULATED, keep=form.keep.data)
            cards.give(made.id, card)
            return done(back=back, toast=(_("Your card is being charged"), _("The invoice is paid once it is.")))
    failed = charge is not None and charge.status is ChargeStatus.FAILED
    return page(
        "org/billing/payment.html", form=form, row=row, price=now.amount, back=back, test_cards=cards.test_cards(),
        refused=charge.failure_message if charge is not None and failed else None,
    )  # fmt: skip


def _real_card(row: Any, now: CardStanding, back: str) -> ResponseReturnValue:
    """A POST asks the provider (again); the card itself never comes to us."""
    form = cards.KeepingBeginForm()
    if form.accepts():
        with form.refusals():
            try:
                provider = ChargeProvider(providers.chosen())
            except Conflict:
                return go(url_for(".invoice_payment", invoice_id=row.id))
            invoice_cards.begin(db(), g.actor, row.id, provider, keep=form.keep.data)
            return done(back=url_for(".invoice_payment", invoice_id=row.id))
    return page(
        "org/billing/card.html", fragment="org/billing/_card.html", row=row, back=back, form=form,
        price=now.amount, **cards.field_of(now.charge),
    )  # fmt: skip
