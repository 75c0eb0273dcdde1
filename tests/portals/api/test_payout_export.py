"""The payout list as CSV: whole, masked, and with full bank details only for whom and when it is allowed."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.db.session import unit_of_work
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.admin.conftest import withdrawn
from tests.portals.api.test_signed_calls import Caller, key
from tests.portals.conftest import Browser

HERE = "/api/admin/payouts/export"
HEADER = "id,doctorId,doctor_name,doctor_email,amount,currency,bankDetails,status".split(",")
ACCOUNT = "13010000"


def table(answer: TestResponse) -> list[list[str]]:
    assert answer.status_code == 200 and answer.content_type.startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.text)))


def trail() -> list[Any]:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT action, detail FROM audit_records WHERE action LIKE '%s.%ed' ORDER BY id")
        found = session.execute(query).all()
    return [row for row in found if row.action in ("payouts.downloaded", "methods.opened")]


@pytest.fixture
def bank(app: Any) -> Shop:
    return make.shop(2, rail="bank_file", slug="bank")


def test_masked_unless_asked_and_always_written_down(browser: Browser, bank: Shop, place: Shop) -> None:
    payout_id = withdrawn(bank, 75_50)
    withdrawn(place)
    head, line = table(browser.get(f"{HERE}?provider=BANK_TRANSFER"))
    assert head == HEADER
    assert line == [
        str(payout_id), str(bank.payee_ids[0]), "Vendor 000", "", "75.50", "GBP", line[6], "PENDING"
    ]  # fmt: skip
    assert line[6].endswith("••0000") and ACCOUNT not in line[6]
    ((action, detail),) = trail()
    assert action == "payouts.downloaded"
    assert (detail["filter_provider"], detail["unmasked"]) == ("BANK_TRANSFER", False)


def test_the_filters_of_the_list(browser: Browser, bank: Shop, place: Shop) -> None:
    withdrawn(bank), withdrawn(place)
    assert len(table(browser.get(HERE))) == 3
    assert len(table(browser.get(f"{HERE}?organization=shop&status=PENDING"))) == 2
    assert len(table(browser.get(f"{HERE}?status=COMPLETED"))) == 1
    assert browser.get(f"{HERE}?status=LOST").status_code == 422
    assert browser.get(f"{HERE}?unmasked=yes").status_code == 422


def test_full_details_are_opened_and_named_on_the_trail(browser: Browser, bank: Shop) -> None:
    withdrawn(bank)
    _head, line = table(browser.get(f"{HERE}?provider=BANK_TRANSFER&unmasked=true"))
    assert line[6] == f"account_holder=A Payee; country=GB; sort_code=070246; account_number={ACCOUNT}"
    downloaded, opened = sorted(trail(), key=lambda row: row.action, reverse=True)
    assert downloaded.detail["unmasked"] is True
    assert (opened.action, opened.detail["count"], len(opened.detail["methods"])) == ("methods.opened", 1, 1)
    assert ACCOUNT not in str(opened.detail)


def test_full_details_are_for_bank_transfers_and_after_a_proof(browser: Browser, bank: Shop, superuser: Any) -> None:
    withdrawn(bank)
    assert browser.get(f"{HERE}?unmasked=true").status_code == 422
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '1 day'")
    refused = browser.get(f"{HERE}?provider=BANK_TRANSFER&unmasked=true")
    assert refused.status_code == 403 and "Prove again" in refused.get_json()["detail"]
    assert trail() == []
    assert ACCOUNT not in browser.get(f"{HERE}?provider=BANK_TRANSFER").text


def test_a_program_never_has_them(client: Browser, bank: Shop) -> None:
    withdrawn(bank)
    program = Caller(client, key(None, "payouts.read"))
    assert program.get(f"{HERE}?provider=BANK_TRANSFER&unmasked=true").status_code == 403
    answer = program.get(f"{HERE}?provider=BANK_TRANSFER")
    assert len(table(answer)) == 2 and ACCOUNT not in answer.text


def test_it_is_longer_than_a_page(browser: Browser, place: Shop) -> None:
    for number in range(60):
        withdrawn(place, 10_00 + number, payee=number % 4)
    assert len(table(browser.get(HERE))) == 61
