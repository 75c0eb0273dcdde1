"""Writing a bill when something is wrong with it: everything is said at once, and nothing that was given is lost."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import today
from app.files.sniffing import MAX_BYTES
from app.identity.states import Portal
from app.payables.states import WorkType
from tests.portals.conftest import Browser
from tests.portals.payee.conftest import Vendor, World
from tests.portals.payee.test_requests import NEW, PDF, PNG, bills, fields, id_of, reject

TIFF = b"II*\x00 a proof"


def files(*named: tuple[bytes, str]) -> list[tuple[io.BytesIO, str]]:
    return [(io.BytesIO(content), name) for content, name in named]


def kept(html: str) -> list[str]:
    return re.findall(r'name="kept_file" value="([^"]+)"', html)


def stored(superuser: Any) -> list[str]:
    return [name for (name,) in superuser.execute("SELECT name FROM stored_files ORDER BY name").fetchall()]


def test_everything_wrong_is_said_at_once(vendor: Vendor, superuser: Any) -> None:
    vendor.browser.post(NEW, fields(invoice_number="LPC-1188"))
    late = (today() + timedelta(days=27)).isoformat()
    wrong = fields(
        invoice_number="lpc-1188", invoice_on=late, amount="", files=files((PDF, "bill.pdf"), (TIFF, "proofs.tiff"))
    )
    answer = vendor.browser.post(NEW, wrong)
    assert answer.status_code == 422
    for said in (
        "Fix this to send the bill",
        "This number is used already, for a bill of",
        "This day has not come yet.",
        "Enter an amount.",
        "proofs.tiff is neither a PDF nor a picture.",
    ):
        assert said in answer.text, said
    for typed in ('value="lpc-1188"', f'value="{late}"', "Tree work</textarea>", "bill.pdf"):
        assert typed in answer.text, typed
    (token,) = kept(answer.text)  # the good file is kept although another is refused, and other fields are wrong
    right = vendor.browser.post(NEW, fields(invoice_number="LPC-1189", amount="91.00", kept_file=token))
    assert right.status_code == 303
    assert stored(superuser) == ["bill.pdf"]
    assert bills(superuser)[1] == ("LPC-1189", "submitted", 91_00)


def test_a_kept_file_can_be_left_out(vendor: Vendor, superuser: Any) -> None:
    answer = vendor.browser.post(NEW, fields(amount="", files=files((PDF, "wrong.pdf"), (PNG, "right.png"))))
    assert len(kept(answer.text)) == 2
    _wrong, right = kept(answer.text)
    vendor.browser.post(NEW, fields(kept_file=right))
    assert stored(superuser) == ["right.png"]


def test_kept_files_survive_a_second_fault(vendor: Vendor, superuser: Any) -> None:
    first = vendor.browser.post(NEW, fields(amount="", files=files((PDF, "one.pdf"))))
    second = vendor.browser.post(NEW, fields(amount="x", kept_file=kept(first.text), files=files((PNG, "two.png"))))
    assert second.status_code == 422 and len(kept(second.text)) == 2
    vendor.browser.post(NEW, fields(kept_file=kept(second.text)))
    assert stored(superuser) == ["one.pdf", "two.png"]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"MZ a program", "bill.pdf", "bill.pdf: The file’s name ends in .pdf, but its content is something else."),
        (PDF, "bill.png", "bill.png: The file’s name ends in .png, but its content is something else."),
        (b"a,b\n1,2\n", "hours.csv", "hours.csv is neither a PDF nor a picture."),
        (b"<svg></svg>", "logo.svg", "logo.svg is neither a PDF nor a picture."),
        (b"", "empty.pdf", "empty.pdf: The file is empty."),
        (PDF + b"0" * MAX_BYTES, "large.pdf", "large.pdf: The file is larger than 10 MB."),
    ],
)
def test_files_are_known_by_their_content(vendor: Vendor, superuser: Any, content: bytes, name: str, said: str) -> None:
    answer = vendor.browser.post(NEW, fields(files=files((content, name))))
    assert answer.status_code == 422 and said in answer.text and 'value="LPC-1"' in answer.text
    assert bills(superuser) == [] and stored(superuser) == []


def test_at_most_ten_files(vendor: Vendor, superuser: Any) -> None:
    answer = vendor.browser.post(NEW, fields(files=files(*((PDF, f"{n}.pdf") for n in range(11)))))
    assert answer.status_code == 422 and "Send at most 10 files." in answer.text
    assert bills(superuser) == []


def test_a_form_without_its_token_keeps_no_file(vendor: Vendor, superuser: Any) -> None:
    answer = vendor.browser.post(NEW, fields(files=files((PDF, "bill.pdf"))), csrf=False)
    assert answer.status_code in (400, 403)
    assert stored(superuser) == [] and bills(superuser) == []


@pytest.mark.parametrize("portal", [Portal.VENDOR, Portal.CONTRACTOR])
@pytest.mark.parametrize("work_type", list(WorkType))
def test_both_kinds_send_every_kind_of_work(world: World, superuser: Any, portal: Portal, work_type: WorkType) -> None:
    payee = world.payee(portal, "Tomas Rivera")
    sent = fields(work_type=work_type.value, project="Spring")
    answer = payee.browser.post(f"/{portal.value}/request-payment", sent)
    assert answer.status_code == 303
    row = superuser.execute("SELECT work_type, project, status FROM payment_requests").fetchone()
    assert row == (work_type.value, "Spring", "submitted")
    assert work_type.label in payee.browser.get(answer.location).text


def test_a_change_that_makes_a_look_alike_is_asked_about(vendor: Vendor, superuser: Any) -> None:
    vendor.browser.post(NEW, fields())
    other = vendor.browser.post(NEW, fields(invoice_number="LPC-2", amount="80.00")).location
    asked = vendor.browser.post(f"{other}/edit", fields(invoice_number="LPC-2"))
    assert asked.status_code == 422 and "Is it another one?" in asked.text and 'value="250.00"' in asked.text
    assert [minor for *_, minor in bills(superuser)] == [250_00, 80_00]
    assert vendor.browser.post(f"{other}/edit", fields(invoice_number="LPC-2", even_so="y")).status_code == 303
    assert [minor for *_, minor in bills(superuser)] == [250_00, 250_00]


def test_a_rejected_bill_is_sent_again_with_its_files(world: World, vendor: Vendor, superuser: Any) -> None:

    location = vendor.browser.post(NEW, fields(files=files((PDF, "bill.pdf")))).location
    reject(world, id_of(location))
    again = vendor.browser.post(f"{location}/edit", fields(amount="", files=files((PNG, "order.png"))))
    assert again.status_code == 422 and "bill.pdf" in again.text
    vendor.browser.post(f"{location}/edit", fields(kept_file=kept(again.text)))
    assert stored(superuser) == ["bill.pdf", "order.png"]
    assert bills(superuser) == [("LPC-1", "submitted", 250_00)]
    page = vendor.browser.get(location).text
    assert "order.png" in page and "No order number" in page  # the history keeps why it was rejected


def test_the_same_over_htmx(vendor: Vendor) -> None:
    browser: Browser = vendor.browser
    answer = browser.htmx("POST", NEW, fields(amount="", files=files((PDF, "bill.pdf"))))
    assert answer.status_code == 422 and answer.text.lstrip().startswith('<form id="bill-form"')
    assert len(kept(answer.text)) == 1
    sent = browser.htmx("POST", NEW, fields(kept_file=kept(answer.text)))
    assert sent.headers["HX-Redirect"].startswith("/vendor/requests/")
