"""The board and the status that follows the money."""

from __future__ import annotations

from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import today
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.db.types import new_id
from app.payables import review
from app.payables import service as payables
from app.payables.rules import RequestForm
from app.payouts import service as payouts
from app.projects import approving, queries, rules
from app.projects.queries import Whose
from app.projects.states import ProjectStatus, Stage
from tests.factories import charges, methods, organizations, people, projects
from tests.factories.projects import project
from tests.portals.org.conftest import statements

pytestmark = pytest.mark.usefixtures("database_url")
S = ProjectStatus


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def tomas(oxford: UUID) -> Actor:
    actor = projects.contractor(oxford)
    methods.simulated(actor.payee_id or new_id())
    return actor


def whose(actor: Actor) -> Whose:
    return Whose(payee_id=actor.payee_id)


def live(actor: Actor, project_id: UUID) -> str:
    with unit_of_work(Scope.payee(actor.payee_id or new_id())) as session:
        return str(queries.detail(session, whose(actor), project_id).live)


def withdraw(oxford: UUID, actor: Actor, minor: int | None = None) -> UUID:
    with unit_of_work(Scope.payee(actor.payee_id or new_id())) as session:
        amount = None if minor is None else Money(minor, "GBP")
        return payouts.withdraw(session, actor, organization_id=oxford, currency="GBP", amount=amount).id


def test_the_status_follows_the_money(oxford: UUID, tomas: Actor) -> None:
    charges.funds(oxford, 10_000_00)
    project_id = project(oxford, tomas, 900_00, S.APPROVED)
    assert live(tomas, project_id) == "payout_ready"
    payout_id, admin = withdraw(oxford, tomas), people.admin("noor@quittance.test")
    assert live(tomas, project_id) == "withdrawal_requested"
    with unit_of_work(people.PLATFORM) as session:
        payouts.approve(session, admin, [payout_id])
    assert live(tomas, project_id) == "payout_approved"
    with unit_of_work(people.PLATFORM) as session:
        payouts.cancel(session, admin, payout_id, reason="Wrong account")
    assert live(tomas, project_id) == "payout_ready"
    withdraw(oxford, tomas, 100_00)
    assert live(tomas, project_id) == "withdrawal_requested"


def test_sql_and_rules_agree_on_the_money(database_url: str) -> None:
    found = text(
        "SELECT CASE"
        + queries.LIVE.split("THEN p.status\n")[1].split("END AS live")[0]
        + "END FROM (SELECT CAST(:earning AS uuid) AS earning_id, CAST(:ready AS bigint) AS ready_minor,"
        " CAST(:payout AS text) AS payout_status) s"
    )
    statuses = (None, "pending", "approved", "processing", "on_hold", "paid")
    with unit_of_work(Scope.public()) as session:
        for earned, ready, payout in product((False, True), (False, True), statuses):
            if not earned and (ready or payout):
                continue
            given = {"earning": new_id() if earned else None, "ready": 5 if ready else None, "payout": payout}
            expected = rules.money_status(earned=earned, ready=ready, payout_status=payout)
            assert session.execute(found, given).scalar_one() == expected.value, given


def test_a_project_that_waits_for_its_invoice(oxford: UUID, tomas: Actor) -> None:
    project_id = project(oxford, tomas, 900_00, S.APPROVED, by_invoice=True)
    assert live(tomas, project_id) == "approved"

    def send() -> UUID:
        form = RequestForm(Money(900_00, "GBP"), "Loyalty email series", today())
        with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session:
            approving.billable(session, tomas, project_id)
            request = payables.submit_new(session, tomas, oxford, form, even_so=True)
            approving.bill(session, tomas, project_id, request.id)
            return request.id

    request_id = send()
    with pytest.raises(Conflict, match="sent already"):
        send()
    assert live(tomas, project_id) == "approved"
    with unit_of_work(Scope.organization(oxford)) as session:
        review.reject(session, operator(), oxford, request_id, reason="Wrong date")
    with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session:
        payables.cancel(session, tomas, request_id)
    again = send()
    with unit_of_work(Scope.organization(oxford)) as session:
        review.approve(session, operator(), oxford, again)
    assert live(tomas, project_id) == "payout_ready"


def test_only_a_project_by_invoice_takes_one(oxford: UUID, tomas: Actor) -> None:
    project_id = project(oxford, tomas, 900_00, S.APPROVED)
    with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session, pytest.raises(Conflict, match="no invoice"):
        approving.billable(session, tomas, project_id)


def test_the_board_counts_all_and_asks_little(oxford: UUID, tomas: Actor, superuser: Any) -> None:
    first = project(oxford, tomas, 900_00, S.IN_PROGRESS, title="Icon set")
    superuser.execute(
        """INSERT INTO projects (organization_id, payee_id, reference, title, description, status, rate_kind,
            rate_minor, currency, moved_at, moved_by)
        SELECT organization_id, payee_id, 'X-' || n, 'Project ' || n, '', 'draft', 'fixed', 100, 'GBP',
            now() - n * interval '1 minute', 'Tests' FROM projects, generate_series(1, 120) n WHERE id = %s""",
        [first],
    )
    with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session, statements() as sent:
        columns = queries.board(session, whose(tomas))
        assert len(sent) == 2
        upcoming = columns[Stage.UPCOMING]
        assert (upcoming.count, upcoming.sums, len(upcoming.cards)) == (120, {"GBP": 120_00}, queries.DEEPEST)
        assert columns[Stage.IN_PROGRESS].count == 1 and columns[Stage.PAYOUT].count == 0
        rest = queries.lane(session, whose(tomas), Stage.UPCOMING, queries.after(upcoming.cards[-1]), 100)
    assert [row.reference for row in rest.items] == [f"X-{n}" for n in range(queries.DEEPEST + 1, 121)]


def test_lists_are_found_by_word_and_stay_with_their_owner(oxford: UUID, tomas: Actor) -> None:
    project(oxford, tomas, title="Icon set v2")
    project(oxford, tomas, title="Store signage", status=S.SUBMITTED)
    other = projects.contractor(oxford, "Other Works", "other@contractor.test")
    mine = project(oxford, other, title="Icons of Oxford")
    with unit_of_work(Scope.organization(oxford)) as session:
        everything = Whose(organization_id=oxford)
        assert len(queries.projects(session, everything, search="icon").items) == 2
        (found,) = queries.projects(session, everything, stage=Stage.SUBMITTED).items
        assert (found.title, found.payee_name, found.organization_slug) == ("Store signage", "Tomas Rivera", "oxford")
        assert len(queries.projects(session, everything, payee_id=other.payee_id).items) == 1
        assert len(queries.contractors(session, oxford)) == 2
    with unit_of_work(Scope.payee(tomas.payee_id or new_id())) as session, pytest.raises(NotFound):
        queries.detail(session, whose(tomas), mine)
