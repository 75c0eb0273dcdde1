"""Payees across all organizations: what they are owed, where they are paid, and what happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import g, request
from flask.typing import ResponseReturnValue

from app.audit import queries as history
from app.audit.queries import AuditFilter
from app.core.clock import utc_now
from app.core.countries import country_name
from app.identity import queries as identity
from app.methods import bank_payouts, connect
from app.methods import queries as methods
from app.organizations import queries as organizations
from app.payees import queries
from app.payees.kinds import SPECS, spec_of
from app.payees.states import EngagementStatus, PayeeKind
from app.payouts import destinations, review
from app.payouts import queries as payouts
from app.payouts.queries import PayoutFilter
from app.rails import registry, stripe_codes
from app.reporting import everyone
from app.reporting.balances import balances
from app.reporting.everyone import FormState, MethodState, PayeeFilter
from app.reporting.money_map import bills
from portals.admin import asking, bp
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.htmx import page

SHOWN = 10
A_YEAR = timedelta(days=365)


@bp.get("/payees")
def payees() -> ResponseReturnValue:
    return _list(None)


@bp.get("/<any(creators, contractors, vendors):plural>")
def payees_of_kind(plural: str) -> ResponseReturnValue:
    """The same list, of one kind only."""
    return _list(next(spec.kind for spec in SPECS.values() if spec.plural.lower() == plural))


def _list(fixed: PayeeKind | None) -> ResponseReturnValue:
    args, want = request.args, paging.wanted()
    organization = asking.organization_named(args.get("organization", ""))
    country = args.get("country", "").strip().upper()[:2]
    chosen = PayeeFilter(
        search=args.get("q", "").strip()[:100],
        kind=fixed or asking.one_of(PayeeKind, args, "kind"),
        status=asking.one_of(EngagementStatus, args, "status"),
        country=country if len(country) == 2 and country.isalpha() else "",
        method=asking.one_of(MethodState, args, "method"),
        form=asking.one_of(FormState, args, "form"),
        organization_id=organization.id if organization else None,
    )
    found = everyone.payees(db(), chosen, want.cursor, want.limit)
    return page(
        "admin/payees/index.html",
        fragment="admin/payees/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        chosen=chosen,
        filtered=replace(chosen, kind=None if fixed else chosen.kind).any,
        kinds=list(PayeeKind),
        fixed=fixed,
        title_of=spec_of(fixed).plural if fixed else "Payees",
        address=request.path,
        organization=organization,
        organizations=asking.organization_choices(),
        numbers=None if htmx.wants_fragment() else everyone.numbers(db(), fixed),
        month=everyone.month_start(),
        url_with=paging.url_with,
    )


@bp.get("/payees/<uuid:payee_id>")
def payee(payee_id: UUID) -> ResponseReturnValue:
    card = queries.card(db(), payee_id)
    ways = methods.methods(db(), payee_id, disabled_too=True)
    sent = payouts.payouts(db(), PayoutFilter(payee_id=payee_id), limit=SHOWN).items
    asked = bills(db(), payee_id, limit=SHOWN, to_payee=False).items
    owed = balances(db(), payee_id, utc_now() - A_YEAR)
    subjects = AuditFilter(subject_ids=[payee_id, *[way.id for way in ways]])
    return page(
        "admin/payees/payee.html",
        payee=card,
        engagements=organizations.payers(db(), payee_id),
        balances=owed,
        payable=card.kind is not PayeeKind.ORGANIZATION and any(one.available.minor > 0 for one in owed),
        methods=ways,
        proofs=destinations.records(db(), payee_id),
        shared_with=methods.shared_with(db(), payee_id) if any(way.shared for way in ways) else [],
        rails=registry.RAILS,
        **_stripe(payee_id),
        lines=review.lines(db(), sent, g.actor.account_id),
        bills=asked,
        accounts=identity.accounts_of_payee(db(), payee_id),
        records=history.records(db(), subjects, limit=SHOWN).items,
        now=utc_now(),
    )


def _stripe(payee_id: UUID) -> dict[str, Any]:
    """Their account at Stripe, and what went on from there to their bank."""
    account, found = connect.live(db(), payee_id), bank_payouts.of_payee(db(), payee_id)
    return {
        "account": account,
        "standing": connect.standing(account) if account else "",
        "country_of_account": country_name(account.country) if account else "",
        "wanted": stripe_codes.wanted((*account.past_due, *account.currently_due)) if account else [],
        "trouble": stripe_codes.disabled(account.disabled_reason) if account else "",
        "bank_payouts": found,
        "failures": {one.reference: bank_payouts.why_failed(one) for one in found},
    }
