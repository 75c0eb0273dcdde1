"""`./dev shots [FOLDER]`: a picture of each portal for the README, from a demo of its own that ends afterwards.

With `--all FOLDER` every main page at 1440 and 390 px, light and dark, to look at beside the design.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "screenshots"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]  # fmt: skip
# e-mail -> (name of the picture, path); the first path is the README's picture
PAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "vendor@fernhill.test": (
        ("vendor", "/vendor/payments"),
        ("vendor-requests", "/vendor/requests"),
        ("vendor-request-payment", "/vendor/request-payment"),
        ("vendor-methods", "/vendor/settings/payout-methods"),
    ),
    "contractor@fernhill.test": (
        ("contractor", "/contractor/projects"),
        ("contractor-payments", "/contractor/payments"),
        ("contractor-messages", "/contractor/messages"),
        ("contractor-files", "/contractor/files"),
        ("contractor-tax", "/contractor/settings/tax"),
        ("contractor-notifications", "/contractor/settings/notifications"),
        ("contractor-security", "/contractor/settings/security"),
    ),
    "creator@fernhill.test": (
        ("creator", "/creator/"),
        ("creator-payments", "/creator/payments"),
        ("creator-deliverables", "/creator/deliverables"),
        ("creator-contracts", "/creator/contracts"),
        ("creator-brand", "/creator/brands/fernhill"),
    ),
    "consultant@fernhill.test": (
        ("consultant", "/consultant/payments"),
        ("consultant-consultations", "/consultant/consultations"),
        ("consultant-offerings", "/consultant/offerings"),
        ("consultant-availability", "/consultant/availability"),
        ("consultant-public-profile", "/consultant/public-profile"),
    ),
    "owner@fernhill.test": (
        ("organization", "/org/fernhill/bills"),
        ("organization-projects", "/org/fernhill/projects"),
        ("organization-contracts", "/org/fernhill/contracts"),
        ("organization-messages", "/org/fernhill/messages"),
        ("organization-vendors", "/org/fernhill/vendors"),
        ("organization-overview", "/org/fernhill/"),
        ("organization-payees", "/org/fernhill/payees"),
        ("organization-funds", "/org/fernhill/funds"),
        ("organization-imports", "/org/fernhill/imports"),
        ("organization-orders", "/org/fernhill/orders"),
        ("organization-codes", "/org/fernhill/codes"),
        ("organization-stores", "/org/fernhill/stores"),
        ("organization-deliverables", "/org/fernhill/deliverables"),
        ("organization-applications", "/org/fernhill/applications"),
        ("organization-keys", "/org/fernhill/settings/keys"),
    ),
    "admin@quittance.test": (
        ("admin", "/admin/payouts"),
        ("admin-overview", "/admin/"),
        ("admin-payees", "/admin/payees"),
        ("admin-mail", "/admin/mail"),
        ("admin-applications", "/admin/applications"),
        ("admin-contracts", "/admin/contracts"),
        ("admin-invoices", "/admin/invoices"),
        ("admin-batches", "/admin/batches"),
        ("admin-batch-new", "/admin/batches/new?organization=oxford"),
        ("admin-organizations", "/admin/organizations"),
        ("admin-audit", "/admin/audit"),
        ("admin-doctor", "/admin/doctor"),
    ),
}


@contextmanager
def demo() -> Iterator[dict[str, str]]:
    """A demo on a folder of its own; yields e-mail -> sign-in link."""
    folder = Path(tempfile.mkdtemp(prefix="quittance-shots-"))
    folder.chmod(0o755)
    environ = {**os.environ, "DATA_DIR": str(folder), "PORT": "0"}
    log = folder / "console"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "jobs.supervisor"], cwd=ROOT, env=environ, stdout=out)
    try:
        while "Ctrl-C" not in (said := log.read_text()):
            if process.poll() is not None:
                raise SystemExit(said)
            time.sleep(0.2)
        yield dict(re.findall(r"(\S+@\S+)\s+(http\S+)", said))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def sign_in(browser: Any, link: str, **options: Any) -> tuple[Any, str]:
    context = browser.new_context(device_scale_factor=1, locale="en-US", timezone_id="America/New_York", **options)
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name=re.compile("sign in|continue", re.I)).first.click()
    page.wait_for_load_state("networkidle")
    return page, re.match(r"https?://[^/]+", link)[0]  # type: ignore[index]


def main(everything: bool, folder: Path) -> None:
    executable = next(path for name in NAMES if (path := shutil.which(name)))
    folder.mkdir(parents=True, exist_ok=True)
    with demo() as links, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGS)
        time.sleep(8)  # the workers pay what the demo starts with
        for email, pages in PAGES.items():
            page, base = sign_in(browser, links[email], viewport={"width": 1440, "height": 900})
            for name, path in pages if everything else pages[:1]:
                for suffix, width, scheme in LOOKS if everything else LOOKS[:1]:
                    page.set_viewport_size({"width": width, "height": 900 if width > 600 else 844})
                    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                    page.goto(base + path)
                    page.wait_for_load_state("networkidle")
                    page.screenshot(path=folder / f"{name}{suffix}.png")
        browser.close()


LOOKS = (("", 1440, "light"), ("--dark", 1440, "dark"), ("--mobile", 390, "light"), ("--mobile-dark", 390, "dark"))

if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if not word.startswith("--")]
    main("--all" in sys.argv, Path(given[0]) if given else FOLDER)
