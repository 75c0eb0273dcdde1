"""Deliverables from the assignment to their fee, and two people at the same card."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from app.core.errors import Conflict, Forbidden, Invalid, InvalidTransition, NotFound
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.db.types import new_id
from app.deliverables import queries, service, submitting
from app.deliverables.models import Deliverable
from app.deliverables.queries import Wanted
from app.deliverables.states import DeliverableStatus
from app.files.sniffing import inspect
from app.ledger import service as ledger
from app.organizations.states import Role
from tests.factories import deliverables, organizations, payees, people
from tests.factories.deliverables import LINK, deliverable, form, move, submit

pytestmark = pytest.mark.usefixtures("database_url")
S = DeliverableStatus


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def amara(oxford: UUID) -> Actor:
    return deliverables.creator(oxford)


@pytest.fixture
def maya(oxford: UUID) -> Actor:
    return people.member(oxford, Role.MANAGER, "maya@oxford.test")


def payee_of(actor: Actor) -> UUID:
    assert actor.payee_id is not None
    return actor.payee_id


def available(actor: Actor) -> dict[str, int]:
    with unit_of_work(Scope.payee(payee_of(actor))) as session:
        found = ledger.payee_balances(session, payee_of(actor)).get("GBP", {})
    return {account.value: money.minor for account, money in found.items() if money.minor}


def events(superuser: Any, deliverable_id: UUID) -> list[str]:
    rows = superuser.execute("SELECT to_state FROM timeline_events WHERE subject_id = %s ORDER BY id", [deliverable_id])
    return [row[0] for row in rows]


def mails(superuser: Any, address: str) -> list[tuple[str, str]]:
    rows = superuser.execute("SELECT template, subject FROM mails WHERE to_address = %s ORDER BY id", [address])
    return [(row[0].removeprefix("deliverable_"), row[1].split(":")[0]) for row in rows]


def version(organization_id: UUID, deliverable_id: UUID) -> int:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return session.get_one(Deliverable, deliverable_id).version


def test_from_assignment_to_a_balance(oxford: UUID, amara: Actor, maya: Actor, superuser: Any) -> None:
    with unit_of_work(Scope.organization(oxford)) as session:
        made = service.assign(session, maya, oxford, [payee_of(amara)], form(450_00, title="  Autumn   reel "))[0]
    assert (made.status, made.reference, made.title, made.version) == (S.ASSIGNED, "DLV-0001", "Autumn reel", 1)
    with unit_of_work(Scope.payee(payee_of(amara))) as session:
        service.start(session, amara, made.id)
    submit(amara, made.id, LINK, "http://blog.example/a", note="First cut")
    assert move(maya, made.id, S.REVISION_REQUESTED, oxford, text="Shorter").revision_note == "Shorter"
    assert available(amara) == {}
    submit(amara, made.id, kept=[(inspect(b"%PDF-1.7 a cut", "cut.pdf"), "aa/" + "a" * 64 + "-" + "b" * 32)])
    with unit_of_work(Scope.organization(oxford)) as session:
        service.approve(session, maya, made.id, published_url="https://social.example/p/1")
    assert available(amara) == {"payee_available": 450_00}
    assert events(superuser, made.id) == [
        "assigned", "in_progress", "submitted", "revision_requested", "submitted", "approved",
    ]  # fmt: skip
    assert mails(superuser, "amara@creator.test") == [
        ("assigned", "Oxford assigned you a deliverable"), ("reviewed", "Oxford asks for a revision of"),
        ("reviewed", "Oxford approved"),
    ]  # fmt: skip
    assert mails(superuser, "maya@oxford.test") == [("submitted", f"{amara.label} submitted")] * 2
    with unit_of_work(Scope.payee(payee_of(amara))) as session:
        row = queries.detail(session, Wanted(payee_id=amara.payee_id), made.id)
        sent = queries.submissions(session, made.id)
        extras = queries.extras(session, [made.id])
    assert (row.published_url, row.submissions, queries.lane_of(row)) == ("https://social.example/p/1", 2, "approved")
    assert [(s.number, s.links) for s in sent] == [(2, [LINK]), (1, [LINK, "http://blog.example/a"])]
    assert extras == {made.id: (1, 0)}


def test_without_a_fee_nothing_is_owed(oxford: UUID, amara: Actor, superuser: Any) -> None:
    deliverable(oxford, amara, S.APPROVED)
    assert superuser.execute("SELECT count(*) FROM earnings").fetchone()[0] == 0


def test_several_creators_at_once(oxford: UUID, amara: Actor, maya: Actor) -> None:
    ben = deliverables.creator(oxford, "Ben Moss", "ben@creator.test")
    vendor = payees.vendor(oxford, "A Vendor")
    with unit_of_work(Scope.organization(oxford)) as session:
        both = service.assign(session, maya, oxford, [payee_of(amara), payee_of(ben), payee_of(amara)], form(50_00))
        assert [(d.payee_id, d.reference) for d in both] == [(amara.payee_id, "DLV-0001"), (ben.payee_id, "DLV-0002")]
        for wrong in ([], [vendor], [payee_of(amara), new_id()], [new_id() for _ in range(31)]):
            with pytest.raises(Invalid) as refused:
                service.assign(session, maya, oxford, wrong, form())
            assert set(refused.value.fields) == {"creators"}
        with pytest.raises(Forbidden):
            service.assign(session, amara, oxford, [payee_of(amara)], form())


def test_a_submission_needs_something_sent(oxford: UUID, amara: Actor, maya: Actor) -> None:
    made = deliverable(oxford, amara)
    with unit_of_work(Scope.payee(payee_of(amara))) as session:
        for links in ((), (" ", "")):
            with pytest.raises(Invalid, match="link or a file"):
                submitting.submit(session, amara, made, links=links)
        with pytest.raises(Invalid, match="link or a file"):
            service.move(session, amara, made, S.SUBMITTED)
        with pytest.raises(Invalid):
            submitting.submit(session, amara, made, links=["javascript:alert(1)"])
    with unit_of_work(Scope.organization(oxford)) as session, pytest.raises(Forbidden):
        submitting.submit(session, maya, made, links=[LINK])
    assert version(oxford, made) == 1


def test_each_side_makes_its_own_moves(oxford: UUID, amara: Actor, maya: Actor) -> None:
    made = deliverable(oxford, amara, S.SUBMITTED)
    for wanted in (S.APPROVED, S.REVISION_REQUESTED, S.CANCELLED, S.ASSIGNED):
        with pytest.raises(InvalidTransition):
            move(amara, made, wanted, text="x")
    for wanted in (S.IN_PROGRESS, S.ASSIGNED):
        with pytest.raises(InvalidTransition):
            move(maya, made, wanted, oxford)
    for wanted in (S.REVISION_REQUESTED, S.CANCELLED):
        with pytest.raises(Invalid) as refused:
            move(maya, made, wanted, oxford, text="  ")
        assert set(refused.value.fields) == {"reason"}
    with pytest.raises(Forbidden):
        move(people.member(oxford, Role.SUPPORT, "sue@oxford.test"), made, S.APPROVED, oxford)
    assert available(amara) == {}


def test_strangers_find_nothing(oxford: UUID, amara: Actor) -> None:
    made = deliverable(oxford, amara, S.IN_PROGRESS)
    with pytest.raises(NotFound):
        submit(deliverables.creator(oxford, "Other", "other@creator.test"), made)
    cambridge = organizations.organization("cambridge")
    olga = people.member(cambridge, Role.OWNER, "olga@cambridge.test")
    with pytest.raises(NotFound):
        move(olga, made, S.CANCELLED, cambridge, text="x")


def test_of_two_movers_the_second_is_told_and_nothing_is_lost(oxford: UUID, amara: Actor, maya: Actor) -> None:
    """The creator takes the submission back while the organization approves it: both saw the same version."""
    for _ in range(5):
        made = deliverable(oxford, amara, S.SUBMITTED, 10_00)
        seen, start = version(oxford, made), Barrier(2)

        def both(side: tuple[Actor, S], made: UUID = made, start: Barrier = start, seen: int = seen) -> str:
            start.wait(10)
            try:
                return move(side[0], made, side[1], oxford, version=seen).status.value
            except service.Moved as refusal:
                return f"{refusal.message.split(' was ')[0]} was faster: {refusal.found.value}"

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(both, [(amara, S.IN_PROGRESS), (maya, S.APPROVED)]))
        taken_back = ["in_progress", f"{amara.label} was faster: in_progress"]
        assert answers in (taken_back, [f"{maya.label} was faster: approved", "approved"])
        assert version(oxford, made) == seen + 1


def test_two_approvals_owe_one_fee(oxford: UUID, amara: Actor, maya: Actor, superuser: Any) -> None:
    made = deliverable(oxford, amara, S.SUBMITTED, 450_00)
    seen, start = version(oxford, made), Barrier(2)

    def approve(_: int) -> str:
        start.wait(10)
        return move(maya, made, S.APPROVED, oxford, version=seen).status.value

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(approve, range(2))) == ["approved", "approved"]
    assert available(amara) == {"payee_available": 450_00}
    assert events(superuser, made).count("approved") == 1


def test_the_same_submission_twice_counts_once(oxford: UUID, amara: Actor, superuser: Any) -> None:
    made = deliverable(oxford, amara, S.IN_PROGRESS)
    seen = version(oxford, made)
    submit(amara, made, version=seen)
    assert submit(amara, made, version=seen).submissions == 1
    assert events(superuser, made).count("submitted") == 1


def test_editing_until_it_is_submitted(oxford: UUID, amara: Actor, maya: Actor) -> None:
    made = deliverable(oxford, amara, S.IN_PROGRESS, 450_00)

    def edit(fee: int, **more: Any) -> Deliverable:
        seen = more.pop("version", None)
        with unit_of_work(Scope.organization(oxford)) as session:
            return service.edit(session, maya, oxford, made, form(fee, **more), version=seen)

    assert edit(500_00, title="Winter reel").title == "Winter reel"
    with pytest.raises(Invalid):
        edit(450_00)
    with pytest.raises(service.Moved):
        edit(500_00, version=1)
    submit(amara, made)
    with pytest.raises(Conflict, match="submitted"):
        edit(500_00)


def test_cancelled_and_assigned_again(oxford: UUID, amara: Actor, maya: Actor) -> None:
    made = deliverable(oxford, amara, S.CANCELLED, 450_00)
    with pytest.raises(InvalidTransition, match="cancelled"):
        submit(amara, made)
    with unit_of_work(Scope.organization(oxford)) as session:
        assert service.reopen(session, maya, made).status is S.ASSIGNED
    submit(amara, made)
    assert move(maya, made, S.APPROVED, oxford).submissions == 1


def test_what_is_published(oxford: UUID, amara: Actor) -> None:
    made, early = deliverable(oxford, amara, S.APPROVED), deliverable(oxford, amara, S.SUBMITTED)
    with unit_of_work(Scope.payee(payee_of(amara))) as session:
        assert service.publish(session, amara, made, "https://a.example/1").published_url == "https://a.example/1"
        with pytest.raises(Invalid) as refused:
            service.publish(session, amara, made, "javascript:x")
        assert set(refused.value.fields) == {"published_url"}
        with pytest.raises(Conflict):
            service.publish(session, amara, early, "https://a.example/1")


def test_comments_reach_the_other_side(oxford: UUID, amara: Actor, maya: Actor, superuser: Any) -> None:
    made = deliverable(oxford, amara)
    with unit_of_work(Scope.payee(payee_of(amara))) as session:
        service.comment(session, amara, made, "Which green?")
        with pytest.raises(Invalid):
            service.comment(session, amara, made, "  ")
    with unit_of_work(Scope.organization(oxford)) as session:
        service.comment(session, maya, made, "The new one")
        assert [(c.author, c.text) for c in queries.comments(session, made)] == [
            (amara.label, "Which green?"), ("Maya", "The new one"),
        ]  # fmt: skip
        assert queries.extras(session, [made]) == {made: (0, 2)}
    assert mails(superuser, "maya@oxford.test") == [("submitted", f"{amara.label} commented on")]
    assert mails(superuser, "amara@creator.test")[-1] == ("reviewed", "Oxford commented on")
