"""A council's quarter of bills, from the file to everybody paid, in the running demo with all its processes.

    python -m bench.oxford [FILE] [--rounds 1]

FILE is a CSV like `oxford_supplier_payments_2017_q3.csv` (3,259 lines, 644 suppliers); without it the script looks in
QUITTANCE_SAMPLES and ../shared/samples, and else makes one of the same shape. Commands are run as commands; what
people click is called as their pages call it; planning, sending, webhooks and settling are done by the demo's own
workers, relay, simulator and web server. The clock runs from the start of the import until every payout is PAID and no
job is left; the doctor comes after it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import text

from app.core.scope import Actor, Scope
from app.core.settings import settings
from app.db.embedded import Services, attach
from app.db.session import engine, unit_of_work
from app.payables import review
from app.payables.queries import RequestFilter
from app.payouts import batches
from bench.ground import goal, say, table

ROOT = Path(__file__).parents[1]
SAMPLE = "oxford_supplier_payments_2017_q3.csv"
PLATFORM = Scope.platform("bench")
GOAL_S = 20.0
PATIENCE_S = 600


def sample(given: str | None, folder: Path, lines: int) -> Path:
    """The file to import; raises SystemExit when the one asked for is not there."""
    if given:
        if not Path(given).is_file():
            raise SystemExit(f"There is no file {given}.")
        return Path(given).resolve()
    for place in (os.environ.get("QUITTANCE_SAMPLES"), ROOT.parent / "shared" / "samples"):
        if place and lines == 0 and (found := Path(place) / SAMPLE).is_file():
            return found.resolve()
    return _generated(folder / "generated.csv", lines or 3_259)


def _generated(path: Path, lines: int) -> Path:
    """Bills of the same shape: a fifth as many suppliers, few of them with most of the bills, some credits."""
    dice = random.Random(2017)
    suppliers = max(lines // 5, 1)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(
            ["Client", "Service Area", "Expenditure Code", "Paid Date", "Trans No", "Amount", "Type of Expenditure",
             "Supplier ID", "Supplier Name"]
        )  # fmt: skip
        for line in range(lines):
            supplier = line if line < suppliers else int(suppliers * dice.random() ** 2)
            amount = -25.5 if line % 400 == 399 else round(500 + dice.expovariate(1 / 3000), 2)
            day = f"{1 + line % 28:02d}/{7 + line % 3:02d}/2017"
            out.writerow(
                ["OCC", "General Fund", f"Z{line % 900:06d}", day, f"{46_000_000 + line} - 1", amount, "Revenue",
                 20_000_000 + supplier, f"SUPPLIER {supplier:05d} LTD"]
            )  # fmt: skip
    return path


@contextmanager
def demo(folder: Path) -> Iterator[Services]:
    """The demo as `make demo` starts it, on a folder and port of its own; `settings()` knows it inside the block."""
    console = folder / "console.log"
    environ = {**os.environ, "DATA_DIR": str(folder / "data"), "PORT": "0", "ENDS_WITH_PARENT": "1"}
    with console.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs.supervisor"],
            cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(lambda: b"Sign in" in console.read_bytes() or process.poll() is not None, "the demo")
        services = attach(folder / "data", seconds=5)
        if services is None:
            raise SystemExit(console.read_text())
        os.environ.update(services.environ(), DATA_DIR=str(folder / "data"))
        settings.cache_clear()
        yield services
    finally:
        engine().dispose()
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not done after {PATIENCE_S} s")
        time.sleep(0.05)


def flask(*words: str) -> Any:
    """Run a command; its JSON."""
    made = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi:app", *words], cwd=ROOT, capture_output=True, text=True
    )
    if made.returncode:
        raise SystemExit(f"flask {' '.join(words)} ended with {made.returncode}:\n{made.stdout}{made.stderr}")
    return json.loads(made.stdout)


def _one(sql: str, **parameters: Any) -> Any:
    with unit_of_work(PLATFORM) as session:
        return session.execute(text(sql), parameters).scalar_one()


def _person(email: str, portal: str, role: str, organization_id: UUID | None = None) -> Actor:
    account_id = _one("SELECT id FROM accounts WHERE email = :email AND portal = :portal", email=email, portal=portal)
    return Actor(email, role, account_id, organization_id=organization_id)


class Stages:
    """Seconds of each stage, in order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        self.seconds[name] = time.perf_counter() - start
        say(f"  {name}: {self.seconds[name]:.2f} s")
        return result


def pay(file: Path) -> tuple[Stages, dict[str, Any]]:
    """The whole way; what was imported and paid."""
    stages = Stages()
    oxford: UUID = _one("SELECT id FROM organizations WHERE slug = 'oxford'")
    owner = _person("owner@oxford.test", "org", "ORG_OWNER", oxford)
    maker = _person("admin@quittance.test", "admin", "platform_admin")
    checker = _person("checker@quittance.test", "admin", "platform_admin")

    def approve() -> int:
        with unit_of_work(Scope.organization(oxford)) as session:
            return len(review.review_bulk(session, owner, oxford, review.Decision.APPROVE, chosen=RequestFilter()).done)

    def plan() -> UUID:
        with unit_of_work(PLATFORM) as session:
            batch_id = batches.create(session, maker, oxford).id
        _wait(lambda: _one("SELECT status FROM batches WHERE id = :id", id=batch_id) == "draft", "planning")
        return batch_id

    def submit_and_approve() -> None:
        with unit_of_work(PLATFORM) as session:
            batches.submit(session, maker, batch_id)
        with unit_of_work(PLATFORM) as session:
            batches.approve(session, checker, batch_id)

    def run() -> None:
        with unit_of_work(PLATFORM) as session:
            batches.run(session, checker, batch_id)
        _wait(lambda: not _one("SELECT EXISTS (SELECT FROM payouts WHERE batch_id = :id AND status <> 'paid')",
                               id=batch_id), "the run")  # fmt: skip
        _wait(lambda: not _one("SELECT EXISTS (SELECT FROM outbox WHERE done_at IS NULL AND due_at < now())"), "jobs")

    found = stages.run("import", lambda: flask("payables", "import", str(file), "--organization", "oxford", "--json"))
    stages.run("methods", lambda: flask("payables", "assign-method", "--organization", "oxford", "--json"))
    found["approved"] = stages.run("approve", approve)
    batch_id = stages.run("plan", plan)
    stages.run("submit, approve", submit_and_approve)
    stages.run("run", run)
    found["paid"] = _one("SELECT count(*) FROM payouts WHERE batch_id = :id AND status = 'paid'", id=batch_id)
    return stages, found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", nargs="?")
    options.add_argument("--lines", type=int, default=0, help="make a file of this many bills instead")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="quittance-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        file = sample(chosen.file, folder, chosen.lines)
        with demo(folder):
            stages, found = pay(file)
            start = time.perf_counter()
            healthy = flask("doctor", "--json")["healthy"]
            examined = time.perf_counter() - start
    total = sum(stages.seconds.values())
    title = (
        f"{found['imported']:,} bills of {found['payees']:,} suppliers imported, {found['approved']:,} approved,"
        f" {found['paid']:,} payouts paid; doctor {'clean' if healthy else 'NOT CLEAN'} after {examined:.2f} s more"
    )
    rows = [(name, f"{seconds:.2f}") for name, seconds in stages.seconds.items()]
    table(title, ("stage", "seconds"), [*rows, ("total", f"{total:.2f}")])
    print(goal("seconds from file to paid", total, most=GOAL_S))
    if not healthy:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
