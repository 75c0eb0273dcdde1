"""The processor time of whole pages against the same bytes from one flat template with values from memory.

    python -m bench.pages [--rounds 40]

The full page: session, guard, permissions, every query, macros, money and dates in the reader's locale. The bare one:
Flask, one cached template, the same values. Both in this process, in turn; the database's own time does not count.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parents[1]))

from app import demo
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.queries import by_slug
from app.payables.import_service import BillFile, import_bills
from app.payables.importing import read_bills
from bench import bare, browser, fill_payouts
from bench.ground import Ground, goal, ground, table
from portals.factory import create_app

# (name, portal, who, path, how a row begins)
PAGES = (
    ("admin: payout queue", Portal.ADMIN, "admin@quittance.test", "/admin/payouts", r'<tr role="row" id="payout-'),
    ("organization: bills to approve", Portal.ORG, "owner@oxford.test", "/org/oxford/bills", r'<tr role="row" id="'),
    (
        "vendor: payments",
        Portal.VENDOR,
        "vendor@fernhill.test",
        "/vendor/payments",
        r'<tr role="row" id="(?:bill|payout|credit|earning)',
    ),
)
BILLS = 300


def _prepare(place: Ground) -> None:
    """The demo's people and bills, a file of bills to approve, a thousand payouts."""
    with unit_of_work(Scope.platform("bench")) as session:
        demo.load(session)
        oxford = by_slug(session, "oxford").id
    lines = ["Reference,Supplier ID,Supplier Name,Date,Amount,Description"]
    lines += [
        f"R{n},S{n % 60},Supplier {n % 60} Ltd,{1 + n % 28:02d}/09/2026,{500 + n}.25,Repairs" for n in range(BILLS)
    ]
    body = "\n".join(lines).encode()
    with unit_of_work(Scope.organization(oxford)) as session:
        bills = read_bills(body, currency="GBP")
        done = import_bills(session, operator("bench"), oxford, bills, BillFile("bench.csv", "0" * 64))
        if done.summary.imported != BILLS:
            raise SystemExit(f"the bills were not imported: {done.summary}")
    with place.filling() as session:
        fill_payouts.payouts(session, 1_000)


def _cpu(client: FlaskClient, path: str) -> float:
    start = time.process_time()
    browser.fetch(client, path)
    return time.process_time() - start


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=40)
    chosen = options.parse_args()
    rows, worst, most = [], 0.0, 0
    with ground(valkey=True) as place:
        _prepare(place)
        app = create_app()
        for name, portal, email, path, row_start in PAGES:
            full = browser.sign_in(app, portal, email)
            for _ in range(3):
                body = browser.fetch(full, path)
            with browser.statements() as seen:
                browser.fetch(full, path)
            plain, values = bare.app_of(body, row_start)
            flat = plain.test_client()
            same = len(browser.fetch(flat, "/"))
            taken: dict[str, list[float]] = {"full": [], "bare": []}
            for _ in range(chosen.rounds):
                taken["full"].append(_cpu(full, path))
                taken["bare"].append(_cpu(flat, "/"))
            ours, theirs = (statistics.median(taken[way]) * 1000 for way in ("full", "bare"))
            rows.append(
                (name, f"{len(body) / 1000:.0f}/{same / 1000:.0f}", values, f"{theirs:.2f}", f"{ours:.1f}",
                 f"{ours / theirs:.1f}", len(seen))
            )  # fmt: skip
            worst, most = max(worst, ours / theirs), max(most, len(seen))
    table(
        "Whole pages, processor time in this process (median)",
        ("page", "kB full/bare", "values", "bare ms", "full ms", "ratio", "statements"),
        rows,
    )
    print(goal("the slowest page against its bytes from a flat template", worst, most=3.5))
    print(goal("statements of the busiest page", most, most=12))


if __name__ == "__main__":
    main()
