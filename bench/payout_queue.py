"""The admin's payout queue with a million payouts against the same pages with a thousand.

    python -m bench.payout_queue [--payouts 1000000] [--small 1000] [--rounds 30]

Whole pages through the application, tabs and their capped counts included. Each page shows the same number of rows in
both tables; "few" filters find 60 pending payouts spread over the whole time in either.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.payouts import queries, review
from bench import browser, fill_payouts
from bench.ground import Ground, goal, ground, pointed, say, table, timed
from portals.factory import create_app

PAGE = 1_000
N = fill_payouts.Names()


def pages() -> dict[str, dict[str, str]]:
    """Name → what stands in the address."""
    return {
        "first page": {},
        f"page {PAGE:,}": {},
        "status done": {"view": "done"},
        "status and organization": {"organization": N.organization},
        "status and organization, few": {"organization": N.few_organization},
        "payee": {"q": N.payee},
        "payee, few": {"q": N.few_payee},
        "at least": {"currency": "GBP", "min": N.amount},
        "at least, few": {"currency": "GBP", "min": N.few_amount},
        "organization, at least": {"organization": N.organization, "currency": "GBP", "min": N.amount},
        "organization, at least, few": {"organization": N.organization, "currency": "GBP", "min": N.few_amount},
    }


class Side:
    """One database and a browser on it."""

    def __init__(self, place: Ground, name: str, payouts: int, make_app: Callable[[], FlaskClient]) -> None:
        self.url = place.postgres.url(name)
        with pointed(DATABASE_URL=self.url):
            with place.filling(name) as session:
                fill_payouts.payouts(session, payouts)
            self.client = make_app()
            self.cursor = self._page(PAGE)

    def _page(self, number: int) -> str | None:
        """The cursor of a page far down (of the third one where there are fewer), walked to as a reader would."""
        chosen = review.in_view("open", queries.PayoutFilter())
        cursors: list[str | None] = [None]
        with unit_of_work(Scope.platform("bench")) as session:
            while len(cursors) < number:
                found = queries.payouts(session, chosen, cursors[-1])
                if len(found.items) < 50 or found.next_cursor is None:
                    return cursors[min(2, len(cursors) - 1)]
                cursors.append(found.next_cursor)
        return cursors[-1]

    def address(self, name: str, asked: dict[str, str]) -> str:
        far = {"cursor": self.cursor} if name.startswith("page ") and self.cursor else {}
        return "/admin/payouts?" + urlencode({**asked, **far})

    def seconds(self, path: str) -> float:
        with pointed(DATABASE_URL=self.url):
            return timed(lambda: browser.fetch(self.client, path))

    def look(self, path: str) -> tuple[int, int]:
        """Rows shown and statements run."""
        with pointed(DATABASE_URL=self.url), browser.statements() as seen:
            body = browser.fetch(self.client, path).decode()
        return len(re.findall(r'id="payout-[0-9a-f-]{36}"', body)), len(seen)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--payouts", type=int, default=1_000_000)
    options.add_argument("--small", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=30)
    chosen = options.parse_args()
    rows, worst = [], 0.0
    with ground(valkey=True) as place:
        app = create_app()
        small = Side(place, place.empty("small"), chosen.small, lambda: browser.admin(app))
        say(f"filling {chosen.payouts:,} payouts")
        large = Side(place, place.empty("large"), chosen.payouts, lambda: browser.admin(app))
        for name, asked in pages().items():
            taken: dict[str, list[float]] = {"small": [], "large": []}
            for number in range(chosen.rounds + 2):
                for label, side in (("small", small), ("large", large)):
                    seconds = side.seconds(side.address(name, asked))
                    if number >= 2:  # the first rounds fill caches
                        taken[label].append(seconds)
            few, many = (statistics.median(taken[label]) * 1000 for label in ("small", "large"))
            shown_small, _ = small.look(small.address(name, asked))
            shown, statements = large.look(large.address(name, asked))
            rows.append(
                (name, f"{few:.1f}", f"{many:.1f}", f"{many / few:.2f}", f"{shown_small}/{shown}", str(statements))
            )
            worst = max(worst, many / few)
    table(
        f"The payout queue with {chosen.payouts:,} payouts against {chosen.small:,} (whole pages, median ms)",
        ("page", f"{chosen.small:,}", f"{chosen.payouts:,}", "ratio", "rows", "statements"),
        rows,
    )
    print(goal("the slowest page against the same with few payouts", worst, most=1.5))


if __name__ == "__main__":
    main()
