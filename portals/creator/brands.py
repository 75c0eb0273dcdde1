"""One brand: what was agreed, what was earned, the codes and their orders."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import g
from flask.typing import ResponseReturnValue

from app.contracts import queries as contracts
from app.core.clock import utc_now
from app.reporting import brand_orders, creator
from portals.creator import bp
from portals.creator.dashboard import chosen_currency, go_url
from portals.shared.payee import payers
from portals.web import paging
from portals.web.db import db
from portals.web.htmx import page
from portals.web.i18n import reader_zone

PAGE = 25
CONTRACTS = 3
CONVERSION_DAYS = 90


@bp.get("/brands/<brand>")
def brand(brand: str) -> ResponseReturnValue:
    """Raises NotFound for one that does not engage this creator."""
    payer = payers.by_slug(brand)
    payee_id, want = g.actor.payee_id, paging.wanted(PAGE)
    today = utc_now().astimezone(ZoneInfo(reader_zone())).date()
    known = creator.currencies(db(), payee_id, payer.organization_id)
    currency = chosen_currency(known, payer)
    found = brand_orders.orders(db(), payee_id, payer.organization_id, want.cursor, want.limit)
    since = utc_now() - timedelta(days=CONVERSION_DAYS)
    mine = creator.brand(db(), payee_id, payer.organization_id, currency, today)
    return page(
        "creator/brands/show.html",
        fragment="creator/brands/_orders.html",
        payer=payer,
        brand=mine,
        currency=currency,
        currencies=known,
        url_with=paging.url_with,
        codes=creator.codes(db(), payee_id, currency, since, go_url(), payer.organization_id),
        days=CONVERSION_DAYS,
        found=found,
        contracts=contracts.of_payee(db(), payee_id, limit=CONTRACTS, organization_id=payer.organization_id).items,
        neighbours=paging.neighbours(found),
        upcoming=creator.next_clearing(db(), payee_id, currency, reader_zone(), payer.organization_id),
    )
