"""`flask payables`: what it prints, how it ends, and what it leaves behind when it refuses."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from click.testing import Result
from flask import Flask

from tests.app.payables.importing.test_oxford import SAMPLE
from tests.factories import organizations, payables

Superuser = psycopg.Connection[tuple[Any, ...]]
ROOT = Path(__file__).parents[3]
GOOD = payables.csv("T1,S-1,SMS Connections Ltd,198.35,01/08/2017", "T2,S-2,Acorn Trees,-12.00,18/07/2017")
BAD = payables.csv("T1,S-1,SMS Connections Ltd,198.35,01/08/2017", "T2,S-2,Acorn Trees,abc,18/07/2017")
METHODS = b"supplier_reference,account_holder,sort_code,account_number\r\nS-1,SMS,20-00-00,55779911\r\n"


@pytest.fixture
def oxford(app: Flask) -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def run(app: Flask, oxford: UUID) -> Any:
    def invoke(*args: str | Path) -> Result:
        return app.test_cli_runner().invoke(args=["payables", *map(str, args), "--organization", "oxford"])

    return invoke


def written(superuser: Superuser) -> dict[str, int]:
    tables = ("payees", "payment_requests", "bill_imports", "methods", "timeline_events")
    counts = {}
    for table in tables:
        row = superuser.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
        assert row
        counts[table] = int(row[0])
    return counts


@pytest.fixture
def bills(tmp_path: Path) -> Path:
    path = tmp_path / "bills.csv"
    path.write_bytes(GOOD)
    return path


def only_object(result: Result) -> dict[str, Any]:
    """The one JSON object on standard output."""
    lines = result.stdout.splitlines()
    assert len(lines) == 1, result.stdout
    found: dict[str, Any] = json.loads(lines[0])
    return found


def test_the_contract_of_json(run: Any, bills: Path, superuser: Superuser) -> None:
    first = run("import", bills, "--json")
    assert first.exit_code == 0, first.output
    assert only_object(first) == {
        "read": 2, "imported": 2, "already": 0, "skipped": 0, "payees": 2, "credits": 1, "total_minor": 18635,
        "currency": "GBP", "errors": [],
    }  # fmt: skip
    second = run("import", bills, "--json")
    assert second.exit_code == 0
    assert only_object(second)["imported"] == 0 and only_object(second)["already"] == 2
    assert written(superuser)["payment_requests"] == 2 and written(superuser)["payees"] == 2


def test_a_dry_run_writes_nothing(run: Any, bills: Path, superuser: Superuser) -> None:
    found = run("import", bills, "--dry-run", "--json")
    assert found.exit_code == 0 and only_object(found)["imported"] == 2
    assert set(written(superuser).values()) == {0}
    told = run("import", bills, "--dry-run")
    assert "2 would be imported" in told.output and "DD/MM/YYYY" in told.output and "UTF-8" in told.output


def test_a_bad_row_stops_everything(run: Any, bills: Path, superuser: Superuser) -> None:
    bills.write_bytes(BAD)
    refused = run("import", bills, "--json")
    assert refused.exit_code == 2
    found = only_object(refused)
    assert (found["imported"], found["skipped"]) == (0, 1)
    assert found["errors"] == [{"line": 3, "column": "Amount", "reason": "“abc” is not an amount"}]
    assert set(written(superuser).values()) == {0}
    told = run("import", bills)
    assert told.exit_code == 2 and "line 3, Amount" in told.output and "Nothing was written" in told.output


def test_skipped_rows_come_back_as_a_csv(run: Any, bills: Path, tmp_path: Path, superuser: Superuser) -> None:
    bills.write_bytes(BAD)
    target = tmp_path / "mend.csv"
    done = run("import", bills, "--skip-bad", "--skipped-to", target, "--json")
    assert done.exit_code == 0, done.output
    assert only_object(done)["imported"] == 1
    assert written(superuser)["payment_requests"] == 1
    rows = list(csv.reader(io.StringIO(target.read_bytes().decode("utf-8-sig"))))
    assert rows[0][-1] == "Problem" and rows[1][0] == "T2" and rows[1][-1] == "Amount: “abc” is not an amount"
    target.write_bytes(target.read_bytes().replace(b"abc", b"5.00"))
    assert run("import", target).exit_code == 0
    assert written(superuser)["payment_requests"] == 2


def test_without_a_place_the_skipped_rows_lie_beside_the_file(run: Any, bills: Path) -> None:
    bills.write_bytes(BAD)
    done = run("import", bills, "--skip-bad")
    assert done.exit_code == 0 and bills.with_name("bills.csv.skipped.csv").exists()
    nowhere = run("import", bills, "--skip-bad", "--skipped-to", bills.parent / "no" / "such" / "folder.csv")
    assert nowhere.exit_code == 1 and "The good rows are imported" in nowhere.output
    assert "Traceback" not in nowhere.output


def test_columns_and_style_can_be_said(run: Any, tmp_path: Path, superuser: Superuser) -> None:
    path = tmp_path / "odd.txt"
    path.write_bytes("Alpha|Beta|Gamma|Delta\r\nA1|Søn & Co|1.234,00|03.04.2017\r\n".encode("cp1252"))
    options = ("--map", "reference=Alpha", "--map", "supplier=Beta", "--map", "amount=Gamma", "--map", "date=Delta")
    done = run(
        "import", path, *options, "--currency", "eur", "--encoding", "windows-1252", "--delimiter", "pipe",
        "--dates", "MM/DD/YYYY", "--amounts", "1.234,56", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    row = superuser.execute(
        "SELECT r.amount_minor, r.currency, r.invoice_on::text, p.name FROM payment_requests r JOIN payees p"
        " ON p.id = r.payee_id"
    ).fetchone()
    assert row == (123400, "EUR", "2017-03-04", "Søn & Co")


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (None, (), "cannot be read: no such file"),
        (b"", (), "The file is empty."),
        (b"\x00\x01\x02" * 300, (), "not a text file"),
        (b"PK\x03\x04....xl/workbook.xml", (), "This is an Excel workbook"),
        (GOOD, ("--map", "reference"), "does not say field=Heading"),
        (GOOD, ("--map", "colour=Amount"), "is not a field of a bill"),
        (GOOD, ("--map", "amount=Price"), "There is no column “Price”"),
        (GOOD, ("--currency", "XYZ"), "is not a currency"),
        (GOOD, ("--encoding", "klingon"), "is not an encoding"),
        (GOOD, ("--delimiter", "!"), "cannot separate columns"),
        (GOOD, ("--dates", "YDM"), "is not an order of dates"),
        (b"A,B\r\n1,2\r\n", (), "No column was found for"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(
    run: Any, tmp_path: Path, superuser: Superuser, content: bytes | None, options: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "bills.csv"
    if content is not None:
        path.write_bytes(content)
    told = run("import", path, *options)
    assert told.exit_code == 2 and said in " ".join(told.output.split()), told.output
    assert "Traceback" not in told.output
    as_json = run("import", path, *options, "--json")
    assert as_json.exit_code == 2
    assert any(said in error["reason"] for error in only_object(as_json)["errors"])
    assert set(written(superuser).values()) == {0}


def test_a_folder_and_an_organization_nobody_knows(app: Flask, run: Any, bills: Path) -> None:
    assert "cannot be read: is a directory" in run("import", bills.parent).output
    unknown = app.test_cli_runner().invoke(args=["payables", "import", str(bills), "--organization", "nowhere"])
    assert unknown.exit_code == 2 and "There is no organization “nowhere”" in unknown.output
    assert app.test_cli_runner().invoke(args=["payables", "import", str(bills)]).exit_code == 2


def test_where_suppliers_are_paid(run: Any, bills: Path, tmp_path: Path, superuser: Superuser) -> None:
    run("import", bills)
    path = tmp_path / "methods.csv"
    path.write_bytes(METHODS)
    tried = run("methods", path, "--dry-run", "--json")
    assert only_object(tried) == {"read": 1, "added": 1, "replaced": 0, "unchanged": 0, "errors": []}
    assert written(superuser)["methods"] == 0
    assert only_object(run("methods", path, "--json"))["added"] == 1
    assert only_object(run("methods", path, "--json"))["unchanged"] == 1
    row = superuser.execute("SELECT last4, details_sealed FROM methods").fetchone()
    assert row and row[0] == "9911" and "55779911" not in row[1]
    path.write_bytes(METHODS + b"S-9,Nobody,20-00-00,55779912\r\n")
    refused = run("methods", path, "--json")
    assert refused.exit_code == 2 and only_object(refused)["errors"][0]["line"] == 3
    assert written(superuser)["methods"] == 1


def test_one_method_for_everybody_without(run: Any, bills: Path, superuser: Superuser) -> None:
    run("import", bills)
    assert only_object(run("assign-method", "--rail", "simulated", "--json")) == {"assigned": 2, "refused": []}
    assert only_object(run("assign-method", "--json"))["assigned"] == 0
    assert written(superuser)["methods"] == 2
    wrong = run("assign-method", "--rail", "pigeon")
    assert wrong.exit_code == 2 and "Traceback" not in wrong.output


def test_checks_need_addresses(run: Any, bills: Path) -> None:
    run("import", bills)
    told = run("assign-method", "--rail", "check")
    assert "0 suppliers are paid by check now." in told.output and "No postal address is known." in told.output


@pytest.mark.samples
def test_the_oxford_quarter_in_a_process_of_its_own(oxford: UUID, superuser: Superuser) -> None:
    """As the shell starts it; twice."""
    if not Path(SAMPLE).exists():
        pytest.skip(f"SAMPLE MISSING: {SAMPLE}; the Oxford quarter was not imported by the command")

    def run_it() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "payables", "import", str(SAMPLE)]
        return subprocess.run(
            [*command, "--organization", "oxford", "--json"], cwd=ROOT, capture_output=True, text=True, timeout=120
        )

    expected = {
        "read": 3259, "imported": 3259, "already": 0, "skipped": 0, "payees": 644, "credits": 10,
        "total_minor": 1134400535, "currency": "GBP", "errors": [],
    }  # fmt: skip
    first = run_it()
    assert first.returncode == 0, first.stderr
    assert [json.loads(line) for line in first.stdout.splitlines()] == [expected]
    second = run_it()
    assert json.loads(second.stdout) == {**expected, "imported": 0, "already": 3259}
    assert written(superuser)["payment_requests"] == 3259 and written(superuser)["payees"] == 644
