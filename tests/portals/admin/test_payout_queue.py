"""The queue: views, filters, the drawer, the file."""

from __future__ import annotations

import csv
import io

from sqlalchemy import text

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.payouts import service
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.admin.conftest import approved, status, withdrawn
from tests.portals.conftest import Browser


def test_each_view_holds_its_own(browser: Browser, checker: Actor, place: Shop) -> None:
    waiting = withdrawn(place, 100_00)
    ready = approved(place, checker, 200_00, payee=1)
    held = withdrawn(place, 300_00, payee=2)
    with unit_of_work(PLATFORM) as session:
        service.hold(session, checker, held, "unclear")
    for view, payout_id, word in (
        ("open", waiting, "Open"),
        ("approved", ready, "Ready to send"),
        ("on_hold", held, "On hold"),
    ):
        text_of = browser.get(f"/admin/payouts?view={view}").text
        assert f"payout-{payout_id}" in text_of and word in text_of
        assert text_of.count('id="payout-') == 1
    assert "unclear" in browser.get("/admin/payouts?view=on_hold").text


def test_filters_narrow_the_list_and_can_be_taken_off(browser: Browser, place: Shop) -> None:
    small, large = withdrawn(place, 50_00), withdrawn(place, 500_00, payee=1)
    found = browser.get("/admin/payouts?min=100&currency=GBP&organization=shop&rail=simulated").text
    assert f"payout-{large}" in found and f"payout-{small}" not in found
    assert "At least" in found and "£100.00" in found
    assert f"payout-{small}" in browser.get("/admin/payouts?q=Vendor+000").text
    assert f"payout-{large}" not in browser.get("/admin/payouts?q=Vendor+000").text
    assert "Nothing matches" in browser.get("/admin/payouts?to=2020-01-01").text
    assert "Nothing matches" in browser.get("/admin/payouts?from=2999-01-01").text


def test_an_amount_needs_a_currency(browser: Browser, place: Shop) -> None:
    withdrawn(place)
    answer = browser.get("/admin/payouts?min=100")
    assert answer.status_code == 200 and "Choose a currency to filter by amount." in answer.text


def test_nonsense_in_the_address_is_left_out(browser: Browser, place: Shop) -> None:
    payout_id = withdrawn(place)
    days = ("from=yesterday", "from=0001-01-01", "to=9999-12-31")
    for query in ("view=nothing", *days, "rail=teleport", "currency=XXX", "organization=none", "limit=x"):
        assert f"payout-{payout_id}" in browser.get(f"/admin/payouts?{query}").text, query
    assert browser.get("/admin/payouts?cursor=broken").status_code == 422


def test_pages_follow_each_other(browser: Browser, place: Shop) -> None:
    ids = [withdrawn(place, 10_00 + n, payee=n % 4) for n in range(5)]
    first = browser.get("/admin/payouts?limit=3").text
    assert all(f"payout-{i}" in first for i in ids[2:])
    older = next(part for part in first.split('href="') if "cursor=" in part.split('"')[0]).split('"')[0]
    second_page = browser.get(older.replace("&amp;", "&")).text
    assert all(f"payout-{i}" in second_page for i in ids[:2]) and f"payout-{ids[2]}" not in second_page
    assert 'rel="prev"' in second_page


def test_a_fragment_brings_tabs_and_chips(browser: Browser, place: Shop) -> None:
    withdrawn(place)
    part = browser.htmx("GET", "/admin/payouts?view=open&organization=shop")
    assert "<html" not in part.text and part.text.lstrip().startswith('<div id="queue"')
    assert '<hx-partial hx-target="#views"' in part.text and '<hx-partial hx-target="#chips"' in part.text


def test_the_filters_stay_in_the_view_a_tab_has_chosen(browser: Browser, place: Shop) -> None:
    assert '<input type="hidden" id="f-view" name="view" value="open">' in browser.get("/admin/payouts").text
    part = browser.htmx("GET", "/admin/payouts?view=done").text
    assert '<hx-partial hx-target="#f-view"' in part
    assert '<input type="hidden" id="f-view" name="view" value="done">' in part


def test_counting_under_a_filter_stops_earlier(browser: Browser, place: Shop) -> None:
    withdrawn(place, 10_00)
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text(
                """INSERT INTO payouts (organization_id, payee_id, amount_minor, currency, rail, method_id, origin,
                    status, requested_by)
                SELECT organization_id, payee_id, 100, 'GBP', rail, method_id, origin, status, 'x'
                FROM payouts, generate_series(1, 300)"""
            )
        )
    assert ">301<" in browser.get("/admin/payouts").text
    assert ">200+<" in browser.get("/admin/payouts?organization=shop").text


def test_a_search_that_finds_too_many_payees_says_so(browser: Browser, place: Shop) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(text("INSERT INTO payees (kind, name) SELECT 'vendor', 'Many ' || generate_series(1, 250)"))
    told = "only 200 are looked through"
    assert told in browser.get("/admin/payouts?q=many").text
    assert told not in browser.get("/admin/payouts?q=vendor").text


def test_the_drawer_masks_the_destination(browser: Browser, place: Shop) -> None:
    payout_id = withdrawn(place, 120_00)
    drawer = browser.htmx("GET", f"/admin/payouts/{payout_id}").text
    assert "<html" not in drawer
    assert "••8905" in drawer and "12345678905" not in drawer
    assert "£120.00" in drawer and "You asked for it." in drawer and "Approve £120.00" in drawer
    page = browser.get(f"/admin/payouts/{payout_id}").text
    assert "<html" in page and "12345678905" not in page and "Not sent yet" in page


def test_payouts_of_a_batch_are_left_to_the_batch(browser: Browser, admin: Actor, place: Shop) -> None:
    from app.payouts import batches
    from jobs import payouts as jobs

    make.earn(place, 10_00)
    with unit_of_work(PLATFORM) as session:
        batch_id = batches.create(session, admin, place.organization_id).id
    jobs.plan_batch(str(batch_id), admin.label, str(admin.account_id))
    single = withdrawn(place, 20_00, payee=1)
    everything = browser.get("/admin/payouts").text
    assert everything.count('id="payout-') == 2 and "approve the batch" in everything
    alone = browser.get("/admin/payouts?batch=none").text
    assert f"payout-{single}" in alone and alone.count('id="payout-') == 1
    with unit_of_work(PLATFORM) as session:
        in_batch = session.execute(text("SELECT id FROM payouts WHERE batch_id IS NOT NULL")).scalar_one()
    refused = browser.post("/admin/payouts/approvals", {"id": str(in_batch)})
    assert refused.status_code == 409 and "approve the batch" in refused.text
    assert status(in_batch) == "pending"


def test_the_file_has_the_same_filter_and_no_account(browser: Browser, place: Shop, superuser: object) -> None:
    withdrawn(place, 50_00)
    large = withdrawn(place, 500_00, payee=1)
    answer = browser.get("/admin/payouts.csv?min=100&currency=GBP")
    assert (
        answer.headers["Content-Type"].startswith("text/csv") and "attachment" in answer.headers["Content-Disposition"]
    )
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == "id,doctorId,doctor_name,doctor_email,amount,currency,bankDetails,status".split(",")
    assert [(row[0], row[4], row[5], row[7]) for row in rows[1:]] == [(str(large), "500.00", "GBP", "PENDING")]
    assert rows[1][6].endswith("••8905") and "12345678905" not in answer.text
    with unit_of_work(PLATFORM) as session:
        kept = session.execute(
            text("SELECT detail FROM audit_records WHERE action = 'payouts.downloaded'")
        ).scalar_one()
    assert kept["filter_min"] == "100"


def test_a_file_is_longer_than_a_page(browser: Browser, place: Shop) -> None:
    for n in range(60):
        withdrawn(place, 10_00 + n, payee=n % 4)
    assert browser.get("/admin/payouts.csv").text.count("\r\n") == 61
