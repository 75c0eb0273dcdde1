"""What documents say of an organization, as calls write and read it: the billing details of its settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from app.billing import profiles
from app.billing.invoice_models import BillingProfile
from app.billing.profiles import TERMS, Details
from app.core.countries import countries
from app.core.money import CURRENCIES
from app.core.scope import Actor
from portals.shared.billing_details import state_of
from portals.web.db import db
from portals.web.jsonio import Body

_LONGEST = {"legal_name": 200, "country": 2, "street": 200, "city": 100, "postcode": 20, "region": 100, "tax_id": 40}
_CONTACT = ("billing_email", "billing_reference", "payment_terms_days")


def read(body: Body, now: dict[str, str]) -> Details:
    """What is left out is as in `now`. Faults are noted in the body."""
    found = {
        name: body.text(name, longest=longest, default="" if body.mentions(name) else now.get(name, ""))
        for name, longest in _LONGEST.items()
    }
    found["country"] = found["country"].upper()
    found["region"] = state_of(found["country"], found["region"], found["tax_id"])
    return Details(**found)


def home_of(currency: str) -> str:
    """The country a currency is of, by its code; "" where several share it."""
    return currency[:2] if currency[:2] in countries() else ""


def read_new(body: Body, *, name: str, currency: str) -> Details:
    """Of an organization to be opened: made out to its name, in the country of its currency unless it says another."""
    details = read(body, {"legal_name": name, "country": home_of(currency)})
    if currency not in CURRENCIES:
        body.fault("currency", _("A currency code such as USD."))
    elif not details.country:
        body.fault("country", _("Say the country: %(currency)s is used in several.", currency=currency))
    return details


def terms(body: Body) -> int | None:
    found = body.whole("payment_terms_days", most=max(TERMS), least=0)
    if found is not None and found not in TERMS:
        body.fault("payment_terms_days", _("One of %(known)s.", known=", ".join(str(days) for days in TERMS)))
    return found


def open_with(actor: Actor, organization_id: UUID, body: Body, details: Details, *, email: str) -> None:
    """The details of a new organization; of India the state may follow. Raises Invalid."""
    profiles.save(db(), actor, organization_id, details, address_follows=True)
    profiles.set_contact(
        db(), actor, organization_id, email=email, reference=body.text("billing_reference", longest=100),
        terms_days=terms(body),
    )  # fmt: skip


def change(actor: Actor, organization_id: UUID, body: Body, *, name: str, country: str) -> bool:
    """What of them a call mentions; False when that is nothing. Raises Forbidden, Invalid."""
    there = profiles.find(db(), organization_id)
    now = _words(there) if there else {"legal_name": name, "country": country}
    details, days, told = read(body, now), terms(body), [one for one in _CONTACT if body.mentions(one)]
    email = body.text("billing_email", longest=254, default="" if body.mentions("billing_email") or not there
                      else there.email)  # fmt: skip
    reference = body.text("billing_reference", longest=100, default="" if body.mentions("billing_reference")
                          or not there else there.reference)  # fmt: skip
    body.check()
    named = [one for one in _LONGEST if body.mentions(one)]
    if not named and not told:
        return False
    if named or there is None:
        profiles.save(db(), actor, organization_id, details, address_follows=there is None or not there.region)
    if told:
        profiles.set_contact(db(), actor, organization_id, email=email, reference=reference, terms_days=days)
    return True


def _words(there: BillingProfile) -> dict[str, str]:
    return {name: str(getattr(there, name)) for name in _LONGEST}


def shown(organization_id: UUID) -> dict[str, Any] | None:
    """None while nothing was said."""
    there = profiles.find(db(), organization_id)
    if there is None:
        return None
    return {
        "legalName": there.legal_name, "country": there.country, "street": there.street, "city": there.city,
        "postcode": there.postcode, "region": there.region, "taxId": there.tax_id, "billingEmail": there.email,
        "billingReference": there.reference, "paymentTermsDays": there.terms_days,
    }  # fmt: skip
