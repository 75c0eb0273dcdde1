"""The simulated rail: sandbox only, no money moves, everything else is as with a real provider.

It calls the simulator (`app/rails/simulator`), which stands for the provider and keeps books of its own, and it is
told what happened by signed webhooks. Account numbers that steer the outcome: docs/simulator.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from app.core.crypto import derived_secret
from app.core.money import Money
from app.core.settings import settings
from app.rails import signing
from app.rails.base import (
    BadSignature,
    Blame,
    Defaults,
    Delivery,
    Field,
    Movement,
    Outcome,
    RailEvent,
    RailRejected,
    RailUnavailable,
    Result,
    SendOrder,
)
from app.rails.fields import compact, read, refuse
from app.rails.http import Client, Reply

SIGNATURE_HEADER = "X-Simulated-Signature"
CHUNK = 200

_CHECK_ACCOUNT = "Check the account number, or add another account."
# The simulator's codes: who can mend it and what they can do.
_CURES: dict[str, tuple[Blame, str]] = {
    "account_closed": (Blame.PAYEE, "Add an account that is open."),
    "invalid_account": (Blame.PAYEE, _CHECK_ACCOUNT),
    "insufficient_funds": (Blame.PAYER, "Top up the account the payouts are made from, then send it again."),
    "bank_offline": (Blame.RETRY, "Nothing to do: it can be sent again later."),
    "currency_unsupported": (Blame.PERMANENT, "Choose another payout method for this currency."),
}


def webhook_secret() -> str:
    return derived_secret("simulator")


def api_key() -> str:
    return derived_secret("simulator-api")


def sandbox_destination(name: str, seed: str) -> dict[str, str]:
    """A destination that always gets paid, the same for the same `seed` (e.g. the payee's reference)."""
    digits = int(hashlib.sha256(seed.encode()).hexdigest(), 16) % 10**11
    return {"account_holder": name[:140].strip() or "Payee", "account_number": f"{digits:011d}5"}


class SimulatedRail(Defaults):
    """Takes the simulator's address and secrets from the settings at the first call unless they are given."""

    name = "simulated"
    label = "Simulated transfer"
    fields: tuple[Field, ...] = (
        Field("account_holder", "Account holder", r".{1,140}", "Any name: no money moves.", autocomplete="name"),
        Field(
            "account_number",
            "Account number",
            r"[A-Za-z0-9][A-Za-z0-9 \-]{5,40}",
            "At least six letters or digits; the last four can steer the outcome.",
            secret=True,
        ),
    )
    sandbox_only = True
    settles_in = "a few seconds"
    settles_days = 0
    chunk = CHUNK

    def __init__(self, base_url: str | None = None, *, secret: str | None = None, key: str | None = None) -> None:
        self._base_url, self._secret, self._key = base_url, secret, key
        self._client: tuple[str, Client] | None = None

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """Raises app.core.errors.Invalid naming each bad field."""
        values, wrong = read(self.fields, destination)
        if "account_number" in values:
            values["account_number"] = compact(values["account_number"])
            if not 6 <= len(values["account_number"]) <= 34:
                wrong["account_number"] = "Give 6 to 34 letters and digits."
        refuse(wrong)
        return values

    def last4(self, destination: Mapping[str, str]) -> str:
        return destination.get("account_number", "")[-4:]

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        """One result per order, in order. Raises RailRejected (nothing was taken) or RailUnavailable (unknown)."""
        body = {"orders": [_order(order) for order in orders]}
        reply = self._http().post("/instructions", body)
        if not reply.ok:
            raise self._refusal(reply)
        try:
            answers = {answer["key"]: _result(answer) for answer in reply.json["results"]}
            return [answers[order.key] for order in orders]
        except (KeyError, TypeError, ValueError) as error:
            raise RailUnavailable("The simulator's answer leaves orders out.", "incomplete") from error

    def find(self, key: str, reference: str = "") -> Result | None:
        """None when the simulator never saw the key. Raises RailUnavailable."""
        reply = self._http().get(f"/instructions/{quote(key, safe='')}")
        if reply.status == 404 and isinstance(reply.json, dict) and reply.json.get("error") == "unknown_key":
            return None
        if not reply.ok:
            raise RailUnavailable("The simulator refused the look-up.", f"http_{reply.status}")
        try:
            return _result(reply.json)
        except (KeyError, TypeError, ValueError) as error:
            raise RailUnavailable("The simulator's answer makes no sense.", "unreadable") from error

    def parse_event(self, delivery: Delivery) -> list[RailEvent]:
        """Verify and read one delivery of up to 100 events. Raises BadSignature."""
        signing.check(self._secret or webhook_secret(), delivery.body, delivery.header(SIGNATURE_HEADER))
        return self.read_events(delivery.body)

    def read_events(self, body: bytes) -> list[RailEvent]:
        """Read a delivery that was verified when it came in. Raises BadSignature when it is not one of ours."""
        try:
            return [_event(event) for event in json.loads(body)["events"]]
        except (KeyError, TypeError, ValueError) as error:
            raise BadSignature("the body is not a delivery of the simulator") from error

    def balances(self) -> list[Money]:
        """The simulator's account begins at nought, so it is below zero by what it paid. Raises RailUnavailable."""
        told = self._told("/balance")
        try:
            return [Money(minor, currency) for currency, minor in told["balances"].items()]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RailUnavailable("The simulator's answer makes no sense.", "unreadable") from error

    def activity(self, since: datetime) -> list[Movement]:
        """Raises RailUnavailable."""
        told = self._told(f"/activity?since={since.timestamp():.3f}")
        try:
            return [
                Movement(
                    str(row["key"]), str(row["kind"]), Money(row["amount_minor"], row["currency"]),
                    datetime.fromtimestamp(row["at"], UTC),
                )
                for row in told["movements"]
            ]  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise RailUnavailable("The simulator's answer makes no sense.", "unreadable") from error

    def _told(self, path: str) -> Any:
        reply = self._http().get(path)
        if not reply.ok:
            raise RailUnavailable("The simulator refused to tell.", f"http_{reply.status}")
        return reply.json

    def _http(self) -> Client:
        url = self._base_url or settings().simulator_url
        if not url:
            # Nothing was sent; as RailUnavailable the order is looked up, found unknown and sent once there is one.
            raise RailUnavailable("The simulator is not set up (SIMULATOR_URL).", "not_configured")
        if self._client is None or self._client[0] != url:
            headers = {"Authorization": f"Bearer {self._key or api_key()}"}
            self._client = (url, Client("The simulator", url, headers=headers, proxies=False))
        return self._client[1]

    def _refusal(self, reply: Reply) -> RailRejected | RailUnavailable:
        said: dict[str, Any] = reply.json if isinstance(reply.json, dict) else {}
        code = str(said.get("error", f"http_{reply.status}"))
        if reply.status in (401, 403, 409, 429):
            # Our key is wrong, the order's key was used before, or nobody looked at it yet: a look-up will tell.
            return RailUnavailable(f"The simulator would not take this: {code}.", code)
        return RailRejected(str(said.get("message", "The simulator refused the orders.")), code)


def _order(order: SendOrder) -> dict[str, Any]:
    return {
        "key": order.key,
        "amount_minor": order.amount.minor,
        "currency": order.amount.currency,
        "name": order.destination.get("account_holder", order.payee_name),
        "account": order.destination["account_number"],
        "reference": order.reference,
    }


def _event(told: Mapping[str, Any]) -> RailEvent:
    """Raises KeyError or ValueError when it is none."""
    event_id, status = str(told["id"]), str(told["status"])
    if status not in set(Outcome):
        return RailEvent(event_id, about=status[:100])
    evidence = {"event": event_id, "reference": str(told["reference"]), "at": str(told["at"])}
    return RailEvent(event_id, _result(told), evidence)


def _result(answer: Mapping[str, Any]) -> Result:
    """Raises KeyError or ValueError when it is not an answer."""
    outcome = Outcome(answer["status"])
    key, reference, code = str(answer["key"]), str(answer["reference"]), str(answer.get("code", ""))
    if outcome in (Outcome.ACCEPTED, Outcome.PAID):
        return Result(key, outcome, reference)
    if outcome is Outcome.WAITING:
        return Result(key, outcome, reference, message="The payee has to claim it.", cure="Claim it at the provider.")
    blame, cure = _CURES.get(code, (Blame.PAYEE, _CHECK_ACCOUNT))
    return Result(key, outcome, reference, code, str(answer["message"]), cure, blame)
