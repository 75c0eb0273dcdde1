"""Departments on the pages: of members, in invitations and files, and as what a month is summed up by."""

from __future__ import annotations

import io
import re
from uuid import UUID

from sqlalchemy import select, text

from app.consultations.models import Consultation
from app.core import clock
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.models import Member
from app.organizations.states import Role
from tests.app.consultations.test_credits import EARLY, Place
from tests.app.consultations.test_departments import move
from tests.factories import people
from tests.factories.people import PLATFORM
from tests.portals.org.conftest import House, SignIn

HERE = "/org/oxford/members"
ANN = "ann@oxford.test"


def member_id(organization_id: UUID, email: str) -> UUID:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return session.scalars(select(Member.id).where(Member.email == email)).one()


def test_a_member_gets_a_department_and_the_list_and_file_know_it(house: House) -> None:
    people.member(house.organization_id, Role.LEARNER, ANN)
    people.member(house.organization_id, Role.LEARNER, "bob@oxford.test")
    path = f"{HERE}/{member_id(house.organization_id, ANN)}/department"
    bad = house.browser.post(path, {"department": "x" * 61})
    assert bad.status_code == 422 and "at most 60 fit" in bad.text and "x" * 61 in bad.text
    assert house.browser.post(path, {"department": " Career  services"}).status_code == 303
    assert 'value="Career services"' in house.browser.get(path).text
    shown = house.browser.get(f"{HERE}?department=Career+services").text
    assert ANN in shown and "bob@oxford.test" not in shown
    assert '<option value="Career services"' in house.browser.get(f"{HERE}/new").text
    lines = house.browser.get(f"{HERE}.csv").text.splitlines()
    assert lines[0] == "email,name,role,department,status,since"
    assert any(line.startswith(f"{ANN},Ann,learner,Career services,active,") for line in lines)
    assert len(house.browser.get(f"{HERE}.csv?department=Career+services").text.splitlines()) == 2


def test_invitations_and_files_take_a_department(house: House) -> None:
    asked = {"addresses": ANN, "role": "ORG_LEARNER", "department": "x" * 61}
    bad = house.browser.post(f"{HERE}/new", asked)
    assert bad.status_code == 422 and "at most 60 fit" in bad.text and ANN in bad.text
    assert house.browser.post(f"{HERE}/new", {**asked, "department": "Engineering"}).status_code == 303
    body = f"email,department\ncat@x.test,Alumni office\ndan@x.test,{'y' * 61}\n"
    sent = {"file": (io.BytesIO(body.encode()), "people.csv"), "role": "ORG_LEARNER"}
    preview = house.browser.get(house.browser.post(f"{HERE}/imports/new", sent).headers["Location"]).text
    assert "Alumni office" in preview and "department: it has 61 letters; at most 60 fit" in preview


def test_a_month_by_department_and_its_file(sign_in: SignIn, database_url: str) -> None:
    place = Place()
    adam = place.learner("adam@client.test")
    move(place.buyer, "noor@client.test", "Engineering & Co")
    for after, who in ((0, place.noor), (1, place.noor), (2, adam)):
        place.book(who, after)
    move(place.buyer, "noor@client.test", "Elsewhere")
    people.member(place.buyer, Role.MANAGER, "manager@fernhill.test")
    here = "/org/fernhill/billing"
    with clock.at(EARLY):
        manager = sign_in(Portal.ORG, "manager@fernhill.test")
        shown = manager.get(here).text
        one = manager.get(f"{here}?department=Engineering+%26+Co").text
        nobody = manager.get(f"{here}?month=2020-01").text
        files = {
            query: manager.get(f"{here}/usage.csv{query}").text.splitlines()
            for query in ("", "?department=Engineering+%26+Co", "?department=", "?month=2020-01")
        }
    table = shown.split('id="usage"', 1)[1].split("</table>", 1)[0]
    assert re.findall(r"department=([^\"#&]*)", table) == ["Engineering+%26+Co", ""] and "Elsewhere" not in table
    assert "Engineering &amp; Co" in table and "No department" in table
    assert "30" in one.split('id="usage"', 1)[1] and "usage.csv?department=Engineering+%26+Co" in one
    assert "No sessions in January 2020" in nobody
    assert [len(lines) for lines in files.values()] == [4, 3, 2, 1]
    assert [line.split(",")[4] for line in files[""][1:]] == ["", "Engineering & Co", "Engineering & Co"]


def test_the_bar_of_a_department_is_its_share_of_all(sign_in: SignIn, database_url: str) -> None:
    place = Place()
    adam = place.learner("adam@client.test")
    move(place.buyer, "noor@client.test", "Engineering")
    for after, who in ((0, place.noor), (1, place.noor), (2, place.noor), (3, adam)):
        place.book(who, after)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE consultations SET paid_by = 'invoice'"))
        price = session.scalars(select(Consultation.price_minor).distinct()).one()
    people.member(place.buyer, Role.MANAGER, "manager@fernhill.test")
    with clock.at(EARLY):
        shown = sign_in(Portal.ORG, "manager@fernhill.test").get("/org/fernhill/billing").text
    bars = re.findall(r'<progress value="(\d+)" max="(\d+)"', shown.split('id="usage"', 1)[1])
    assert price and bars == [(str(3 * price), str(4 * price)), (str(price), str(4 * price))]


def test_who_is_refused(house: House, sign_in: SignIn) -> None:
    for role, email in ((Role.LEARNER, ANN), (Role.MANAGER, "max@oxford.test")):
        people.member(house.organization_id, role, email)
    path = f"{HERE}/{member_id(house.organization_id, ANN)}/department"
    manager, learner = sign_in(Portal.ORG, "max@oxford.test"), sign_in(Portal.ORG, ANN)
    assert manager.get(path).status_code == manager.post(path, {"department": "X"}).status_code == 403
    assert manager.get(f"{HERE}.csv").status_code == 200  # who reads the list reads its file
    assert learner.get(path).status_code == learner.get(f"{HERE}.csv").status_code == 403
    own = f"{HERE}/{member_id(house.organization_id, 'owner@oxford.test')}/department"
    assert house.browser.post(own, {"department": "Board"}).status_code == 303  # an owner's own
