"""No page asks the database more because it shows more, and no list sends too much."""

from __future__ import annotations

import gzip
import re

from app.core.scope import operator
from app.db.session import unit_of_work
from app.payouts import batches
from tests.factories import charges, payables
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM
from tests.portals.org.conftest import House, statements

MOST = 12  # session, memberships and counts beside the links included
# nine parts: money, methods with their proofs, logins, bills, payouts, tags, notes, history, tax
MOST_OF_A_PAYEE = 19


def crowd(house: House, count: int = 120) -> dict[str, str]:
    """Many of everything a list shows; the addresses of one of each."""
    lines = [f"N{n:04d},S-{n % 60},Supplier {n % 60},{n + 1}.00,01/08/2017" for n in range(count)]
    row = house.imported(payables.csv(*lines))["N0000"]
    for n in range(12):
        charges.announced(house.organization_id, 100 + n, reference=f"Deposit {n}")
        charges.funds(house.organization_id, 100_00, reference=f"Top-up {n}")
    house.browser.post("/org/oxford/payees/method-assignment", {"rail": "simulated"})
    ids = [str(found.id) for found in house.bills().values() if int(found.reference[1:]) < 100]
    house.browser.post("/org/oxford/bills/approvals", {"id": ids})
    maker = make.admin("maker@quittance.test")
    with unit_of_work(PLATFORM) as session:
        batch = batches.create(session, maker, house.organization_id, title="Run")
        batches.plan(session, operator(), batch.id)
        batch_id = batch.id
    return {
        "bill": f"bills/{row.id}",
        "payee": f"payees/{row.payee_id}",
        "import": f"imports/{row.import_id}",
        "batch": f"batches/{batch_id}",
    }


def cost(house: House, path: str) -> int:
    with statements() as sent:
        assert house.browser.get(f"/org/oxford/{path}").status_code == 200, path
    return len(sent)


def test_pages_stay_within_the_budget(house: House) -> None:
    one = crowd(house)
    pages = (
        "", "bills", "bills?status=approved&sort=largest&q=supplier&min=5", "payees", "payees?method=none&sort=name",
        "imports", "funds", "funds/deposits", "payouts", "payouts?view=open&q=supplier", "batches", "members",
        "settings", "audit", *one.values(),
    )  # fmt: skip
    found = {page: cost(house, page) for page in pages}
    assert found.pop(one["payee"]) <= MOST_OF_A_PAYEE
    assert {page: n for page, n in found.items() if n > MOST} == {}


def test_lists_do_not_ask_for_each_row(house: House) -> None:
    crowd(house)
    for page in ("bills?status=all", "payees", "payouts", "audit"):
        joint = "&" if "?" in page else "?"
        assert cost(house, f"{page}{joint}limit=50") == cost(house, f"{page}{joint}limit=5"), page


def test_a_page_of_bills_is_light(house: House) -> None:
    crowd(house)
    page = house.browser.get("/org/oxford/bills?status=all").get_data()
    assert "36 shown" in page.decode()
    assert len(re.findall(rb"<[a-z]", page)) < 1_500
    assert len(gzip.compress(page)) < 15_000
