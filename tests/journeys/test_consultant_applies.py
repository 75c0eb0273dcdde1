"""From the form to the directory, in a real browser on a running demo: somebody applies with a picture and confirms by
mail, an admin approves with a word of welcome, clients find the profile, and its owner closes the bookings."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.running import Demo, eventually

pytestmark = pytest.mark.browser
SECONDS = 60_000
EMAIL, NAME = "tariq@haddad.test", "Tariq Haddad"


def open_page(browser: Any) -> Any:
    page = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
    page.set_default_timeout(SECONDS)
    return page


def enter(browser: Any, link: str, portal: str) -> Any:
    page = open_page(browser)
    page.goto(link)
    page.get_by_role("button", name=re.compile("sign in|continue|accept", re.I)).first.click()
    page.wait_for_url(re.compile(rf"/{portal}/(?!signin)"))
    return page


def mailed(page: Any, base: str, subject: str) -> str:
    """The link of the newest mail to the applicant with this subject."""
    page.goto(f"{base}/dev/mailbox")
    page.get_by_role("link", name=re.compile(subject)).first.click()
    page.wait_for_url(re.compile(r"/dev/mailbox/[0-9a-f-]{36}"))
    found = re.search(r'href="(http[^"]+/(?:signup|signin)/[^"]+)"', page.request.get(page.url).text())
    assert found, "the mail has no link"
    return found[1]


def test_apply_approve_publish_and_close(demo: Demo, browser: Any, tmp_path: Path) -> None:
    base = demo.link("admin", "admin@quittance.test").split("/admin/")[0]
    picture = tmp_path / "me.png"
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(out, "PNG")
    picture.write_bytes(out.getvalue())

    visitor = open_page(browser)
    visitor.goto(f"{base}/advisors")
    visitor.get_by_role("link", name="Apply").click()
    for label, value in (
        ("Your name, or that of your business", NAME), ("Email", EMAIL), ("What you do", "Grant applications"),
        ("Specialties", "Grants, fundraising"), ("Languages", "English, Arabic"), ("About you", "I write grants."),
    ):  # fmt: skip
        visitor.get_by_label(label).first.fill(value)
    visitor.get_by_text("Sessions of 15, 30 and 60 minutes").click()
    visitor.locator('input[type="file"]').set_input_files(picture)
    visitor.get_by_role("button", name="Send the application").click()
    visitor.get_by_role("heading", name="Check your inbox").wait_for()
    visitor.goto(mailed(visitor, base, "Confirm your application"))
    visitor.get_by_role("button", name=re.compile("Send it")).click()
    visitor.get_by_role("heading", name="Your application is sent").wait_for()

    admin = enter(browser, demo.link("admin", "admin@quittance.test"), "admin")
    admin.goto(f"{base}/admin/applications?kind=consultant")
    admin.get_by_role("link", name=NAME).first.click()
    shown = admin.get_by_alt_text(f"Picture of {NAME}")
    eventually(lambda: shown.evaluate("one => one.naturalWidth") == 200, 20)
    admin.get_by_role("link", name="Approve and invite").click()
    admin.locator("#sheet").get_by_label("Message").fill("Welcome, Tariq.")
    admin.locator("#sheet").get_by_role("button", name="Approve and invite").click()
    admin.wait_for_url(re.compile("/admin/payees/"))

    visitor.goto(f"{base}/advisors?q=grant")
    visitor.get_by_role("link", name=NAME).click()
    visitor.get_by_text("Accepting bookings").wait_for()
    assert "$19.00" in visitor.content()

    owner = enter(browser, mailed(visitor, base, "invites you"), "consultant")
    owner.goto(f"{base}/consultant/public-profile")
    owner.get_by_role("button", name="Stop accepting").click()
    owner.get_by_text("Clients cannot book you now").wait_for()
    visitor.goto(f"{base}/advisors/tariq-haddad")
    visitor.get_by_text("Not accepting bookings now").wait_for()
