"""A creator's deliverables without script: the groups, sending in, what goes wrong."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import today
from app.core.scope import Actor, operator
from app.deliverables.states import DeliverableStatus
from app.identity.states import Portal
from app.payees.states import PayeeKind
from tests.factories import deliverables, organizations
from tests.factories.deliverables import deliverable, move
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.org.conftest import statements, value_of

S = DeliverableStatus
HERE = "/creator/deliverables"
SignIn = Callable[[Portal, str], Browser]


@pytest.fixture
def oxford(app: Any) -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def amara(oxford: UUID) -> Actor:
    return deliverables.creator(oxford)


@pytest.fixture
def browser(amara: Actor, sign_in: SignIn) -> Browser:
    return sign_in(Portal.CREATOR, "amara@creator.test")


def test_what_needs_the_creator_comes_first(oxford: UUID, amara: Actor, browser: Browser) -> None:
    assert "Nothing to make yet" in browser.get(HERE).text
    for status in S:
        deliverable(oxford, amara, status, title=f"The {status.value} one", due_on=today())
    page = browser.get(HERE).text
    found = re.findall(r"The (\w+) one", page)
    assert found == ["revision_requested", "assigned", "in_progress", "submitted", "approved"]
    assert "Match the new green" in page and '<span class="count">2</span>' in page  # two wait for the creator
    assert re.findall(r"The (\w+) one", browser.get(f"{HERE}?due=overdue").text) == []
    assert "The cancelled one" in browser.get(f"{HERE}?view=list").text


def test_one_brand_of_several(oxford: UUID, amara: Actor, browser: Browser) -> None:
    cambridge = organizations.organization("cambridge")
    assert amara.payee_id is not None
    engage(cambridge, amara.payee_id)
    deliverable(oxford, amara, title="For Oxford")
    deliverable(cambridge, amara, title="For Cambridge")
    page = browser.get(HERE).text
    assert "For Oxford" in page and "For Cambridge" in page and "Every brand" in page
    page = browser.get(f"{HERE}?organization=cambridge").text
    assert "For Oxford" not in page and "For Cambridge" in page
    assert browser.get(f"{HERE}?organization=nobody").status_code == 404
    start = browser.get("/creator/?organization=cambridge").text
    assert "For Cambridge" in start and "For Oxford" not in start


def engage(organization_id: UUID, payee_id: UUID) -> None:
    from sqlalchemy import text

    from app.db.session import unit_of_work

    with unit_of_work(PLATFORM) as session:
        session.execute(
            text("INSERT INTO engagements (organization_id, payee_id, currency) VALUES (:o, :p, 'GBP')"),
            {"o": organization_id, "p": payee_id},
        )


def test_from_start_to_a_revision(oxford: UUID, amara: Actor, browser: Browser) -> None:
    made = deliverable(oxford, amara, fee=450_00)
    page = f"{HERE}/{made}"
    version = value_of(browser.get(page).text, "version")
    assert browser.post(f"{page}/step", {"to": "in_progress", "version": version}).status_code == 303
    assert browser.post(f"{page}/step", {"to": "submitted"}).status_code == 422
    nothing = browser.post(f"{page}/submissions", {"note": "Kept words"})
    assert nothing.status_code == 422 and "at least one link or file" in nothing.text and "Kept words" in nothing.text
    sent = {
        "links": "https://video.example/1\n\n https://video.example/2", "note": "First cut",
        "files": (io.BytesIO(b"%PDF-1.7 storyboard"), "storyboard.pdf"),
    }  # fmt: skip
    assert browser.post(f"{page}/submissions", sent, content_type="multipart/form-data").status_code == 303
    shown = browser.get(page).text
    assert "storyboard.pdf" in shown and "https://video.example/2" in shown and "First cut" in shown
    assert "Submit for review" not in shown and "Take it back" in shown
    move(operator(), made, S.REVISION_REQUESTED, oxford, text="Shorter, please")
    shown = browser.get(page).text
    assert "Oxford asks for a revision" in shown and "Shorter, please" in shown and "Submit for review" in shown
    file = re.search(r'href="(/creator/files/[0-9a-f-]{36})"', shown)
    assert file is not None and browser.get(file[1]).data == b"%PDF-1.7 storyboard"
    assert "Deliverable: Autumn reel" in browser.get("/creator/files?kind=deliverable").text


def test_a_bad_link_keeps_the_file(oxford: UUID, amara: Actor, browser: Browser) -> None:
    page = f"{HERE}/{deliverable(oxford, amara)}"
    sent = {"links": "javascript:alert(1)", "files": (io.BytesIO(b"%PDF-1.7 x"), "x.pdf")}
    wrong = browser.post(f"{page}/submissions", sent, content_type="multipart/form-data")
    assert wrong.status_code == 422 and "starts with https://" in wrong.text
    assert 'href="javascript' not in wrong.text
    kept = value_of(wrong.text, "kept_file")
    assert browser.post(f"{page}/submissions", {"links": "", "kept_file": kept}).status_code == 303
    assert "x.pdf" in browser.get(page).text


def test_somebody_was_faster(oxford: UUID, amara: Actor, browser: Browser) -> None:
    made = deliverable(oxford, amara)
    version = value_of(browser.get(f"{HERE}/{made}").text, "version")
    move(operator(), made, S.CANCELLED, oxford, text="The campaign is off")
    sent = {"links": "https://a.example/1", "version": version}
    answer = browser.post(f"{HERE}/{made}/submissions", sent)
    assert answer.status_code == 409 and "was faster" in answer.text
    assert "The campaign is off" in browser.get(f"{HERE}/{made}").text


def test_comments_and_the_published_address(oxford: UUID, amara: Actor, browser: Browser) -> None:
    made = deliverable(oxford, amara, S.APPROVED)
    page = f"{HERE}/{made}"
    assert browser.post(f"{page}/comments", {"text": " "}).status_code == 422
    assert browser.post(f"{page}/comments", {"text": "<b>Thanks</b>"}).status_code == 303
    assert browser.post(f"{page}/publication", {"published_url": "ftp://x"}).status_code == 422
    assert browser.post(f"{page}/publication", {"published_url": "https://social.example/p/9"}).status_code == 303
    shown = browser.get(page).text
    assert "&lt;b&gt;Thanks&lt;/b&gt;" in shown and 'href="https://social.example/p/9"' in shown
    assert browser.htmx("POST", f"{page}/comments", {"text": ""}).text.lstrip().startswith('<form id="comment-form"')


def test_strangers_find_nothing(oxford: UUID, amara: Actor, sign_in: SignIn) -> None:
    made = deliverable(oxford, amara)
    deliverables.creator(oxford, "Other", "other@creator.test")
    other = sign_in(Portal.CREATOR, "other@creator.test")
    assert str(made) not in other.get(HERE).text
    for path in ("", "/step", "/submissions", "/comments", "/publication"):
        answer = other.get(f"{HERE}/{made}") if not path else other.post(f"{HERE}/{made}{path}", {"to": "in_progress"})
        assert answer.status_code == 404
    contractor = payee_of_kind(oxford, PayeeKind.CONTRACTOR, "tom@contractor.test")
    assert sign_in(Portal.CONTRACTOR, contractor).get(HERE).status_code == 404


def payee_of_kind(organization_id: UUID, kind: PayeeKind, email: str) -> str:
    from tests.factories import payees as make
    from tests.factories import people

    people.payee(make.vendor(organization_id, kind.value, kind=kind), email, Portal(kind.value))
    return email


def test_many_are_asked_for_at_once(oxford: UUID, amara: Actor, browser: Browser) -> None:
    deliverable(oxford, amara, S.SUBMITTED)
    with statements() as few:
        browser.get(HERE)
    for number in range(15):
        deliverable(oxford, amara, S.SUBMITTED, title=f"More {number}")
    with statements() as many:
        page = browser.get(HERE).text
    assert len(few) == len(many) <= 14 and "Show all 16" in page
