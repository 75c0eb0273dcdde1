"""M-Pesa B2C, version 3, as Daraja answers it. The last four digits of the phone number decide (docs/simulator.md).

M-Pesa never takes a payment back by itself, so nothing is returned here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.money import Money
from app.rails.access import simulated_credential
from app.rails.simulator.books import Books, KeyReused
from app.rails.simulator.dialects import Answer, Call, Moment, Request

_NEEDED = (
    "OriginatorConversationID", "InitiatorName", "SecurityCredential", "CommandID", "Amount", "PartyA", "PartyB",
    "Remarks", "QueueTimeOutURL", "ResultURL",
)  # fmt: skip
_CODES = {"account_closed": 2040, "invalid_account": "SFC_IC0003", "insufficient_funds": 1, "bank_offline": 4}
_STATUS = {"paid": "Completed", "failed": "Failed"}


class MpesaDialect:
    name = "mpesa"
    hook = "mpesa-b2c"

    def answer(self, request: Request, books: Books, moment: Moment) -> Answer:
        if request.path == "/oauth/v1/generate":
            return self._token(request)
        if not hmac.compare_digest(f"Bearer {_bearer()}", request.headers.get("authorization", "")):
            return _refused(401, "401.002.01", "Error Occurred - Invalid Access Token")
        try:
            body = json.loads(request.body)
        except ValueError:
            return _refused(400, "400.002.05", "Invalid Request Payload")
        match (request.method, request.path):
            case ("POST", "/mpesa/b2c/v3/paymentrequest"):
                return _pay(body, books, moment)
            case ("POST", "/mpesa/transactionstatus/v1/query"):
                return _status(body, books, moment)
            case ("POST", "/mpesa/accountbalance/v1/query"):
                return _balance(body, books, moment)
        return _refused(404, "404.001.04", "Invalid Access Token")

    def tell(self, event: Mapping[str, Any]) -> Call | None:
        if "callback" in event:
            return _call(event["callback"], event["url"])
        if event["status"] not in _STATUS:
            return None
        code = 0 if event["status"] == "paid" else _CODES.get(event["code"], 1)
        result: dict[str, Any] = {**_head(event), "ResultCode": code, "ResultDesc": "The service request is processed."}
        if code == 0:
            result["ResultParameters"] = {
                "ResultParameter": [
                    {"Key": "TransactionAmount", "Value": event["amount_minor"] // 100},
                    {"Key": "TransactionReceipt", "Value": result["TransactionID"]},
                    {"Key": "B2CRecipientIsRegisteredCustomer", "Value": "Y"},
                ]
            }
        return _call({"Result": result}, event["extra"]["result_url"])

    def _token(self, request: Request) -> Answer:
        names = ("MPESA_CONSUMER_KEY", "MPESA_CONSUMER_SECRET")
        wanted = ":".join(simulated_credential(self.name, name) for name in names)
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        if not hmac.compare_digest(base64.b64encode(wanted.encode()).decode(), given):
            return _refused(400, "400.008.01", "Invalid Authentication passed")
        return Answer(200, {"access_token": _bearer(), "expires_in": "3599"})


def _bearer() -> str:
    return simulated_credential("mpesa", "access-token")


def _pay(body: Mapping[str, Any], books: Books, moment: Moment) -> Answer:
    amount, phone = str(body.get("Amount", "")), str(body.get("PartyB", ""))
    if any(not body.get(name) for name in _NEEDED) or not re.fullmatch(r"254[71]\d{8}", phone):
        return _refused(400, "400.002.02", "Bad Request - Invalid PartyB" if phone else "Bad Request")
    if not amount.isdigit() or not 10 <= int(amount) <= 250_000:
        return _refused(400, "400.002.02", "Bad Request - Invalid Amount")
    key = str(body["OriginatorConversationID"])
    if books.find(key) is not None:
        return _refused(500, "500.002.1001", "Duplicate OriginatorConversationID.")
    account = phone.removesuffix("0001") + "5555" if phone.endswith("0001") else phone
    order = {
        "key": key, "amount_minor": int(amount) * 100, "currency": "KES", "name": phone, "account": account,
        "reference": key.partition("-a")[0], "id": f"AG_{hashlib.sha256(key.encode()).hexdigest()[:20]}",
        "extra": {"result_url": str(body["ResultURL"])},
    }  # fmt: skip
    try:
        books.take([order], moment.now, moment.delay_s)
    except KeyReused:
        return _refused(500, "500.002.1001", "Duplicate OriginatorConversationID.")
    return _accepted(key, str(order["id"]))


def _status(body: Mapping[str, Any], books: Books, moment: Moment) -> Answer:
    """An acknowledgement; the answer comes to ResultURL."""
    key = str(body.get("OriginalConversationID") or "")
    if not key or not body.get("ResultURL"):
        return _refused(400, "400.002.02", "Bad Request")
    found = books.find(key)
    if found is None:
        result: dict[str, Any] = {"ResultType": 0, "ResultCode": 2001, "ResultDesc": "No such transaction."}
    else:
        result = {
            **_head(found), "ResultCode": 0, "ResultDesc": "The service request is processed successfully.",
            "ResultParameters": {
                "ResultParameter": [
                    {"Key": "TransactionStatus", "Value": _STATUS.get(found["status"], "Pending")},
                    {"Key": "ReceiptNo", "Value": _head(found)["TransactionID"]},
                    {"Key": "Amount", "Value": found["amount_minor"] // 100},
                    {"Key": "ResultCode", "Value": str(_CODES.get(found["code"], ""))},
                ]
            },
        }  # fmt: skip
    books.tell({"callback": {"Result": result}, "url": str(body["ResultURL"])}, moment.now)
    return _accepted(key, f"AG_{hashlib.sha256(f'status:{key}'.encode()).hexdigest()[:20]}")


def _balance(body: Mapping[str, Any], books: Books, moment: Moment) -> Answer:
    if not body.get("ResultURL"):
        return _refused(400, "400.002.02", "Bad Request")
    summary = books.summary()["instructions"]
    left = -sum((one["paid"] - one["returned"]) * one["amount_minor"] for one in summary)
    shillings = Money(left, "KES").plain()
    at = datetime.fromtimestamp(moment.now, ZoneInfo("Africa/Nairobi"))
    text = f"Working Account|KES|0.00|0.00|0.00|0.00&Utility Account|KES|{shillings}|{shillings}|0.00|0.00"
    result = {
        "ResultType": "0", "ResultCode": "0", "ResultDesc": "The service request is processed successfully.",
        "TransactionID": "OA90000000",
        "ResultParameters": {
            "ResultParameter": [
                {"Key": "AccountBalance", "Value": text},
                {"Key": "BOCompletedTime", "Value": int(f"{at:%Y%m%d%H%M%S}")},
            ]
        },
    }  # fmt: skip
    books.tell({"callback": {"Result": result}, "url": str(body["ResultURL"])}, moment.now)
    return _accepted("balance", "AG_BALANCE")


def _head(found: Mapping[str, Any]) -> dict[str, Any]:
    receipt = hashlib.sha256(str(found["key"]).encode()).hexdigest()[:10].upper()
    return {
        "ResultType": 0, "OriginatorConversationID": found["key"], "ConversationID": found["reference"],
        "TransactionID": receipt,
    }  # fmt: skip


def _accepted(key: str, conversation: str) -> Answer:
    return Answer(
        200,
        {
            "ConversationID": conversation, "OriginatorConversationID": key, "ResponseCode": "0",
            "ResponseDescription": "Accept the service request successfully.",
        },
    )  # fmt: skip


def _refused(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"requestId": "simulated", "errorCode": code, "errorMessage": message})


def _call(body: Mapping[str, Any], url: str) -> Call:
    return Call(json.dumps(body).encode(), {"Content-Type": "application/json"}, url)
