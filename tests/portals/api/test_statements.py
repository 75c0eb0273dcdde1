"""Statements brought by a program of the platform: taken once, faults named, and nobody else's business."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from app.identity.states import Portal
from jobs import runtime
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.statements import house
from tests.portals.api.test_signed_calls import Caller, key
from tests.portals.conftest import Browser

HERE = "/api/admin/statements"
CSV = b"Date,Text,Amount\n2026-10-01,A,10.00\n2026-10-02,B,-4.00\n"


def bring(program: Caller, body: bytes, **fields: str) -> Any:
    data = {"file": (io.BytesIO(body), "bank.csv"), "account": "bank", "currency": "GBP", **fields}
    made = EnvironBuilder(path=HERE, method="POST", data=data).get_environ()
    raw = made["wsgi.input"].read()
    headers = program.headers("POST", HERE, raw)
    return program.client.open(HERE, method="POST", data=raw, content_type=made["CONTENT_TYPE"], headers=headers)


@pytest.fixture
def program(client: Browser) -> Caller:
    house()
    return Caller(client, key(None, "statements.write"))


def test_a_statement_is_taken_and_its_lines_are_read(program: Caller) -> None:
    made = bring(program, CSV)
    assert made.status_code == 202, made.text
    told = made.get_json()
    assert (told["status"], told["read"], told["lastOn"]) == ("RUNNING", 2, "2026-10-02")
    runtime.run_due()
    done = program.get(f"{HERE}/{told['id']}").get_json()
    assert (done["status"], done["new"], done["matched"]) == ("DONE", 2, 0)
    lines = program.get("/api/admin/statement-lines?since=2026-10-02").get_json()["data"]
    assert [(line["amount"], line["state"]) for line in lines] == [({"amountMinor": -400, "currency": "GBP"}, "OPEN")]
    bring(program, CSV)
    runtime.run_due()
    assert len(program.get("/api/admin/statement-lines").get_json()["data"]) == 2


def test_faults_are_named_and_left_out_when_told(program: Caller) -> None:
    bad = CSV + b"2026-10-03,C,abc\n"
    refused = bring(program, bad)
    assert refused.status_code == 422 and "line 4, Amount" in refused.text
    assert bring(program, bad, skipFaulty="true").status_code == 202
    assert bring(program, CSV, account="nowhere").status_code == 422
    assert bring(program, b"").status_code == 422


def test_others_are_refused(client: Browser, sign_in: Callable[[Portal, str], Browser]) -> None:
    house()
    assert bring(Caller(client, key(None, "orders.write")), CSV).status_code == 403
    assert bring(Caller(client, key(organization("oxford"), "statements.write")), CSV).status_code == 404
    assert client.get("/api/admin/statement-lines").status_code == 401
    people.account(Portal.ADMIN, "anna@example.test")
    assert sign_in(Portal.ADMIN, "anna@example.test").get("/api/admin/statement-lines").status_code == 200
