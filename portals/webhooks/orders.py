"""What shops tell us of orders: verified with the store's secret, stored, answered. A job applies it."""

from __future__ import annotations

import logging
import re
from uuid import UUID

from flask import Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.scope import Scope
from app.gateways import shops
from app.gateways.shops import BadSignature, Delivery, Shop, Unreadable
from app.organizations import queries as organizations
from app.sales import codes, deliveries
from app.webhooks import service
from portals.web.db import db, use_scope
from portals.web.errors import problem
from portals.web.ratelimit import limiter
from portals.webhooks import bp
from portals.webhooks.rails import FORGERIES, LARGEST

log = logging.getLogger("quittance.webhooks")
_PING = re.compile(rb"webhook_id=\d{1,20}")


@bp.post("/orders/<any(shopify, woocommerce, generic):shop_name>/<organization>")
@limiter.limit(FORGERIES, deduct_when=lambda answer: answer.status_code == 401)
def order_events(shop_name: str, organization: str) -> ResponseReturnValue:
    """200 once it is stored, also for a repeat; 401 unless the organization's store of this kind signed it."""
    shop = Shop(shop_name)
    request.max_content_length = LARGEST
    body = request.get_data(cache=False)
    if shop is Shop.WOOCOMMERCE and _PING.fullmatch(body):
        return jsonify(ok=True)  # an unsigned trial call when the webhook is saved; it switches off unless this is 200
    use_scope(Scope.platform("a shop's webhook"))
    organization_id = _organization(organization)
    secret = codes.store_secret(db(), organization_id, shop) or ""
    try:
        if not secret:
            raise BadSignature("no active store of this kind")
        shops.verify(shop, secret, request.headers, body)
    except BadSignature as error:
        log.warning("order webhook refused: %s", error, extra={"fields": {"shop": shop.value, "bytes": len(body)}})
        return problem(401, "The signature does not fit.")
    delivery = _read(shop, body)
    codes.called(db(), organization_id, shop)
    stored = deliveries.packed(organization_id, shop, delivery)
    new = service.receive_order(db(), shop.value, f"{organization_id}:{delivery.event_id}", stored, body)
    return _stored(new)


def _organization(named: str) -> UUID:
    """By slug or id. 404 for neither."""
    try:
        return UUID(named)
    except ValueError:
        pass
    try:
        return organizations.by_slug(db(), named).id
    except NotFound:
        abort(404)


def _read(shop: Shop, body: bytes) -> Delivery:
    """Signed well but not an order as we know them: kept for people to look at, and nothing follows."""
    try:
        return shops.read(shop, request.headers, body)
    except Unreadable as error:
        return shops.unreadable(body, str(error))


def _stored(new: bool) -> Response:
    return jsonify(new=int(new))
