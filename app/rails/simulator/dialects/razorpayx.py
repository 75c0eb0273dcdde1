"""RazorpayX as documented (razorpay.com/docs/api/x): contacts, fund accounts, payouts with their idempotency, signed
events. The last four characters of the account number, or before the @ of a UPI address, decide the outcome."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from app.rails.access import simulated_credential
from app.rails.simulator.books import Books, KeyReused
from app.rails.simulator.dialects import Answer, Call, Moment, Request

_STATUS = {
    "accepted": "processing", "waiting": "queued", "paid": "processed", "failed": "failed", "returned": "reversed",
}  # fmt: skip
_EVENT = {"processing": "payout.initiated"}  # the others are called as the status
_REASONS = {
    "account_closed": "bank_account_closed",
    "insufficient_funds": "insufficient_funds",
    "bank_offline": "beneficiary_bank_offline",
}
_MODES = {"bank_account": ("IMPS", "NEFT", "RTGS"), "vpa": ("UPI",)}
_LEAST, _MOST = {"RTGS": 200_000_00}, {"IMPS": 500_000_00, "UPI": 100_000_00}
_LISTED = 100


class RazorpayXDialect:
    name = "razorpayx"
    hook = "razorpayx"

    def answer(self, request: Request, books: Books, moment: Moment) -> Answer:
        if not _allowed(request):
            return _error("Authentication failed", status=401, reason="NA")
        parts = [unquote(part) for part in request.path.split("/")[1:]]
        try:
            match (request.method, *parts):
                case ("POST", "v1", "contacts"):
                    return _contact(books, _read(request))
                case ("POST", "v1", "fund_accounts"):
                    return _fund_account(books, _read(request))
                case ("POST", "v1", "payouts"):
                    return _pay(books, request, moment)
                case ("GET", "v1", "payouts"):
                    return _list(books, request)
                case ("GET", "v1", "transactions"):
                    return _statement(books, request)
                case ("GET", "v1", "payouts", payout_id):
                    found = books.by_reference(payout_id)
                    return Answer(200, _payout(books, found)) if found else _error("The id provided does not exist")
                case ("POST", "v1", "payouts", payout_id, "cancel"):
                    return _cancel(books, payout_id, moment)
        except _Invalid as invalid:
            return _error(str(invalid), field=invalid.field)
        return _error("The requested URL was not found on the server.", status=404)

    def tell(self, event: Mapping[str, Any]) -> Call | None:
        payout = _seen(event, int(event["at"]))
        kind = _EVENT.get(payout["status"], f"payout.{payout['status']}")
        body = {
            "entity": "event", "account_id": "acc_simulated", "event": kind, "contains": ["payout"],
            "payload": {"payout": {"entity": payout}}, "created_at": int(event["at"]),
        }  # fmt: skip
        content = json.dumps(body, separators=(",", ":")).encode()
        secret = simulated_credential(self.name, "RAZORPAYX_WEBHOOK_SECRET").encode()
        headers = {
            "Content-Type": "application/json",
            "X-Razorpay-Signature": hmac.digest(secret, content, "sha256").hex(),
            "x-razorpay-event-id": str(event["id"]),
        }
        return Call(content, headers)


class _Invalid(Exception):
    """What is wrong with a request, as RazorpayX says it."""

    def __init__(self, description: str, field: str = "") -> None:
        super().__init__(description)
        self.field = field


def _allowed(request: Request) -> bool:
    user = ":".join(simulated_credential("razorpayx", f"RAZORPAYX_KEY_{part}") for part in ("ID", "SECRET"))
    given = request.headers.get("authorization", "").removeprefix("Basic ")
    return hmac.compare_digest(base64.b64encode(user.encode()), given.encode())


def _read(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _Invalid("The request is invalid")
    return body


def _text(body: Mapping[str, Any], name: str, pattern: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise _Invalid(f"The {name.replace('_', ' ')} is invalid", name)
    return value


def _same(books: Books, prefix: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The object with these particulars: made once, and the same one ever after."""
    found = f"{prefix}_{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:14]}"
    books.keep(prefix, found, body)
    return {"id": found, **body, "active": True, "batch_id": None}


def _contact(books: Books, body: Mapping[str, Any]) -> Answer:
    kept = {
        "name": _text(body, "name", r"[a-zA-Z0-9 ’'\-_/().,]{3,50}"), "type": body.get("type"),
        "reference_id": body.get("reference_id"), "email": body.get("email"), "contact": body.get("contact"),
    }  # fmt: skip
    return Answer(200, {"entity": "contact", **_same(books, "cont", kept)})


def _fund_account(books: Books, body: Mapping[str, Any]) -> Answer:
    contact, kind = _text(body, "contact_id", r"cont_\w+"), _text(body, "account_type", r"bank_account|vpa")
    if books.kept("cont", contact) is None:
        raise _Invalid("The id provided does not exist", "contact_id")
    given = body.get(kind)
    details = given if isinstance(given, dict) else {}
    if kind == "vpa":
        kept = {"address": _text(details, "address", r"(?=.{3,100}$)[a-zA-Z0-9.\-]+@[a-zA-Z0-9.\-]+")}
    else:
        kept = {
            "name": _text(details, "name", r".{3,120}"), "ifsc": _text(details, "ifsc", r".{11}"),
            "account_number": _text(details, "account_number", r"[a-zA-Z0-9]{5,35}"),
        }  # fmt: skip
    made = _same(books, "fa", {"contact_id": contact, "account_type": kind, kind: kept})
    return Answer(200, {"entity": "fund_account", **made})


def _pay(books: Books, request: Request, moment: Moment) -> Answer:
    key = request.headers.get("x-payout-idempotency", "")
    if not re.fullmatch(r"[A-Za-z0-9 _-]{4,36}", key):
        raise _Invalid("Idempotency key is missing. Include idempotency header and key.", "X-Payout-Idempotency")
    body = _read(request)
    account, kind = _instruction(books, body)
    reference = str(body.get("reference_id") or "")
    order = {
        "key": key, "amount_minor": body["amount"], "currency": "INR", "name": kind, "account": account,
        "reference": reference.partition("-a")[0], "extra": body,
        "id": f"pout_{hashlib.sha256(key.encode()).hexdigest()[:14]}",
    }  # fmt: skip
    if books.kept("key", key) is None:
        books.keep("key", key, {"created_at": int(moment.now)})
        before = books.kept("reference", reference) or {"keys": []}
        books.keep("reference", reference, {"keys": [*before["keys"], key]})
    try:
        (taken,) = books.take([order], moment.now, moment.delay_s)
    except KeyReused:
        raise _Invalid("Different request body sent for the same Idempotency Header") from None
    return Answer(200, _payout(books, taken))


def _instruction(books: Books, body: Mapping[str, Any]) -> tuple[str, str]:
    """What decides the fate, and the kind of fund account. Raises _Invalid."""
    if body.get("account_number") != simulated_credential("razorpayx", "RAZORPAYX_ACCOUNT_NUMBER"):
        raise _Invalid("The account number is invalid", "account_number")
    found = books.kept("fa", _text(body, "fund_account_id", r"fa_\w+"))
    if found is None:
        raise _Invalid("The id provided does not exist", "fund_account_id")
    amount, kind = body.get("amount"), str(found["account_type"])
    if type(amount) is not int or amount < 100 or body.get("currency") != "INR":
        raise _Invalid("The amount is invalid", "amount")
    mode = _text(body, "mode", "|".join(_MODES[kind]))
    if not _LEAST.get(mode, 0) <= amount <= _MOST.get(mode, amount):
        raise _Invalid(f"The amount is not within the limits of {mode}", "amount")
    _text(body, "purpose", r".+")
    if "narration" in body:
        _text(body, "narration", r"[a-zA-Z0-9 ]{0,30}")
    if "reference_id" in body:
        _text(body, "reference_id", r".{0,40}")
    details = found[kind]
    return str(details["account_number"] if kind == "bank_account" else details["address"].partition("@")[0]), kind


def _list(books: Books, request: Request) -> Answer:
    if not request.query.get("account_number"):
        raise _Invalid("The account number field is required.", "account_number")
    kept = books.kept("reference", request.query.get("reference_id", "")) or {"keys": []}
    found = [one for one in map(books.find, kept["keys"]) if one is not None]
    items = [_payout(books, one) for one in found[:_LISTED]]
    return Answer(200, {"entity": "collection", "count": len(items), "items": items})


def _statement(books: Books, request: Request) -> Answer:
    """Entries of the account, which began at nought, the newest first."""
    left, entries = 0, []
    for number, moved in enumerate(books.activity(0)):
        left += moved["amount_minor"]
        found = books.find(moved["key"]) or {"reference": "", "extra": {}}
        source = {
            "id": found["reference"], "entity": "payout" if moved["kind"] == "paid" else "reversal",
            "amount": abs(moved["amount_minor"]), "notes": found["extra"].get("notes", []), "fees": 0, "tax": 0,
        }  # fmt: skip
        entries.append(
            {
                "id": f"txn_{number:014d}", "entity": "transaction", "amount": abs(moved["amount_minor"]),
                "account_number": request.query.get("account_number", ""), "currency": moved["currency"],
                "credit": max(moved["amount_minor"], 0), "debit": max(-moved["amount_minor"], 0), "balance": left,
                "source": source, "created_at": int(moved["at"]),
            }
        )  # fmt: skip
    since, skip = int(request.query.get("from", "0")), int(request.query.get("skip", "0"))
    wanted = [one for one in reversed(entries) if one["created_at"] >= since]
    items = wanted[skip : skip + min(_LISTED, int(request.query.get("count", "10")))]
    return Answer(200, {"entity": "collection", "count": len(items), "items": items})


def _cancel(books: Books, payout_id: str, moment: Moment) -> Answer:
    found = books.by_reference(payout_id)
    if found is None or found["status"] != "waiting":
        raise _Invalid("Payout cannot be cancelled in its current state" if found else "The id provided does not exist")
    gone = books.withdraw(payout_id, "cancelled", moment.now)
    return Answer(200, _payout(books, gone or found))


def _payout(books: Books, found: Mapping[str, Any]) -> dict[str, Any]:
    kept = books.kept("key", str(found["key"])) or {}
    return _seen(found, int(kept.get("created_at", 0)))


def _seen(found: Mapping[str, Any], created_at: int) -> dict[str, Any]:
    """A payout as RazorpayX shows it."""
    status, extra, code = _STATUS[found["status"]], found["extra"], str(found["code"])
    reason, source = _REASONS.get(code, ""), "beneficiary_bank"
    if code == "cancelled":
        status = "cancelled"
    elif code == "invalid_account":
        reason = "beneficiary_vpa_invalid" if extra["mode"] == "UPI" else "bank_account_invalid"
    elif status == "queued":
        reason, source = "low_balance", "business"
    elif status == "processed":
        reason = "payout_processed"
    details = {"reason": reason, "source": source, "description": found["message"] or reason.replace("_", " ")}
    return {
        "id": found["reference"], "entity": "payout", "fund_account_id": extra["fund_account_id"],
        "amount": found["amount_minor"], "currency": "INR", "notes": extra.get("notes", []), "fees": 0, "tax": 0,
        "status": status, "utr": f"SIM{found['reference'][-14:]}" if status == "processed" else None,
        "mode": extra["mode"], "purpose": extra["purpose"], "reference_id": extra.get("reference_id"),
        "narration": extra.get("narration", ""), "batch_id": None, "status_details": details if reason else None,
        "created_at": created_at, "fee_type": "free_payout",
    }  # fmt: skip


def _error(description: str, *, status: int = 400, reason: str = "input_validation_failed", field: str = "") -> Answer:
    error: dict[str, Any] = {
        "code": "BAD_REQUEST_ERROR", "description": description, "source": "business", "step": None, "reason": reason,
        "metadata": {}, **({"field": field} if field else {}),
    }  # fmt: skip
    return Answer(status, {"error": error})
