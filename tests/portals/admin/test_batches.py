"""A batch in the browser, without script: dry run, plan, submit, approval by a second person, run, and its faults."""

from __future__ import annotations

import re
from uuid import UUID

from sqlalchemy import text

from app.core.scope import SYSTEM, Actor
from app.db.session import unit_of_work
from app.payouts import batches, settling
from app.payouts.settling import News
from app.rails.base import Blame, Outcome, Result
from jobs import payouts as jobs
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import FakeRail, fake_rail
from tests.portals.admin.conftest import status
from tests.portals.conftest import Browser


def opened(browser: Browser, **choices: str) -> UUID:
    answer = browser.post("/admin/batches/new", {"organization": "shop", "title": "", **choices})
    assert answer.status_code == 303, answer.text
    return UUID(answer.location.rsplit("/", 1)[1])


def planned(browser: Browser, place: Shop, admin: Actor, payees: int = 3) -> UUID:
    for payee in range(payees):
        make.earn(place, 100_00, payee=payee)
    batch_id = opened(browser)
    jobs.plan_batch(str(batch_id), admin.label, str(admin.account_id))
    return batch_id


def running(browser: Browser, second: Browser, batch_id: UUID) -> list[str]:
    for person, step in ((browser, "submission"), (second, "approval"), (second, "run")):
        answer = person.post(f"/admin/batches/{batch_id}/{step}")
        assert answer.status_code == 303, answer.text
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(text("SELECT id FROM batch_chunks WHERE batch_id = :id"), {"id": batch_id})
        return [str(chunk_id) for chunk_id in rows.scalars()]


def payouts_of(batch_id: UUID) -> list[UUID]:
    with unit_of_work(PLATFORM) as session:
        return list(
            session.execute(text("SELECT id FROM payouts WHERE batch_id = :b ORDER BY id"), {"b": batch_id}).scalars()
        )


def state_of(batch_id: UUID) -> str:
    with unit_of_work(PLATFORM) as session:
        return batches.get(session, batch_id).status.value


def settle(rail: FakeRail, outcome: Outcome, blame: Blame | None = None) -> None:
    with unit_of_work(PLATFORM) as session:
        news = [
            News(Result(key, outcome, "r", "x", "The bank was closed.", "Wait.", blame), "event") for key in rail.orders
        ]
        settling.apply(session, SYSTEM, news)


def test_from_ready_bills_to_paid_without_script(browser: Browser, second: Browser, admin: Actor, place: Shop) -> None:
    make.earn(place, 100_00, payee=0)
    make.earn(place, 50_00, 20_00, payee=1)
    ready = browser.get("/admin/batches/new").text
    assert "£170.00" in ready and "/admin/batches/new?organization=shop" in ready
    dry = browser.get("/admin/batches/new?organization=shop").text
    assert "Open batch of 2 payouts" in dry and "Funds and credit: £10,000.00" in dry
    batch_id = opened(browser, title="November suppliers")
    page = browser.get(f"/admin/batches/{batch_id}").text
    assert "being planned" in page and 'hx-trigger="every 3s"' in page and "Look again" in page
    jobs.plan_batch(str(batch_id), admin.label, str(admin.account_id))
    page = browser.get(f"/admin/batches/{batch_id}").text
    assert "November suppliers: £170.00 to 2 payees." in page and "Submit for approval" in page
    assert "every 3s" not in page
    with fake_rail() as rail:
        for chunk_id in running(browser, second, batch_id):
            jobs.run_chunk(chunk_id)
        assert "2 of 2" in browser.get(f"/admin/batches/{batch_id}").text
        settle(rail, Outcome.PAID)
    page = browser.get(f"/admin/batches/{batch_id}").text
    assert re.search(r"Confirmed by the rail <b>2</b>", page) and "every 3s" not in page
    assert [status(payout_id) for payout_id in payouts_of(batch_id)] == ["paid", "paid"]


def test_the_dry_run_writes_nothing(browser: Browser, place: Shop) -> None:
    make.earn(place, 100_00)
    browser.get("/admin/batches/new?organization=shop")
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT count(*) FROM batches")).scalar_one() == 0


def test_the_dry_run_says_what_is_short_and_who_is_left_out(browser: Browser, place: Shop) -> None:
    make.earn(place, 12_000_00, payee=0)
    make.earn(place, 30_00, -50_00, payee=1)
    make.earn(place, 70_00, payee=2)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE methods SET status = 'disabled' WHERE payee_id = :id"), {"id": place.payee_ids[2]})
    page = browser.get("/admin/batches/new?organization=shop").text
    assert "£2,000.00 is missing" in page and "Open batch of 1 payout" in page
    assert "Credits are larger than the bills" in page and "−£20.00" in page
    assert "No payout method for this currency yet." in page
    assert f"/admin/payees/{place.payee_ids[2]}#methods" in page


def test_choices_narrow_the_batch(browser: Browser, place: Shop, admin: Actor) -> None:
    make.earn(place, 100_00)
    part = browser.htmx("GET", "/admin/batches/new?organization=shop&rail=check")
    assert part.text.lstrip().startswith('<div id="preview"') and "Nothing can be paid with these choices" in part.text
    refused = browser.post("/admin/batches/new", {"organization": "shop", "rail": "check"})
    assert refused.status_code == 409 and "Nothing is ready" in refused.text


def test_the_maker_may_not_approve(browser: Browser, second: Browser, admin: Actor, place: Shop) -> None:
    batch_id = planned(browser, place, admin)
    browser.post(f"/admin/batches/{batch_id}/submission")
    page = browser.get(f"/admin/batches/{batch_id}").text
    assert "You made or submitted this batch; somebody else has to approve it." in page and "disabled" in page
    refused = browser.post(f"/admin/batches/{batch_id}/approval")
    assert refused.status_code == 403 and "somebody else has to approve it" in refused.text
    assert state_of(batch_id) == "submitted"
    assert "disabled" not in second.get(f"/admin/batches/{batch_id}").text.split('id="progress"')[0]
    assert second.post(f"/admin/batches/{batch_id}/approval").status_code == 303
    assert state_of(batch_id) == "approved"


def test_who_submitted_may_not_approve_either(browser: Browser, second: Browser, admin: Actor, place: Shop) -> None:
    batch_id = planned(browser, place, admin)
    second.post(f"/admin/batches/{batch_id}/submission")
    assert second.post(f"/admin/batches/{batch_id}/approval").status_code == 403


def test_steps_out_of_order_are_refused_with_a_sentence(
    browser: Browser, second: Browser, admin: Actor, place: Shop
) -> None:
    batch_id = planned(browser, place, admin)
    for step in ("approval", "run", "pause"):
        answer = second.post(f"/admin/batches/{batch_id}/{step}")
        assert answer.status_code == 409 and "This batch is draft now" in answer.text, step


def test_polling_answers_204_until_something_changed(
    browser: Browser, second: Browser, admin: Actor, place: Shop
) -> None:
    batch_id = planned(browser, place, admin)
    chunks = running(browser, second, batch_id)
    page = browser.get(f"/admin/batches/{batch_id}").text
    found = re.search(r'hx-get="(/admin/batches/[^"]+/progress\?seen=\w+)"', page)
    assert found, "a running batch polls"
    assert browser.htmx("GET", found[1]).status_code == 204
    with fake_rail():
        jobs.run_chunk(chunks[0])
    part = browser.htmx("GET", found[1])
    assert part.status_code == 200 and part.text.lstrip().startswith('<div id="batch"')
    whole = browser.get(found[1].split("?")[0])
    assert "<html" in whole.text  # somebody opened the address itself


def test_single_payouts_are_taken_out_before_approval(
    browser: Browser, second: Browser, admin: Actor, place: Shop
) -> None:
    batch_id = planned(browser, place, admin)
    out, held, stays = payouts_of(batch_id)
    form = {"id": str(out), "reason": "Disputed", "batch": str(batch_id)}
    answer = browser.htmx("POST", "/admin/payouts/rejections", form)
    assert 'hx-target="#batch"' in answer.text and f'hx-target="#payout-{out}"' in answer.text
    browser.htmx("POST", "/admin/payouts/holds", {"id": str(held), "reason": "Wait", "batch": str(batch_id)})
    page = browser.get(f"/admin/batches/{batch_id}").text
    assert "Taken out <b>1</b>" in page and "On hold <b>1</b>" in page
    browser.post(f"/admin/batches/{batch_id}/submission")
    second.post(f"/admin/batches/{batch_id}/approval")
    assert [status(payout_id) for payout_id in (out, held, stays)] == ["rejected", "on_hold", "approved"]


def test_a_change_after_the_submission_voids_it(browser: Browser, second: Browser, admin: Actor, place: Shop) -> None:
    batch_id = planned(browser, place, admin)
    browser.post(f"/admin/batches/{batch_id}/submission")
    browser.post(
        "/admin/payouts/rejections", {"id": str(payouts_of(batch_id)[0]), "reason": "No", "batch": str(batch_id)}
    )
    refused = second.post(f"/admin/batches/{batch_id}/approval")
    assert refused.status_code == 409 and "changed after it was submitted" in refused.text
    assert second.post(f"/admin/batches/{batch_id}/reopening", {"reason": ""}).status_code == 422
    second.post(f"/admin/batches/{batch_id}/reopening", {"reason": "One was rejected"})
    assert state_of(batch_id) == "draft" and "One was rejected" in browser.get(f"/admin/batches/{batch_id}").text
    browser.post(f"/admin/batches/{batch_id}/submission")
    assert second.post(f"/admin/batches/{batch_id}/approval").status_code == 303


def test_a_cancelled_batch_gives_everything_back(browser: Browser, admin: Actor, place: Shop) -> None:
    batch_id = planned(browser, place, admin, payees=1)
    sheet = browser.htmx("GET", f"/admin/batches/{batch_id}/cancellation")
    assert "goes back to the payees" in sheet.text and "<html" not in sheet.text
    browser.post(f"/admin/batches/{batch_id}/cancellation", {"reason": "Wrong month"})
    assert state_of(batch_id) == "cancelled" and make.balances(place) == {"payee_available": 100_00}


def test_a_pause_stops_what_has_not_started(browser: Browser, second: Browser, admin: Actor, place: Shop) -> None:
    batch_id = planned(browser, place, admin)
    chunks = running(browser, second, batch_id)
    browser.post(f"/admin/batches/{batch_id}/pause")
    with fake_rail() as rail:
        for chunk_id in chunks:
            jobs.run_chunk(chunk_id)
        assert not rail.orders
        assert "Go on" in browser.get(f"/admin/batches/{batch_id}").text
        browser.post(f"/admin/batches/{batch_id}/run")
        for chunk_id in chunks:
            jobs.run_chunk(chunk_id)
        assert len(rail.orders) == 3


def test_what_funds_do_not_cover_is_said(browser: Browser, second: Browser, admin: Actor, place: Shop) -> None:
    make.earn(place, 9_000_00, payee=0)
    make.earn(place, 4_000_00, payee=1)
    batch_id = opened(browser)
    jobs.plan_batch(str(batch_id), admin.label, str(admin.account_id))
    browser.post(f"/admin/batches/{batch_id}/submission")
    second.post(f"/admin/batches/{batch_id}/approval")
    page = browser.get(f"/admin/batches/{batch_id}").text
    assert "1 payout waits for funds" in page and "is missing. They go on by themselves" in page


def test_failed_payouts_are_listed_and_the_safe_ones_tried_again(
    browser: Browser, second: Browser, admin: Actor, place: Shop
) -> None:
    batch_id = planned(browser, place, admin, payees=2)
    with fake_rail() as rail:
        for chunk_id in running(browser, second, batch_id):
            jobs.run_chunk(chunk_id)
        settle(rail, Outcome.FAILED, Blame.RETRY)
    page = browser.get(f"/admin/batches/{batch_id}").text
    assert "2 payouts failed, £200.00 went back" in page and "The bank was closed." in page
    assert "Try 2 safe ones again" in page
    ids = [str(payout_id) for payout_id in payouts_of(batch_id)]
    browser.post("/admin/payouts/retries", {"id": ids, "batch": str(batch_id)})
    assert [status(UUID(payout_id)) for payout_id in ids] == ["pending", "pending"]
    second.post("/admin/payouts/approvals", {"id": ids})  # the batch was approved; these are approved by themselves
    assert [status(UUID(payout_id)) for payout_id in ids] == ["approved", "approved"]


def test_the_list_keeps_currencies_apart(browser: Browser, admin: Actor, place: Shop) -> None:
    batch_id = planned(browser, place, admin, payees=1)
    listed = browser.get("/admin/batches").text
    assert "PB-" in listed and "£100.00" in listed and f"/admin/batches/{batch_id}" in listed
    assert f"/admin/batches/{batch_id}" in browser.get("/admin/batches?organization=shop").text


def test_the_payouts_of_a_batch_can_be_searched(browser: Browser, admin: Actor, place: Shop) -> None:
    batch_id = planned(browser, place, admin)
    part = browser.htmx("GET", f"/admin/batches/{batch_id}?q=Vendor+001")
    assert part.text.lstrip().startswith('<div id="lines"') and part.text.count('id="payout-') == 1
    assert "Nothing matches" in browser.get(f"/admin/batches/{batch_id}?state=failed").text
