"""Where an order stands at its shop, and what became of its commission."""

from __future__ import annotations

from enum import StrEnum

from app.gateways.shops import ChangeKind


class OrderSource(StrEnum):
    """Who told us; an order is known once by (organization, source, the source's own id)."""

    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    GENERIC = "generic"
    API = "api"
    IMPORT = "import"


class OrderStatus(StrEnum):
    PAID = "paid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    DISPUTED = "disputed"


class Commission(StrEnum):
    """EARNED is final; the others wait for the organization, or never earn."""

    EARNED = "earned"
    UNKNOWN_CODE = "unknown_code"
    NOT_ACTIVE = "not_active"  # engagement or code was paused or suspended when the order came
    SELF_REFERRAL = "self_referral"  # bought with the creator's own e-mail
    DISMISSED = "dismissed"
    NOTHING = "nothing"  # no goods, a rate of zero, or everything taken back before


WHOLE = {
    ChangeKind.REFUND: OrderStatus.REFUNDED,
    ChangeKind.CANCEL: OrderStatus.CANCELLED,
    ChangeKind.CHARGEBACK: OrderStatus.DISPUTED,
}


class ImportStatus(StrEnum):
    """A file of orders: looked at, being imported by the job, over."""

    UPLOADED = "uploaded"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
