"""Organizations: their funds, how far these may go, and what waits for the platform."""

from __future__ import annotations

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Optional

from app.charges import queries as charges
from app.core.money import CURRENCIES, Money
from app.organizations import queries, service
from app.organizations.states import OrganizationKind
from app.payouts import queries as payouts
from app.payouts.rules import DEFAULT_SECOND_APPROVAL_MAJOR
from app.reporting.organization import positions
from portals.admin import bp
from portals.admin.deposits import why_not
from portals.web import paging
from portals.web.amounts import Unreadable, read_amount
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

ORGANIZATION_KINDS = {
    OrganizationKind.BUYER: _l("Buyer"),
    OrganizationKind.PROVIDER: _l("Provider"),
    OrganizationKind.HYBRID: _l("Buyer and provider"),
}


@bp.get("/organizations")
def organizations() -> ResponseReturnValue:
    want = paging.wanted()
    found = queries.organizations(db(), want.cursor, want.limit)
    return page(
        "admin/organizations/index.html",
        fragment="admin/organizations/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        organization_kinds=ORGANIZATION_KINDS,
    )


@bp.get("/organizations/<slug>")
def organization(slug: str) -> ResponseReturnValue:
    found = queries.by_slug(db(), slug)
    return page(
        "admin/organizations/organization.html",
        organization=found,
        positions=positions(db(), found.id),
        policies=queries.funds_policies(db(), found.id),
        default_second=DEFAULT_SECOND_APPROVAL_MAJOR,
        deposits=charges.deposits(db(), found.id, limit=10).items,
        why_not=why_not,
        batches=payouts.batches(db(), found.id, limit=5).items,
        members=queries.members(db(), found.id),
        back=url_for(".organization", slug=slug),
    )


class FundsPolicyForm(OnceForm):
    currency = SelectField(_l("Currency"), choices=[(code, code) for code in sorted(CURRENCIES)])
    credit_limit = StringField(
        _l("Credit limit"),
        [InputRequired(_l("Write an amount; 0 for none."))],
        description=_l("How far the funds may go below zero. The platform bears that risk."),
    )
    second_approval = StringField(
        _l("Two people above"),
        [Optional()],
        description=_l("A single payout above this needs two approvals. Empty: 10,000 of the currency."),
    )

    def minor(self, name: str) -> int | None:
        """The amount typed into a field, zero included; None when it is empty or unreadable (then it has an error)."""
        field = self[name]
        if not (field.data or "").strip():
            return None
        try:
            return read_amount(field.data, self.currency.data).minor
        except Unreadable as fault:
            field.errors = [*field.errors, str(fault)]
            return None


@bp.route("/organizations/<slug>/funds-policy", methods=["GET", "POST"])
@step_up_required
def funds_policy(slug: str) -> ResponseReturnValue:
    found = queries.by_slug(db(), slug)
    currency = request.args.get("currency") if request.args.get("currency") in CURRENCIES else found.currency
    form = FundsPolicyForm(data=_present(queries.funds_policies(db(), found.id).get(currency or ""), currency or ""))
    if form.accepts():
        credit, second = form.minor("credit_limit"), form.minor("second_approval")
        if not form.faulty:
            with form.refusals():
                service.set_funds_policy(
                    db(), g.actor, found.id, form.currency.data,
                    credit_limit_minor=credit or 0, second_approval_minor=second,
                )  # fmt: skip
                return done(back=url_for(".organization", slug=slug), toast=_("Funds policy saved"))
    return page(
        "admin/organizations/policy.html",
        fragment="admin/organizations/_policy.html",
        form=form,
        organization=found,
    )


def _present(policy: object, currency: str) -> dict[str, str]:
    credit = getattr(policy, "credit_limit_minor", 0)
    second = getattr(policy, "second_approval_minor", None)
    return {
        "currency": currency,
        "credit_limit": Money(credit, currency).plain(),
        "second_approval": "" if second is None else Money(second, currency).plain(),
    }
