"""Log lines: who, what, how long, under which id; nothing that must not be kept."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask, g

from app.core.scope import Actor
from portals.web import logging as weblog
from portals.web.logging import JsonLines, TextLines, redact

ACCOUNT = "018f3f2e-7b5c-7c4d-9d1e-2f3a4b5c6d7e"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the JSON handler writes during the test."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def read(stream: io.StringIO) -> list[dict[str, object]]:
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in found if str(line["logger"]).startswith("quittance")]


def test_one_line_per_request(app: Flask, lines: io.StringIO) -> None:
    def page(bill_id: UUID) -> str:
        g.actor = Actor("Ann", "payee", account_id=ACCOUNT)  # type: ignore[arg-type]
        return "ok"

    app.add_url_rule("/vendor/bills/<uuid:bill_id>", view_func=page)
    answer = app.test_client().get(f"/vendor/bills/{ACCOUNT}?q=secret&email=ann@example.org")
    (line,) = read(lines)
    assert line["path"] == f"/vendor/bills/{ACCOUNT}"
    assert (line["method"], line["status"], line["account_id"]) == ("GET", 200, ACCOUNT)
    assert isinstance(line["ms"], float) and line["request_id"] == answer.headers["X-Request-Id"]
    assert "secret" not in lines.getvalue() and "example.org" not in lines.getvalue()


def test_tokens_in_paths_are_left_out(app: Flask, lines: io.StringIO) -> None:
    app.add_url_rule("/sign-in/<token>", view_func=lambda token: "ok")
    app.test_client().get("/sign-in/short")
    app.test_client().get("/elsewhere/kJ8s7DFh2lksdf98sdfKJHsdf87sdf")
    assert [line["path"] for line in read(lines)] == ["/sign-in/[token]", "/elsewhere/[token]"]


def test_faults_are_logged_once_without_secrets(app: Flask, lines: io.StringIO) -> None:
    def fail(token: str) -> str:
        raise RuntimeError(
            "connect postgresql://user:hunter2@db/x for ann@example.org account 1234567890123 token=abcdef\n"
            "DETAIL:  Failing row contains (1, Ann, 55-66).\n[parameters: {'name': 'Ann'}]"
        )

    app.add_url_rule("/fail/<token>", view_func=fail)
    app.test_client().get("/fail/opensesame", headers={"X-Request-Id": "abcd-1234"})
    fault = next(line for line in read(lines) if line["logger"] == "quittance.fault")
    assert fault["request_id"] == "abcd-1234" and fault["error"] == "RuntimeError"
    assert "in fail" in str(fault["trace"])
    for secret in ("hunter2", "ann@example.org", "1234567890123", "abcdef", "'Ann'", "55-66", "opensesame"):
        assert secret not in lines.getvalue()


@pytest.mark.parametrize("given", ["a b", "x", "x" * 65, "1234567\n8", "<script>"])
def test_a_strange_request_id_is_replaced(app: Flask, given: str) -> None:
    if "\n" in given:
        assert not weblog._REQUEST_ID.fullmatch(given)
        return
    answered = app.test_client().get("/nowhere", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert answered != given and len(answered) == 32


def test_ids_dates_and_plain_words_stay() -> None:
    text = f"payout {ACCOUNT} of 2026-11-21 03:19:35 failed after 1234567 tries: InvalidTransition"
    assert redact(text) == text


def test_the_text_form_is_for_people(app: Flask) -> None:
    record = logging.makeLogRecord({"name": "quittance.request", "levelname": "INFO", "msg": "GET /vendor 200"})
    record.fields = {"ms": 12.5}
    assert TextLines().format(record).endswith("INFO    quittance.request GET /vendor 200 ms=12.5")


def test_static_files_and_health_checks_are_not_logged(app: Flask, lines: io.StringIO) -> None:
    app.test_client().get("/static/app.js")
    assert read(lines) == []


def test_configure_replaces_handlers_of_the_process() -> None:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    try:
        weblog.configure()
        (handler,) = root.handlers
        assert isinstance(handler.formatter, JsonLines)
    finally:
        root.handlers[:], root.level = kept, level
