"""Stripe Connect: a transfer from our balance at Stripe to the payee's. docs.stripe.com/connect

A transfer is done when it is made: "paid" means in the payee's Stripe balance. That Stripe pays it out to their bank
is another fact, told by events of the connected account (`about` "bank payout"); `app.methods.connect` keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.core import stripe_wire
from app.core.money import Money
from app.core.settings import settings
from app.rails import signing, stripe_balance
from app.rails.access import Mode, credential, reach, standing
from app.rails.base import (
    BadSignature,
    Blame,
    Defaults,
    Delivery,
    Field,
    Movement,
    Need,
    Outcome,
    RailEvent,
    RailRejected,
    RailUnavailable,
    Result,
    SendOrder,
)
from app.rails.fields import read, refuse
from app.rails.stripe_api import Api, Refused

EEA = frozenset("""AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK""".split())
ACROSS = EEA | {"US", "GB", "CA", "CH"}  # platforms here pay accounts here, whatever the border
CURRENCIES = frozenset("USD GBP EUR CAD CHF DKK NOK SEK PLN CZK RON".split())
PAYOUTS_SECRET, CONNECT_SECRET = "STRIPE_PAYOUTS_WEBHOOK_SECRET", "STRIPE_CONNECT_WEBHOOK_SECRET"
_ACCOUNT_NEWS = frozenset(
    {
        "account.updated", "capability.updated", "account.application.deauthorized",
        "account.external_account.created", "account.external_account.updated", "account.external_account.deleted",
    }
)  # fmt: skip
_BANK_NEWS = frozenset(f"payout.{noun}" for noun in ("created", "updated", "paid", "failed", "canceled"))


def platform_country() -> str:
    """Where our own account at Stripe is."""
    return settings().providers.get("STRIPE_PLATFORM_COUNTRY", "US").strip().upper()


def pays_in(country: str, platform: str = "") -> bool:
    """Whether an account in `country` can be paid by a platform in `platform` (default: ours)."""
    ours = platform or platform_country()
    return country == ours or (country in ACROSS and ours in ACROSS)


class StripeConnect(Defaults):
    """Takes address and secrets from the settings unless they are given."""

    name = "stripe_connect"
    label = "Stripe"
    hook = "stripe-payouts"
    currencies = CURRENCIES
    fields: tuple[Field, ...] = (
        Field(
            "account", "Stripe account", r"acct_[A-Za-z0-9]{6,60}", "It begins with acct_; Stripe gives it.",
            secret=True,
        ),
    )  # fmt: skip
    connects = True
    needs: tuple[Need, ...] = (
        Need("STRIPE_SECRET_KEY", r"(sk|rk)_live_\w+", r"(sk|rk)_test_\w+"),
        Need(PAYOUTS_SECRET, r"whsec_\S+", r"whsec_\S+"),
        Need(CONNECT_SECRET, r"whsec_\S+", r"whsec_\S+"),
    )
    hosts: Mapping[str, str] = {"sandbox": stripe_wire.URL, "live": stripe_wire.URL}
    keys_kept: timedelta | None = timedelta(hours=20)  # Stripe keeps them for 24
    balance = "Stripe balance"
    settles_in = "a minute to your Stripe balance, then 2–7 days to your bank"
    settles_days = 0
    chunk = 1

    def __init__(self, base_url: str = "", *, key: str = "", secrets: tuple[str, ...] = ()) -> None:
        self._base_url, self._key, self._secrets = base_url, key, secrets
        self._made: tuple[tuple[str, str], Api] | None = None

    @property
    def countries(self) -> frozenset[str]:
        ours = platform_country()
        return ACROSS if ours in ACROSS else frozenset({ours})

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """Raises app.core.errors.Invalid naming each bad field."""
        values, wrong = read(self.fields, destination)
        refuse(wrong)
        return values

    def last4(self, destination: Mapping[str, str]) -> str:
        return destination.get("account", "")[-4:]

    def api(self) -> Api:
        """Raises RailUnavailable where it is not set up: nothing was sent."""
        url = self._base_url or reach(self).url
        key = self._key or credential(self, "STRIPE_SECRET_KEY")
        if self._made is None or self._made[0] != (url, key):
            self._made = ((url, key), Api(url, key))
        return self._made[1]

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        """One transfer for each order. Raises RailUnavailable (unknown): a repeat under the same keys does no more."""
        return [self._transfer(order) for order in orders]

    def _transfer(self, order: SendOrder) -> Result:
        try:
            amount = stripe_wire.outward(order.amount)
        except ValueError as reason:
            cure = "Choose another payout method."
            return Result(order.key, Outcome.FAILED, "", "amount_step", str(reason), cure, Blame.PERMANENT)
        form = {
            "amount": str(amount),
            "currency": order.amount.currency.lower(),
            "destination": order.destination["account"],
            "transfer_group": group_of(order.key),
            "description": order.reference,
            "metadata[attempt]": order.key,
        }
        try:
            made = self.api().post("/v1/transfers", form, order.key)
        except Refused as refusal:
            why = refusal.reason
            if order.again and refusal.status in (401, 403):  # said before the key is looked at: the first may be made
                raise RailUnavailable("Stripe does not let us ask what became of it.", refusal.code) from None
            return Result(order.key, Outcome.FAILED, "", refusal.code, why.message, why.cure, why.blame)
        return _result(order.key, made)

    def find(self, key: str, reference: str = "") -> Result | None:
        """By its own name, else among the transfers of its payout. Raises RailUnavailable."""
        try:
            if reference:
                return _result(key, self.api().get(f"/v1/transfers/{reference}"))
            for made in self.api().all("/v1/transfers", {"transfer_group": group_of(key)}):
                if _key(made) == key:
                    return _result(key, made)
        except Refused as refusal:
            raise RailUnavailable("Stripe refused the look-up.", refusal.code) from None
        return None

    def take_back(self, key: str, reference: str, call: str = "") -> Result:
        """Reverse a transfer that was made, whole: only while the payee's Stripe balance covers it.

        Raises RailUnavailable (unknown; a repeat does no more) or RailRejected (nothing was moved).
        """
        form = {"metadata[attempt]": key}
        try:
            self.api().post(f"/v1/transfers/{reference}/reversals", form, f"{key}-back{call}")
        except Refused as refusal:
            found = self.find(key, reference)  # it may have been taken back before
            if found is None or found.outcome is not Outcome.RETURNED:
                raise RailRejected(refusal.message, refusal.code) from refusal
        return Result(key, Outcome.RETURNED, reference, "reversed", _BACK, "", Blame.PAYER)

    def balances(self) -> list[Money]:
        """Of our own account, all of it. Raises RailUnavailable, Untold."""
        return stripe_balance.balances(self.api())

    def activity(self, since: datetime) -> list[Movement]:
        """Raises RailUnavailable, Untold."""
        return stripe_balance.activity(self.api(), since)

    def parse_event(self, delivery: Delivery) -> list[RailEvent]:
        """Verify and read one event, of our own account or of a connected one. Raises BadSignature."""
        secrets = self._secrets or (credential(self, PAYOUTS_SECRET), credential(self, CONNECT_SECRET))
        signing.check(secrets, delivery.body, delivery.header(stripe_wire.SIGNATURE))
        try:
            event = json.loads(delivery.body)
            return [self._event(event)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadSignature("the body is not an event of Stripe") from error

    def _event(self, event: Mapping[str, Any]) -> RailEvent:
        event_id, kind, account = str(event["id"]), str(event["type"]), str(event.get("account") or "")
        about = event["data"]["object"]
        evidence = {"event": event_id, "type": kind, "at": str(event.get("created") or "")}
        if bool(event.get("livemode")) is not self._live():
            return RailEvent(event_id, None, evidence, "another mode")
        if account:
            evidence["account"] = account
            if kind in _ACCOUNT_NEWS:
                return RailEvent(event_id, None, evidence, "account")
            if kind in _BANK_NEWS:
                return RailEvent(event_id, None, {**evidence, **bank_payout(about)}, "bank payout")
            return RailEvent(event_id, None, evidence, kind)
        if kind.startswith("transfer.") and (key := _key(about)):
            if 0 < int(about.get("amount_reversed") or 0) < int(about["amount"]):
                return RailEvent(event_id, None, {**evidence, "attempt": key}, "a transfer reversed in part")
            return RailEvent(event_id, _result(key, about), {**evidence, "reference": str(about["id"])})
        return RailEvent(event_id, None, evidence, kind)

    def _live(self) -> bool:
        return stripe_wire.live(self._key) if self._key else standing(self).mode is Mode.LIVE


_BACK = "The transfer was taken back from the Stripe balance."


def group_of(key: str) -> str:
    """What the transfers of one payout have in common: the payout's id, without the number of the attempt."""
    return key.rpartition("-a")[0] or key


def _key(transfer: Mapping[str, Any]) -> str:
    return str((transfer.get("metadata") or {}).get("attempt") or "")


def _result(key: str, transfer: Mapping[str, Any]) -> Result:
    """A transfer has no status: it is done, or it was reversed. Raises RailUnavailable for anything else."""
    try:
        reference, amount = str(transfer["id"]), int(transfer["amount"])
    except (KeyError, TypeError, ValueError) as error:
        raise RailUnavailable("Stripe's answer makes no sense.", "unreadable") from error
    if transfer.get("reversed") or int(transfer.get("amount_reversed") or 0) >= amount > 0:
        return Result(key, Outcome.RETURNED, reference, "reversed", _BACK, "", Blame.PAYER)
    return Result(key, Outcome.PAID, reference)


def bank_payout(payout: Mapping[str, Any]) -> dict[str, str]:
    """What is kept of a payout from a Stripe balance to a bank. Raises KeyError when it is none."""
    trace = payout.get("trace_id") or {}
    return {
        "payout": str(payout["id"]),
        "amount": str(int(payout["amount"])),
        "currency": str(payout["currency"]),
        "status": str(payout["status"]),
        "arrival": str(int(payout.get("arrival_date") or 0)),
        "made": str(int(payout.get("created") or 0)),
        "failure": str(payout.get("failure_code") or ""),
        "trace": str(trace.get("value") or ""),
    }
