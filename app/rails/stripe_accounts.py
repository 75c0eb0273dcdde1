"""Accounts of payees at Stripe: made, set up by their owners on Stripe's pages, looked at, connected by OAuth, let go.

docs.stripe.com/connect. Values in, values out; nobody's row is known here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from app.core.settings import settings
from app.rails import registry
from app.rails.access import Mode, standing
from app.rails.base import RailUnavailable
from app.rails.stripe_api import Api, Refused
from app.rails.stripe_connect import StripeConnect, bank_payout, platform_country

_GONE = ("account_invalid", "resource_missing")
_PERSONS = {True: "company", False: "individual"}


@dataclass(frozen=True, slots=True)
class NewAccount:
    """`payee`: our id of them, so that asking again makes no second account."""

    payee: str
    country: str
    email: str
    is_company: bool


@dataclass(frozen=True, slots=True)
class Account:
    """How an account stands at Stripe. `own_dashboard`: one its owner had already, with a dashboard of their own."""

    id: str
    country: str
    currency: str
    details_submitted: bool
    payouts_enabled: bool
    transfers: str  # active, pending, inactive; "" where they were not asked for
    currently_due: tuple[str, ...]
    past_due: tuple[str, ...]
    pending: tuple[str, ...]
    disabled_reason: str
    deadline: datetime | None
    own_dashboard: bool

    @property
    def payable(self) -> bool:
        """Whether money can be transferred to it now."""
        return self.transfers == "active"


def rail() -> StripeConnect:
    found = registry.RAILS["stripe_connect"]
    assert isinstance(found, StripeConnect)
    return found


def create(new: NewAccount) -> Account:
    """Made under a key of the payee's: asked again within a day it is the same. Raises Refused or RailUnavailable."""
    form = {
        "country": new.country,
        "business_type": _PERSONS[new.is_company],
        "controller[stripe_dashboard][type]": "express",
        "controller[fees][payer]": "application",
        "controller[losses][payments]": "application",
        "controller[requirement_collection]": "stripe",
        "capabilities[transfers][requested]": "true",
        "metadata[payee]": new.payee,
    }
    if new.email:
        form["email"] = new.email
    if new.country != platform_country():  # paid across a border: an account that only receives
        form["tos_acceptance[service_agreement]"] = "recipient"
    digest = hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:16]
    return _account(_api().post("/v1/accounts", form, f"account-{new.payee}-{digest}"))


def read(account: str) -> Account | None:
    """None: it is not connected to us any more. Raises RailUnavailable."""
    try:
        return _account(_api().get(f"/v1/accounts/{account}"))
    except Refused as refusal:
        if refusal.code in _GONE:
            return None
        raise RailUnavailable("Stripe refused the look-up.", refusal.code) from None


def payouts(account: str, since: datetime) -> list[dict[str, str]]:
    """What it paid out to its bank since, as `bank_payout` events tell it; none where it is not ours any more.

    Raises RailUnavailable.
    """
    try:
        made = list(_api().all("/v1/payouts", {"created[gte]": str(int(since.timestamp()))}, account))
        return [{"account": account, **bank_payout(one)} for one in made]
    except Refused as refusal:
        if refusal.code in _GONE:
            return []
        raise RailUnavailable("Stripe refused the look-up.", refusal.code) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RailUnavailable("Stripe's answer makes no sense.", "unreadable") from error


def onboarding(account: str, once: str, return_url: str, refresh_url: str) -> str:
    """The address of Stripe's set-up pages: works once and for minutes, so there is one for each click (`once`).

    Raises Refused or RailUnavailable.
    """
    form = {
        "account": account,
        "type": "account_onboarding",
        "return_url": return_url,
        "refresh_url": refresh_url,
        "collection_options[fields]": "eventually_due",
    }
    return str(_api().post("/v1/account_links", form, f"link-{once}")["url"])


def dashboard(account: str, once: str) -> str:
    """The address that signs the owner in to their dashboard at Stripe, once. Raises Refused or RailUnavailable."""
    return str(_api().post(f"/v1/accounts/{account}/login_links", {}, f"login-{once}")["url"])


def client_id() -> str:
    """What we are to Stripe where people connect accounts they have; "" where that is not set up."""
    if standing(rail()).mode is Mode.SIMULATED:
        return "ca_simulated"
    return settings().providers.get("STRIPE_CONNECT_CLIENT_ID", "")


def consent_url(state: str, redirect_uri: str) -> str:
    """Where somebody says that we may pay the account they have. Raises RailUnavailable."""
    asked = {
        "response_type": "code", "client_id": client_id(), "scope": "read_write", "state": state,
        "redirect_uri": redirect_uri,
    }  # fmt: skip
    return f"{_api().oauth_url}/oauth/authorize?{urlencode(asked)}"


def connect(code: str) -> str:
    """The account somebody consented to; nothing else of the answer is kept. Raises Refused or RailUnavailable."""
    said = _api().oauth("/oauth/token", {"grant_type": "authorization_code", "code": code})
    try:
        return str(said["stripe_user_id"])
    except KeyError:
        raise RailUnavailable("Stripe named no account.", "incomplete") from None


def let_go(account: str) -> None:
    """End a connection made by consent; ended already is fine. Raises Refused or RailUnavailable."""
    try:
        _api().oauth("/oauth/deauthorize", {"client_id": client_id(), "stripe_user_id": account})
    except Refused as refusal:
        if refusal.code not in ("invalid_client", "invalid_grant"):
            raise


def page_origin() -> str:
    """Where Stripe's own pages are, for the policy of the page whose form leads there."""
    return _api().oauth_url


def _api() -> Api:
    return rail().api()


def _account(found: Mapping[str, Any]) -> Account:
    wanted = found.get("requirements") or {}
    controller = found.get("controller") or {}
    dashboard_type = (controller.get("stripe_dashboard") or {}).get("type")
    deadline = wanted.get("current_deadline")
    try:
        return Account(
            id=str(found["id"]),
            country=str(found.get("country") or "").upper(),
            currency=str(found.get("default_currency") or "").upper(),
            details_submitted=bool(found.get("details_submitted")),
            payouts_enabled=bool(found.get("payouts_enabled")),
            transfers=str((found.get("capabilities") or {}).get("transfers") or ""),
            currently_due=_names(wanted.get("currently_due")),
            past_due=_names(wanted.get("past_due")),
            pending=_names(wanted.get("pending_verification")),
            disabled_reason=str(wanted.get("disabled_reason") or ""),
            deadline=datetime.fromtimestamp(int(deadline), UTC) if deadline else None,
            own_dashboard=dashboard_type == "full" or found.get("type") == "standard",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RailUnavailable("Stripe's answer makes no sense.", "unreadable") from error


def _names(value: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in value or ())
