"""A clinic's month, in real browsers: a file with a faulty line is looked at and imported, an operator calculates the
month, each doctor has one payout to approve, and who owes more than was earned is carried forward and listed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.core.clock import today
from app.core.money import Money
from app.db.session import unit_of_work
from app.earnings import adjustments
from app.earnings.rate_models import AdjustmentKind
from app.identity.states import Portal
from app.organizations.states import OrganizationKind, Role
from app.reporting import doctor as books
from tests.factories import organizations, people
from tests.factories.appointments import doctor
from tests.factories.payouts import Shop
from tests.factories.people import PLATFORM
from tests.journeys.steps import Visit, says, shows
from tests.running import ROOT, Demo, eventually

pytestmark = pytest.mark.browser
SLUG = "ziwa"
WANJIRU, OTIENO, AMINA = "Wanjiru Kamau", "Otieno Odhiambo", "Amina Hassan"
LAST_MONTH = (today().replace(day=1) - timedelta(days=1)).replace(day=1)


@pytest.fixture
def clinic(demo: Demo) -> Shop:
    """Three doctors who can be paid; of the third one more was taken back than comes in."""
    made = organizations.organization(
        SLUG, currency="KES", time_zone="Africa/Nairobi", kind=OrganizationKind.PROVIDER
    )  # fmt: skip
    people.member(made, Role.OWNER, "owner@ziwa.test")
    organizations.credit(made, 50_000_00, "KES")
    doctors = [doctor(made, number) for number in range(3)]
    people.account(Portal.CONSULTANT, "wanjiru@ziwa.test", doctors[0])
    with unit_of_work(PLATFORM) as session:
        adjustments.make(
            session, people.admin("books@ziwa.test"), organization_id=made, payee_id=doctors[2],
            kind=AdjustmentKind.CHARGEBACK, amount=Money(-300_00, "KES"), reason="Paid twice in the month before",
        )  # fmt: skip
    return Shop(made, doctors)


def written(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def uploads(page: Any, base: str, file: Path) -> None:
    page.goto(f"{base}/org/{SLUG}/appointments")
    page.get_by_role("link", name="Import a file").click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()


def imports(page: Any, base: str, folder: Path) -> None:
    """A file without times is refused; one with a faulty line says which, and takes the others once somebody agrees."""
    uploads(page, base, written(folder, "no-times.csv", "Appointment,Doctor", f"Z-1,{WANJIRU}"))
    expect(page.get_by_text("no column for: Completed at").first).to_be_visible()
    days = [LAST_MONTH.replace(day=day) for day in (3, 10, 17, 24)]
    uploads(
        page, base,
        written(
            folder, "month.csv", "Appointment,Doctor,Completed at,Description",
            f"Z-1,{WANJIRU},{days[0]} 09:30,Check-up", f"Z-2,{WANJIRU},{days[1]} 23:30,Check-up",
            f"Z-3,D1,{days[2]} 11:00,Video consultation", f"Z-4,{WANJIRU},31.02.2026,Check-up",
            f"Z-5,doctor1@clinic.test,{days[3]} 08:15,Check-up", f"Z-6,{OTIENO},{days[3]} 09:15,Check-up",
        ),
    )  # fmt: skip
    page.wait_for_url(re.compile(r"/imports/[0-9a-f-]{36}$"))
    faults = page.locator("#faults")
    expect(faults).to_contain_text("31.02.2026")
    expect(page.get_by_role("row").filter(has_text=OTIENO)).to_contain_text("3")
    page.get_by_role("button", name="Import 5 appointments").click()
    expect(page.get_by_text("Tick this, or mend the lines").first).to_be_visible()
    page.get_by_label("Leave the faulty lines out").check()
    page.get_by_role("button", name="Import 5 appointments").click()
    says(page, "New appointments", "Faulty lines", "left out")
    uploads(page, base, folder / "month.csv")  # the same file again adds nothing
    expect(page.get_by_text("left as they are")).to_be_visible()


def calculated(demo: Demo) -> dict[str, Any]:
    """`flask payouts calculate` of the previous month, as an operator runs it."""
    command = [sys.executable, "-m", "flask", "payouts", "calculate", "--organization", SLUG, "--json"]
    environ = {**os.environ, "DATA_DIR": str(demo.data_dir), "FLASK_APP": "wsgi:app"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    (one,) = json.loads(done.stdout)["runs"]
    return dict(one)


def test_a_month_of_appointments_from_a_file(demo: Demo, visit: Visit, clinic: Shop, tmp_path: Path) -> None:
    base = demo.services.base_url
    owner = visit(demo.link("org", "owner@ziwa.test"))
    imports(owner, base, tmp_path)
    first, again = calculated(demo), calculated(demo)
    assert (first["appointments"], first["payouts"]) == (5, 2)
    assert (again["appointments"], again["payouts"]) == (0, 0)
    for one in (first, again):
        (left,) = [left for left in one["leftOut"] if left["payee_id"] == str(clinic.payee_ids[2])]
        assert (left["name"], left["amount_minor"], left["reason"]) == (AMINA, -300_00, "carried")

    # The run's page, the payouts it made, and their items.
    admin = visit(demo.link("admin", "checker@quittance.test"))
    admin.goto(f"{base}/admin/runs?organization={SLUG}")
    runs = admin.locator("#runs tbody tr")
    expect(runs).to_have_count(2)
    runs.last.get_by_role("link").first.click()
    expect(admin.locator("#result")).to_contain_text("2,500")
    expect(admin.locator("#left-out").get_by_role("row").filter(has_text=AMINA)).to_contain_text("carried forward")
    admin.get_by_role("link", name="Payouts to approve").click()
    for name, amount in ((WANJIRU, "1,000.00"), (OTIENO, "1,500.00")):
        row = admin.get_by_role("row").filter(has_text=name)
        expect(row).to_have_count(1)
        expect(row).to_contain_text(amount)
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(
            text(
                """SELECT p.payee_id, p.status, p.amount_minor, count(*) AS items FROM payouts p
                JOIN payout_items i ON i.payout_id = p.id WHERE p.organization_id = :id GROUP BY p.id"""
            ),
            {"id": clinic.organization_id},
        )
        made = {row.payee_id: (row.status, row.amount_minor, row.items) for row in rows}
    assert made == {
        clinic.payee_ids[0]: ("pending", 1_000_00, 2), clinic.payee_ids[1]: ("pending", 1_500_00, 3),
    }  # fmt: skip

    # A doctor sees what the month is made of.
    own = visit(demo.link("consultant", "wanjiru@ziwa.test"))
    shows(own, f"{base}/consultant/payments", "1,000.00")
    own.get_by_role("link", name=re.compile("Payout to")).first.click()
    own.wait_for_url("**/payouts/*")
    says(own, "Z-1", "Z-2")
    eventually(demo.idle)
    with unit_of_work(PLATFORM) as session:
        assert books.examine(session) == []
