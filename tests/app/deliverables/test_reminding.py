"""Reminders: the day before and when it is late, once each, in the organization's daytime."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import at
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.deliverables import reminding, service
from app.deliverables.states import DeliverableStatus
from app.identity.states import Portal
from app.notify import choices
from app.notify.models import Channel
from jobs import deliverables as jobs
from tests.app.deliverables.test_service import version
from tests.factories import deliverables, organizations
from tests.factories.deliverables import deliverable, form, submit
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")
S = DeliverableStatus
DUE = date(2026, 3, 10)


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def amara(oxford: UUID) -> Actor:
    return deliverables.creator(oxford)


def remind(day: int, hour: int = 9) -> None:
    with at(datetime(2026, 3, day, hour, tzinfo=UTC)):
        jobs.remind()


def told(superuser: Any) -> list[str]:
    rows = superuser.execute("SELECT subject FROM mails WHERE template = 'deliverable_due' ORDER BY id")
    return [row[0] for row in rows]


TOMORROW, LATE = "Oxford expects tomorrow: Autumn reel", "Oxford still waits for: Autumn reel"


def test_the_day_before_and_when_late_once_each(oxford: UUID, amara: Actor, superuser: Any) -> None:
    made = deliverable(oxford, amara, S.IN_PROGRESS, due_on=DUE)
    seen = version(oxford, made)
    remind(8)
    assert told(superuser) == []
    remind(9)
    remind(9, 15)
    remind(10)
    assert told(superuser) == [TOMORROW]
    for day in (11, 11, 12, 20):
        remind(day)
    assert told(superuser) == [TOMORROW, LATE]
    assert version(oxford, made) == seen  # nobody's board went stale


def test_not_at_night_and_not_who_has_submitted(oxford: UUID, amara: Actor, superuser: Any) -> None:
    made = deliverable(oxford, amara, due_on=DUE)
    deliverable(oxford, amara, S.CANCELLED, due_on=DUE)
    deliverable(oxford, amara, S.APPROVED, due_on=DUE)
    deliverable(oxford, amara)
    for hour in (0, 7, 20, 23):
        remind(9, hour)
    assert told(superuser) == []
    submit(amara, made)
    remind(9)
    remind(12)
    assert told(superuser) == []


def test_another_day_is_told_anew(oxford: UUID, amara: Actor, superuser: Any) -> None:
    made = deliverable(oxford, amara, due_on=DUE)
    remind(9)
    with unit_of_work(Scope.organization(oxford)) as session:
        service.edit(session, operator(), oxford, made, form(due_on=date(2026, 3, 15)))
    remind(12)
    remind(14)
    assert told(superuser) == [TOMORROW, TOMORROW]


def test_a_time_zone_has_its_own_tomorrow(superuser: Any) -> None:
    tokyo = organizations.organization("tokyo", time_zone="Asia/Tokyo")
    deliverable(tokyo, deliverables.creator(tokyo), due_on=DUE)
    remind(8, 22)  # 7 in the morning of the 9th
    assert told(superuser) == []
    remind(8, 23)
    assert len(told(superuser)) == 1


def test_a_second_run_finds_nothing(oxford: UUID, amara: Actor) -> None:
    made = deliverable(oxford, amara, due_on=DUE)
    with at(datetime(2026, 3, 9, 9, tzinfo=UTC)):
        for says in ("tomorrow", ""):
            with unit_of_work(PLATFORM) as session:
                assert reminding.remind(session, made) == says
                assert list(reminding.due_ids(session, None, 10)) == []


def test_who_wants_no_mail_gets_none(oxford: UUID, amara: Actor, superuser: Any) -> None:
    with unit_of_work(PLATFORM) as session:
        choices._switch(session, "amara@creator.test", "deliverable_due", Channel.EMAIL, False)
    deliverable(oxford, amara, due_on=DUE)
    remind(9)
    assert told(superuser) == []


def test_each_portal_is_offered_its_own_events() -> None:
    of = {portal: {e.name for e in choices.events_of(portal) if "deliverable" in e.name} for portal in Portal}
    assert of.pop(Portal.CREATOR) == {"deliverable_assigned", "deliverable_reviewed", "deliverable_due"}
    assert of.pop(Portal.ORG) == {"deliverable_submitted"}
    assert not any(of.values())
