"""Every call the HTTP contract names has its address and verb here. The contract is read, not copied."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from app.organizations.states import Role
from app.payouts.states import PayoutStatus
from app.rails.registry import RAILS
from portals.api.payout_export import COLUMNS
from portals.api.payout_json import PROVIDERS, STATUSES
from portals.webhooks.rails import ALIASES
from tests.factories.payouts import Shop
from tests.portals.admin.conftest import withdrawn
from tests.portals.api.test_consultations import _send, _wanted
from tests.portals.conftest import Browser
from tests.specs import ROOT, needs

CONTRACT = Path(ROOT).parent / "contract" / "api.md"
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TYPES = "creator|contractor|vendor|consultant"
_SPAN = re.compile(r"`([^`]+)`")
_CALL = re.compile(r"(?:((?:[A-Z]+·)*[A-Z]+)(?: |$))?(\S*)")
_GAP = re.compile(r"\{([^}]*)\}")
# Named by the contract and not there, each with the reason.
NOT_HERE = {
    ("POST", "/api/vendor/auth/forgot-password"): "vendors ask for a link instead",
    ("POST", "/api/vendor/auth/reset-password"): "vendors ask for a link instead",
    ("GET", "/api/creator/payments/requests"): "said to be for contractors and vendors",
    ("POST", "/api/creator/payments/requests"): "said to be for contractors and vendors",
}

pytestmark = needs(CONTRACT)


def calls(text: str) -> Iterator[tuple[str, str]]:
    """(verb, address) of each call, with its alternatives written out and ids in its gaps.

    `…` goes on from the last address that was written in full; what has no verb has the one before it there, else
    it is read, or posted by a provider.
    """
    usual = verbs = ["GET"]
    base = ""
    for line in text.splitlines():
        if line.startswith("## "):
            usual = verbs = ["POST" if "Webhooks" in line else "GET"]
            base = ""
        for span in _SPAN.findall(line):
            found = _CALL.match(span)
            assert found
            said = found[1].split("·") if found[1] else []
            where = found[2].partition("?")[0]
            if said and not set(said) <= set(VERBS):
                continue
            if where.endswith("*"):
                continue
            if where.startswith(("/api/", "/webhooks/")):
                base, verbs = where, said or usual
                address = where
            elif where.startswith(("…", "/{")) and base:
                address = joined(base, where.removeprefix("…"))
            elif said and not where and base:
                address = base
            else:
                continue
            verbs = said or verbs
            yield from itertools.product(verbs, written_out(address.replace("\\|", "|")))


def joined(base: str, rest: str) -> str:
    """`rest` after `base`, which is cut where it has the first part of `rest` itself."""
    if not rest:
        return base
    head = "/" + rest.split("/")[1]
    cut = base.find(head + "/") if head + "/" in base + "/" else len(base)
    return base[:cut] + rest


def written_out(address: str) -> Iterator[str]:
    gap = _GAP.search(address)
    if gap is None:
        yield address
        return
    named = TYPES if gap[1] == "type" else gap[1]
    for choice in named.split("|") if "|" in named else [str(UUID(int=1))]:
        yield from written_out(address[: gap.start()] + choice + address[gap.end() :])


def all_calls() -> list[tuple[str, str]]:
    return sorted(set(calls(CONTRACT.read_text()))) if CONTRACT.exists() else []


def test_calls_are_read_as_they_are_meant() -> None:
    text = "| `GET·POST /api/a/{id}/b` · `DELETE …/{x}` · `PATCH …` | `…/{y}/pdf` |\n- `POST /api/{c\\|d}/in` `{email}`"
    one = str(UUID(int=1))
    assert list(calls(text)) == [
        ("GET", f"/api/a/{one}/b"),
        ("POST", f"/api/a/{one}/b"),
        ("DELETE", f"/api/a/{one}/b/{one}"),
        ("PATCH", f"/api/a/{one}/b"),
        ("PATCH", f"/api/a/{one}/b/{one}/pdf"),
        ("POST", "/api/c/in"),
        ("POST", "/api/d/in"),
    ]


def test_every_call_is_there_but_those_named_above(app: Flask) -> None:
    adapter, gone = app.url_map.bind("localhost"), set[tuple[str, str]]()
    for verb, address in all_calls():
        try:
            adapter.match(address, method=verb)
        except HTTPException:
            gone.add((verb, address))
    assert gone == set(NOT_HERE)


def test_every_webhook_is_the_door_of_a_rail() -> None:
    """The address map has one rule for all of them."""
    named = {address.split("/")[3] for _verb, address in all_calls() if address.startswith("/api/webhooks/")} - {
        "orders"
    }
    hooks = {rail.hook or rail.name for rail in RAILS.values() if not rail.exports}
    assert len(named) > 4
    assert {ALIASES.get(name, name) for name in named} <= hooks


def test_the_walk_walks() -> None:
    assert len(all_calls()) > 90


def said(pattern: str) -> str:
    """The first group of the one place in the contract where `pattern` fits."""
    found = re.findall(pattern, CONTRACT.read_text())
    assert len(found) == 1, pattern
    return str(found[0])


def words(text: str) -> list[str]:
    """Names with commas between; what stands in brackets is about the one before."""
    return [word.strip() for word in re.sub(r"\([^)]*\)", "", text).split(",")]


def test_a_payout_row_is_as_said(browser: Browser, place: Shop) -> None:
    withdrawn(place)
    (row,) = browser.get("/api/admin/payouts").get_json()["data"]
    assert set(row) == set(words(said(r"each row: `([^`]+)`")))


def test_words_are_as_said() -> None:
    assert words(said(r"Providers: ([A-Z0-9_, ]+)\.")) == [name for name in PROVIDERS if name != "SIMULATED"]
    assert set(words(said(r"Statuses: ([A-Z_, ]+);"))) == {status.value.upper() for status in PayoutStatus}
    assert STATUSES[said(r"`(COMPLETED)` is accepted as a filter and means PAID")] is PayoutStatus.PAID
    assert said(r"`provider=BANK_TRANSFER` gives `([^`]+)`") == ",".join(COLUMNS)
    ranks = words(said(r"Roles and ranks: ([A-Z_0-9, ]+)\."))
    assert ranks == [f"{role.value} {role.rank}" for role in sorted(Role, key=lambda role: -role.rank)]


def test_a_booking_answers_as_said(noor: Browser, advisor: UUID) -> None:
    made = _send(noor, "/book", _wanted(advisor))
    assert made.status_code == 201
    assert set(made.get_json()) >= set(words(said(r"201 `\{(consultation_id[^}]+)\}`")))


@pytest.mark.parametrize("path", ["/api/v1/consultations/pricing", "/api/v1/advisors/search"])
def test_lists_say_whether_there_is_more(client: Browser, path: str) -> None:
    assert set(client.get(path).get_json()) == {"data", "next_cursor"}
