"""What a vendor is in law, as forms ask for it and pages show it; and whether the tax form says the same."""

from __future__ import annotations

from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.payees.states import BusinessType
from app.tax import queries, rules
from portals.web.db import db
from portals.web.filters import date_text

TAX_LABELS = {
    rules.C.INDIVIDUAL: _l("Individual or sole proprietor"),
    rules.C.C_CORPORATION: _l("C corporation"),
    rules.C.S_CORPORATION: _l("S corporation"),
    rules.C.PARTNERSHIP: _l("Partnership"),
    rules.C.TRUST_ESTATE: _l("Trust or estate"),
    rules.C.LLC_C: _l("LLC taxed as a C corporation"),
    rules.C.LLC_S: _l("LLC taxed as an S corporation"),
    rules.C.LLC_P: _l("LLC taxed as a partnership"),
    rules.C.OTHER: _l("Other"),
}


def business_choices() -> list[tuple[str, str]]:
    return [("", _("Not stated")), *((kind.value, _(kind.label)) for kind in BusinessType)]


def chosen_business(value: str | None) -> BusinessType | None:
    return BusinessType(value) if value else None


def tax_difference(payee_id: UUID, business: BusinessType | None) -> str:
    """One sentence when the signed tax form says something else than the business details; "" when they agree."""
    if business is None:
        return ""
    signed = queries.classification(db(), payee_id)
    if signed is None or rules.agrees(signed, business):
        return ""
    return _(
        "The signed Form W-9 says “%(form)s”, the business details say “%(details)s”.",
        form=TAX_LABELS[signed],
        details=_(business.label),
    )


def tax_form_state(organization_id: UUID, payee_id: UUID, currency: str) -> str:
    """Whether a payee has signed its tax form, for those who pay it: never a number of it."""
    versions = queries.w9_versions(db(), payee_id)
    if versions:
        newest = versions[0]
        return _(
            "Form W-9 signed %(when)s, version %(n)s: %(classification)s",
            when=date_text(newest.signed_at),
            n=newest.version,
            classification=TAX_LABELS[newest.classification],
        )
    if queries.is_missing(db(), organization_id, payee_id, currency):
        return _("Missing: you pay only with a signed Form W-9")
    return _("Not signed")
