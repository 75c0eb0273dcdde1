"""Decisions about orders and commission: pure, no session. Amounts are minor units, rates basis points."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from app.core.errors import Invalid
from app.core.rates import share
from app.gateways.shops import ChangeKind, ShopChange
from app.sales.states import WHOLE, OrderStatus

LONGEST_CODE = 40
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def commission(basis_minor: int, refunded_minor: int, bps: int) -> int:
    """What is earned of an order of which `refunded_minor` of the basis went back: half-up, never below zero."""
    return share(max(0, basis_minor - refunded_minor), bps)


def taken_back(change: ShopChange, *, basis_minor: int, total_minor: int, lines_hold_tax: bool) -> int:
    """How much of the basis a change takes back, at most the basis. Goods count as named; else the part of the total.

    A refund of 10.00 on an order of 40.00 takes a quarter of the basis, however tax and shipping share in it.
    """
    if change.lines_minor is not None:
        goods = change.lines_minor - (change.lines_tax_minor if lines_hold_tax else 0)
        return min(basis_minor, max(0, goods))
    if change.gross_minor is None or total_minor <= 0 or change.gross_minor >= total_minor:
        return basis_minor
    return (basis_minor * change.gross_minor * 2 + total_minor) // (2 * total_minor)


def status_after(before: OrderStatus, kind: ChangeKind, basis_minor: int, refunded_minor: int) -> OrderStatus:
    """A chargeback or cancellation names the order whatever comes after; a refund says how far it went."""
    if kind is not ChangeKind.REFUND:
        return OrderStatus.DISPUTED if before is OrderStatus.DISPUTED else WHOLE[kind]
    if before in (OrderStatus.CANCELLED, OrderStatus.DISPUTED):
        return before
    return OrderStatus.REFUNDED if refunded_minor >= basis_minor else OrderStatus.PARTLY_REFUNDED


def available_at(ordered_at: datetime, hold_days: int) -> datetime:
    """The end of the return window, from which the commission may be paid."""
    return ordered_at + timedelta(days=hold_days)


def person(email: str) -> str:
    """The same text for the same mailbox, "" for none: case, what follows a plus and Gmail's dots do not count."""
    local, at, domain = email.strip().lower().rpartition("@")
    if not at or not local:
        return ""
    local = local.split("+", 1)[0]
    domain = "gmail.com" if domain == "googlemail.com" else domain
    return f"{local.replace('.', '') if domain == 'gmail.com' else local}@{domain}"


def clean_code(text: str) -> str:
    """A discount code as it is written. Raises Invalid."""
    code = text.strip()
    if len(code) > LONGEST_CODE or not _CODE.fullmatch(code):
        sentence = f"A code has at most {LONGEST_CODE} letters, digits, dots, dashes and underscores."
        raise Invalid(sentence, fields={"code": sentence})
    return code


def clean_landing_url(text: str) -> str | None:
    """Where the creator's link leads; None for nowhere. Raises Invalid for what is no web address over TLS."""
    url = text.strip()
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "." not in parts.hostname or parts.username or len(url) > 500:
        sentence = "Write a web address that begins with https://."
        raise Invalid(sentence, fields={"landing_url": sentence})
    return url
