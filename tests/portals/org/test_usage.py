"""What members booked this month, on the billing page and as a file: each session, each member once."""

from __future__ import annotations

from app.core import clock
from app.identity.states import Portal
from app.organizations.states import Role
from tests.app.consultations.test_credits import EARLY, Place, cancel
from tests.factories import people
from tests.portals.org.conftest import SignIn

FILE = "/org/fernhill/billing/usage.csv"


def test_usage_of_the_month_and_its_lines(sign_in: SignIn, database_url: str) -> None:
    place = Place()
    adam = place.learner("adam@client.test")
    for after, who in ((0, place.noor), (1, place.noor), (2, adam)):
        place.book(who, after)
    cancel(place.book(place.noor, 3))
    people.member(place.buyer, Role.MANAGER, "manager@fernhill.test")
    with clock.at(EARLY):
        manager = sign_in(Portal.ORG, "manager@fernhill.test")
        shown = manager.get("/org/fernhill/billing").text
        lines = manager.get(FILE).text.splitlines()
    foot = shown.split("<tfoot", 1)[1].split("</tfoot>", 1)[0]
    assert "so far" in foot and [cell in foot for cell in (">2</td>", ">3</td>")] == [True, True]
    assert "Download lines" in shown
    assert len(lines) == 4 and "noor@client.test" not in "".join(lines)
    assert [line.split(",")[3] for line in lines[1:]] == ["Adam", "Noor", "Noor"]  # the last one first
    assert all(",credit," in line for line in lines[1:])


def test_who_is_refused(sign_in: SignIn, database_url: str) -> None:
    place = Place()
    people.member(place.buyer, Role.SUPPORT, "help@fernhill.test")
    assert sign_in(Portal.ORG, "help@fernhill.test").get(FILE).status_code == 403
    assert sign_in(Portal.CLIENT, "noor@client.test").get(FILE).status_code in (302, 303, 403, 404)
