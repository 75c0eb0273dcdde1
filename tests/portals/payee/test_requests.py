"""Bills: written once, changed until reviewed, answered when the amount was reduced; attachments stay with them."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from app.core.clock import today
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.files.storage import StorageUnavailable
from app.identity.states import Portal
from app.payables import review
from tests.factories import payables, people
from tests.portals.payee.conftest import Vendor, World

NEW = "/vendor/request-payment"
PNG = b"\x89PNG\r\n\x1a\n a picture"
PDF = b"%PDF-1.7 a bill\n%%EOF"


def fields(**changes: Any) -> dict[str, Any]:
    return {
        "organization": "oxford",
        "description": "Tree work",
        "amount": "250.00",
        "currency": "GBP",
        "work_type": "maintenance",
        "invoice_number": "LPC-1",
        "invoice_on": today().isoformat(),
        "project": "",
        "send": "now",
        **changes,
    }


def bills(superuser: Any) -> list[tuple[str, str, int]]:
    query = "SELECT invoice_number, status, amount_minor FROM payment_requests ORDER BY id"
    return list(superuser.execute(query).fetchall())


def id_of(location: str) -> UUID:
    return UUID(location.rsplit("/", 1)[1])


def reject(world: World, request_id: UUID) -> None:
    with unit_of_work(Scope.organization(world.organization_id)) as session:
        review.reject(session, operator(), world.organization_id, request_id, reason="No order number")


def test_send_a_bill_and_see_its_state(vendor: Vendor, superuser: Any) -> None:
    answer = vendor.browser.post(NEW, fields())
    assert answer.status_code == 303
    assert bills(superuser) == [("LPC-1", "submitted", 250_00)]
    page = vendor.browser.get(answer.location).text
    assert "Bill LPC-1" in page and "Waiting for Oxford" in page and "Take back" in page
    listed = vendor.browser.get("/vendor/requests?state=review").text
    assert "Tree work" in listed and "Waiting for Oxford to approve it." in listed
    assert "Tree work" not in vendor.browser.get("/vendor/requests?state=approved").text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "0"}, "above zero"),
        ({"amount": "12.345"}, "decimals"),
        ({"description": ""}, "Say what the money is for."),
        ({"invoice_on": "2999-01-01"}, "This day has not come yet."),
        ({"invoice_on": ""}, "Give the date of the invoice."),
        ({"work_type": "gambling"}, "Not a valid choice"),
        ({"currency": "XXX"}, "Not a valid choice"),
        ({"organization": "elsewhere"}, "Not a valid choice"),
    ],
)
def test_faults_keep_what_was_typed(vendor: Vendor, superuser: Any, wrong: dict[str, str], said: str) -> None:
    answer = vendor.browser.post(NEW, fields(invoice_number="KEEP-ME", **wrong))
    assert answer.status_code == 422
    assert said in answer.text and 'value="KEEP-ME"' in answer.text
    assert bills(superuser) == []


def test_a_draft_is_nobodys_business_until_it_is_sent(vendor: Vendor, superuser: Any) -> None:
    answer = vendor.browser.post(NEW, fields(send="draft"))
    assert bills(superuser) == [("LPC-1", "draft", 250_00)]
    assert "Tree work" not in vendor.browser.get("/vendor/payments").text
    assert "Tree work" in vendor.browser.get("/vendor/requests?state=draft").text
    sent = vendor.browser.post(f"{answer.location}/submission")
    assert sent.status_code == 303
    assert bills(superuser) == [("LPC-1", "submitted", 250_00)]


def test_changed_until_it_was_reviewed(world: World, vendor: Vendor, superuser: Any) -> None:
    request_id = id_of(vendor.browser.post(NEW, fields()).location)
    url = f"/vendor/requests/{request_id}/edit"
    page = vendor.browser.get(url).text
    assert 'value="250.00"' in page and "Save changes" in page
    version = re.search(r'name="version"[^>]*value="(\d+)"', page)
    assert version
    changed = vendor.browser.post(url, fields(amount="260.00", version=version[1]))
    assert changed.status_code == 303
    said = vendor.browser.get(changed.location).text
    assert "Bill saved" in said and "Bill sent" not in said  # it was sent before
    assert bills(superuser) == [("LPC-1", "submitted", 260_00)]
    stale = vendor.browser.post(url, fields(amount="999.00", version=version[1]))
    assert stale.status_code == 422 and "changed in the meantime" in stale.text
    payables.approve(world.organization_id, request_id)
    assert vendor.browser.get(url).status_code == 409
    assert vendor.browser.post(url, fields(amount="999.00")).status_code == 409
    assert bills(superuser) == [("LPC-1", "approved", 260_00)]


def test_taken_back_and_given_up(vendor: Vendor, superuser: Any) -> None:
    request_id = id_of(vendor.browser.post(NEW, fields()).location)
    vendor.browser.post(f"/vendor/requests/{request_id}/withdrawal")
    assert bills(superuser)[0][1] == "draft"
    vendor.browser.post(f"/vendor/requests/{request_id}/cancellation")
    assert bills(superuser)[0][1] == "cancelled"
    assert vendor.browser.post(f"/vendor/requests/{request_id}/submission").status_code == 409


def test_a_rejected_bill_is_mended_and_sent_again(world: World, vendor: Vendor, superuser: Any) -> None:
    request_id = id_of(vendor.browser.post(NEW, fields()).location)
    reject(world, request_id)
    page = vendor.browser.get(f"/vendor/requests/{request_id}").text
    assert "Rejected: No order number." in page and "Change and send again" in page
    vendor.browser.post(f"/vendor/requests/{request_id}/edit", fields(project="PO 442"))
    assert bills(superuser) == [("LPC-1", "submitted", 250_00)]


def test_a_number_is_used_once(vendor: Vendor, stranger: Vendor, superuser: Any) -> None:
    vendor.browser.post(NEW, fields())
    again = vendor.browser.post(NEW, fields(amount="80", description="Something else"))
    assert again.status_code == 422
    assert "This number is used already, for a bill of" in again.text and "Something else" in again.text
    assert stranger.browser.post(NEW, fields()).status_code == 303  # another vendor has numbers of its own
    assert len(bills(superuser)) == 2


def test_a_look_alike_is_asked_about(vendor: Vendor, superuser: Any) -> None:
    vendor.browser.post(NEW, fields())
    asked = vendor.browser.post(NEW, fields(invoice_number="LPC-2"))
    assert asked.status_code == 422
    assert "Is it another one?" in asked.text and "Submit anyway." in asked.text
    assert len(bills(superuser)) == 1
    sent = vendor.browser.post(NEW, fields(invoice_number="LPC-2", even_so="yes"))
    assert sent.status_code == 303
    assert [number for number, _, _ in bills(superuser)] == ["LPC-1", "LPC-2"]


def test_sent_twice_is_one_bill(vendor: Vendor, superuser: Any) -> None:
    sent = fields(idempotency_key="a" * 32, invoice_number="")
    first, again = vendor.browser.post(NEW, sent), vendor.browser.post(NEW, sent)
    assert first.location == again.location
    assert len(bills(superuser)) == 1


def test_a_reduced_amount_is_accepted(world: World, vendor: Vendor, superuser: Any) -> None:
    request_id = payables.approved(world.organization_id, vendor.actor, 100_00, agreed=80_00)
    page = vendor.browser.get(f"/vendor/requests/{request_id}").text
    assert "Oxford approved £80.00 of £100.00" in page and "Reason: Less was agreed" in page
    assert vendor.browser.post(f"/vendor/requests/{request_id}/acceptance").status_code == 303
    assert superuser.execute("SELECT amount_minor FROM ready_earnings").fetchall() == [(80_00,)]
    assert vendor.browser.post(f"/vendor/requests/{request_id}/acceptance").status_code == 409


def test_a_reduced_amount_is_disputed(world: World, vendor: Vendor, superuser: Any) -> None:
    request_id = payables.approved(world.organization_id, vendor.actor, 100_00, agreed=80_00)
    url = f"/vendor/requests/{request_id}/dispute"
    assert vendor.browser.post(url, {"reason": ""}).status_code == 422
    assert vendor.browser.post(url, {"reason": "We agreed on 100"}).status_code == 303
    assert bills(superuser)[0][1] == "disputed"
    page = vendor.browser.get(f"/vendor/requests/{request_id}").text
    assert "The amount is disputed: Oxford looks at it again." in page and "We agreed on 100" in page
    assert "Approved, disputed" in page


def test_files_go_with_the_bill(vendor: Vendor, stranger: Vendor, superuser: Any) -> None:
    sent = fields(files=[(io.BytesIO(PDF), "bill.pdf"), (io.BytesIO(PNG), "receipt.png")])
    page = vendor.browser.post(NEW, sent, follow_redirects=True).text
    assert "bill.pdf" in page and "receipt.png" in page
    (path,) = re.findall(r'href="(/vendor/files/[0-9a-f-]+)">bill\.pdf', page)
    answer = vendor.browser.get(path)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    assert answer.headers["Content-Disposition"] == "attachment; filename=bill.pdf"
    assert stranger.browser.get(path).status_code == 404


def test_a_bad_file_is_named_and_nothing_is_kept(vendor: Vendor, superuser: Any) -> None:
    answer = vendor.browser.post(NEW, fields(files=[(io.BytesIO(b"MZ program"), "bill.pdf")]))
    assert answer.status_code == 422
    assert "bill.pdf: The file’s name ends in .pdf, but its content is something else." in answer.text
    assert bills(superuser) == []
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (0,)


def test_files_survive_a_question(vendor: Vendor, stranger: Vendor, superuser: Any) -> None:
    vendor.browser.post(NEW, fields())
    asked = vendor.browser.post(NEW, fields(invoice_number="LPC-2", files=[(io.BytesIO(PDF), "bill.pdf")]))
    assert asked.status_code == 422 and "bill.pdf" in asked.text and "ready to be sent" in asked.text
    (token,) = re.findall(r'name="kept_file" value="([^"]+)"', asked.text)
    vendor.browser.post(NEW, fields(invoice_number="LPC-2", even_so="yes", kept_file=token))
    assert superuser.execute("SELECT name FROM stored_files").fetchall() == [("bill.pdf",)]
    # the token is worth nothing in another hand
    stranger.browser.post(NEW, fields(kept_file=token))
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (1,)


def test_a_file_is_taken_off_until_the_review(world: World, vendor: Vendor, superuser: Any) -> None:
    location = vendor.browser.post(NEW, fields(files=[(io.BytesIO(PDF), "bill.pdf")])).location
    (file_id,) = superuser.execute("SELECT id FROM stored_files").fetchone()
    payables.approve(world.organization_id, id_of(location))
    assert vendor.browser.post(f"{location}/files/{file_id}/removal").status_code == 409
    other = vendor.browser.post(NEW, fields(invoice_number="LPC-9", amount="9")).location
    assert vendor.browser.post(f"{other}/files/{file_id}/removal").status_code == 404
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (1,)


def test_nobody_elses_bill(world: World, vendor: Vendor, stranger: Vendor, superuser: Any) -> None:
    request_id = payables.approved(world.organization_id, vendor.actor, 100_00, agreed=80_00)
    one = f"/vendor/requests/{request_id}"
    assert vendor.browser.get(one).status_code == 200
    for path in (one, f"{one}/edit", f"{one}/dispute"):
        assert stranger.browser.get(path).status_code == 404
    for verb in ("submission", "withdrawal", "cancellation", "acceptance"):
        assert stranger.browser.post(f"{one}/{verb}").status_code == 404
    assert stranger.browser.post(f"{one}/dispute", {"reason": "Mine"}).status_code == 404
    assert bills(superuser)[0][1] == "approved"


def test_creators_have_no_bills(world: World) -> None:
    creator = world.payee(Portal.CREATOR, "Ana Sol")
    assert creator.browser.get("/creator/payments").status_code == 200
    assert creator.browser.get("/creator/request-payment").status_code == 404
    assert creator.browser.get("/creator/requests").status_code == 404


def test_the_mails_lead_to_the_bill(world: World, vendor: Vendor, superuser: Any) -> None:
    """Reviewers to their page of it, the payee to its own."""
    people.member(world.organization_id, email="reviewer@oxford.test")
    request_id = id_of(vendor.browser.post(NEW, fields()).location)
    reject(world, request_id)
    query = "SELECT context->>'url' FROM mails WHERE template = %s"
    (asked,) = superuser.execute(query, ["request_received"]).fetchone()
    (told,) = superuser.execute(query, ["request_rejected"]).fetchone()
    reviewer = world.sign_in(Portal.ORG, "reviewer@oxford.test")
    assert "Tree work" in reviewer.get(urlsplit(asked).path).text
    assert "Tree work" in vendor.browser.get(urlsplit(told).path).text


def test_sent_twice_with_a_file_is_one_bill(vendor: Vendor, superuser: Any) -> None:
    def sent() -> dict[str, Any]:
        return fields(idempotency_key="b" * 32, files=[(io.BytesIO(PDF), "bill.pdf")])

    first, again = vendor.browser.post(NEW, sent()), vendor.browser.post(NEW, sent())
    assert first.location == again.location
    assert len(bills(superuser)) == 1
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (1,)


def test_a_store_that_is_away_is_said_and_nothing_is_written(
    vendor: Vendor, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def put(self, content: bytes) -> str:
            raise StorageUnavailable("away")

    monkeypatch.setattr("portals.web.uploads.storage", Away)
    answer = vendor.browser.post(NEW, fields(files=[(io.BytesIO(PDF), "bill.pdf")]))
    assert answer.status_code == 422 and "could not be kept just now" in answer.text
    assert bills(superuser) == []


def test_the_page_says_when_a_bill_is_due(vendor: Vendor, superuser: Any) -> None:
    superuser.execute("UPDATE engagements SET terms_days = 30")
    sent = vendor.browser.post(NEW, fields(invoice_on="2026-01-05"))
    assert "2026-02-04" in vendor.browser.get(sent.location).text
    assert "Net 30" in vendor.browser.get(NEW).text
