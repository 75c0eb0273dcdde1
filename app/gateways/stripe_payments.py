"""Stripe PaymentIntents, captured at once: docs.stripe.com/api, version pinned in `app.core.stripe_wire`.

One call is one request: nothing is tried again here, as only the job knows what may be. An answer that does not come
is `Unanswered`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from app.core import stamps, stripe_wire
from app.core.clock import utc_now
from app.core.guards import no_transaction
from app.core.money import Money
from app.core.stripe_wire import SIGNATURE, URL
from app.gateways.cards import (
    BadSignature,
    CardFacts,
    CardReference,
    Dispute,
    DisputeStatus,
    Intent,
    IntentStatus,
    News,
    NewsKind,
    Refund,
    RefundStatus,
    Refused,
    Unanswered,
)

LOOK_BACK = timedelta(days=3)  # a key is kept for a day; a payment nobody has the reference of is younger
MOST_PAGES = 50
_ALONE = {"off_session": "true"}  # nobody is there to answer the bank
DECLINED = "The card was declined."
ASKS = "The card’s bank wants to ask you about this payment. Give the card once more, and answer there."
_WITH_FEE = {"expand[]": "balance_transaction"}
_NOT_DECIDED = frozenset({401, 403, 408, 409, 429})  # nothing final was said of the payment itself
_REFUNDS = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}
_NEWS = {
    "payment_intent.": NewsKind.INTENT,
    "refund.": NewsKind.REFUND,
    "charge.dispute.": NewsKind.DISPUTE,
}

logging.getLogger("httpx").setLevel(logging.WARNING)  # its request lines carry references


class StripePayments:
    name = "stripe"

    def __init__(self, secret_key: str, webhook_secret: str, url: str = URL) -> None:
        self._headers = stripe_wire.headers(secret_key)
        self._webhook_secret, self._url = webhook_secret, url
        self._live = stripe_wire.live(secret_key)
        self._pool: tuple[int, httpx.Client] | None = None  # of the process that opened it

    def create_intent(self, key: str, amount: Money, metadata: Mapping[str, str], keep_for: str = "") -> Intent:
        form, once = _payment(amount, metadata), f"charge-{key}"
        if keep_for:
            form, once = {**form, **_keeping(keep_for, True)}, f"charge-{key}-kept"
        return _intent(self._post("/v1/payment_intents", form, once))

    def create_customer(self, key: str, name: str) -> str:
        form = {"name": name, "metadata[organization_id]": key}
        return str(self._post("/v1/customers", form, f"customer-{key}")["id"])

    def keep(self, reference: str, customer: str, wanted: bool) -> Intent:
        return _intent(self._post(f"/v1/payment_intents/{reference}", _keeping(customer, wanted), str(uuid4())))

    def charge_kept(
        self, key: str, attempt: int, amount: Money, metadata: Mapping[str, str], card: CardReference,
        known: Intent | None,
    ) -> Intent:  # fmt: skip
        if known is not None and known.status is not IntentStatus.WAITING:
            return known
        if known is not None and known.attempt == str(attempt) and known.message:
            return replace(known, status=IntentStatus.FAILED)
        who, now = {"customer": card.customer, "metadata[attempt]": str(attempt)}, {"payment_method": card.reference}
        try:
            if known is None:
                form = {**_payment(amount, metadata), **who, **now, **_ALONE, "confirm": "true"}
                form["automatic_payment_methods[allow_redirects]"] = "never"
                return _decided(self._post("/v1/payment_intents", form, f"charge-{key}-{attempt}"))
            path = f"/v1/payment_intents/{known.reference}"
            self._post(path, who, f"attempt-{key}-{attempt}")
            return _decided(self._post(f"{path}/confirm", {**now, **_ALONE}, f"confirm-{key}-{attempt}"))
        except _Declined as declined:
            return _decided(declined.found)
        except Refused as refusal:
            if known is not None and refusal.code == "payment_intent_unexpected_state":
                return self.find("", known.reference) or known  # paid, or begun, in the browser meanwhile
            raise

    def facts(self, reference: str) -> CardFacts | None:
        paid = self._known(f"/v1/payment_intents/{reference}", {"expand[]": "payment_method"})
        method = paid.get("payment_method")
        card = method.get("card") if isinstance(method, dict) else None
        if not isinstance(method, dict) or not isinstance(card, dict) or not method.get("customer"):
            return None
        return CardFacts(
            _id(method["customer"]), str(method["id"]), str(card["brand"]), str(card["last4"]), int(card["exp_month"]),
            int(card["exp_year"]),
        )  # fmt: skip

    def forget(self, card: CardReference) -> None:
        self._post(f"/v1/payment_methods/{card.reference}/detach", {}, f"detach-{card.reference}")

    def find(self, key: str, reference: str | None) -> Intent | None:
        if reference:
            found = self._get(f"/v1/payment_intents/{reference}", {})
            return None if found is None else _intent(found)
        since = str(int((utc_now() - LOOK_BACK).timestamp()))
        for one in self._all("/v1/payment_intents", {"created[gte]": since}):
            if (one.get("metadata") or {}).get("charge_id") == key:
                return _intent(one)
        return None

    def cancel(self, reference: str) -> Intent:
        form = {"cancellation_reason": "abandoned"}
        try:
            return _intent(self._post(f"/v1/payment_intents/{reference}/cancel", form, f"cancel-{reference}"))
        except Refused:
            if (found := self.find("", reference)) is not None:
                return found  # paid, or cancelled, in between
            raise

    def fee(self, reference: str, amount: Money) -> Money | None:
        found = self._known(f"/v1/payment_intents/{reference}", {"expand[]": "latest_charge.balance_transaction"})
        charge = found.get("latest_charge")
        kept = charge.get("balance_transaction") if isinstance(charge, dict) else None
        return _inward(kept, "fee") if isinstance(kept, dict) else None

    def refund(self, key: str, reference: str, amount: Money) -> Refund:
        form = {
            "payment_intent": reference,
            "amount": str(_outward(amount)),
            "reason": "requested_by_customer",
            "metadata[return_key]": key,
            "expand[]": "balance_transaction",
        }
        return self._refund(self._post("/v1/refunds", form, f"refund-{key}"))

    def find_refund(self, key: str, intent_reference: str, reference: str | None) -> Refund | None:
        if reference:
            found = self._get(f"/v1/refunds/{reference}", _WITH_FEE)
            return None if found is None else self._refund(found)
        for one in self._all("/v1/refunds", {"payment_intent": intent_reference}):
            if (one.get("metadata") or {}).get("return_key") == key:
                return self._refund(one)
        return None

    def refund_of(self, reference: str) -> Refund:
        return self._refund(self._known(f"/v1/refunds/{reference}", _WITH_FEE))

    def dispute(self, reference: str) -> Dispute:
        found = self._known(f"/v1/disputes/{reference}")
        status = str(found.get("status"))
        if status.startswith("warning_"):
            stands = DisputeStatus.INQUIRY
        elif status in ("won", "prevented"):
            stands = DisputeStatus.WON
        else:
            stands = DisputeStatus.LOST if status == "lost" else DisputeStatus.OPEN
        why = str(found.get("reason") or "").replace("_", " ")
        told = f"The client’s bank questioned the charge ({why})" if why else ""
        return Dispute(str(found["id"]), stands, _inward(found), self._intent_of(found), told)

    def parse_event(self, headers: Mapping[str, str], body: bytes) -> list[News]:
        _verify(self._webhook_secret, headers.get(SIGNATURE, ""), body)
        try:
            event = json.loads(body)
            event_id, told = str(event["id"]), str(event["type"])
            kind = next((kind for start, kind in _NEWS.items() if told.startswith(start)), None)
            account, live = bool(event.get("account")), bool(event.get("livemode"))
            reference = str(event["data"]["object"]["id"]) if kind else ""
        except (KeyError, TypeError, ValueError, AttributeError):
            return [News(f"sha256:{hashlib.sha256(body).hexdigest()}", None, ignored="it could not be read")]
        if live is not self._live:
            return [News(event_id, None, ignored="of another mode")]
        if account:
            return [News(event_id, None, ignored="of a connected account")]
        if kind is None:
            return [News(event_id, None, ignored=f"nothing follows from {told[:100]}")]
        return [News(event_id, kind, reference)]

    def _refund(self, found: dict[str, Any]) -> Refund:
        return Refund(
            str(found["id"]),
            _REFUNDS.get(str(found.get("status")), RefundStatus.PENDING),
            _inward(found),
            self._intent_of(found),
            str((found.get("metadata") or {}).get("return_key") or ""),
            f"The provider could not refund it ({found.get('failure_reason') or found.get('status')}).",
            _fee_back(found.get("balance_transaction")),
        )

    def _intent_of(self, found: dict[str, Any]) -> str:
        """The payment a refund or dispute is about; where only the charge is named, the charge is asked."""
        if found.get("payment_intent"):
            return _id(found["payment_intent"])
        charge = self._get(f"/v1/charges/{_id(found['charge'])}", {}) if found.get("charge") else None
        return _id(charge["payment_intent"]) if charge and charge.get("payment_intent") else ""

    def _known(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        found = self._get(path, params or {})
        if found is None:
            raise Refused("The payment provider does not know this.", "resource_missing")
        return found

    def _all(self, path: str, params: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Every row of a list, newest first. Raises Unanswered rather than say there is no such row unread."""
        after: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            page = self._get(path, {**params, "limit": "100", **after}) or {}
            rows = page.get("data") or []
            yield from rows
            if not page.get("has_more") or not rows:
                return
            after = {"starting_after": str(rows[-1]["id"])}
        raise Unanswered("The payment provider has too many payments to look through.", "too_many")

    def _get(self, path: str, params: dict[str, str]) -> dict[str, Any] | None:
        """None for 404."""
        return self._call("GET", path, params=params, none_for_404=True)

    def _post(self, path: str, form: dict[str, str], key: str) -> dict[str, Any]:
        answer = self._call("POST", path, form=form, headers={"Idempotency-Key": key})
        if answer is None:
            raise Unanswered("The payment provider answered nothing.", "empty")
        return answer

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        none_for_404: bool = False,
    ) -> dict[str, Any] | None:
        no_transaction(f"stripe: {method} {path.split('/')[2]}")
        try:
            response = self._client().request(method, path, params=params, data=form, headers=headers)
            found = json.loads(response.content)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise Unanswered("The payment provider did not answer.", type(error).__name__) from error
        status = response.status_code
        if status == 200 and isinstance(found, dict):
            return found
        if status == 404 and none_for_404:
            return None
        told = (found.get("error") if isinstance(found, dict) else None) or {}
        code = str(told.get("code") or told.get("type") or f"http_{status}")
        if status >= 500 or status < 400 or status in _NOT_DECIDED or told.get("type") == "idempotency_error":
            raise Unanswered(f"The payment provider did not answer properly ({code}).", code)
        if told.get("type") == "card_error" and isinstance(told.get("payment_intent"), dict):
            raise _Declined(str(told.get("message") or DECLINED), code, told["payment_intent"])
        if told.get("type") == "card_error":  # the only texts of Stripe's that are written for who pays
            raise Refused(str(told.get("message") or DECLINED), code)
        raise Refused(f"The payment provider refused this ({code}).", code)

    def _client(self) -> httpx.Client:
        if self._pool is None or self._pool[0] != os.getpid():
            client = httpx.Client(
                base_url=self._url,
                headers=self._headers,
                timeout=httpx.Timeout(30.0, connect=5.0),
                follow_redirects=False,  # a redirect could carry the key to another host
                trust_env=self._url == URL,
            )
            self._pool = (os.getpid(), client)
        return self._pool[1]


class _Declined(Refused):
    """A card was declined; `found` is the payment as it stands then."""

    def __init__(self, message: str, code: str, found: dict[str, Any]) -> None:
        super().__init__(message, code)
        error = {"code": code, "message": message, **(found.get("last_payment_error") or {})}
        self.found = {**found, "last_payment_error": error}


def _payment(amount: Money, metadata: Mapping[str, str]) -> dict[str, str]:
    return {
        "amount": str(_outward(amount)),
        "currency": amount.currency.lower(),
        "automatic_payment_methods[enabled]": "true",
        "capture_method": "automatic",
        **{f"metadata[{name}]": value for name, value in metadata.items()},
    }


def _keeping(customer: str, wanted: bool) -> dict[str, str]:
    return {"customer": customer, "setup_future_usage": "off_session" if wanted else ""}


def _decided(found: dict[str, Any]) -> Intent:
    """Of a card that was charged while nobody was there: what waits for somebody has failed."""
    made, error = _intent(found), found.get("last_payment_error") or {}
    if made.status is not IntentStatus.WAITING or found.get("status") == "processing":
        return made
    asks = "authentication_required" in (error.get("code"), error.get("decline_code"))
    asks = asks or found.get("status") == "requires_action"
    return replace(made, status=IntentStatus.FAILED, message=ASKS if asks else made.message or DECLINED)


def _intent(found: dict[str, Any]) -> Intent:
    status = {"succeeded": IntentStatus.SUCCEEDED, "canceled": IntentStatus.CANCELLED}
    error = found.get("last_payment_error") or {}
    return Intent(
        str(found["id"]),
        status.get(str(found.get("status")), IntentStatus.WAITING),
        _inward(found),
        str(found.get("client_secret") or ""),
        str(error.get("message") or ""),
        found.get("setup_future_usage") == "off_session",
        str((found.get("metadata") or {}).get("attempt") or ""),
    )


def _outward(amount: Money) -> int:
    """Stripe's minor units. Raises Refused for an amount it cannot take."""
    try:
        return stripe_wire.outward(amount)
    except ValueError as reason:
        raise Refused(str(reason)) from None


def _inward(found: Mapping[str, Any], name: str = "amount") -> Money:
    try:
        return stripe_wire.inward(int(found.get(name) or 0), str(found.get("currency")))
    except ValueError as reason:
        raise Refused(str(reason), "currency") from None


def _fee_back(booked: Any) -> Money | None:
    """Of the balance transaction of a refund: a fee below zero is one that is given back."""
    fee = _inward(booked, "fee") if isinstance(booked, dict) and int(booked.get("fee") or 0) < 0 else None
    return None if fee is None else -fee


def _id(value: Any) -> str:
    """Of an id, or of the whole object where it was expanded."""
    return str(value["id"] if isinstance(value, dict) else value)


def _verify(secret: str, header: str, body: bytes) -> None:
    """Raises BadSignature: no v1 that fits, or a moment more than five minutes away on either side."""
    try:
        stamps.check(secret, body, header)
    except stamps.BadStamp as reason:
        raise BadSignature(str(reason)) from None
