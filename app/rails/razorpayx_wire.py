"""What RazorpayX says and how it wants to be told: texts within its limits, answers and events as values."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from app.core.clock import utc_now
from app.core.money import Money
from app.rails import latin, razorpayx_reasons
from app.rails.base import BadSignature, Blame, Delivery, Movement, Outcome, RailEvent, RailUnavailable, Result
from app.rails.http import Reply

EVENT_HEADER = "x-razorpay-event-id"
FUTURE_S = 300
KEY = re.compile(r"([0-9a-f]{32}-a)([1-9]\d*)")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9 '\-_/().,]")
_NOT_IN_NARRATIONS = re.compile(r"[^a-zA-Z0-9 ]")
_EVENT_ID = re.compile(r"[A-Za-z0-9_\-]{1,64}")
_DESTINATIONS = re.compile(r"\S+@\S+|[A-Za-z0-9]*\d{4,}[A-Za-z0-9]*")
_UNANSWERED = (401, 403, 404, 409, 429)
OUTCOMES = {
    **dict.fromkeys(("pending", "queued", "scheduled", "processing"), Outcome.ACCEPTED),
    "processed": Outcome.PAID,
    "reversed": Outcome.RETURNED,
    **dict.fromkeys(("failed", "cancelled", "rejected"), Outcome.FAILED),
}
_DETAILS_MESSAGE = "RazorpayX does not take the account details"
_DETAILS_CURE = "Check them character by character, or add another account."


class Refused(Exception):
    """Certain: nothing was or will be paid for this order."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.code)
        self.result = result


def contact_name(name: str) -> str:
    """3 to 50 of the characters a contact's name may have."""
    written = latin.write(name, _NOT_IN_NAMES, 50, instead="Payee").text
    return written if len(written) >= 3 else f"{written} (payee)"


def narration(reference: str) -> str:
    """At most 30 letters and digits; the payout's number, which comes last, goes first: banks keep nine signs."""
    plain = _NOT_IN_NARRATIONS.sub("", latin.ascii_of(reference)[0])
    words = plain.split()
    return " ".join(words[-1:] + words[:-1])[:30].strip()


def reason_of(payout: Any) -> str:
    """Why a payout is where it is; "" where it does not say."""
    details = payout.get("status_details")
    return str(details.get("reason") or "") if isinstance(details, dict) else ""


def result(key: str, payout: Any) -> Result:
    """What a payout says of the order with this key. Raises RailUnavailable when it is no answer to it."""
    try:
        if payout["reference_id"] != key:
            raise RailUnavailable("RazorpayX answered about another payout.", "other_payout")
        reference, status = str(payout["id"]), str(payout["status"])
        outcome, reason = OUTCOMES[status], reason_of(payout)
    except (AttributeError, KeyError, TypeError) as error:
        raise RailUnavailable("RazorpayX answered something unreadable.", "unreadable") from error
    if outcome is Outcome.PAID:
        fees = payout.get("fees")  # in paise, with their tax
        return Result(key, outcome, reference, fee=Money(fees, "INR") if isinstance(fees, int) and fees > 0 else None)
    if outcome is Outcome.ACCEPTED:
        waits = razorpayx_reasons.WAITING.get(reason, "")
        return Result(key, outcome, reference, reason if waits else "", waits)
    why = razorpayx_reasons.explain(reason, status, _words((payout.get("status_details") or {}).get("description")))
    return Result(key, outcome, reference, reason or status, why.message, why.cure, why.blame)


def refused(key: str, reply: Reply, *, details: bool = False) -> Refused:
    """What a refusal means, when it is certain. `details`: it was the account's details that were refused.

    Raises RailUnavailable for refusals that leave the outcome unknown, e.g. of a key used with another request before.
    """
    unless_unknown(reply)
    said = reply.json["error"]
    reason, words = str(said.get("reason") or ""), _words(said.get("description"))
    if details:
        return Refused(
            Result(key, Outcome.FAILED, "", reason, _quoting(_DETAILS_MESSAGE, words), _DETAILS_CURE, Blame.PAYEE)
        )
    why = razorpayx_reasons.explain(reason, words=words)
    message = _quoting(why.message.rstrip("."), words) if why.blame is Blame.PERMANENT else why.message
    return Refused(Result(key, Outcome.FAILED, "", reason, message, why.cure, why.blame))


def _words(description: Any) -> str:
    """What RazorpayX says, without account numbers and UPI addresses."""
    return _DESTINATIONS.sub("…", str(description or "")).rstrip(". ")


def _quoting(message: str, words: str) -> str:
    return f"{message}: {words[:200]}." if words else f"{message}."


def unless_unknown(reply: Reply) -> None:
    """Raises RailUnavailable unless the refusal is about the request itself."""
    said = reply.json.get("error") if isinstance(reply.json, dict) else None
    if reply.status in _UNANSWERED or not isinstance(said, dict):
        raise RailUnavailable(f"RazorpayX would not take this: {reply.status}.", f"http_{reply.status}")
    text = f"{said.get('field')} {said.get('description')}".lower()
    if "idempoten" in text:
        raise RailUnavailable("RazorpayX knows this key with another request.", "key_reused")
    if said.get("code") != "BAD_REQUEST_ERROR" or said.get("reason") == "server_error":
        raise RailUnavailable("RazorpayX had trouble with this.", str(said.get("reason") or said.get("code") or ""))


def id_of(reply: Reply, prefix: str) -> str:
    """The id of what was made. Raises RailUnavailable where there is none: nothing was paid by then."""
    found = reply.json.get("id") if isinstance(reply.json, dict) else None
    if not isinstance(found, str) or not found.startswith(prefix):
        raise RailUnavailable("RazorpayX answered something unreadable.", "unreadable")
    return found


def balance(entry: Any) -> Money:
    """What was left after an entry of the account's statement. Raises RailUnavailable."""
    try:
        return Money(int(entry["balance"]), str(entry["currency"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RailUnavailable("RazorpayX answered something unreadable.", "unreadable") from error


def movement(entry: Any) -> Movement:
    """An entry of the account's statement. Raises RailUnavailable."""
    try:
        source = entry.get("source") or {}
        notes = source.get("notes")
        key = str(notes.get("key") or "") if isinstance(notes, dict) else ""
        amount = Money(int(entry["credit"]) - int(entry["debit"]), str(entry["currency"]))
        at = datetime.fromtimestamp(int(entry["created_at"]), UTC)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RailUnavailable("RazorpayX answered something unreadable.", "unreadable") from error
    return Movement(key if KEY.fullmatch(key) else "", str(source.get("entity") or "other"), amount, at)


def event(delivery: Delivery) -> RailEvent:
    """A verified delivery. What it says of a payout is looked up, so a late or repeated one does no harm.

    Raises BadSignature for what is no event, or one from the future.
    """
    try:
        told = json.loads(delivery.body)
        kind, made_at = str(told["event"]), told.get("created_at")
        payload = told.get("payload") or {}
        payout = (payload.get("payout") or {}).get("entity") or {}
        evidence = {name: str(payout[name]) for name in ("id", "status", "utr", "fees", "tax") if payout.get(name)}
        key, reference = str(payout.get("reference_id") or ""), str(payout.get("id") or "")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadSignature("the body is not an event of RazorpayX") from error
    if isinstance(made_at, int) and made_at > utc_now().timestamp() + FUTURE_S:
        raise BadSignature("the event is from the future")
    event_id = delivery.header(EVENT_HEADER)
    if not _EVENT_ID.fullmatch(event_id):
        event_id = f"sha256-{hashlib.sha256(delivery.body).hexdigest()}"
    evidence = {"event": kind, **evidence}
    if kind.startswith("payout.") and KEY.fullmatch(key):
        waking = Result(key, OUTCOMES.get(evidence.get("status", ""), Outcome.ASKED), reference)
        return RailEvent(event_id, waking, evidence, look_up=True)
    return RailEvent(event_id, None, evidence, about=kind)
