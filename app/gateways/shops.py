"""What shops tell us of orders: signatures checked over the raw body, payloads read into values. No network.

Shopify: `X-Shopify-Hmac-Sha256`, base64 (shopify.dev/docs/apps/build/webhooks). WooCommerce: `X-WC-Webhook-Signature`,
base64 (woocommerce.github.io/woocommerce-rest-api-docs, "Webhooks"). Any other program: hex HMAC-SHA256 of
`timestamp + "." + body`, which stops being taken after five minutes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.core.clock import utc_now
from app.core.macs import fits, fits_base64, mac
from app.core.money import Money

TOLERANCE_S = 300
LONGEST_ID = 100


class Shop(StrEnum):
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    GENERIC = "generic"


class ChangeKind(StrEnum):
    REFUND = "refund"
    CANCEL = "cancel"
    CHARGEBACK = "chargeback"


class BadSignature(Exception):
    """The shop did not send this, or long ago."""


UNREADABLE = "could not be read: "  # begins the reason of a call nobody could read


class Unreadable(Exception):
    """Signed well, but not an order as we know them. The text says what is wrong."""


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """A paid order. `basis`: the goods after discounts, without tax and shipping; `total`: what the buyer paid.

    `lines_hold_tax`: the shop's line amounts, also those of its refunds, have the tax in them. `buyer_index` stands for
    the e-mail where the order is kept before it is written down.
    """

    external_id: str
    number: str
    codes: tuple[str, ...]
    basis: Money
    total: Money
    ordered_at: datetime
    buyer_email: str = ""
    lines_hold_tax: bool = False
    buyer_index: str | None = None


@dataclass(frozen=True, slots=True)
class ShopChange:
    """Money going back to the buyer. `lines`: of goods, in minor units, and the tax named beside them; `gross`: of
    everything paid. Neither: the whole order.
    """

    external_id: str
    order_external_id: str
    kind: ChangeKind
    occurred_at: datetime
    lines_minor: int | None = None
    lines_tax_minor: int = 0
    gross_minor: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call of a shop. Without order and changes it is stored and ignored, for the reason in `ignored`."""

    event_id: str
    order: ShopOrder | None = None
    changes: tuple[ShopChange, ...] = ()
    ignored: str = ""


def verify(shop: Shop, secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises BadSignature."""
    if shop is Shop.GENERIC:
        _verify_generic(secret, headers, body)
        return
    name = "X-Shopify-Hmac-Sha256" if shop is Shop.SHOPIFY else "X-WC-Webhook-Signature"
    if not fits_base64(secret, body, headers.get(name, "")):
        raise BadSignature("the signature does not fit the body")


def sign_generic(secret: str, timestamp: str, body: bytes) -> str:
    """What a program sends as `X-Quittance-Signature`."""
    return mac(secret, timestamp.encode() + b"." + body)


def _verify_generic(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    stamp = headers.get("X-Quittance-Timestamp", "")
    if not fits(secret, stamp.encode() + b"." + body, headers.get("X-Quittance-Signature", "")):
        raise BadSignature("the signature does not fit timestamp and body")
    moment = int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 else 0
    if abs(utc_now().timestamp() - moment) > TOLERANCE_S:
        raise BadSignature("the timestamp is more than five minutes away from our clock")


def read(shop: Shop, headers: Mapping[str, str], body: bytes) -> Delivery:
    """The delivery's values. Raises Unreadable, also for an amount or a date that is none."""
    digest = hashlib.sha256(body).hexdigest()
    try:
        found = _writable(json.loads(body))
        if not isinstance(found, dict):
            raise Unreadable("not a JSON object")
        return _READERS[shop](headers, found, digest)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Unreadable(f"not an order as we know them ({type(error).__name__}: {str(error)[:80]})") from None


def _writable(found: Any) -> Any:
    """The same without what no database keeps in a text: zero bytes and halves of a character."""
    if isinstance(found, str):
        return found.replace("\0", "").encode(errors="replace").decode()
    if isinstance(found, list):
        return [_writable(one) for one in found]
    if isinstance(found, dict):
        return {name: _writable(one) for name, one in found.items()}
    return found


# --- Shopify ----------------------------------------------------------------------------------------------------------


def _shopify(headers: Mapping[str, str], found: dict[str, Any], digest: str) -> Delivery:
    topic = headers.get("X-Shopify-Topic", "")
    event_id = headers.get("X-Shopify-Webhook-Id", "") or digest
    if found.get("test") is True:
        return Delivery(event_id, ignored="a test order")
    if topic in ("orders/paid", "orders/create", "orders/updated"):
        if found.get("financial_status") not in ("paid", "partially_refunded", "refunded"):
            return Delivery(event_id, ignored="not paid yet")
        refunds = [_shopify_refund(refund, str(found["currency"])) for refund in found.get("refunds") or ()]
        return Delivery(event_id, _shopify_order(found), tuple(filter(None, refunds)))
    if topic == "orders/cancelled":
        moment = _moment(found.get("cancelled_at") or found["updated_at"])
        note = str(found.get("cancel_reason") or "")
        return Delivery(event_id, None, (ShopChange("cancel", _id(found["id"]), ChangeKind.CANCEL, moment, note=note),))
    if topic == "refunds/create":
        refund = _shopify_refund(found)
        return (
            Delivery(event_id, None, (refund,))
            if refund
            else Delivery(event_id, ignored="nothing was refunded of the goods")
        )
    if topic == "disputes/create":
        return _shopify_dispute(event_id, found)
    return Delivery(event_id, ignored=f"nothing follows from {topic or 'no topic'}"[:200])


def _shopify_order(found: dict[str, Any]) -> ShopOrder:
    currency, with_tax = str(found["currency"]), bool(found.get("taxes_included"))
    basis = Money.parse(str(found["subtotal_price"]), currency)
    if with_tax:
        taxes = [tax["price"] for line in found.get("line_items") or () for tax in line.get("tax_lines") or ()]
        basis = Money(max(0, basis.minor - _sum(taxes, currency)), currency)
    return ShopOrder(
        external_id=_id(found["id"]),
        number=str(found.get("name") or found.get("order_number") or found["id"])[:LONGEST_ID],
        codes=_codes(code.get("code") for code in found.get("discount_codes") or ()),
        basis=basis,
        total=Money.parse(str(found["total_price"]), currency),
        ordered_at=_moment(found.get("processed_at") or found["created_at"]),
        buyer_email=str(found.get("email") or found.get("contact_email") or ""),
        lines_hold_tax=with_tax,
    )


def _shopify_refund(found: dict[str, Any], currency: str = "") -> ShopChange | None:
    """None for one that gave nothing of the goods back: a restock, one that failed, shipping alone.

    Goods and adjustments are in the shop's currency; what the buyer was paid back may be in their own.
    """
    lines, adjusted = found.get("refund_line_items") or (), found.get("order_adjustments") or ()
    given = [
        payment
        for payment in found.get("transactions") or ()
        if payment.get("kind") == "refund" and payment.get("status") in ("success", "pending")
    ]
    if not given:
        return None
    named = [_shop_currency(one, name) for some, name in ((lines, "subtotal"), (adjusted, "amount")) for one in some]
    own = next(filter(None, [currency, *named, *(str(one.get("currency") or "") for one in given)]), "")
    if not own:
        raise Unreadable("the refund names no currency")
    abroad = any((one.get("currency") or own) != own for one in given)
    parts = [abs(_in_shop(one, name, own)) for one in adjusted for name in ("amount", "tax_amount")]
    gross = sum(parts) if abroad else _sum((one["amount"] for one in given), own)
    gross -= 0 if lines else _shipping_back(found, own)
    if not lines and gross <= 0:
        if abroad and not parts:
            raise Unreadable("the refund names no amount in the shop's currency")
        return None
    return ShopChange(
        external_id=f"refund {_id(found['id'])}",
        order_external_id=_id(found["order_id"]),
        kind=ChangeKind.REFUND,
        occurred_at=_moment(found.get("processed_at") or found["created_at"]),
        lines_minor=sum(_in_shop(line, "subtotal", own) for line in lines) if lines else None,
        lines_tax_minor=sum(_in_shop(line, "total_tax", own) for line in lines),
        gross_minor=max(0, gross),
        note=str(found.get("note") or "")[:300],
    )


def _shipping_back(found: dict[str, Any], own: str) -> int:
    """Older versions of the API tell it as an adjustment, newer ones as lines of shipping."""
    told = [one for one in found.get("order_adjustments") or () if one.get("kind") == "shipping_refund"]
    adjusted = sum(abs(_in_shop(one, name, own)) for one in told for name in ("amount", "tax_amount"))
    lines = sum(_in_shop(one, "subtotal_amount", own) for one in found.get("refund_shipping_lines") or ())
    return adjusted or lines


def _in_shop(told: dict[str, Any], name: str, own: str) -> int:
    """An amount in the shop's currency: its exact text where it is told, else the number."""
    exact = ((told.get(f"{name}_set") or {}).get("shop_money") or {}).get("amount")
    return _sum([told.get(name) or "0" if exact is None else exact], own)


def _shop_currency(told: dict[str, Any], name: str) -> str:
    return str(((told.get(f"{name}_set") or {}).get("shop_money") or {}).get("currency_code") or "")


def _shopify_dispute(event_id: str, found: dict[str, Any]) -> Delivery:
    if found.get("type") != "chargeback" or not found.get("order_id"):
        return Delivery(event_id, ignored="an inquiry takes nothing back")
    change = ShopChange(
        external_id=f"dispute {_id(found['id'])}",
        order_external_id=_id(found["order_id"]),
        kind=ChangeKind.CHARGEBACK,
        occurred_at=_moment(found["initiated_at"]),
        gross_minor=Money.parse(str(found["amount"]), str(found["currency"])).minor,
        note=str(found.get("reason") or "")[:300],
    )
    return Delivery(event_id, None, (change,))


# --- WooCommerce ------------------------------------------------------------------------------------------------------

_PAID = ("processing", "completed", "refunded")


def _woocommerce(headers: Mapping[str, str], found: dict[str, Any], digest: str) -> Delivery:
    """The whole order comes each time; a later status and each refund is a change of its own."""
    topic, status = headers.get("X-WC-Webhook-Topic", ""), str(found.get("status", ""))
    if topic not in ("order.created", "order.updated"):
        return Delivery(digest, ignored=f"nothing follows from {topic or 'no topic'}"[:200])
    paid = bool(found.get("date_paid_gmt"))
    if status not in _PAID and not (status == "cancelled" and paid):
        return Delivery(digest, ignored="not paid yet")
    currency, order_id = str(found["currency"]), _id(found["id"])
    lines = found.get("line_items") or ()
    moment = _moment(found.get("date_modified_gmt") or found["date_created_gmt"])
    order = ShopOrder(
        external_id=order_id,
        number=str(found.get("number") or order_id)[:LONGEST_ID],
        codes=_codes(coupon.get("code") for coupon in found.get("coupon_lines") or ()),
        basis=Money(_sum((line["total"] for line in lines), currency), currency),
        total=Money.parse(str(found["total"]), currency),
        ordered_at=_moment(found.get("date_paid_gmt") or found["date_created_gmt"]),
        buyer_email=str((found.get("billing") or {}).get("email") or ""),
    )
    changes = [
        ShopChange(
            external_id=f"refund {_id(refund['id'])}", order_external_id=order_id, kind=ChangeKind.REFUND,
            occurred_at=moment, gross_minor=abs(_sum([refund["total"]], currency)),
            note=str(refund.get("reason") or "")[:300],
        )
        for refund in found.get("refunds") or ()
    ]  # fmt: skip
    if status == "cancelled":
        changes.append(ShopChange("cancel", order_id, ChangeKind.CANCEL, moment))
    elif status == "refunded":
        changes.append(ShopChange("refunded", order_id, ChangeKind.REFUND, moment))
    return Delivery(digest, order, tuple(changes))


# --- Any other program ------------------------------------------------------------------------------------------------

_GENERIC = {
    "order.refunded": ChangeKind.REFUND,
    "order.cancelled": ChangeKind.CANCEL,
    "order.disputed": ChangeKind.CHARGEBACK,
}


def _generic(_headers: Mapping[str, str], found: dict[str, Any], digest: str) -> Delivery:
    event_id, kind = str(found.get("event_id") or digest)[:LONGEST_ID], str(found.get("type", ""))
    if kind == "order.paid":
        currency, basis = str(found["currency"]).upper(), _whole(found["amount_minor"])
        order = ShopOrder(
            external_id=_id(found["order_id"]),
            number=str(found.get("number") or found["order_id"])[:LONGEST_ID],
            codes=_codes(found.get("codes") or [found.get("code")]),
            basis=Money(basis, currency),
            total=Money(_whole(found.get("total_minor", basis)), currency),
            ordered_at=_moment(found["ordered_at"]),
            buyer_email=str(found.get("email") or ""),
        )
        return Delivery(event_id, order)
    if kind not in _GENERIC:
        return Delivery(event_id, ignored=f"nothing follows from {kind or 'no type'}"[:200])
    taken = found.get("amount_minor")
    known_by = event_id if _GENERIC[kind] is ChangeKind.REFUND else kind  # there is one cancellation, but many refunds
    change = ShopChange(
        external_id=str(found.get("refund_id") or known_by)[:LONGEST_ID],
        order_external_id=_id(found["order_id"]),
        kind=_GENERIC[kind],
        occurred_at=_moment(found["occurred_at"]),
        lines_minor=None if taken is None else _whole(taken),
        note=str(found.get("reason") or "")[:300],
    )
    return Delivery(event_id, None, (change,))


_READERS: dict[Shop, Callable[[Mapping[str, str], dict[str, Any], str], Delivery]] = {
    Shop.SHOPIFY: _shopify,
    Shop.WOOCOMMERCE: _woocommerce,
    Shop.GENERIC: _generic,
}


def _id(value: Any) -> str:
    text = str(value)
    if value is None or isinstance(value, (dict, list, bool)) or not 0 < len(text) <= LONGEST_ID:
        raise ValueError("an id is missing")
    return text


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("an amount is a whole number of minor units, zero or more")
    return value


def _sum(amounts: Any, currency: str) -> int:
    return sum(Money.parse(str(amount), currency).minor for amount in amounts)


def _codes(found: Any) -> tuple[str, ...]:
    codes: Sequence[str] = [str(code).strip()[:LONGEST_ID] for code in found if isinstance(code, (str, int))]
    return tuple(dict.fromkeys(code for code in codes if code))


def _moment(value: Any) -> datetime:
    """ISO 8601; without a zone it is UTC, as in WooCommerce's `_gmt` fields."""
    moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def unreadable(body: bytes, why: str) -> Delivery:
    """A call nothing follows from, known by its contents."""
    return Delivery(hashlib.sha256(body).hexdigest(), ignored=f"{UNREADABLE}{why}"[:300])
