"""PayPal Payouts as documented (developer.paypal.com, Payouts v1), for PayPal and Venmo. Receivers decide the outcome:
the last four characters before an e-mail's @, or of a phone number or handle (docs/simulator.md)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote

from app.core.money import CURRENCIES, Money, exponent
from app.rails.access import simulated_credential
from app.rails.simulator.books import Books, KeyReused
from app.rails.simulator.dialects import Answer, Call, Moment, Request
from app.rails.simulator.dialects import paypal_reports as reports

MOST_ITEMS = 15_000
_STATUS = {"accepted": "PENDING", "waiting": "UNCLAIMED", "paid": "SUCCESS", "failed": "FAILED", "returned": "RETURNED"}
_EVENT = {
    "waiting": "PAYMENT.PAYOUTS-ITEM.UNCLAIMED",
    "paid": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED",
    "failed": "PAYMENT.PAYOUTS-ITEM.FAILED",
    "returned": "PAYMENT.PAYOUTS-ITEM.RETURNED",
}
_ERRORS = {
    "account_closed": ("RECEIVER_ACCOUNT_LOCKED", "The receiver's account is locked."),
    "invalid_account": ("INVALID_EMAIL", "The e-mail address is not valid."),
    "insufficient_funds": ("INSUFFICIENT_FUNDS", "The sender has insufficient funds."),
    "bank_offline": ("INTERNAL_ERROR", "An internal error occurred."),
    "cancelled": ("RECEIVER_UNREGISTERED", "The item was cancelled by the sender."),
}


class PayPalDialect:
    name = "paypal"
    hook = "paypal-payouts"

    def answer(self, request: Request, books: Books, moment: Moment) -> Answer:
        if request.path == "/v1/oauth2/token":
            return self._token(request)
        if not self._allowed(request):
            return _error(401, "AUTHENTICATION_FAILURE", "Authentication failed due to invalid credentials.")
        parts = [unquote(part) for part in request.path.split("/")[1:]]
        match (request.method, *parts):
            case ("POST", "v1", "payments", "payouts"):
                return _create(request, books, moment)
            case ("GET", "v1", "payments", "payouts", batch_id):
                return _batch(request, books, batch_id)
            case ("GET", "v1", "payments", "payouts-item", item_id):
                found = books.by_reference(item_id)
                return Answer(200, _item(found)) if found else _unknown()
            case ("POST", "v1", "payments", "payouts-item", item_id, "cancel"):
                found = books.withdraw(item_id, "cancelled", moment.now)
                return Answer(200, {**_item(found), "transaction_status": "RETURNED"}) if found else _unknown()
            case ("GET", "v1", "reporting", what):
                return reports.answer(what, request, books) or _unknown()
            case ("POST", "v1", "notifications", "verify-webhook-signature"):
                return _verify(request.body)
        return _unknown()

    def tell(self, event: Mapping[str, Any]) -> Call | None:
        kind = "PAYMENT.PAYOUTS-ITEM.CANCELED" if event["code"] == "cancelled" else _EVENT.get(str(event["status"]))
        if kind is None:
            return None
        item = _item(event)
        item.pop("errors", None)  # as PayPal: why is told to who asks
        body = {
            "id": f"WH-{event['id'][4:36].upper()}", "create_time": _when(event["at"]), "event_version": "1.0",
            "resource_type": "payouts_item", "resource_version": "1.0", "event_type": kind,
            "summary": "A payout item changed.", "resource": item, "links": [],
        }  # fmt: skip
        content = json.dumps(body, separators=(",", ":")).encode()
        headers = {
            "PAYPAL-TRANSMISSION-ID": str(uuid.uuid4()),
            "PAYPAL-TRANSMISSION-TIME": _when(datetime.now(UTC).timestamp()),
            "PAYPAL-AUTH-ALGO": "SHA256withRSA", "PAYPAL-AUTH-VERSION": "v2",
            "PAYPAL-CERT-URL": "https://api.sandbox.paypal.com/v1/notifications/certs/SIMULATED",
            "Content-Type": "application/json",
        }  # fmt: skip
        webhook = simulated_credential(self.name, "PAYPAL_WEBHOOK_ID")
        signature = _signature(headers["PAYPAL-TRANSMISSION-ID"], headers["PAYPAL-TRANSMISSION-TIME"], webhook, content)
        return Call(content, {**headers, "PAYPAL-TRANSMISSION-SIG": signature})

    def _token(self, request: Request) -> Answer:
        names = ("PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET")
        wanted = ":".join(simulated_credential(self.name, name) for name in names)
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        if not hmac.compare_digest(base64.b64encode(wanted.encode()).decode(), given):
            return Answer(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
        return Answer(
            200,
            {
                "access_token": _bearer(), "token_type": "Bearer", "expires_in": 32_000, "app_id": "APP-SIMULATED",
                "scope": "https://uri.paypal.com/payments/payouts", "nonce": uuid.uuid4().hex,
            },
        )  # fmt: skip

    def _allowed(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(_bearer(), given)


def _bearer() -> str:
    return simulated_credential("paypal", "access-token")


def _create(request: Request, books: Books, moment: Moment) -> Answer:
    try:
        body = json.loads(request.body)
        header, items = body["sender_batch_header"], body["items"]
        known = str(header["sender_batch_id"])
        if not 1 <= len(items) <= MOST_ITEMS:
            return _error(400, "VALIDATION_ERROR", f"Give 1 to {MOST_ITEMS} items.", "ITEMS")
        orders = [_order(known, item) for item in items]
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return _error(400, "VALIDATION_ERROR", "Invalid request - see details.")
    if len({order["currency"] for order in orders}) != 1:
        return _error(400, "VALIDATION_ERROR", "All items of a batch are of one currency.", "CURRENCY")
    before = books.kept("sender", known)
    if before is not None:
        href = f"{request.url}/v1/payments/payouts/{before['payout_batch_id']}"
        return _duplicate(href)
    batch_id = hashlib.sha256(known.encode()).hexdigest()[:13].upper()
    for order in orders:
        order["extra"]["batch"] = batch_id
    try:
        books.take(orders, moment.now, moment.delay_s)
    except KeyReused:
        return _error(400, "VALIDATION_ERROR", "An item is in the batch twice.", "DUPLICATE_ITEM")
    batch = {"payout_batch_id": batch_id, "sender_batch_id": known, "keys": [order["key"] for order in orders]}
    books.keep("batch", batch_id, batch)
    books.keep("sender", known, {"payout_batch_id": batch_id})
    return Answer(201, {"batch_header": _header(batch, "PENDING"), "links": []})


def _order(batch: str, item: Mapping[str, Any]) -> dict[str, Any]:
    currency = str(item["amount"]["currency"])
    if currency not in CURRENCIES:
        raise ValueError(currency)
    minor = Decimal(item["amount"]["value"]).scaleb(exponent(currency))
    if minor != int(minor) or minor <= 0:
        raise ValueError("amount")
    wallet = str(item.get("recipient_wallet", "PAYPAL"))
    if wallet == "VENMO" and (currency != "USD" or not item.get("note")):
        raise ValueError("Venmo takes US dollars with a note")
    receiver, name = str(item["receiver"]), str(item["sender_item_id"])
    return {
        "key": f"{batch}/{name}", "amount_minor": int(minor), "currency": currency, "name": receiver,
        "account": receiver.partition("@")[0], "reference": name.partition("-a")[0],
        "id": hashlib.sha256(f"{batch}/{name}".encode()).hexdigest()[:13].upper(),
        "extra": {
            "item": name, "receiver": receiver, "type": str(item.get("recipient_type", "EMAIL")),
            "wallet": wallet,
        },
    }  # fmt: skip


def _batch(request: Request, books: Books, batch_id: str) -> Answer:
    batch = books.kept("batch", batch_id)
    if batch is None:
        return _unknown()
    size = max(1, min(1000, int(request.query.get("page_size", "1000"))))
    page = max(1, int(request.query.get("page", "1")))
    keys = batch["keys"][(page - 1) * size : page * size]
    found = [one for one in map(books.find, keys) if one is not None]
    pages = -(-len(batch["keys"]) // size)
    status = "PROCESSING" if books.under_way(f"{batch['sender_batch_id']}/") else "SUCCESS"
    return Answer(
        200,
        {
            "batch_header": _header(batch, status), "items": [_item(one) for one in found], "links": [],
            "total_items": len(batch["keys"]), "total_pages": pages,
        },
    )  # fmt: skip


def _header(batch: Mapping[str, Any], status: str) -> dict[str, Any]:
    return {
        "payout_batch_id": batch["payout_batch_id"], "batch_status": status,
        "sender_batch_header": {"sender_batch_id": batch["sender_batch_id"]},
    }  # fmt: skip


def _item(found: Mapping[str, Any]) -> dict[str, Any]:
    extra = found["extra"]
    item: dict[str, Any] = {
        "payout_item_id": found["reference"], "payout_batch_id": extra["batch"],
        "transaction_status": "RETURNED" if found["code"] == "cancelled" else _STATUS[found["status"]],
        "time_processed": _when(found["taken_at"]),
        "payout_item": {
            "recipient_type": extra["type"], "receiver": extra["receiver"], "sender_item_id": extra["item"],
            "recipient_wallet": extra.get("wallet", "PAYPAL"),
            "amount": {
                "currency": found["currency"], "value": Money(found["amount_minor"], found["currency"]).plain()
            },
        },
        "links": [],
    }  # fmt: skip
    if found["status"] == "waiting":
        item["errors"] = {"name": "RECEIVER_UNREGISTERED", "message": "The receiver has no account yet.", "details": []}
    elif found["code"]:
        name, message = _ERRORS[found["code"]]
        item["errors"] = {"name": name, "message": message, "details": []}
    return item


def _verify(body: bytes) -> Answer:
    """The event's bytes are what stands after its name: the caller passes them on as they came."""
    try:
        said = json.loads(body)
        start = body.index(b'"webhook_event":') + len(b'"webhook_event":')
        event = body[start : body.rindex(b"}")].strip()
        expected = _signature(said["transmission_id"], said["transmission_time"], said["webhook_id"], event)
        fits = hmac.compare_digest(expected, str(said["transmission_sig"]))
    except (KeyError, ValueError):
        return _error(400, "VALIDATION_ERROR", "Invalid request - see details.")
    return Answer(200, {"verification_status": "SUCCESS" if fits else "FAILURE"})


def _signature(transmission: str, at: str, webhook: str, content: bytes) -> str:
    text = f"{transmission}|{at}|{webhook}|{zlib.crc32(content) & 0xFFFFFFFF}"
    secret = simulated_credential("paypal", "signature").encode()
    return base64.b64encode(hmac.digest(secret, text.encode(), "sha256")).decode()


def _duplicate(href: str) -> Answer:
    detail = {
        "field": "SENDER_BATCH_ID", "location": "body",
        "issue": "Batch with given sender_batch_id already exists",
        "link": [{"href": href, "rel": "self", "method": "GET", "encType": "application/json"}],
    }  # fmt: skip
    return _error(400, "USER_BUSINESS_ERROR", "User business error.", details=[detail])


def _error(
    status: int, name: str, message: str, field: str = "", details: list[dict[str, Any]] | None = None
) -> Answer:
    found = details if details is not None else [{"field": field, "issue": message}] if field else []
    return Answer(
        status, {"name": name, "message": message, "debug_id": uuid.uuid4().hex[:13], "details": found, "links": []}
    )


def _unknown() -> Answer:
    return _error(404, "INVALID_RESOURCE_ID", "Requested resource ID was not found.")


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
