"""The organization's side of deliverables: the board, assigning, reviewing, cancelling."""

from __future__ import annotations

import io
import re
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import today
from app.core.scope import Actor
from app.deliverables.states import DeliverableStatus
from app.organizations.states import Role
from tests.factories import deliverables
from tests.factories.deliverables import deliverable, move, submit
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House, statements, value_of

S = DeliverableStatus
HERE = "/org/oxford/deliverables"


@pytest.fixture
def amara(house: House) -> Actor:
    return deliverables.creator(house.organization_id)


def filled(*creators: Actor, **more: Any) -> dict[str, Any]:
    return {
        "creators": [str(one.payee_id) for one in creators], "title": "Autumn reel", "content": "reel",
        "brief": "Thirty seconds, outdoors", "due_on": "2026-12-01", "fee": "450.00", "currency": "GBP", **more,
    }  # fmt: skip


def lane_of(html: str, deliverable_id: UUID) -> str:
    return re.findall(r'data-stage="(\w+)"', html.split(f'id="card-{deliverable_id}"')[0])[-1]


def test_a_deliverable_is_assigned_and_edited(house: House, amara: Actor) -> None:
    assert "Amara Okafor" in house.browser.get(f"{HERE}/new").text
    wrong = house.browser.post(f"{HERE}/new", filled(amara, title="", fee="-5"))
    assert wrong.status_code == 422 and "Give the deliverable a title." in wrong.text
    assert (
        "Thirty seconds, outdoors" in wrong.text
        and 'checked class="check" id="creators-0" name="creators"' in wrong.text
    )
    made = house.browser.post(f"{HERE}/new", filled(amara))
    assert made.status_code == 303
    page = house.browser.get(made.location).text
    assert "£450.00" in page and "Thirty seconds, outdoors" in page and "DLV-0001" in page and "Reel" in page
    version = value_of(house.browser.get(f"{made.location}/edit").text, "version")
    assert house.browser.post(f"{made.location}/edit", filled(fee="500.00", version=version)).status_code == 303
    assert house.browser.post(f"{made.location}/edit", filled(version=version)).status_code == 409
    assert "£500.00" in house.browser.get(HERE).text


def test_several_creators_each_get_the_files(house: House, amara: Actor) -> None:
    ben = deliverables.creator(house.organization_id, "Ben Moss", "ben@creator.test")
    nobody = house.browser.post(f"{HERE}/new", filled(title="Kept title"))
    assert nobody.status_code == 422 and "at least one creator" in nobody.text and "Kept title" in nobody.text
    stranger = house.browser.post(f"{HERE}/new", {**filled(amara), "creators": [str(house.organization_id)]})
    assert stranger.status_code == 422
    sent = {**filled(amara, ben), "files": (io.BytesIO(b"%PDF-1.7 a brief"), "brief.pdf")}
    made = house.browser.post(f"{HERE}/new", sent, content_type="multipart/form-data", follow_redirects=True)
    pages = [house.browser.get(path).text for path in set(re.findall(rf'href="({HERE}/[0-9a-f-]{{36}})"', made.text))]
    assert len(pages) == 2 and all("brief.pdf" in page for page in pages)
    links = {path for page in pages for path in re.findall(r'href="(/org/oxford/files/[0-9a-f-]{36})"', page)}
    assert len(links) == 2
    assert all(house.browser.get(path).data == b"%PDF-1.7 a brief" for path in links)


def test_approval_says_what_is_owed(house: House, amara: Actor) -> None:
    made = deliverable(house.organization_id, amara, S.SUBMITTED, 450_00)
    page = f"{HERE}/{made}"
    assert "Approve £450.00" in house.browser.get(page).text
    form = house.browser.get(f"{page}/approval").text
    assert "cannot be taken back" in form
    sent = {"version": value_of(form, "version"), "idempotency_key": value_of(form, "idempotency_key")}
    wrong = house.browser.post(f"{page}/approval", {**sent, "published_url": "javascript:alert(1)"})
    assert wrong.status_code == 422 and "starts with https://" in wrong.text
    sent["published_url"] = "https://social.example/p/1"
    assert house.browser.post(f"{page}/approval", sent).status_code == 303
    assert house.browser.post(f"{page}/approval", sent).status_code == 303  # the same form twice is one approval
    shown = house.browser.get(page).text
    assert "Approve £450.00" not in shown and "https://social.example/p/1" in shown
    assert lane_of(house.browser.get(HERE).text, made) == "approved"


def test_a_revision_and_a_cancellation_need_words(house: House, amara: Actor) -> None:
    made = deliverable(house.organization_id, amara, S.SUBMITTED)
    page = f"{HERE}/{made}"
    for noun, says in (("revision", "Say what to change"), ("cancellation", "Say why")):
        wrong = house.browser.post(f"{page}/{noun}", {"reason": " "})
        assert wrong.status_code == 422 and says in wrong.text
    assert house.browser.post(f"{page}/revision", {"reason": "Match the new green"}).status_code == 303
    assert "Match the new green" in house.browser.get(HERE).text
    assert house.browser.post(f"{page}/cancellation", {"reason": "The campaign is off"}).status_code == 303
    assert str(made) not in house.browser.get(HERE).text
    assert str(made) in house.browser.get(f"{HERE}?view=list&status=cancelled").text
    assert "Assign again" in house.browser.get(page).text
    assert house.browser.post(f"{page}/reopening").status_code == 303
    assert lane_of(house.browser.get(HERE).text, made) == "assigned"


def test_a_card_without_a_fee_is_approved_on_the_board(house: House, amara: Actor) -> None:
    made = deliverable(house.organization_id, amara, S.SUBMITTED)
    html = house.browser.get(HERE).text
    version = value_of(html.split(f'id="m-{made}"')[1], "version")
    answer = house.browser.htmx("POST", f"{HERE}/{made}/move", {"to": "approved", "version": version})
    assert answer.status_code == 200 and f'hx-target="#card-{made}"' in answer.text
    assert lane_of(house.browser.get(HERE).text, made) == "approved"


def test_a_move_that_needs_more_leads_to_its_form(house: House, amara: Actor) -> None:
    made = deliverable(house.organization_id, amara, S.SUBMITTED, 450_00)
    for to, noun in (("approved", "approval"), ("revise", "revision")):
        plain = house.browser.post(f"{HERE}/{made}/move", {"to": to})
        assert (plain.status_code, plain.location) == (303, f"{HERE}/{made}/{noun}")
        assert house.browser.htmx("POST", f"{HERE}/{made}/move", {"to": to}).headers["HX-Redirect"] == plain.location
    assert lane_of(house.browser.get(HERE).text, made) == "in_review"


def test_refused_moves(house: House, amara: Actor) -> None:
    made = deliverable(house.organization_id, amara)
    assert house.browser.post(f"{HERE}/{made}/move", {"to": "approved"}).status_code == 409
    assert house.browser.post(f"{HERE}/{made}/move", {"to": "nowhere"}).status_code == 422
    submit(amara, made)
    slow = house.browser.htmx("POST", f"{HERE}/{made}/move?due=overdue", {"to": "approved", "version": "1"})
    assert slow.status_code == 409 and "was faster" in slow.text and 'hx-target="#deliverables"' in slow.text
    version = value_of(house.browser.get(f"{HERE}/{made}/approval").text, "version")
    move(amara, made, S.IN_PROGRESS)
    answer = house.browser.post(f"{HERE}/{made}/approval", {"version": version})
    assert answer.status_code == 409 and "was faster" in answer.text


def test_filters_of_board_and_list(house: House, amara: Actor) -> None:
    ben = deliverables.creator(house.organization_id, "Ben Moss", "ben@creator.test")
    late = deliverable(house.organization_id, amara, due_on=today().replace(year=2020))
    soon = deliverable(house.organization_id, ben, due_on=today(), title="Winter post")
    free = deliverable(house.organization_id, ben)

    def shown(query: str) -> set[UUID]:
        html = house.browser.get(f"{HERE}?{query}").text
        return {made for made in (late, soon, free) if f"{HERE}/{made}" in html}

    for view in ("", "view=list&"):
        assert shown(f"{view}due=overdue") == {late}
        assert shown(f"{view}due=week") == {soon}
        assert shown(f"{view}due=none") == {free}
        assert shown(f"{view}creator={ben.payee_id}") == {soon, free}
        assert shown(f"{view}creator=x&due=x") == {late, soon, free}
    for view in ("", "view=list&"):
        assert shown(f"{view}q=winter") == {soon}
        assert shown(f"{view}q=moss") == {soon, free}
    assert shown("view=list&status=submitted") == set()
    part = house.browser.htmx("GET", f"{HERE}?due=week")
    assert part.text.lstrip().startswith('<div id="deliverables"')


def test_who_may_not(house: House, amara: Actor, strangers: list[Browser]) -> None:
    made = deliverable(house.organization_id, amara, S.SUBMITTED)
    support = house.member(Role.SUPPORT)
    assert support.get(f"{HERE}/{made}").status_code == 200
    assert 'data-move-url=""' in support.get(HERE).text
    for noun in ("approval", "revision", "cancellation", "edit", "move", "reopening"):
        assert support.post(f"{HERE}/{made}/{noun}", {"to": "approved"}).status_code == 403
    for noun in ("comments", "publication"):
        sent = {"text": "Hello", "published_url": "https://a.example"}
        assert support.post(f"{HERE}/{made}/{noun}", sent).status_code == 403
    assert support.get(f"{HERE}/new").status_code == 403
    for stranger in strangers:
        assert stranger.get(f"{HERE}/{made}").status_code == 404
        assert stranger.get(HERE).status_code == 404
        assert stranger.post(f"{HERE}/{made}/approval").status_code == 404


def test_five_hundred_cards_in_as_many_statements_as_three(house: House, amara: Actor, superuser: Any) -> None:
    for status in (S.ASSIGNED, S.SUBMITTED, S.APPROVED):
        deliverable(house.organization_id, amara, status, 10_00)
    with statements() as few:
        house.browser.get(HERE)
    superuser.execute(
        """INSERT INTO deliverables (organization_id, payee_id, reference, title, brief, content, status, fee_minor,
            currency, submissions, moved_at, moved_by)
        SELECT organization_id, payee_id, 'X-' || status || n, 'Card ' || n, '', content, status, fee_minor, currency,
            1, moved_at - n * interval '1 minute', moved_by
        FROM deliverables, generate_series(1, 166) n"""
    )
    with statements() as many:
        page = house.browser.get(HERE).text
    assert len(many) == len(few) <= 14
    rest = [int(n) for n in re.findall(r'data-rest="(\d+)"', page)]
    assert sum(rest) + len(re.findall(r'<li class="kcard"', page)) == 501
    more = re.search(r'hx-get="([^"]+lanes/in_review[^"]+)"', page)
    assert more is not None
    piece = house.browser.htmx("GET", more[1].replace("&amp;", "&")).text
    assert len(re.findall(r'<li class="kcard"', piece)) == 25
    assert len(re.findall(r"<[a-z]", page)) <= 1_500  # what a page may hold at most
    with statements() as listed:
        assert "Amara Okafor" in house.browser.get(f"{HERE}?view=list").text
    assert len(listed) <= 14


def test_many_creators_are_searched_for(house: House, amara: Actor, superuser: Any) -> None:
    superuser.execute(
        """WITH made AS (INSERT INTO payees (kind, name)
            SELECT 'creator', 'Creator ' || n FROM generate_series(100, 250) n RETURNING id)
        INSERT INTO engagements (organization_id, payee_id, currency) SELECT %s, id, 'GBP' FROM made""",
        [house.organization_id],
    )
    offered = re.findall(r'name="creators"', house.browser.get(f"{HERE}/new").text)
    assert len(offered) == 100
    sent = {**filled(amara, title="Kept title"), "find": "creator 24", "searching": "1"}
    found = house.browser.post(f"{HERE}/new", sent)
    assert found.status_code == 200 and "Kept title" in found.text and "Thirty seconds, outdoors" in found.text
    assert len(re.findall(r'name="creators"', found.text)) == 11  # ten of that name, and the one ticked before
    assert re.search(rf'<input checked[^>]*value="{amara.payee_id}"', found.text)
    assert house.browser.post(f"{HERE}/new", filled(amara)).status_code == 303
    assert "Every creator" not in house.browser.get(HERE).text


def test_files_of_the_brief_come_and_go(house: House, amara: Actor) -> None:
    made = deliverable(house.organization_id, amara)
    page = f"{HERE}/{made}"
    sent = {**filled(), "files": (io.BytesIO(b"%PDF-1.7 a brief"), "brief.pdf")}
    assert house.browser.post(f"{page}/edit", sent, content_type="multipart/form-data").status_code == 303
    shown = house.browser.get(f"{page}/edit").text
    removal = re.search(rf'action="({page}/files/[0-9a-f-]{{36}}/removal)"', shown)
    assert removal is not None and "brief.pdf" in shown
    other = removal[1].replace(str(made), str(deliverable(house.organization_id, amara)))
    assert house.browser.post(other).status_code == 404
    assert house.member(Role.SUPPORT).post(removal[1]).status_code == 403
    submit(amara, made)
    assert house.browser.post(removal[1]).status_code == 409
    move(amara, made, S.IN_PROGRESS)
    gone = house.browser.post(removal[1], follow_redirects=True).text
    assert "File removed" in gone and removal[1] not in gone
    assert "brief.pdf" not in house.browser.get(page).text
