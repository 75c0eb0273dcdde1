"""M-Pesa B2C, version 3 (Safaricom Daraja): money to a phone in Kenya. Facts: developer.safaricom.co.ke, B2C and
Transaction Status.

The call is answered with an acknowledgement only; what became of it comes to an address of its own for every attempt,
which nobody can guess. A success told there is believed after a Transaction Status query has confirmed it. The same
OriginatorConversationID is never taken twice: sending an order again under its key is how we ask after a lost answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import phonenumbers
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.core.clock import utc_now
from app.core.crypto import derived_secret
from app.core.macs import fits, mac, same
from app.core.settings import settings
from app.rails import mpesa_codes, tokens
from app.rails.access import Mode, credential, reach, standing
from app.rails.base import (
    BALANCE,
    BadSignature,
    Blame,
    Defaults,
    Delivery,
    Field,
    Limits,
    Need,
    Outcome,
    RailEvent,
    RailRejected,
    RailUnavailable,
    Result,
    SendOrder,
)
from app.rails.fields import read, refuse
from app.rails.http import Client, Reply
from app.rails.mpesa_results import balance_told, parameters
from app.rails.tokens import Token

_OWN_ANSWERS = frozenset({500, 503})  # Daraja says with these what it thinks, also of a repeated key
_STALE_TOKEN = frozenset({"401.002.01", "400.003.01"})
_FINAL = {
    "completed": Outcome.PAID,
    "failed": Outcome.FAILED,
    "cancelled": Outcome.FAILED,
    "declined": Outcome.FAILED,
    "expired": Outcome.FAILED,
    "reversed": Outcome.RETURNED,
}
_NUMBER = "A Safaricom number, for example 0712 345678."


class Mpesa(Defaults):
    name = "mpesa"
    label = "M-Pesa"
    hook = "mpesa-b2c"
    currencies = frozenset({"KES"})
    countries = frozenset({"KE"})
    limits: Mapping[str, Limits] = {"KES": Limits(least=10_00, most=250_000_00, step=100)}
    fields: tuple[Field, ...] = (
        Field("phone", "M-Pesa number", r"\+?[\d ()\-]{9,20}", _NUMBER, secret=True, autocomplete="tel"),
    )
    needs: tuple[Need, ...] = (
        Need("MPESA_CONSUMER_KEY"),
        Need("MPESA_CONSUMER_SECRET"),
        Need("MPESA_SHORT_CODE", live=r"\d{5,7}", sandbox=r"\d{5,7}"),
        Need("MPESA_INITIATOR_NAME"),
        Need("MPESA_INITIATOR_PASSWORD"),
        Need("MPESA_CERTIFICATE_FILE"),
    )
    hosts: Mapping[str, str] = {
        "sandbox": "https://sandbox.safaricom.co.ke",
        "live": "https://api.safaricom.co.ke",
    }
    settles_in = "a few minutes"
    settles_days = 1
    chunk = 1

    def __init__(self) -> None:
        self._client: tuple[str, Client] | None = None

    def validate(self, destination: Mapping[str, str]) -> dict[str, str]:
        """The number as +2547… or +2541…. Raises app.core.errors.Invalid naming each bad field."""
        values, wrong = read(self.fields, destination)
        if "phone" in values:
            try:
                number = phonenumbers.parse(values["phone"], "KE")
            except phonenumbers.NumberParseException:
                number = None
            text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else ""
            if not (text.startswith(("+2547", "+2541")) and len(text) == 13):
                wrong["phone"] = f"That is no mobile number in Kenya. {_NUMBER}"
            values["phone"] = text
        refuse(wrong)
        return values

    def last4(self, destination: Mapping[str, str]) -> str:
        return destination.get("phone", "")[-4:]

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        """One result per order. Raises RailRejected, RailUnavailable as every rail."""
        return [self._send(order) for order in orders]

    def find(self, key: str, reference: str = "") -> Result | None:
        """None where we have no acknowledgement: the same call is made again. Else ASKED: the status comes back."""
        if not reference:
            return None
        body = {
            "Initiator": self._value("MPESA_INITIATOR_NAME"), "SecurityCredential": self._security(),
            "CommandID": "TransactionStatusQuery", "OriginalConversationID": key,
            "PartyA": self._value("MPESA_SHORT_CODE"), "IdentifierType": "4",
            "ResultURL": _address(key, "status"), "QueueTimeOutURL": _address(key, "status-timeout"),
            "Remarks": "Status of a payout",
        }  # fmt: skip
        reply = self._post("/mpesa/transactionstatus/v1/query", body)
        if reply.ok and str(_said(reply).get("ResponseCode")) == "0":
            return Result(key, Outcome.ASKED, reference)
        raise RailUnavailable("M-Pesa would not look it up.", _code(reply))

    def ask_balance(self) -> None:
        """What our accounts hold is told at an address of its own for every time we ask. Raises RailUnavailable."""
        key = f"{BALANCE}-{utc_now():%Y%m%dT%H%M%SZ}"
        body = {
            "Initiator": self._value("MPESA_INITIATOR_NAME"), "SecurityCredential": self._security(),
            "CommandID": "AccountBalance", "PartyA": self._value("MPESA_SHORT_CODE"), "IdentifierType": "4",
            "ResultURL": _address(key, BALANCE), "QueueTimeOutURL": _address(key, f"{BALANCE}-timeout"),
            "Remarks": "Balance of the day",
        }  # fmt: skip
        reply = self._post("/mpesa/accountbalance/v1/query", body)
        if not (reply.ok and str(_said(reply).get("ResponseCode")) == "0"):
            raise RailUnavailable("M-Pesa would not tell what it holds.", _code(reply))

    def parse_event(self, delivery: Delivery) -> list[RailEvent]:
        """A callback to the address of one attempt, or one signed by a proxy of ours. Raises BadSignature."""
        key, kind, amount = _who(delivery)
        self._check_address(delivery.address)
        if kind.startswith(BALANCE):
            return [balance_told(f"{key}:{kind}", delivery.body)]
        try:
            found = json.loads(delivery.body)["Result"]
            code, name = str(found["ResultCode"]), str(found.get("TransactionID") or found.get("ConversationID") or "")
        except (KeyError, TypeError, ValueError):
            event_id = f"{key}:{kind}:{hashlib.sha256(delivery.body).hexdigest()[:16]}"
            return [_asking(event_id, key) if kind.endswith("timeout") else RailEvent(event_id, about="unreadable")]
        event_id = f"{key}:{kind}:{name}:{code}:{parameters(found).get('TransactionStatus', '')}"
        evidence = {"transaction": name, "code": code}
        if kind == "status":
            return [RailEvent(event_id, _of_status(key, found), evidence, "status")]
        if kind.endswith("timeout"):
            return [_asking(event_id, key)]
        if code == "0":
            if amount is not None and _amount(found) not in ("", amount):
                return [RailEvent(event_id, None, {**evidence, "amount": _amount(found)}, "another amount")]
            return [_asking(event_id, key, name)]
        if not mpesa_codes.certain(code):
            return [_asking(event_id, key, name)]
        return [RailEvent(event_id, mpesa_codes.failed(key, name, code), evidence)]

    def _send(self, order: SendOrder) -> Result:
        amount = str(order.amount.minor // 100)
        body = {
            "OriginatorConversationID": order.key, "InitiatorName": self._value("MPESA_INITIATOR_NAME"),
            "SecurityCredential": self._security(), "CommandID": "BusinessPayment", "Amount": amount,
            "PartyA": self._value("MPESA_SHORT_CODE"), "PartyB": order.destination["phone"].removeprefix("+"),
            "Remarks": order.reference[:100].ljust(2, "."),
            "QueueTimeOutURL": _address(order.key, "timeout", amount),
            "ResultURL": _address(order.key, "result", amount),
        }  # fmt: skip
        reply = self._post("/mpesa/b2c/v3/paymentrequest", body)
        said, code = _said(reply), _code(reply)
        if reply.ok and str(said.get("ResponseCode")) == "0":
            return Result(order.key, Outcome.ACCEPTED, str(said.get("ConversationID") or order.key))
        if mpesa_codes.repeated(code, str(said.get("errorMessage", ""))):
            return Result(order.key, Outcome.ACCEPTED, order.key)  # it was taken the first time; its status is asked
        if reply.ok or reply.status >= 500 or reply.status in (401, 403, 408, 429) or code in _STALE_TOKEN:
            raise RailUnavailable("M-Pesa did not take it yet.", code)
        if order.again:  # a refusal of this call says nothing about the first one
            raise RailUnavailable("M-Pesa would not say what became of it.", code)
        if code in mpesa_codes.OURS:
            return Result(
                order.key, Outcome.FAILED, "", code, "M-Pesa refused our account.", "Nothing to do for the payee.",
                Blame.PAYER,
            )  # fmt: skip
        raise RailRejected("M-Pesa could not use the instruction.", code)

    def _post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """With the token everybody shares; once more with a new one when it has ended meanwhile."""
        reply = self._http().post(path, body, headers={"Authorization": f"Bearer {(token := self._token())}"})
        if _code(reply) in _STALE_TOKEN or reply.status == 401:
            tokens.shared.store.forget(self.name, token)
            reply = self._http().post(path, body, headers={"Authorization": f"Bearer {self._token()}"})
        return reply

    def _token(self) -> str:
        return tokens.shared.store.get(self.name, self._fetch_token)

    def _fetch_token(self) -> Token:
        pair = f"{self._value('MPESA_CONSUMER_KEY')}:{self._value('MPESA_CONSUMER_SECRET')}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        reply = self._http().get("/oauth/v1/generate", params={"grant_type": "client_credentials"}, headers=headers)
        said = _said(reply)
        if not reply.ok or not said.get("access_token"):
            raise RailUnavailable("M-Pesa gave no access token.", _code(reply))
        lasts = timedelta(seconds=int(said.get("expires_in") or 3599))
        return Token(str(said["access_token"]), utc_now() + lasts)

    def _http(self) -> Client:
        found = reach(self)
        if self._client is None or self._client[0] != found.url:
            client = Client("M-Pesa", found.url, proxies=found.outside, hands_back=_OWN_ANSWERS)
            self._client = (found.url, client)
        return self._client[1]

    def _value(self, name: str) -> str:
        if name == "MPESA_SHORT_CODE" and standing(self).mode is Mode.SIMULATED:
            return "600000"
        return credential(self, name)

    def _security(self) -> str:
        """The initiator's password for Safaricom's eyes: RSA PKCS #1 v1.5 with the key of their certificate."""
        password = self._value("MPESA_INITIATOR_PASSWORD")
        if standing(self).mode is Mode.SIMULATED:
            return password
        try:
            key = _public_key(Path(self._value("MPESA_CERTIFICATE_FILE")).read_bytes())
        except (OSError, ValueError) as error:
            raise RailUnavailable("MPESA_CERTIFICATE_FILE cannot be read.", "not_configured") from error
        return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()

    def _check_address(self, address: str) -> None:
        """A second line only: the address is the first. The list is Safaricom's, or a setting."""
        given = settings().providers.get("MPESA_CALLBACK_ADDRESSES", "")
        allowed = {one.strip() for one in given.split(",") if one.strip()}
        if not allowed and standing(self).mode is Mode.LIVE:
            allowed = set(mpesa_codes.ADDRESSES)
        if allowed and address not in allowed:
            raise BadSignature("the callback came from another address")


def _public_key(pem: bytes) -> rsa.RSAPublicKey:
    """Of a certificate, whatever its dates, or of a bare key: those in circulation ran out years ago."""
    key: object
    if b"CERTIFICATE" in pem:
        key = x509.load_pem_x509_certificate(pem).public_key()
    else:
        key = serialization.load_pem_public_key(pem)
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")
    return key


def _mac(key: str, kind: str, amount: str) -> str:
    return mac(derived_secret("mpesa-callbacks"), f"{key}|{kind}|{amount}".encode())[:40]


def _address(key: str, kind: str, amount: str = "") -> str:
    """Where one kind of news about one attempt arrives; `amount` in shillings is held against what is told there."""
    parts = [key, kind, amount or "-", _mac(key, kind, amount)]
    return f"{settings().base_url}/api/webhooks/mpesa-b2c/{'/'.join(parts)}"


def _who(delivery: Delivery) -> tuple[str, str, str | None]:
    """Key, kind and amount of an attempt's own address, or of a signed call. Raises BadSignature."""
    parts = delivery.path.split("/")
    if len(parts) == 4:
        key, kind, amount, given = parts
        amount = "" if amount == "-" else amount
        if same(_mac(key, kind, amount), given):
            return key, kind, amount or None
    secret = settings().providers.get("MPESA_WEBHOOK_SECRET", "")
    if not delivery.path and fits(secret, delivery.body, delivery.header("x-mpesa-signature")):
        try:
            return str(json.loads(delivery.body)["Result"]["OriginatorConversationID"]), "result", None
        except (KeyError, TypeError, ValueError):
            raise BadSignature("the body is no result") from None
    raise BadSignature("the address is not one of ours")


def _asking(event_id: str, key: str, reference: str = "") -> RailEvent:
    """News that is believed after the rail itself has been asked."""
    return RailEvent(event_id, Result(key, Outcome.ACCEPTED, reference or key), look_up=True)


def _of_status(key: str, found: Mapping[str, Any]) -> Result | None:
    """What a Transaction Status query said; None where it says nothing about the instruction."""
    values = parameters(found)
    outcome = _FINAL.get(values.get("TransactionStatus", "").lower())
    reference = values.get("ReceiptNo") or str(found.get("TransactionID") or "")
    if str(found.get("ResultCode")) != "0" or outcome is None:
        return None
    if outcome is Outcome.PAID:
        return Result(key, outcome, reference)
    if outcome is Outcome.RETURNED:
        return Result(key, outcome, reference, "reversed", "M-Pesa took it back.", "Ask M-Pesa why.", Blame.PAYEE)
    return mpesa_codes.failed(key, reference, values.get("ResultCode", ""))


def _amount(found: Mapping[str, Any]) -> str:
    """In whole shillings; "" where it is not told."""
    value = parameters(found).get("TransactionAmount", "")
    try:
        return str(int(float(value))) if value else ""
    except ValueError:
        return value


def _said(reply: Reply) -> dict[str, Any]:
    return reply.json if isinstance(reply.json, dict) else {}


def _code(reply: Reply) -> str:
    return str(_said(reply).get("errorCode") or ("" if reply.ok else f"http_{reply.status}"))
