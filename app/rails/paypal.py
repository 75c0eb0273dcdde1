"""PayPal Payouts: up to 15,000 items a call, deduped by the whole call for 30 days, settled item by item.

`SendOrder.call` is PayPal's sender_batch_id and `SendOrder.key` its sender_item_id. Sending the same call again is how
a call without an answer is asked about: PayPal names the batch it has made of it, and that batch is adopted.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.core.guards import no_transaction
from app.core.money import Money
from app.rails import paypal_reports
from app.rails.base import (
    BadSignature,
    Defaults,
    Delivery,
    Field,
    Limits,
    Movement,
    Need,
    Outcome,
    RailEvent,
    RailUnavailable,
    Result,
    SendOrder,
)
from app.rails.fields import read as read_fields
from app.rails.fields import refuse
from app.rails.paypal_client import PayPalClient, Refused
from app.rails.paypal_items import batch_id_of, batch_reference, failure
from app.rails.paypal_reasons import BY_CONTENT, TRY_AGAIN, reason
from app.rails.paypal_signatures import Signatures

log = logging.getLogger(__name__)
CHUNK = 15_000
WHOLE_ONLY = frozenset({"HUF", "JPY", "TWD"})  # PayPal takes no decimals of these
EMAIL = r"[^@\s]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
_LONGEST_NOTE = 1_000
# Countries where a PayPal account can receive and withdraw money, as PayPal lists them for payouts.
COUNTRIES = frozenset(
    """AD AE AR AT AU BE BG BH BM BR BS BW CA CH CL CN CO CR CY CZ DE DK DO EC EE ES FI FO FR GB GE GI GL GR GT HK HN HR
    HU ID IE IL IN IS IT JM JO JP KE KW KY KZ LI LS LT LU LV MA MC MD MT MU MX MY MZ NI NL NO NZ OM PA PE PH PL PT QA
    RE RO RS SA SE SG SI SK SM SN SV TR US UY VE VN ZA""".split()
)
CURRENCIES = frozenset(
    "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD".split()
)
_DUPLICATE = re.compile(r"/v1/payments/payouts/([A-Za-z0-9\-]{1,40})/?(?:\?.*)?$")


class PayPalRail(Defaults):
    """Venmo is the same with another `wallet`. `signatures` checks webhooks; by default as PayPal signs them."""

    name = "paypal"
    label = "PayPal"
    wallet = "PAYPAL"
    currencies = CURRENCIES
    limits: Mapping[str, Limits] = {code: Limits(least=100, step=100) for code in ("HUF", "TWD")}
    fields: tuple[Field, ...] = (
        Field(
            "email",
            "E-mail address of your PayPal account",
            EMAIL,
            "The one you sign in to PayPal with. If you have no account yet, PayPal writes to you there to open one.",
            secret=True,
            autocomplete="email",
        ),
    )
    needs: tuple[Need, ...] = (Need("PAYPAL_CLIENT_ID"), Need("PAYPAL_CLIENT_SECRET"), Need("PAYPAL_WEBHOOK_ID"))
    hosts: Mapping[str, str] = {"sandbox": "https://api-m.sandbox.paypal.com", "live": "https://api-m.paypal.com"}
    provider = "paypal"
    hook = "paypal-payouts"
    balance = "PayPal balance"
    keys_kept: timedelta | None = timedelta(days=25)  # PayPal knows a call again for 30 days
    settles_in = "a few minutes"
    settles_days = 1
    tells_late = paypal_reports.LATE
    chunk = CHUNK

    def __init__(self, signatures: Signatures | None = None) -> None:
        self._http = PayPalClient(self)
        self._signatures = signatures or Signatures(self)

    @property
    def countries(self) -> frozenset[str]:
        return COUNTRIES

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """Raises app.core.errors.Invalid naming each bad field."""
        values, wrong = read_fields(self.fields, destination)
        if "email" in values:
            values["email"] = values["email"].lower()
            if len(values["email"]) > 127 or not values["email"].isascii():
                wrong["email"] = "PayPal takes addresses of up to 127 plain letters, digits and signs."
        refuse(wrong)
        return values

    def last4(self, destination: Mapping[str, str]) -> str:
        """The end of what stands before the @; never the whole address."""
        return destination.get("email", "").partition("@")[0][-4:]

    def receiver(self, destination: Mapping[str, str]) -> tuple[str, str]:
        """PayPal's recipient_type and receiver."""
        return "EMAIL", destination["email"]

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        """One call: all are accepted, or refused one by one for the same reason. Raises RailUnavailable (unknown)."""
        body, call = self._body(orders), orders[0].call or orders[0].key
        try:
            made = self._http.post("/v1/payments/payouts", body, request_id=call)
        except Refused as refused:
            return self._refused(refused, orders)
        try:
            reference = batch_reference(str(made["batch_header"]["payout_batch_id"]))
        except (KeyError, TypeError) as error:
            raise RailUnavailable("PayPal's answer names no batch.", "incomplete") from error
        return [Result(order.key, Outcome.ACCEPTED, reference) for order in orders]

    def find(self, key: str, reference: str = "") -> Result | None:
        """By PayPal's name for the item or its batch; without one, sending the same call again is the look-up.

        Raises RailUnavailable.
        """
        if not reference:
            no_transaction("PayPal: a look-up")  # as any other
            return None
        batch_id = batch_id_of(reference)
        if batch_id:
            return self._http.batch(batch_id).result(key, _name(self.wallet))
        found = self._http.item(reference)
        if found.key != key:
            raise RailUnavailable("PayPal answered about another payout.", "other_item")
        return found

    def cancel(self, key: str, reference: str) -> Result:
        """Call back an item nobody has claimed; one claimed meanwhile stays as it is. Raises RailUnavailable."""
        batch_id = batch_id_of(reference)
        item_id = self._http.batch(batch_id, fresh=True).names.get(key, "") if batch_id else reference
        if not item_id:
            raise RailUnavailable("PayPal does not show the item yet.", "no_item")
        try:
            found = self._http.cancel(item_id)
        except Refused as refused:
            if refused.code in TRY_AGAIN or refused.status in (401, 403, 429):
                raise RailUnavailable("PayPal would not call it back now.", refused.code) from refused
            found = self._http.item(item_id)
        if found.key != key:
            raise RailUnavailable("PayPal answered about another payout.", "other_item")
        return found

    def balances(self) -> list[Money]:
        """Of the account, Venmo's part too. Raises RailUnavailable, Untold."""
        return paypal_reports.balances(self._http)

    def activity(self, since: datetime) -> list[Movement]:
        """Raises RailUnavailable, Untold."""
        return paypal_reports.activity(self._http, since)

    def parse_event(self, delivery: Delivery) -> list[RailEvent]:
        """Raises BadSignature, RailUnavailable when PayPal must be asked about it and does not answer."""
        self._signatures.check(delivery, self._http)
        return [_event(delivery.body)]

    def _body(self, orders: Sequence[SendOrder]) -> dict[str, Any]:
        """Raises ValueError for what is not one call of ours: then nothing is sent."""
        together = {(order.call, order.amount.currency) for order in orders if order.call}
        if not 1 <= len(orders) <= self.chunk or len(together) > 1:
            raise ValueError(f"{len(orders)} orders of {len(together)} calls and currencies are not one call")
        header = {
            "sender_batch_id": orders[0].call or orders[0].key,
            "email_subject": "You have been sent a payout",
        }
        return {"sender_batch_header": header, "items": [self._item(order) for order in orders]}

    def _item(self, order: SendOrder) -> dict[str, Any]:
        kind, receiver = self.receiver(order.destination)
        return {
            "recipient_type": kind,
            "receiver": receiver,
            "recipient_wallet": self.wallet,
            "amount": {"currency": order.amount.currency, "value": amount_text(order.amount)},
            "note": (order.reference or "Payout")[:_LONGEST_NOTE],
            "sender_item_id": order.key,
        }

    def _refused(self, refused: Refused, orders: Sequence[SendOrder]) -> list[Result]:
        """What a refusal of the whole call means. Raises RailUnavailable where the first call may have been taken."""
        wallet, code = _name(self.wallet), refused.code
        existing = _existing_batch(refused)
        if existing:
            batch = self._http.batch(existing, fresh=True)
            return [batch.result(order.key, wallet) for order in orders]
        log.warning(
            "PayPal refused a call",
            extra={"fields": {"code": code, "status": refused.status, "debug_id": refused.debug_id}},
        )
        later = refused.status == 429 or code in TRY_AGAIN
        earlier = any(order.again for order in orders) and code not in BY_CONTENT
        if later or earlier:
            raise RailUnavailable(f"PayPal would not take the call: {reason(code, wallet).message}", code)
        return [failure(order.key, code, wallet) for order in orders]


def amount_text(amount: Money) -> str:
    """PayPal's way to write an amount; whole units where it takes no decimals. Raises ValueError for part of one."""
    if amount.currency not in WHOLE_ONLY:
        return amount.plain()
    if amount.major != amount.major.to_integral_value():
        raise ValueError(f"PayPal takes no decimals of {amount.currency}")
    return f"{amount.major:.0f}"


def _name(wallet: str) -> str:
    return "Venmo" if wallet == "VENMO" else "PayPal"


def _existing_batch(refused: Refused) -> str:
    """The batch PayPal made of this call before; "" when that is not what it says.

    Only the id is taken from the link: where to call is ours to know.
    """
    for detail in refused.details:
        if isinstance(detail, dict) and str(detail.get("field", "")).upper() == "SENDER_BATCH_ID":
            for link in detail.get("link") or detail.get("links") or []:
                found = _DUPLICATE.search(str(link.get("href", ""))) if isinstance(link, dict) else None
                if found:
                    return found[1]
    return ""


def _event(body: bytes) -> RailEvent:
    """A delivery whose signature was checked. Raises BadSignature when it is not an event of PayPal's."""
    try:
        said = json.loads(body)
        event_id, kind, resource = str(said["id"]), str(said["event_type"]), said["resource"]
        if not kind.startswith("PAYMENT.PAYOUTS"):
            return RailEvent(event_id, about=kind[:100])
        evidence = {"event": event_id, "type": kind, "at": str(said.get("create_time", ""))}
        if not kind.startswith("PAYMENT.PAYOUTS-ITEM."):
            header = resource.get("batch_header") or {}
            evidence |= {"batch": str(header.get("payout_batch_id", "")), "is": str(header.get("batch_status", ""))}
            return RailEvent(event_id, None, evidence, "batch")
        item_id, key = str(resource["payout_item_id"]), str(resource["payout_item"].get("sender_item_id") or "")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadSignature("the body is not an event of PayPal") from error
    evidence |= {"item": item_id, "is": str(resource.get("transaction_status", ""))}
    if not key:
        return RailEvent(event_id, None, evidence, "item of another sender")
    return RailEvent(event_id, Result(key, Outcome.ACCEPTED, item_id), evidence, look_up=True)
