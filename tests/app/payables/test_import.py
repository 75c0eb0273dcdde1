"""Bills from files: what is written, and that it is written once or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, NotFound
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.organizations.states import Role
from app.payables import import_service, queries, review
from app.payables.import_service import BillFile
from app.payables.importing import Choices, read_bills
from app.payables.queries import RequestFilter
from app.payables.review import Decision
from app.payables.states import ImportStatus
from app.payees import queries as payees
from tests.app.payables.importing.test_oxford import SAMPLE
from tests.factories import organizations, people
from tests.factories.payables import csv, imported

pytestmark = pytest.mark.usefixtures("database_url")

GOOD = csv(
    "T1,20019050,SMS Connections Ltd,198.35,01/08/2017",
    "T2,20016580,HMRC,6203.92,18/07/2017",
    "T3,20019050,SMS Connections Ltd,-50.00,19/07/2017",
    "T4,,Nameless & Sons,10.00,",
)
BAD = csv("T1,S1,Supplier,abc,01/08/2017", "T2,S1,Supplier,5.00,01/08/2017")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def rows(organization_id: UUID) -> list[Any]:
    with unit_of_work(Scope.organization(organization_id)) as session:
        page = queries.approval_queue(session, organization_id, RequestFilter(), limit=200)
        return sorted(page.items, key=lambda row: row.reference)


def written(superuser: Any) -> dict[str, int]:
    tables = ("payees", "engagements", "payment_requests", "bill_imports", "timeline_events", "audit_records")
    return {t: superuser.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}


def test_lines_become_requests_and_suppliers_vendors(oxford: UUID) -> None:
    done = imported(oxford, GOOD, terms_days=14)
    assert done.summary.as_dict() == {
        "read": 4, "imported": 4, "already": 0, "skipped": 0, "payees": 3, "credits": 1,
        "total_minor": 636227, "currency": "GBP", "errors": [],
    }  # fmt: skip
    assert done.new_payees == 3
    found = rows(oxford)
    assert [(r.reference, r.payee_name, r.payee_reference, r.amount_minor, r.status.value) for r in found] == [
        ("T1", "SMS Connections Ltd", "20019050", 19835, "submitted"),
        ("T2", "HMRC", "20016580", 620392, "submitted"),
        ("T3", "SMS Connections Ltd", "20019050", -5000, "submitted"),
        ("T4", "Nameless & Sons", None, 1000, "submitted"),
    ]
    assert found[0].payee_id == found[2].payee_id
    assert [r.invoice_on for r in found[:2]] == [date(2017, 8, 1), date(2017, 7, 18)]
    with unit_of_work(Scope.organization(oxford)) as session:
        vendor = payees.detail(session, oxford, found[0].payee_id)
        assert (vendor.kind, vendor.terms_days, vendor.email) == ("vendor", 14, None)
        assert queries.life(session, found[1].id)[0].note == "Imported from bills.csv, line 3"
        (record,) = queries.imports(session, oxford).items
    assert (record.id, record.status, record.summary["imported"]) == (done.import_id, ImportStatus.DONE, 4)
    assert record.summary["new_payees"] == 3


def test_the_same_file_again_adds_nothing(oxford: UUID) -> None:
    imported(oxford, GOOD)
    again = imported(oxford, GOOD)
    assert (again.summary.imported, again.summary.already, again.new_payees) == (0, 4, 0)
    assert again.summary.total_minor == 636227
    assert len(rows(oxford)) == 4
    more = imported(oxford, csv("T4,,NAMELESS &  SONS,10.00,", "T5,,nameless & sons,1.00,", "T6,20019050,X,1.00,"))
    assert (more.summary.imported, more.summary.already, more.new_payees) == (2, 1, 0)
    assert {row.payee_name for row in rows(oxford)} == {"SMS Connections Ltd", "HMRC", "Nameless & Sons"}


def test_four_people_import_the_same_file_at_once(oxford: UUID) -> None:
    body = csv(*(f"T{n},S{n % 7},Supplier {n % 7},{n + 1}.00,02/03/2026" for n in range(150)))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: imported(oxford, body), range(4)))
    assert sorted(one.summary.imported for one in done) == [0, 0, 0, 150]
    assert [one.summary.already for one in done if not one.summary.imported] == [150] * 3
    assert len(rows(oxford)) == 150


def test_with_a_bad_row_nothing_is_written_unless_it_may_be_skipped(oxford: UUID, superuser: Any) -> None:
    before = written(superuser)
    refused = imported(oxford, BAD)
    assert refused.import_id is None
    assert (refused.summary.imported, refused.summary.skipped) == (0, 1)
    assert [error.line for error in refused.summary.errors] == [2]
    assert written(superuser) == before
    done = imported(oxford, BAD, skip_bad=True)
    assert (done.summary.imported, done.summary.skipped) == (1, 1)
    assert [row.reference for row in rows(oxford)] == ["T2"]


def test_a_fault_in_the_middle_leaves_nothing(oxford: UUID, superuser: Any) -> None:
    superuser.execute(
        """CREATE FUNCTION fail_here() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'disk on fire'; END $$;
        CREATE TRIGGER fail_here BEFORE INSERT ON timeline_events FOR EACH STATEMENT EXECUTE FUNCTION fail_here()"""
    )
    before = written(superuser)
    try:
        with pytest.raises(Exception, match="disk on fire"):
            imported(oxford, GOOD)
    finally:
        superuser.execute("DROP TRIGGER fail_here ON timeline_events; DROP FUNCTION fail_here()")
    assert written(superuser) == before


def test_the_preview_says_what_would_happen(oxford: UUID, superuser: Any) -> None:
    imported(oxford, csv("T1,20019050,SMS Connections Ltd,198.35,01/08/2017"))
    before = written(superuser)
    with unit_of_work(Scope.organization(oxford)) as session:
        summary = import_service.preview(session, operator(), oxford, read_bills(GOOD, currency="GBP"))
    assert (summary.imported, summary.already) == (3, 1)
    assert written(superuser) == before


def test_organizations_may_use_the_same_references(oxford: UUID) -> None:
    bath = organizations.organization("bath")
    imported(oxford, GOOD)
    assert imported(bath, GOOD).summary.imported == 4
    assert not {row.payee_id for row in rows(oxford)} & {row.payee_id for row in rows(bath)}
    with unit_of_work(Scope.organization(bath)) as session:
        assert queries.imports(session, oxford).items == []


def test_who_may_not_import(oxford: UUID) -> None:
    bills = read_bills(GOOD, currency="GBP")
    stranger = people.member(organizations.organization("bath"), Role.OWNER)
    for actor in (people.member(oxford, Role.SUPPORT), stranger, people.payee(rows_payee(oxford))):
        with unit_of_work(Scope.organization(oxford)) as session:
            for act in (
                lambda a=actor, s=session: import_service.import_bills(s, a, oxford, bills, BillFile("x", "y")),
                lambda a=actor, s=session: import_service.preview(s, a, oxford, bills),
                lambda a=actor, s=session: import_service.keep_upload(s, a, oxford, BillFile("x", "y"), "GBP"),
            ):
                with pytest.raises(Forbidden):
                    act()


def rows_payee(organization_id: UUID) -> UUID:
    imported(organization_id, csv("Z1,Z,Zed,1.00,02/03/2026"))
    found: UUID = rows(organization_id)[0].payee_id
    return found


def test_an_upload_is_kept_confirmed_once_and_imported_once(oxford: UUID, superuser: Any) -> None:
    owner = people.member(oxford, Role.OWNER)
    choices = Choices(columns={"amount": "Amount"}, dates="DD/MM/YYYY")
    with unit_of_work(Scope.organization(oxford)) as session:
        kept = import_service.keep_upload(session, owner, oxford, BillFile("q3.csv", "0" * 64), "GBP")
        import_service.choose(session, owner, oxford, kept.id, choices, "GBP")
        assert import_service.choices_of(kept) == choices
        import_service.confirm(session, owner, oxford, kept.id)
        with pytest.raises(Conflict):
            import_service.confirm(session, owner, oxford, kept.id)
        with pytest.raises(Conflict):
            import_service.choose(session, owner, oxford, kept.id, choices, "EUR")
    told = superuser.execute("SELECT topic, payload FROM outbox").fetchall()
    assert told == [("bills.import_confirmed", {"import_id": str(kept.id), "organization_id": str(oxford)})]
    bills = read_bills(GOOD, choices, currency="GBP")
    with unit_of_work(Scope.organization(oxford)) as session:
        record = import_service._upload(session, oxford, kept.id)
        actor = import_service.actor_of(record)
        done = import_service.import_bills(
            session, actor, oxford, bills, BillFile("q3.csv", "0" * 64), import_id=kept.id
        )
        assert (done.import_id, done.summary.imported) == (kept.id, 4)
        with pytest.raises(Conflict):
            import_service.import_bills(session, actor, oxford, bills, BillFile("q3.csv", "0"), import_id=kept.id)
    with unit_of_work(Scope.organization(organizations.organization("bath"))) as session, pytest.raises(NotFound):
        import_service.fail(session, oxford, kept.id, "no")


def test_a_job_that_cannot_import_says_why(oxford: UUID) -> None:
    with unit_of_work(Scope.organization(oxford)) as session:
        kept = import_service.keep_upload(session, operator(), oxford, BillFile("q3.csv", "0" * 64), "GBP")
        import_service.fail(session, oxford, kept.id, "The file is empty.")
        (record,) = queries.imports(session, oxford).items
    assert (record.status, record.summary) == (ImportStatus.FAILED, {"reason": "The file is empty."})


@pytest.mark.samples
@pytest.mark.skipif(not Path(SAMPLE).exists(), reason="the Oxford file is not at hand")
def test_the_oxford_quarter_is_imported_approved_and_owed(oxford: UUID) -> None:
    body = Path(SAMPLE).read_bytes()
    done = imported(oxford, body)
    summary = done.summary
    assert (summary.read, summary.imported, summary.payees, summary.credits) == (3259, 3259, 644, 10)
    assert summary.total_minor == 1_134_400_535
    assert imported(oxford, body).summary.already == 3259
    with unit_of_work(Scope.organization(oxford)) as session:
        decided = review.review_bulk(session, operator(), oxford, Decision.APPROVE, chosen=RequestFilter())
    assert (len(decided.done), decided.totals) == (3259, {"GBP": 1_134_400_535})
    with unit_of_work(people.PLATFORM) as session:
        available = session.execute(
            text("SELECT sum(balance_minor), count(*) FROM ledger_balances WHERE account = 'payee_available'")
        ).one()
        zero = session.execute(text("SELECT coalesce(sum(amount_minor), 0) FROM ledger_lines")).scalar_one()
    assert (int(available[0]), available[1], zero) == (1_134_400_535, 644, 0)
