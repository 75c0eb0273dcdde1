"""A directory of hundreds costs as many statements as one of three, and stays light."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.db.session import engine
from app.identity.states import Portal
from tests.factories import consultations, people
from tests.portals.conftest import Browser

PUBLIC = ("/advisors", "/advisors?q=person&language=en&specialty=pricing", "/api/v1/advisors/search")


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "set_config" not in statement:
            seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine(), "before_cursor_execute", note)


def counted(browser: Browser, path: str) -> int:
    with statements() as seen:
        answer = browser.get(path)
    assert answer.status_code == 200, path
    assert len(gzip.compress(answer.data, 6)) <= 15_000, path
    assert len(re.findall(r"<[a-z][a-z0-9-]*[ >]", answer.text)) <= 1_500, path
    return len(seen)


def test_a_directory_of_hundreds(
    client: Browser, sign_in: Callable[[Portal, str], Browser], superuser: Any
) -> None:  # fmt: skip
    for n in range(3):
        consultations.consultant(name=f"Person {n}", email=f"{n}@consultant.test", account=False)
    people.admin("admin@quittance.test")
    admin = sign_in(Portal.ADMIN, "admin@quittance.test")
    pages = [(client, path) for path in PUBLIC] + [(admin, "/admin/consultants")]
    few = [counted(*page) for page in pages]
    superuser.execute(
        """WITH more AS (
            INSERT INTO payees (kind, name) SELECT 'consultant', 'Person ' || n FROM generate_series(10, 400) n
            RETURNING id, name
        ), engaged AS (
            INSERT INTO engagements (organization_id, payee_id, currency, terms_days)
            SELECT o.id, more.id, 'USD', 0 FROM more, organizations o WHERE o.is_house
        )
        INSERT INTO consultant_profiles (
            payee_id, organization_id, practice, slug, name, bio, skills, specialties, languages, portfolio_urls, words
        )
        SELECT more.id, o.id, 'consultant', replace(lower(more.name), ' ', '-'), more.name, 'Helps.', '{}',
            '{Pricing}', '{en}', '{}', lower(more.name) || ' pricing english'
        FROM more, organizations o WHERE o.is_house"""
    )
    assert [counted(*page) for page in pages] == few
    assert max(few) <= 12
