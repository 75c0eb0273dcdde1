"""The card form of the provider: its own field in our page, by its script. The rest of the portal loads nothing of it.

The charge is asked for when the time is kept; the job brings what the browser confirms it with. Until then the page
waits: by a look every few seconds, or by a reload.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.charges import client_service
from app.charges.client_models import Charge
from app.charges.states import ChargeProvider, ChargeStatus
from app.consultations import letters
from app.consultations.hours import KEPT
from app.consultations.models import Consultation
from app.consultations.states import PaidBy
from app.core.errors import Conflict
from app.core.money import Money
from app.core.settings import settings
from app.gateways import providers
from portals.web import headers
from portals.web.forms import OnceForm
from portals.web.htmx import page

STRIPE_FRAMES = ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com")
STRIPE_CALLS = ("https://api.stripe.com",)
STRIPE_PICTURES = ("https://*.stripe.com",)


class BeginForm(OnceForm):
    """Only a button: ask the provider (anew)."""


def provider_of(charge: Charge | None) -> str | None:
    """Who takes the card: of a charge that was made its own provider, else the deployment's; None: nobody is set up."""
    if charge is not None:
        return charge.provider.value
    try:
        return providers.chosen()
    except Conflict:
        return None


def is_simulated(charge: Charge | None) -> bool:
    return provider_of(charge) == providers.SIMULATED


def ask_early(made: Consultation, charge_for: Any) -> None:
    """So that the form is ready when the client comes to it: what a provider has to be asked for, is asked for now."""
    if made.paid_by in (PaidBy.CARD, PaidBy.TAG) and provider_of(None) == providers.STRIPE:
        charge_for(made, ChargeProvider.STRIPE)


def show(row: Any, charge: Charge | None, form: BeginForm) -> ResponseReturnValue:
    """Where the charge of a real card stands: missing settings, to begin, waiting, unknown, or the card's field."""
    lacking = providers.missing()
    state, secret = "missing" if lacking else _state(charge), None
    if state == "card" and charge is not None:
        secret = client_service.client_secret(charge)
    if not lacking:
        source = settings().stripe_js_url
        headers.allow(
            script_src=(headers.origin(source), "https://*.js.stripe.com"),
            frame_src=(headers.origin(source), *STRIPE_FRAMES),
            connect_src=(headers.origin(source), *STRIPE_CALLS),
            img_src=STRIPE_PICTURES,
        )
        headers.allow_wallets(headers.origin(source))
    return page(
        "client/card.html", fragment="client/_card.html", row=row, price=Money(row.price_minor, row.currency),
        state=state, form=form, missing=_names(lacking), kept_until=row.created_at + KEPT, policy=letters.POLICY,
        secret=secret, public_key=providers.public_key(), script=settings().stripe_js_url,
        refused=charge.failure_message if charge is not None else None,
    )  # fmt: skip


def _state(charge: Charge | None) -> str:
    if charge is None or charge.status in (ChargeStatus.FAILED, ChargeStatus.CANCELLED):
        return "begin"
    if charge.client_secret_sealed is not None:
        return "card"
    return "unknown" if charge.status is ChargeStatus.UNKNOWN else "waiting"


def _names(lacking: list[str]) -> str:
    if len(lacking) < 2:
        return "".join(lacking)
    return _("%(some)s and %(last)s", some=", ".join(lacking[:-1]), last=lacking[-1])


def returned(charge: Charge | None) -> str | None:
    """What the provider's redirect says when the client comes back: "deciding", "refused", or None without one.

    Only a word for the page: what was paid is what the provider tells the job.
    """
    if charge is None or charge.provider is not ChargeProvider.STRIPE:
        return None
    told = request.args.get("redirect_status", "")
    if charge.status not in client_service.OPEN:
        return None
    return {"succeeded": "deciding", "processing": "deciding", "pending": "deciding", "failed": "refused"}.get(told)


def back_url(consultation_id: UUID) -> str:
    return url_for("client.consultation", consultation_id=consultation_id)
