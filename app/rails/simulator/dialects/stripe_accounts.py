"""The simulator's connected accounts: made, set up on a page of its own, looked at, connected by OAuth, let go."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode

from app.rails.simulator.books import Books
from app.rails.simulator.dialects import Answer, Request
from app.rails.simulator.fates import FATES

_ALL_DUE = ["business_type", "external_account", "individual.first_name", "tos_acceptance.date"]
_CHOICES = {
    "complete": "Give everything",
    "closed": "Give everything, with a bank account that was closed",
    "bank": "Leave the bank account out",
    "halfway": "Stop halfway",
}
_DONE = {
    "details_submitted": True, "payouts_enabled": True, "capabilities": {"transfers": "active"}, "currently_due": [],
    "disabled_reason": None,
}  # fmt: skip
_NAME = re.compile(r"acct_[A-Za-z0-9]{6,60}")
_GONE = "The provided key does not have access to account, or that account does not exist."


def of(books: Books, account: str) -> dict[str, Any]:
    """One that was never made here is set up: tests and seeds name their own."""
    known = books.kept("account", account)
    if known is not None:
        return known
    made = _new(account, "US", "", "express", 0)
    return {**made, **_DONE, "gone": not _NAME.fullmatch(account)}


def nested(form: Mapping[str, str], name: str) -> dict[str, str]:
    """`metadata[a]=b` as {"a": "b"}."""
    return {key[len(name) + 1 : -1]: value for key, value in form.items() if key.startswith(f"{name}[")}


def call(request: Request, parts: list[str], form: dict[str, str], books: Books, now: float) -> Answer | None:
    """A program's call about accounts; None for one that is not known."""
    match (request.method, *parts):
        case ("POST", "v1", "accounts"):
            return _create(request, form, books, now)
        case ("GET", "v1", "accounts", account):
            known = _usable(books, account)
            return Answer(200, _shown(known)) if known else _error(403, "account_invalid", _GONE)
        case ("POST", "v1", "account_links"):
            return _link(request, form, books, now)
        case ("POST", "v1", "accounts", account, "login_links"):
            if _usable(books, account) is None:
                return _error(403, "account_invalid", _GONE)
            return Answer(
                200, {"object": "login_link", "created": int(now), "url": f"{request.url}/dashboard/{account}"}
            )
        case ("POST", "oauth", "token"):
            return _token(form, books)
        case ("POST", "oauth", "deauthorize"):
            account = form.get("stripe_user_id", "")
            let_go(books, account, now)
            return Answer(200, {"stripe_user_id": account})
    return None


def _usable(books: Books, account: str) -> dict[str, Any] | None:
    known = of(books, account)
    return None if known.get("gone") else known


def _create(request: Request, form: Mapping[str, str], books: Books, now: float) -> Answer:
    key = request.headers.get("idempotency-key", "")
    digest = hashlib.sha256(key.encode()).hexdigest()
    if len(form.get("country", "")) != 2 or not key:
        return _error(400, "parameter_missing", "Missing required param: country.")
    ends = form.get("email", "").partition("@")[0][-4:]  # the fate of who is told by an address, as at others
    number = f"{digest[:12]}{ends if ends in FATES else '9999'}"
    account = _new(f"acct_{number}", form["country"], form.get("email", ""), "express", now)
    if (known := books.kept("account", account["id"])) is None:
        books.keep("account", account["id"], account)
    return Answer(200, _shown(known or account))


def _new(account: str, country: str, email: str, dashboard: str, now: float) -> dict[str, Any]:
    return {
        "id": account, "country": country, "email": email, "dashboard": dashboard, "created": int(now),
        "details_submitted": False, "payouts_enabled": False, "capabilities": {"transfers": "inactive"},
        "currently_due": _ALL_DUE, "disabled_reason": "requirements.past_due",
    }  # fmt: skip


def _shown(known: Mapping[str, Any]) -> dict[str, Any]:
    due = known["currently_due"]
    return {
        "id": known["id"], "object": "account", "country": known["country"], "email": known["email"],
        "charges_enabled": False, "payouts_enabled": known["payouts_enabled"], "created": known["created"],
        "details_submitted": known["details_submitted"], "capabilities": known["capabilities"],
        "default_currency": "usd", "metadata": {}, "type": "express" if known["dashboard"] == "express" else "standard",
        "requirements": {
            "currently_due": due, "past_due": [], "eventually_due": due, "pending_verification": [], "errors": [],
            "current_deadline": None, "disabled_reason": known["disabled_reason"],
        },
        "controller": {"type": "application", "stripe_dashboard": {"type": known["dashboard"]}},
    }  # fmt: skip


def _link(request: Request, form: Mapping[str, str], books: Books, now: float) -> Answer:
    account = form.get("account", "")
    if _usable(books, account) is None:
        return _error(403, "account_invalid", _GONE)
    if not form.get("return_url") or not form.get("refresh_url"):
        return _error(400, "parameter_missing", "Missing required param: return_url.")
    token = secrets.token_urlsafe(18)
    books.keep(
        "link", token,
        {"account": account, "return": form["return_url"], "refresh": form["refresh_url"], "until": now + 300},
    )  # fmt: skip
    url = f"{request.url}/setup/{token}"
    return Answer(200, {"object": "account_link", "url": url, "created": int(now), "expires_at": int(now) + 300})


def _token(form: Mapping[str, str], books: Books) -> Answer:
    found = books.kept("code", form.get("code", ""))
    if found is None or found["used"]:
        text = "Authorization code does not exist or was used."
        return Answer(400, {"error": "invalid_grant", "error_description": text})
    books.keep("code", form["code"], {**found, "used": True})
    return Answer(
        200,
        {"stripe_user_id": found["account"], "scope": "read_write", "livemode": False, "token_type": "bearer",
         "access_token": "sk_test_simulated", "refresh_token": "rt_simulated",
         "stripe_publishable_key": "pk_test_simulated"},
    )  # fmt: skip


def let_go(books: Books, account: str, now: float) -> None:
    """The account's owner, or we, ended the connection."""
    known = _usable(books, account)
    if known is None:
        return
    books.keep("account", account, {**known, "gone": True})
    about = {"id": "ca_simulated", "object": "application", "name": "Quittance"}
    books.tell({"type": "account.application.deauthorized", "object": about, "account": account}, now)


def bank_payouts(books: Books, account: str, now: float) -> list[dict[str, Any]]:
    """What was paid out of its balance, as it is now, the newest first."""
    rows = [one for one in books.all_kept("bank payout") if one["account"] == account]
    return [one.get("ended", one["payout"]) if now >= one.get("ends_at", 0) else one["payout"] for one in rows[::-1]]


# --- pages, for people


def page(request: Request, parts: list[str], form: dict[str, str], books: Books, now: float) -> Answer:
    """Setting up, the dashboard, and consent: what stands for Stripe's own pages."""
    match parts:
        case ["setup", token]:
            return _setup(request, token, form, books, now)
        case ["dashboard", account]:
            return _dashboard(request, account, books, now)
    return _consent(request, form, books, now)


def _setup(request: Request, token: str, form: Mapping[str, str], books: Books, now: float) -> Answer:
    link = books.kept("link", token)
    if link is None or now > link["until"]:
        return Answer(303, None, {"Location": link["refresh"]}) if link else _html("This link is not known.", "")
    if request.method == "GET":
        books.keep("link", token, {**link, "seen": True})
        if link.get("seen"):
            return Answer(303, None, {"Location": link["refresh"]})  # single use, as Stripe's are
        return _html("Set up your account", _buttons(f"/setup/{token}", request, "choice", _CHOICES))
    known, chosen = _usable(books, link["account"]), form.get("choice", "complete")
    if known is not None:
        _set_up(books, known, chosen, now)
    books.keep("link", token, {**link, "until": 0})
    return Answer(303, None, {"Location": link["return"]})


def _set_up(books: Books, known: dict[str, Any], chosen: str, now: float) -> None:
    if chosen == "halfway":
        return
    due = ["external_account"] if chosen == "bank" else []
    done = {
        **known, "details_submitted": True, "payouts_enabled": not due, "currently_due": due, "bank": chosen,
        "capabilities": {"transfers": "inactive" if due else "active"},
        "disabled_reason": "requirements.past_due" if due else None,
    }  # fmt: skip
    books.keep("account", known["id"], done)
    books.tell({"type": "account.updated", "object": _shown(done), "account": known["id"]}, now)


def _dashboard(request: Request, account: str, books: Books, now: float) -> Answer:
    if request.method == "POST":
        let_go(books, account, now)
    rows = bank_payouts(books, account, now)
    lines = "".join(f"<li>{escape(p['currency'].upper())} {p['amount']} {escape(p['status'])}</li>" for p in rows)
    ended = "" if _usable(books, account) else "<p>No platform is connected.</p>"
    buttons = "" if ended else _buttons(f"/dashboard/{account}", request, "choice", {"end": "Disconnect Quittance"})
    return _html("Your payouts", f"{ended}<ul>{lines}</ul>{buttons}")


def _consent(request: Request, form: Mapping[str, str], books: Books, now: float) -> Answer:
    asked = request.query if request.method == "GET" else form
    back, state = asked.get("redirect_uri", ""), asked.get("state", "")
    if not back:
        return _html("Nobody asked.", "")
    if request.method == "GET":
        fields = {"redirect_uri": back, "state": state}
        choices = {"connect": "Connect my account", "cancel": "Cancel"}
        return _html("Connect your account", _buttons("/oauth/authorize", request, "choice", choices, fields))
    if form.get("choice") == "cancel":
        denied = {"error": "access_denied", "error_description": "The user denied your request", "state": state}
        return Answer(303, None, {"Location": f"{back}?{urlencode(denied)}"})
    account = _new(f"acct_{secrets.token_hex(6)}9999", "US", "", "full", now)
    _set_up(books, account, "complete", now)
    code = f"ac_{secrets.token_hex(12)}"
    books.keep("code", code, {"account": account["id"], "used": False})
    return Answer(303, None, {"Location": f"{back}?{urlencode({'code': code, 'state': state, 'scope': 'read_write'})}"})


def _buttons(
    path: str, request: Request, name: str, choices: Mapping[str, str], fields: Mapping[str, str] | None = None
) -> str:
    kept = "".join(
        f'<input type="hidden" name="{escape(key)}" value="{escape(value)}">' for key, value in (fields or {}).items()
    )
    made = "".join(
        f'<p><button name="{name}" value="{escape(key)}">{escape(text)}</button></p>' for key, text in choices.items()
    )
    return f'<form method="post" action="{escape(request.url + path)}">{kept}{made}</form>'


def _html(title: str, body: str) -> Answer:
    return Answer(
        200,
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><main><h1>{escape(title)}</h1>"
        f"<p>Simulated Stripe: no money moves and nothing is asked of you.</p>{body}</main></body></html>",
    )


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"type": "invalid_request_error", "code": code, "message": message}})
