"""The books are examined every night, as `flask doctor` does when asked. A finding is an error in the log."""

from __future__ import annotations

import logging

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.reporting import doctor

log = logging.getLogger("quittance.books")


def examine() -> None:
    with unit_of_work(Scope.platform("nightly examination")) as session:
        findings = doctor.examine(session)
    for finding in findings:
        log.error(
            "the books have a fault: %s", finding.message,
            extra={"fields": {"code": finding.code, "subject": finding.subject, "detail": finding.detail}},
        )  # fmt: skip
    if not findings:
        log.info("the books are sound")
