"""Closing a month against the obvious SQL, and its paper against bare WeasyPrint.

    python -m bench.month_close [--charges 1000000] [--organizations 10000] [--rounds 3] [--papers 20]

Ours is `jobs.billing.close_month`: chunks of organizations, tax and wording by rule, gapless numbers, frozen snapshots,
the queue emptied onto lines, tax in the books, audit and what tells who is billed. The obvious SQL, in one transaction:
invoices by GROUP BY, lines by GROUP BY, and a line on every charge; its tables have keys, an index of what is not
billed yet and no foreign keys. Every run works on a fresh copy of the same database and includes its commits.

The paper is drawn by `printing` and by a bare `weasyprint.HTML(…).write_pdf()` of the same page, style and variant.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.billing import printing
from app.core.scope import Scope, operator
from app.db.session import engine, unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.organizations import service as organizations
from app.pdf import render
from app.pdf.templates import environment
from bench.ground import Ground, alternating, goal, ground, say, table, timed
from jobs import billing

BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
_PROFILE = """INSERT INTO billing_profiles (organization_id, legal_name, country, street, city, prefix)
    VALUES (:id, 'Quittance Ltd', 'US', '1 Main Street', 'Boston', 'INV')"""
_ORGANIZATIONS = """INSERT INTO organizations (slug, name, kind, status, currency, time_zone, billing_mode)
    SELECT 'buyer-' || n, 'Buyer ' || n, 'BUYER', 'ACTIVE', 'USD', 'UTC', 'INVOICED_MONTHLY'
    FROM generate_series(1, :count) n"""
_CHARGES = """INSERT INTO charges (organization_id, client_account_id, buyer_organization_id, subject_kind, subject_id,
        description, amount_minor, fee_minor, currency, provider, key, status, succeeded_at)
    SELECT :house, :client, o.id, 'bench', uuidv7(),
        (ARRAY['Career coaching, 60 min', 'Advisory session, 60 min', 'Portfolio review', 'Workshop'])[1 + n % 4],
        (ARRAY[140, 240, 80, 900])[1 + n % 4] * 100, 0, 'USD', 'funds', uuidv7()::text, 'succeeded',
        timestamptz '2026-10-01' + n % 2600000 * interval '1 second'
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM organizations WHERE NOT is_house) o
    CROSS JOIN generate_series(1, :each) n"""
_UNBILLED = """INSERT INTO unbilled_charges
        (charge_id, organization_id, currency, description, amount_minor, charged_at)
    SELECT id, buyer_organization_id, currency, description, amount_minor, succeeded_at FROM charges"""
_OBVIOUS = """
CREATE SCHEMA obvious AUTHORIZATION quittance;
CREATE TABLE obvious.invoices (id uuid PRIMARY KEY DEFAULT uuidv7(), organization_id uuid NOT NULL,
    currency text NOT NULL, number bigint NOT NULL UNIQUE, total_minor bigint NOT NULL, issued_on date NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON obvious.invoices (organization_id, created_at, id);
CREATE TABLE obvious.lines (id uuid PRIMARY KEY DEFAULT uuidv7(), invoice_id uuid NOT NULL,
    organization_id uuid NOT NULL, currency text NOT NULL, description text NOT NULL,
    unit_minor bigint NOT NULL,
    quantity bigint NOT NULL,
    net_minor bigint NOT NULL);
CREATE INDEX ON obvious.lines (invoice_id);
CREATE TABLE obvious.charges AS SELECT id, organization_id, client_account_id, buyer_organization_id, subject_kind,
    subject_id, description, amount_minor, currency, provider, status, succeeded_at, CAST(NULL AS uuid) AS line_id
    FROM charges;
ALTER TABLE obvious.charges ADD PRIMARY KEY (id);
CREATE INDEX ON obvious.charges (buyer_organization_id, succeeded_at) WHERE line_id IS NULL;
CREATE INDEX ON obvious.charges (line_id);
ALTER TABLE obvious.charges OWNER TO quittance;
ALTER TABLE obvious.invoices OWNER TO quittance;
ALTER TABLE obvious.lines OWNER TO quittance;
"""
INVOICES = """INSERT INTO obvious.invoices (organization_id, currency, number, total_minor, issued_on)
    SELECT buyer_organization_id, currency, row_number() OVER (ORDER BY buyer_organization_id, currency),
        sum(amount_minor), current_date
    FROM obvious.charges WHERE line_id IS NULL AND succeeded_at < :before GROUP BY 1, 2"""
LINES = """INSERT INTO obvious.lines
        (invoice_id, organization_id, currency, description, unit_minor, quantity, net_minor)
    SELECT i.id, i.organization_id, i.currency, c.description, c.amount_minor, count(*), sum(c.amount_minor)
    FROM obvious.charges c JOIN obvious.invoices i
        ON i.organization_id = c.buyer_organization_id AND i.currency = c.currency
    WHERE c.line_id IS NULL AND c.succeeded_at < :before GROUP BY 1, 2, 3, 4, 5"""
BILLED = """UPDATE obvious.charges c SET line_id = l.id FROM obvious.lines l
    WHERE l.organization_id = c.buyer_organization_id AND l.currency = c.currency AND l.description = c.description
    AND l.unit_minor = c.amount_minor AND c.line_id IS NULL AND c.succeeded_at < :before"""


def obvious() -> None:
    with Session(engine()) as session, session.begin():
        for statement in (INVOICES, LINES, BILLED):
            session.execute(text(statement), {"before": BEFORE})


def _prepare(place: Ground, count: int, charges: int) -> None:
    with unit_of_work(Scope.platform("fill")) as session:
        house = organizations.create(session, operator("bench"), name="House", currency="USD", is_house=True).id
        client = identity.create_account(session, Portal.CLIENT, "client@bench.test", "Client")
        session.execute(text(_PROFILE), {"id": house})
    with place.filling() as session:
        session.execute(text(_ORGANIZATIONS), {"count": count})
        session.execute(text(_CHARGES), {"house": house, "client": client, "each": max(1, charges // count)})
        session.execute(text(_UNBILLED))
        session.execute(text(_OBVIOUS))


def _papers(count: int) -> dict[str, float]:
    """Seconds of `count` invoices, drawn both ways from what a close has issued."""
    with unit_of_work(Scope.platform("read invoices")) as session:
        ids: list[UUID] = list(session.scalars(text("SELECT id FROM invoices LIMIT :count"), {"count": count}))
        found = [printing.printable(session, one) for one in ids]
    pages = [environment().get_template("invoice.html").render(doc=one.document) for one in found]
    weasyprint: Any = render._weasyprint()
    stylesheet, fonts, fetcher = render._shared()

    def bare() -> None:
        for page in pages:
            weasyprint.HTML(string=page, url_fetcher=fetcher).write_pdf(
                stylesheets=[stylesheet], font_config=fonts, pdf_tags=True, pdf_variant="pdf/a-3b"
            )

    def ours() -> None:
        for one in found:
            printing.pdf(one)

    bare()  # fonts are read once
    return alternating({"bare WeasyPrint": lambda: timed(bare), "our paper": lambda: timed(ours)}, 3)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--charges", type=int, default=1_000_000)
    options.add_argument("--organizations", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--papers", type=int, default=20)
    chosen = options.parse_args()
    papers: dict[str, float] = {}
    with ground() as place:
        say(f"filling {chosen.charges:,} charges of {chosen.organizations:,} organizations")
        _prepare(place, chosen.organizations, chosen.charges)

        def of_obvious() -> float:
            with place.copy("obvious_run"):
                return timed(obvious)

        def of_ours() -> float:
            with place.copy("our_run"):
                seconds = timed(lambda: billing.close_month(BEFORE.isoformat()))
                if not papers:
                    papers.update(_papers(chosen.papers))
            return seconds

        medians = alternating({"obvious SQL": of_obvious, "ours": of_ours}, chosen.rounds)
    ratio = medians["ours"] / medians["obvious SQL"]
    drawn = papers["our paper"] / papers["bare WeasyPrint"]
    table(
        f"Closing a month: {chosen.charges:,} charges of {chosen.organizations:,} organizations",
        ("way", "seconds", "ratio"),
        [
            ("obvious SQL: invoices, lines, a line on each charge", f"{medians['obvious SQL']:.2f}", "1.00"),
            ("ours: numbers, tax, snapshots, queue, books, audit", f"{medians['ours']:.2f}", f"{ratio:.2f}"),
            (f"bare WeasyPrint, {chosen.papers} pages", f"{papers['bare WeasyPrint']:.2f}", "1.00"),
            (f"our paper, {chosen.papers} pages", f"{papers['our paper']:.2f}", f"{drawn:.2f}"),
        ],
    )
    print(goal("close a month against the obvious SQL", ratio, most=2.0))
    print(goal("paper against bare WeasyPrint", drawn, most=1.15))


if __name__ == "__main__":
    main()
