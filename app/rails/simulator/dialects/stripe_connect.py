"""Stripe Connect as documented (docs.stripe.com/api): transfers that are done when made, accounts, payouts to banks.

The last four characters of the account decide (docs/simulator.md). An account that was never made here is one that is
set up: tests and seeds name their own.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from app.core import stamps, stripe_wire
from app.core.money import Money
from app.rails.access import simulated_credential
from app.rails.simulator.books import Books, KeyReused
from app.rails.simulator.dialects import Answer, Call, Moment, Request
from app.rails.simulator.dialects import stripe_accounts as accounts
from app.rails.simulator.dialects import stripe_balance as balance
from app.rails.simulator.fates import fate_of

_REFUSED = {
    "account_closed": (400, "insufficient_capabilities_for_transfer"),
    "invalid_account": (403, "account_invalid"),
    "insufficient_funds": (400, "balance_insufficient"),
    "bank_offline": (400, "payouts_limit_exceeded"),
}


class StripeConnectDialect:
    name = "stripe_connect"
    hook = "stripe-payouts"

    def answer(self, request: Request, books: Books, moment: Moment) -> Answer:
        parts = [unquote(part) for part in request.path.split("/")[1:]]
        form = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
        if parts[0] in ("setup", "dashboard") or parts[:2] == ["oauth", "authorize"]:
            return accounts.page(request, parts, form, books, moment.now)  # a person's browser
        if not _allowed(request):
            return _error(401, "invalid_request_error", "", "Invalid API Key provided.")
        found = self._known(request, parts, form, books, moment)
        return found or _error(404, "invalid_request_error", "resource_missing", "Unrecognized request URL.")

    def _known(
        self, request: Request, parts: list[str], form: dict[str, str], books: Books, moment: Moment
    ) -> Answer | None:
        match (request.method, *parts):
            case ("POST", "v1", "transfers"):
                return _transfer(request, form, books, moment)
            case ("GET", "v1", "transfers"):
                return _listed(request, books)
            case ("GET", "v1", "transfers", reference):
                found = books.by_reference(reference)
                return Answer(200, _shown(found)) if found else None
            case ("POST", "v1", "transfers", reference, "reversals"):
                return None if books.by_reference(reference) is None else _reversed(reference, books, moment)
            case ("GET", "v1", "payouts"):
                of = request.headers.get("stripe-account", "")
                return balance.listed(request, accounts.bank_payouts(books, of, moment.now))
            case ("GET", "v1", "balance"):
                return balance.held(books)
            case ("GET", "v1", "balance_transactions"):
                return balance.activity(request, books)
            case _:
                return accounts.call(request, parts, form, books, moment.now)

    def tell(self, event: Mapping[str, Any]) -> Call | None:
        """Of the instructions: transfers made and reversed; other news are written down as they are told."""
        if "type" in event:
            body = _event(event["id"], event["at"], event["type"], event["object"], event.get("account", ""))
        else:
            kind = "transfer.reversed" if event["status"] == "returned" else "transfer.created"
            body = _event(event["id"], event["at"], kind, _shown(event))
        content = json.dumps(body, separators=(",", ":")).encode()
        name = "STRIPE_CONNECT_WEBHOOK_SECRET" if "account" in body else "STRIPE_PAYOUTS_WEBHOOK_SECRET"
        signature = stamps.sign(simulated_credential(self.name, name), content)
        return Call(content, {stripe_wire.SIGNATURE: signature, "Content-Type": "application/json"})


def _allowed(request: Request) -> bool:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(simulated_credential("stripe_connect", "STRIPE_SECRET_KEY"), given)


def _transfer(request: Request, form: Mapping[str, str], books: Books, moment: Moment) -> Answer:
    key, account = request.headers.get("idempotency-key", ""), form.get("destination", "")
    try:
        amount = stripe_wire.inward(int(form["amount"]), form["currency"])
    except (KeyError, ValueError):
        return _error(400, "invalid_request_error", "parameter_missing", "Missing or wrong amount or currency.")
    if not key or not account or amount.minor <= 0:
        return _error(400, "invalid_request_error", "parameter_missing", "Missing required param: destination.")
    known = accounts.of(books, account)
    if known.get("gone"):
        return _refused("invalid_account")
    if known["capabilities"]["transfers"] != "active":
        return _refused("account_closed")
    fate = fate_of(account)
    if fate.refused or fate.ends == "failed":
        return _refused(fate.refused or fate.code)
    order: dict[str, Any] = {
        "key": key, "amount_minor": amount.minor, "currency": amount.currency, "name": account,
        # what never settles or waits at others is a transfer as well: only the bank does not see it
        "account": account if fate.ends and not fate.waits else f"{account}x",
        "reference": form.get("transfer_group", ""), "id": f"tr_{hashlib.sha256(key.encode()).hexdigest()[:24]}",
        "extra": {
            "made": int(moment.now), "destination": account, "amount": form["amount"],
            "description": form.get("description"), "metadata": accounts.nested(form, "metadata"),
        },
    }  # fmt: skip
    before = books.find(key)
    if before is not None:  # the clock of the first time is in its answer
        order["extra"] = {**order["extra"], "made": before["extra"]["made"]}
    try:
        books.take([order], moment.now, moment.delay_s)
    except KeyReused:
        return _error(
            400, "idempotency_error", "", "Keys for idempotent requests can only be used with the same parameters."
        )
    if before is None:
        books.hasten([key], moment.now)
        books.settle(moment.now, moment.delay_s)
        once = account.endswith("0005") and not accounts.bank_payouts(books, account, moment.now)
        if once or (fate.ends and not fate.silent and not fate.returned):
            _to_bank(books, account, amount, key, moment)
    found = books.find(key)
    headers = {} if before is None else {"Idempotent-Replayed": "true"}
    return Answer(200, _shown(found), headers) if found else _error(500, "api_error", "", "Lost.")


def _to_bank(books: Books, account: str, amount: Money, key: str, moment: Moment) -> None:
    """What Stripe pays out of the account's balance by itself: on its way at once, there a while later."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    payout: dict[str, Any] = {
        "id": f"po_{digest[:24]}", "object": "payout", "amount": stripe_wire.outward(amount),
        "currency": amount.currency.lower(), "status": "in_transit", "created": int(moment.now),
        "arrival_date": int(moment.now + moment.delay_s), "automatic": True, "method": "standard", "livemode": False,
        "failure_code": None, "failure_message": None, "metadata": {}, "type": "bank_account",
        "trace_id": {"status": "pending", "value": None},
    }  # fmt: skip
    fails = accounts.of(books, account).get("bank") == "closed"
    ended = {
        **payout, "status": "failed" if fails else "paid", "failure_code": "account_closed" if fails else None,
        "trace_id": {"status": "supported", "value": None if fails else digest[24:39].upper()},
    }  # fmt: skip
    kept = {"account": account, "payout": payout, "ended": ended, "ends_at": moment.now + moment.delay_s}
    books.keep("bank payout", payout["id"], kept)
    for at, said in ((moment.now, payout), (moment.now + moment.delay_s, ended)):
        kind = f"payout.{said['status'] if said['status'] != 'in_transit' else 'created'}"
        books.tell({"type": kind, "object": said, "account": account}, moment.now, at)


def _reversed(reference: str, books: Books, moment: Moment) -> Answer:
    found = books.take_back(reference, moment.now)
    if found is None:
        return _error(400, "invalid_request_error", "parameter_invalid", "This transfer is already fully reversed.")
    return Answer(
        200,
        {"id": f"trr_{reference[3:]}", "object": "transfer_reversal", "transfer": reference,
         "amount": int(found["extra"]["amount"]), "currency": found["currency"].lower(), "metadata": {}},
    )  # fmt: skip


def _listed(request: Request, books: Books) -> Answer:
    found = books.by_statement(request.query.get("transfer_group", ""))
    return balance.listed(request, [_shown(one) for one in reversed(found)])


def _shown(found: Mapping[str, Any]) -> dict[str, Any]:
    extra, back = found["extra"], found["status"] == "returned"
    amount = int(extra["amount"])
    return {
        "id": found["reference"], "object": "transfer", "amount": amount, "amount_reversed": amount if back else 0,
        "currency": found["currency"].lower(), "destination": extra["destination"], "reversed": back,
        "transfer_group": found["statement"], "metadata": extra["metadata"], "description": extra["description"],
        "created": extra["made"], "livemode": False, "source_type": "card",
    }  # fmt: skip


def _event(event_id: str, at: float, kind: str, about: Mapping[str, Any], account: str = "") -> dict[str, Any]:
    body = {
        "id": event_id, "object": "event", "api_version": stripe_wire.VERSION, "created": int(at), "type": kind,
        "livemode": False, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
        "data": {"object": about},
    }  # fmt: skip
    return {**body, "account": account} if account else body


def _refused(code: str) -> Answer:
    status, said = _REFUSED[code]
    return _error(status, "invalid_request_error", said, f"The transfer was refused: {said}.")


def _error(status: int, kind: str, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"type": kind, "message": message, **({"code": code} if code else {})}})
