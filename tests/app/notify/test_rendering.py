from __future__ import annotations

import re
from typing import Any

import pytest

from app.core.money import Money
from app.notify.rendering import CONTEXTS, FOLDER, MissingContext, amount_value, one_line, render
from tests.stores import environment

VALUES: dict[str, Any] = {
    "name": "Jo Bell",
    "portal": "vendor portal",
    "minutes": 15,
    "link": "https://pay.example/vendor/signin/abc?next=%2Fx&y=1",
    "sign_in_url": "https://pay.example/vendor/signin",
    "security_url": "https://pay.example/vendor/settings/security",
    "days": 3,
    "old": "maya@old.test",
    "new": "maya@new.test",
    "inviter": "Oxford City Council",
    "organization": "Oxford City Council",
    "payee": "Ashby Tree Surgeons",
    "reference": "R-1",
    "amount": amount_value(Money(123_450, "GBP")),
    "used": amount_value(Money(81_000, "GBP")),
    "limit": amount_value(Money(100_000, "GBP")),
    "left": amount_value(Money(19_000, "GBP")),
    "requested": amount_value(Money(200_000, "GBP")),
    "balance": amount_value(Money(-5_000, "KES")),
    "agreed": amount_value(Money(100_000, "GBP")),
    "answer_by": "2017-09-28T09:30:00+01:00",
    "reason": "Billed twice",
    "url": "https://pay.example/x",
    "payout": "PO-1",
    "news": "Oxford City Council approved",
    "follows": "You cannot send new bills for now.",
    "project": "Loyalty email series",
    "deliverable": "Autumn reel",
    "due_on": "2017-09-26",
    "fee": amount_value(Money(45_000, "GBP")),
    "method": "Bank transfer ••9911",
    "on": "2017-09-25",
    "statement_reference": "QUIT 1",
    "message": "The account is closed.",
    "cure": "Add an account that is open.",
    "what": "added",
    "said": "The account number ends in 1614 now.",
    "label": "Bank transfer",
    "last4": "9911",
    "usable_from": "2017-09-27T10:00:00+00:00",
    "cooling_off": True,
    "batch": "B-7",
    "submitted_by": "Ada",
    "contract": "Services agreement (CT-00001)",
    "expires_on": "2017-09-26",
    "last_day": "2017-09-26",
    "role": "an admin",
    "button": "See who waits",
    "booking_url": "https://pay.example/client/signin",
    "number": 5,
    "of_number": "INV-2026-00007",
    "reminder": "A reminder.",
    "code": "048213",
    "sha256": "0a" * 32,
    "verify_url": "https://pay.example/verify",
    "word": "approved",
    "bills": "12 bills",
    "payouts": 644,
    "sender": "Oxford City Council",
    "subject": "Window graphics",
    "count": 7,
    "quotes": [{"author": "Maya Chen", "text": "Monday is fine"}],
    "title": "Review of a menu",
    "consultant": "Priya Raghavan",
    "client": "Noor",
    "starts": "Monday, December 7, 2026, 1:00 PM (Europe/Berlin)",
    "price": amount_value(Money(1_900, "USD")),
    "refund": amount_value(Money(1_900, "USD")),
    "policy": "Free of charge until 24 hours before the start.",
    "video_url": "https://meet.example/quittance-1",
    "period_start": "2017-09-01",
    "period_end": "2017-09-30",
    "sessions": 12,
    "appointments": 31,
    "earnings_url": "https://example.test/consultant/earnings?month=2017-09",
    "says": ["A payout is late", "A balance differs"],
    "more": 7,
    "totals": [amount_value(Money(1, "GBP")), amount_value(Money(2, "EUR"))],
}


def _visible(html: str) -> str:
    body = html[html.index("<body>") :]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_every_template_has_a_line_and_every_line_its_templates() -> None:
    files = {path.name for path in FOLDER.iterdir() if path.name[0] != "_"}
    files -= {"layout.txt", "layout.html", "macros.html"}
    assert files == {f"{name}.{kind}" for name in CONTEXTS for kind in ("txt", "html")}


@pytest.mark.parametrize("name", sorted(CONTEXTS))
def test_all_that_was_given_is_said_in_both_parts(name: str) -> None:
    needed, optional = CONTEXTS[name]
    mail = render(name, {key: VALUES[key] for key in needed | optional})
    html = mail.html.replace("&amp;", "&")
    for key in needed | optional:
        said = {
            "minutes": "15 minutes",
            "amount": "£1,234.50",
            "requested": "£2,000.00",
            "used": "£810.00",
            "limit": "£1,000.00",
            "left": "£190.00",
            "agreed": "£1,000.00",
            "answer_by": "September 28, 2017",
            "on": "September 25, 2017",
            "due_on": "September 26, 2017",
            "fee": "£450.00",
            "expires_on": "September 26, 2017",
            "last_day": "September 26, 2017",
            "usable_from": "September 27, 2017",
            "cooling_off": "For your safety",
            "period_start": "September 1, 2017",
            "period_end": "September 30, 2017",
            "totals": "€0.02",
            "says": "A balance differs",
            "more": "and 7 more",
            "quotes": "Monday is fine",
            "price": "$19.00",
            "refund": "$19.00",
            "balance": "−KES\u00a050.00",
        }.get(key, str(VALUES[key]))
        assert said in mail.text, key
        assert said in html, key
    assert "None" not in mail.text and "{" not in mail.text
    assert "\n\n\n\n" not in mail.text


@pytest.mark.parametrize("name", sorted(CONTEXTS))
def test_the_optional_parts_may_be_missing(name: str) -> None:
    needed, _ = CONTEXTS[name]
    mail = render(name, {key: VALUES[key] for key in needed})
    assert "None" not in mail.text and "None" not in _visible(mail.html)


@pytest.mark.parametrize("name", sorted(CONTEXTS))
def test_what_is_needed_is_asked_for(name: str) -> None:
    needed, _ = CONTEXTS[name]
    for key in needed:
        with pytest.raises(MissingContext, match=key):
            render(name, {other: VALUES[other] for other in needed - {key}})


def test_an_unknown_template_is_refused() -> None:
    with pytest.raises(MissingContext):
        render("../../pyproject", {})


def test_values_cannot_become_markup_or_lines_of_ours() -> None:
    evil = 'Jo</p><script>x</script>"\r\n\r\nSign in here: http://evil.example'
    mail = render("payout_failed", {**{k: VALUES[k] for k in CONTEXTS["payout_failed"][0]}, "name": evil})
    assert "<script>" not in mail.html and "&lt;script&gt;" in mail.html
    assert not any(line.startswith("Sign in here") for line in mail.text.splitlines())


def test_the_reader_s_locale_and_the_sandbox_show() -> None:
    context = {key: VALUES[key] for key in CONTEXTS["payout_paid"][0]} | {"on": "2017-09-25", "locale": "de"}
    mail = render("payout_paid", context)
    assert "1.234,50\u00a0£" in mail.text and "25. September 2017" in mail.text
    assert "Sandbox" in mail.text and "Sandbox" in mail.html
    with environment(QUITTANCE_MODE="live"):
        assert "Sandbox" not in render("payout_paid", context).text


def test_bodies_are_not_shown_in_logs() -> None:
    mail = render("sign_in", {key: VALUES[key] for key in CONTEXTS["sign_in"][0]})
    assert VALUES["link"] not in repr(mail)


def test_lives_in_words() -> None:
    for minutes, words in ((1, "1 minute"), (90, "90 minutes"), (120, "2 hours"), (10_080, "7 days")):
        context = {key: VALUES[key] for key in CONTEXTS["sign_in"][0]} | {"minutes": minutes}
        assert words in render("sign_in", context).text


def test_one_line() -> None:
    assert one_line(" a\r\n b\tc\x00\u2028d ") == "a b c d"
