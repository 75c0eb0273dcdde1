"""`POST /api/organizations` opens one, `GET` and `PATCH` of its address say and change what it is.

Rates are decimals that add up to exactly 1: read as decimals, never as floating point.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from app.billing import modes
from app.core.errors import Forbidden, Invalid, Malformed
from app.core.rates import WHOLE_BPS
from app.core.scope import Permission, Scope
from app.earnings import launching, rates
from app.earnings.splits import PROVIDER, Rates
from app.identity.states import Portal
from app.organizations import drafts, rules, service
from app.organizations.drafts import Identity
from app.organizations.models import Organization
from app.organizations.states import BillingMode, OrganizationKind
from app.reporting.organization import attention, has_rates
from portals.api import SIGN_IN, organization_details, organizations
from portals.web import guards, session
from portals.web.db import db, use_scope
from portals.web.errors import problem
from portals.web.jsonio import Body
from portals.web.ratelimit import limiter
from portals.web.setup import csrf

bp = Blueprint("org_founding_api", __name__, url_prefix="/api/organizations")
csrf.exempt(bp)  # checked below, once it is known that a session is asked for
W = TypeVar("W", OrganizationKind, BillingMode)
NO_RATES = "An organization that only buys has no consultants to share with."
_RATES = {
    "platform_commission_rate": "platform_bps",
    "org_retain_rate": "organization_bps",
    "consultant_payout_rate": "consultant_bps",
}


@bp.before_request
def _enter() -> ResponseReturnValue | None:
    """Whoever is signed in to the organization portal, with or without an organization."""
    if session.signed_in() is None:
        return problem(401, SIGN_IN)
    csrf.protect()
    return guards.enter(Portal.ORG)


@bp.post("")
@limiter.limit("10 per hour")
def create_organization() -> ResponseReturnValue:
    """Opened and launched in one, with what its documents say; the caller is its owner."""
    body = _body()
    kind = _word(body, "kind", OrganizationKind.BUYER)
    mode = _word(body, "billing_mode", BillingMode.TAG_ONLY)
    drafts.check_kind(kind)
    name = body.text("name", required=True, longest=200)
    currency = body.text("currency", longest=3, default="USD").upper()
    details = organization_details.read_new(body, name=name, currency=currency)
    auto = body.flag("auto_approve_consultants")
    chosen = _given_rates(body, PROVIDER, lambda: has_rates(kind, 0))
    identity = Identity(
        name, body.text("slug", longest=60) or _free_slug(name), details.legal_name, details.country, currency,
        body.text("time_zone", longest=64, default=g.account.time_zone),
    )  # fmt: skip
    email = body.text("billing_email", longest=254, default=g.account.email)
    organization_details.terms(body)
    body.check()
    if chosen is not None and chosen.platform_bps != PROVIDER.platform_bps:
        raise Forbidden(f"The platform’s part is {_decimal(PROVIDER.platform_bps)}; only the platform changes it.")
    if kind is OrganizationKind.PROVIDER and mode is not BillingMode.TAG_ONLY:
        raise Invalid("An organization that only provides buys nothing.", fields={"billing_mode": "Leave it out."})
    made = drafts.start(db(), g.actor, owner=g.account.name, email=g.account.email, identity=identity)
    owner = drafts.owner_of(g.actor, made.id)
    use_scope(Scope.organization(made.id))
    organization_details.open_with(owner, made.id, body, details, email=email)
    drafts.choose_kind(db(), owner, made.id, kind)
    if kind is not OrganizationKind.PROVIDER:
        drafts.choose_billing(db(), owner, made.id, mode)
    if kind is not OrganizationKind.BUYER:
        bps = (chosen or PROVIDER).organization_bps
        drafts.choose_rates(db(), owner, made.id, organization_bps=bps, auto_approve=auto)
    launching.launch(db(), owner, made.id)
    return jsonify(_shown(made)), 201


@organizations.get("")
def organization(organization_id: UUID) -> Response:
    g.actor.require(Permission.MEMBER_READ)
    return jsonify(_shown(service.get(db(), organization_id)))


@organizations.patch("")
def change_organization(organization_id: UUID) -> Response:
    """What is left out stays. Rates need managers, the rest admins; the billing mode and its own part the platform."""
    body, here = _body(), service.get(db(), organization_id)
    chosen = _given_rates(
        body, rates.of_organization(db(), organization_id),
        lambda: has_rates(here.kind, attention(db(), organization_id).consultants),
    )  # fmt: skip
    mode = _word(body, "billing_mode", here.billing_mode)
    name = body.text("name", longest=200, default=here.name)
    legal_name = body.text("legal_name", longest=200, default=here.legal_name or "")
    email = body.text("billing_email", longest=254, default=here.billing_email or "")
    time_zone = body.text("time_zone", longest=64, default=here.time_zone)
    auto = body.flag("auto_approve_consultants", default=here.auto_approve_consultants)
    applications = body.flag("accepts_applications", default=here.accepts_applications)
    if body.has("kind") and _word(body, "kind", here.kind) is not here.kind:
        body.fault("kind", "It stays what it was opened as.")
    body.check()
    said = organization_details.change(
        g.actor, organization_id, body, name=legal_name or name, country=here.country or ""
    )
    if chosen is not None:
        rates.set_version(
            db(), g.actor, organization_id, platform_bps=chosen.platform_bps,
            organization_bps=chosen.organization_bps, consultant_bps=chosen.consultant_bps,
        )  # fmt: skip
    if mode is not here.billing_mode:
        modes.set_mode(db(), g.actor, organization_id, mode)
    wanted = (name, legal_name or None, email or None, time_zone, auto, applications)
    if wanted != (
        here.name, here.legal_name, here.billing_email, here.time_zone, here.auto_approve_consultants,
        here.accepts_applications,
    ):  # fmt: skip
        service.edit(
            db(), g.actor, organization_id, name=name, legal_name=legal_name, billing_email=email, time_zone=time_zone,
            auto_approve_consultants=auto, accepts_applications=applications,
        )  # fmt: skip
    elif chosen is None and not said:
        g.actor.require(Permission.ORGANIZATION_SETTINGS)  # a call that asks for nothing is refused as any other
    return jsonify(_shown(here))


def _body() -> Body:
    """The body with its numbers as they were written."""
    try:
        return Body(json.loads(request.get_data(), parse_float=Decimal))
    except (ValueError, RecursionError):
        raise Invalid("Send a JSON object, with Content-Type: application/json.") from None


def _word(body: Body, name: str, default: W) -> W:
    """One of the words of an enum, in either case; what is none is noted. `Body.choice` reads small letters only."""
    given, known = body.given(name), type(default)
    if given is None:
        return default
    if not isinstance(given, str) or given.upper() not in set(known):
        body.fault(name, f"One of {', '.join(known)}.")
        return default
    return known(given.upper())


def _given_rates(body: Body, now: Rates, shares: Callable[[], bool]) -> Rates | None:
    """The three with those left out as they are now; None when none was given. Raises Malformed unless they are 1,
    Invalid for an organization that `shares` nothing by rates."""
    if not any(body.has(name) for name in _RATES):
        return None
    if not shares():
        raise Invalid(NO_RATES, fields=dict.fromkeys((name for name in _RATES if body.has(name)), "Leave it out."))
    parts, wrong = {}, {}
    for name, field in _RATES.items():
        try:
            parts[name] = _bps(body.given(name)) if body.has(name) else getattr(now, field)
        except ValueError as error:
            wrong[name] = str(error)
    if not wrong and sum(parts.values()) != WHOLE_BPS:
        whole = _decimal(sum(parts.values()))
        wrong = dict.fromkeys((name for name in _RATES if body.has(name)), f"The three add up to {whole}, not to 1.")
    if wrong:
        raise Malformed("The three rates add up to exactly 1.", fields=wrong)
    platform, organization, consultant = (int(parts[name]) for name in _RATES)
    return Rates(platform, organization, consultant, now.rule, now.version)


def _bps(value: object) -> int:
    """Basis points of a decimal between 0 and 1, a text or a number. Raises ValueError with a sentence."""
    sentence = "A decimal between 0 and 1 with at most four places, such as 0.085."
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or len(str(value)) > 20:
        raise ValueError(sentence)
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError(sentence) from None
    if not found.is_finite() or not 0 <= found <= 1 or found * WHOLE_BPS % 1:
        raise ValueError(sentence)
    return int(found * WHOLE_BPS)


def _decimal(bps: int) -> str:
    return format((Decimal(bps) / WHOLE_BPS).normalize(), "f")


def _free_slug(name: str) -> str:
    base = rules.slug_of(name)
    for number in range(2, 100):
        if drafts.slug_is_free(db(), base):
            break
        base = f"{rules.slug_of(name)[:50].strip('-')}-{number}"
    return base


def _shown(here: Organization) -> dict[str, Any]:
    now = rates.of_organization(db(), here.id)
    return {
        "id": str(here.id),
        "slug": here.slug,
        "name": here.name,
        "legalName": here.legal_name,
        "kind": here.kind.value,
        "status": here.status.value,
        "billingMode": here.billing_mode.value,
        "currency": here.currency,
        "country": here.country,
        "timeZone": here.time_zone,
        "billingEmail": here.billing_email,
        "acceptsApplications": here.accepts_applications,
        "autoApproveConsultants": here.auto_approve_consultants,
        "platformCommissionRate": _decimal(now.platform_bps),
        "orgRetainRate": _decimal(now.organization_bps),
        "consultantPayoutRate": _decimal(now.consultant_bps),
        "billingDetails": organization_details.shown(here.id),
        "createdAt": here.created_at.isoformat(),
    }
