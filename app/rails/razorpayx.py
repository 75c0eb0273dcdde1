"""RazorpayX: rupees to Indian bank accounts and UPI addresses.

A payout goes to a fund account of a contact; both are made when they are first paid, and making them again gives the
same ones. Payouts are known by our key: as `X-Payout-Idempotency`, and as `reference_id` for looking them up.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from app.core.clock import utc_now
from app.core.macs import fits
from app.core.money import Money
from app.core.settings import settings
from app.rails import indian_transfers, razorpayx_reasons
from app.rails.access import Mode, credential, reach
from app.rails.bank_account import IFSC
from app.rails.base import (
    BadSignature,
    Blame,
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
from app.rails.fields import compact, read, refuse
from app.rails.http import Client, Reply
from app.rails.pacing import Pace
from app.rails.razorpayx_wire import (
    KEY,
    Refused,
    balance,
    contact_name,
    event,
    id_of,
    movement,
    narration,
    reason_of,
    refused,
    result,
    unless_unknown,
)

log = logging.getLogger(__name__)

SIGNATURE_HEADER = "X-Razorpay-Signature"
KEY_HEADER = "X-Payout-Idempotency"
GAP_S = 0.2  # between two calls of one process; RazorpayX asks for at most five to ten a second
BANK, UPI = "bank_account", "vpa"
ADDRESS = re.compile(r"[a-zA-Z0-9.\-]{2,64}@[a-zA-Z][a-zA-Z0-9.\-]{1,30}")
_ATTEMPTS_ASKED = 5
PAGE = 100  # entries of the statement at once


@dataclass(frozen=True, slots=True)
class _Wire:
    """How we stand with RazorpayX now: the client and the account the money leaves from."""

    client: Client
    account: str
    paced: bool


class RazorpayX(Defaults):
    """One call for each payout, after those for its contact and fund account."""

    name = "razorpayx"
    label = "RazorpayX"
    currencies = frozenset({"INR"})
    countries = frozenset({"IN"})
    limits: Mapping[str, Limits] = {"INR": Limits(least=100)}
    fields: tuple[Field, ...] = (
        Field(
            "kind", "Paid to", rf"{BANK}|{UPI}", "An account in India, or what you show others to be paid by UPI.",
            choices=((BANK, "Bank account"), (UPI, "UPI address")),
        ),
        Field(
            "account_holder", "Account holder", r".{3,120}", "The name as the bank knows it.", required=False,
            autocomplete="billing name", only=BANK,
        ),
        Field(
            "account_number", "Account number", r"[A-Za-z0-9][A-Za-z0-9 .\-]{4,45}", "Bank account: 5 to 35 digits.",
            secret=True, required=False, only=BANK,
        ),
        Field(
            "ifsc", "IFSC", r"[A-Za-z0-9 \-]{11,15}", "Bank account: HDFC0000060, for example.", required=False,
            only=BANK,
        ),
        Field("vpa", "UPI address", r"[^\s]+", "UPI: name@bank, for example.", secret=True, required=False, only=UPI),
    )  # fmt: skip
    needs: tuple[Need, ...] = (
        Need("RAZORPAYX_KEY_ID", live=r"rzp_live_\w+", sandbox=r"rzp_test_\w+"),
        Need("RAZORPAYX_KEY_SECRET"),
        Need("RAZORPAYX_ACCOUNT_NUMBER", live=r"\w{5,35}", sandbox=r"\w{5,35}"),
        Need("RAZORPAYX_WEBHOOK_SECRET"),
    )
    hosts: Mapping[str, str] = {"sandbox": "https://api.razorpay.com", "live": "https://api.razorpay.com"}
    settles_in = "a few minutes, or a working day above ₹5 lakh"
    settles_days = 1
    chunk = 10

    def __init__(self) -> None:
        self._pace = Pace(GAP_S)
        self._client: tuple[tuple[str, str], Client] | None = None

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """A bank account with holder and IFSC, or a UPI address. Raises Invalid naming each bad field."""
        values, wrong = read(self.fields, destination)
        kind = values.get("kind")
        if kind == BANK:
            _account(values, wrong)
        elif kind == UPI:
            _address(values, wrong)
        refuse(wrong)
        return values

    def last4(self, destination: Mapping[str, str]) -> str:
        """Of the account number, or of what stands before the @ of a UPI address."""
        return (destination.get("account_number") or destination.get("vpa", "").partition("@")[0])[-4:]

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        """One result per order. Raises RailUnavailable at the first one without an answer: all are looked up then."""
        return [self._pay(order) for order in orders]

    def find(self, key: str, reference: str = "") -> Result | None:
        """By what RazorpayX calls it, else by our key; None: it knows neither. Raises RailUnavailable."""
        if reference.startswith("pout_"):
            reply = self._call("GET", f"/v1/payouts/{quote(reference, safe='')}")
            if reply.ok:
                return result(key, reply.json)
            unless_unknown(reply)
        found = self._referenced(key)
        return None if found is None else result(key, found)

    def parse_event(self, delivery: Delivery) -> list[RailEvent]:
        """Events carry no time that is signed for replays, so they only wake us. Raises BadSignature."""
        # Deliveries begun before the secret was changed go on being signed with the old one.
        names = ("RAZORPAYX_WEBHOOK_SECRET", "RAZORPAYX_WEBHOOK_SECRET_OLD")
        if not fits([credential(self, name) for name in names], delivery.body, delivery.header(SIGNATURE_HEADER)):
            raise BadSignature("the signature does not fit the body")
        return [event(delivery)]

    def balances(self) -> list[Money]:
        """What the newest entry of the account's statement leaves. Raises RailUnavailable."""
        newest = self._entries({"count": "1"})
        return [balance(newest[0])] if newest else []

    def activity(self, since: datetime) -> list[Movement]:
        """The statement since then; only payouts made here name a key. Raises RailUnavailable."""
        found: list[Any] = []
        while len(found) % PAGE == 0:
            page = self._entries({"from": str(int(since.timestamp())), "count": str(PAGE), "skip": str(len(found))})
            found += page
            if not page:
                break
        return [movement(entry) for entry in reversed(found)]

    # --- sending

    def _pay(self, order: SendOrder) -> Result:
        try:
            vpa = order.destination.get("kind") == UPI
            if vpa and indian_transfers.to_upi(order.amount.minor) is None:
                raise Refused(_too_much_for_upi(order.key))
            fund_account = self._fund_account(order)
            if vpa:
                mode = indian_transfers.Mode.UPI
            else:
                avoid = self._did_not_work(order.key, fund_account)
                mode = indian_transfers.to_account(
                    order.amount.minor, utc_now(), avoid=avoid, more_holidays=more_holidays()
                )
            body = {
                "account_number": self._wire().account, "fund_account_id": fund_account, "amount": order.amount.minor,
                "currency": order.amount.currency, "mode": mode.value, "purpose": "payout",
                "queue_if_low_balance": True, "reference_id": order.key, "narration": narration(order.reference),
                "notes": {"key": order.key},
            }  # fmt: skip
            reply = self._call("POST", "/v1/payouts", body, {KEY_HEADER: order.key})
            if not reply.ok:
                raise refused(order.key, reply)
        except Refused as refusal:
            return refusal.result
        return result(order.key, reply.json)

    def _fund_account(self, order: SendOrder) -> str:
        """Its id; for the same details it is the same one, made now or before. Raises Refused, RailUnavailable."""
        details = {k: v for k, v in order.destination.items() if k != "account_holder"}
        own = hashlib.sha256(json.dumps(details, sort_keys=True).encode()).hexdigest()[:32]
        contact = {"name": contact_name(order.payee_name), "type": "vendor", "reference_id": own}
        reply = self._call("POST", "/v1/contacts", contact)
        if not reply.ok:
            raise refused(order.key, reply)
        body: dict[str, Any] = {"contact_id": id_of(reply, "cont_")}
        if order.destination["kind"] == UPI:
            body |= {"account_type": UPI, UPI: {"address": order.destination["vpa"]}}
        else:
            holder = order.destination["account_holder"]
            number, ifsc = order.destination["account_number"], order.destination["ifsc"]
            body |= {"account_type": BANK, BANK: {"name": holder, "ifsc": ifsc, "account_number": number}}
        reply = self._call("POST", "/v1/fund_accounts", body)
        if not reply.ok:
            raise refused(order.key, reply, details=True)
        return id_of(reply, "fa_")

    def _did_not_work(self, key: str, fund_account: str) -> set[indian_transfers.Mode]:
        """Modes earlier attempts of this payout to this account failed by, as RazorpayX tells it."""
        read_key = KEY.fullmatch(key)
        if read_key is None:
            return set()
        stem, number = read_key[1], int(read_key[2])
        found = set()
        for earlier in range(max(1, number - _ATTEMPTS_ASKED), number):
            item = self._referenced(f"{stem}{earlier}")
            if item is not None and item.get("fund_account_id") == fund_account:
                found.add(razorpayx_reasons.NOT_BY.get(reason_of(item)))
        return {mode for mode in found if mode is not None}

    # --- asking

    def _referenced(self, key: str) -> dict[str, Any] | None:
        """The payout with this key, the first one if a person made another by hand. Raises RailUnavailable."""
        params = {"account_number": self._wire().account, "reference_id": key, "count": "10"}
        reply = self._call("GET", "/v1/payouts", params=params)
        if not reply.ok:
            unless_unknown(reply)
            raise RailUnavailable("RazorpayX refused the look-up.", f"http_{reply.status}")
        try:
            items = [item for item in reply.json["items"] if item["reference_id"] == key]
            return min(items, key=lambda item: int(item["created_at"]), default=None)
        except (KeyError, TypeError, ValueError) as error:
            raise RailUnavailable("RazorpayX answered something unreadable.", "unreadable") from error

    def _entries(self, which: Mapping[str, str]) -> list[Any]:
        """Entries of the account's statement, the newest first."""
        reply = self._call("GET", "/v1/transactions", params={"account_number": self._wire().account, **which})
        found = reply.json.get("items") if reply.ok and isinstance(reply.json, dict) else None
        if not isinstance(found, list):
            raise RailUnavailable("RazorpayX told nothing of the account.", f"http_{reply.status}")
        return found

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        wire = self._wire()
        if wire.paced:
            self._pace.wait()
        if method == "GET":
            return wire.client.get(path, params=params)
        return wire.client.post(path, body, headers=headers)

    def _wire(self) -> _Wire:
        """Raises RailUnavailable where RazorpayX is not set up."""
        standing = reach(self)
        user = f"{credential(self, 'RAZORPAYX_KEY_ID')}:{credential(self, 'RAZORPAYX_KEY_SECRET')}"
        if self._client is None or self._client[0] != (standing.url, user):
            headers = {"Authorization": f"Basic {b64encode(user.encode()).decode()}"}
            self._client = (
                (standing.url, user),
                Client("RazorpayX", standing.url, headers=headers, proxies=standing.outside),
            )
        paced = standing.mode is not Mode.SIMULATED
        return _Wire(self._client[1], credential(self, "RAZORPAYX_ACCOUNT_NUMBER"), paced)


def _account(values: dict[str, str], wrong: dict[str, str]) -> None:
    if "vpa" in values:
        wrong["vpa"] = "Leave this empty, or choose “UPI address” above."
    if "account_holder" not in values:
        wrong.setdefault("account_holder", "Give the name as the bank knows it.")
    values["account_number"] = compact(values.get("account_number", ""))
    if not 5 <= len(values["account_number"]) <= 35:
        wrong.setdefault("account_number", "Give the account number, 5 to 35 digits or letters.")
    values["ifsc"] = compact(values.get("ifsc", ""))
    if not IFSC.fullmatch(values["ifsc"]):
        wrong["ifsc"] = "Give the IFSC: four letters, a zero, six characters, as in HDFC0000060."


def _address(values: dict[str, str], wrong: dict[str, str]) -> None:
    for name in ("account_number", "ifsc"):
        if name in values:
            wrong[name] = "Leave this empty, or choose “Bank account” above."
    values["vpa"] = values.get("vpa", "").lower()
    if not ADDRESS.fullmatch(values["vpa"]):
        wrong["vpa"] = "Give the UPI address: a name, an @ and your bank’s sign, as in asha@okhdfcbank."


def more_holidays() -> frozenset[date]:
    """Those of RAZORPAYX_HOLIDAYS, days as 2027-03-22 with commas between them; what is no day is left out."""
    found = set()
    for text in settings().providers.get("RAZORPAYX_HOLIDAYS", "").split(","):
        try:
            found.add(date.fromisoformat(text.strip()))
        except ValueError:
            if text.strip():
                log.warning("RAZORPAYX_HOLIDAYS has something that is no day")
    return frozenset(found)


def _too_much_for_upi(key: str) -> Result:
    return Result(
        key, Outcome.FAILED, "", "upi_limit", "A UPI address takes at most ₹1,00,000 at once.",
        "Add a bank account: it takes any amount.", Blame.PAYEE,
    )  # fmt: skip
