"""A large import, confirmed on the page and written by a job: once, or with the reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.files import service as files
from app.files.models import FilePurpose
from app.files.sniffing import inspect
from app.files.storage import storage
from app.payables import import_service, queries
from app.payables.import_service import BillFile
from app.payables.states import ImportStatus
from jobs import payables, runtime
from tests.factories import organizations
from tests.factories.payables import csv

pytestmark = pytest.mark.usefixtures("database_url")
LINES = ("R1,S1,Sable Ltd,10.00,02/03/2026", "R2,S1,Sable Ltd,-2.50,03/03/2026", "R3,S2,Tern & Co,7.00,03/03/2026")


@pytest.fixture
def oxford(database_url: str) -> UUID:
    return organizations.organization()


def confirmed(organization_id: UUID, lines: Sequence[str], *, skip_bad: bool = False, kept: bool = True) -> UUID:
    body = csv(*lines)
    key = storage().put(body) if kept else "0" * 64
    inspected = inspect(body, "q3.csv")
    with unit_of_work(Scope.organization(organization_id)) as session:
        row = files.add(session, operator(), inspected, key, organization_id=organization_id, purpose=FilePurpose.BILLS)
        file = BillFile(row.name, row.content_sha256, row.id)
        made = import_service.keep_upload(session, operator(), organization_id, file, "GBP")
        import_service.confirm(session, operator(), organization_id, made.id, skip_bad=skip_bad)
        found: UUID = made.id
    return found


def run_all() -> None:
    while runtime.run_due():
        pass


def outcome(organization_id: UUID) -> tuple[ImportStatus, dict[str, Any], int]:
    with unit_of_work(Scope.organization(organization_id)) as session:
        (record,) = queries.imports(session, organization_id).items
        written = session.execute(text("SELECT count(*) FROM payment_requests")).scalar_one()
        return record.status, record.summary, written


def test_a_confirmed_file_is_imported_and_a_second_run_adds_nothing(oxford: UUID) -> None:
    import_id = confirmed(oxford, LINES)
    run_all()
    status, summary, written = outcome(oxford)
    assert (status, summary["imported"], written) == (ImportStatus.DONE, 3, 3)
    payables.import_bills(str(import_id), str(oxford))
    assert outcome(oxford) == (status, summary, 3)


def test_bad_lines_are_left_out_only_when_that_was_ticked(oxford: UUID) -> None:
    confirmed(oxford, [*LINES, "R4,S2,Tern & Co,seven,03/03/2026"], skip_bad=True)
    run_all()
    status, summary, written = outcome(oxford)
    assert (status, summary["imported"], summary["skipped"], written) == (ImportStatus.DONE, 3, 1, 3)


def test_lines_that_went_bad_write_nothing_and_say_so(oxford: UUID) -> None:
    confirmed(oxford, [*LINES, "R4,S2,Tern & Co,seven,03/03/2026"])
    run_all()
    status, summary, written = outcome(oxford)
    assert (status, written) == (ImportStatus.FAILED, 0)
    assert "nothing was written" in summary["reason"]


def test_a_file_that_is_gone_says_so(oxford: UUID) -> None:
    confirmed(oxford, LINES, kept=False)
    run_all()
    status, summary, written = outcome(oxford)
    assert (status, summary, written) == (ImportStatus.FAILED, {"reason": "There is no such file."}, 0)


def test_another_organization_cannot_be_written_into(oxford: UUID) -> None:
    import_id = confirmed(oxford, LINES)
    bath = organizations.organization("bath")
    with pytest.raises(Exception, match="no such import"):
        payables.import_bills(str(import_id), str(bath))
    assert outcome(oxford)[::2] == (ImportStatus.RUNNING, 0)
