"""Members, invitations and files of people in the portal: what is found, who may, and what a refusal says."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import at, utc_now
from app.identity.states import Portal
from app.organizations.states import Role
from jobs.runtime import run_due
from tests.factories import people
from tests.factories.invitations import invite, tokens
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House, statements
from tests.stores import environment

HERE = "/org/oxford/members"
NOBODY = "00000000-0000-7000-8000-000000000000"
ANN = "ann@oxford.test"


def upload(text: str, **fields: str) -> dict[str, Any]:
    return {"file": (io.BytesIO(text.encode()), "people.csv"), "role": "ORG_LEARNER", **fields}


def test_members_are_searched_filtered_and_paged(house: House) -> None:
    for n in range(5):
        people.member(house.organization_id, Role.LEARNER, f"learner{n}@oxford.test")
    people.member(house.organization_id, Role.ADMIN, ANN)
    page = house.browser.get(HERE).text
    assert page.index("owner@oxford.test") < page.index(ANN) < page.index("learner0@oxford.test")
    assert "learner0@" not in house.browser.get(f"{HERE}?q=ann").text
    assert "learner0@" not in house.browser.get(f"{HERE}?role=ORG_ADMIN").text
    assert "No member matches" in house.browser.get(f"{HERE}?q=nobody").text
    first = house.browser.get(f"{HERE}?role=ORG_LEARNER&limit=3").text
    older = re.search(r'href="([^"]*cursor=[^"]+)"', first)
    assert older and "learner2@" in first and "learner3@" not in first
    second = house.browser.get(older[1].replace("&amp;", "&")).text
    assert "learner3@" in second and "learner2@" not in second


def test_a_long_list_costs_no_more_statements(house: House) -> None:
    def cost() -> int:
        with statements() as sent:
            assert house.browser.get(HERE).status_code == 200
        return len(sent)

    few = cost()
    for n in range(20):
        people.member(house.organization_id, Role.LEARNER, f"learner{n}@oxford.test")
    invite(house.organization_id, *((f"asked{n}@oxford.test", Role.LEARNER) for n in range(20)))
    assert cost() == few <= 12


def test_one_bad_address_and_nobody_is_asked(house: House) -> None:
    answer = house.browser.post(f"{HERE}/new", {"addresses": f"{ANN}, nonsense", "role": "ORG_LEARNER"})
    assert answer.status_code == 422 and "no e-mail addresses: nonsense" in answer.text and ANN in answer.text
    assert tokens(ANN) == []
    many = "\n".join(f"p{n}@x.test" for n in range(51))
    assert "At most 50" in house.browser.post(f"{HERE}/new", {"addresses": many, "role": "ORG_LEARNER"}).text
    good = house.browser.post(f"{HERE}/new", {"addresses": f"{ANN};bob@x.test {ANN}", "role": "ORG_LEARNER"})
    assert good.status_code == 303 and len(tokens(ANN)) == len(tokens("bob@x.test")) == 1


def test_an_invitation_is_sent_again_and_withdrawn(house: House, client: Browser) -> None:
    asked = invite(house.organization_id, (ANN, Role.MANAGER))
    path = f"{HERE}/invitations/{asked.sent[ANN]}"
    soon = house.browser.post(f"{path}/sending")
    assert soon.status_code == 409 and "Wait a minute" in soon.text
    with at(utc_now() + timedelta(minutes=5)):
        assert house.browser.post(f"{path}/sending").status_code == 303
    new, old = tokens(ANN)
    assert client.get(f"/org/invitations/{old}").status_code == 410
    assert client.get(f"/org/invitations/{new}").status_code == 200
    assert house.browser.post(f"{path}/removal").status_code == 303
    assert client.post(f"/org/invitations/{new}").status_code == 410
    assert "Withdrawn" in house.browser.get(f"{HERE}/invitations").text
    assert ANN not in house.browser.get(f"{HERE}/invitations?state=PENDING").text


def test_looking_at_the_link_changes_nothing_and_its_button_signs_in(house: House, client: Browser) -> None:
    invite(house.organization_id, (ANN, Role.LEARNER))
    link = f"/org/invitations/{tokens(ANN)[0]}"
    for _scanner in range(3):
        page = client.get(link)
        assert page.status_code == 200 and "Join Oxford" in page.text and "/client/signin" in page.text
    assert ANN not in house.browser.get(HERE).text
    assert client.post(link).headers["Location"] == "/org/oxford/"
    start = client.get("/org/oxford/").text
    assert "Your role here is Learner" in start and 'href="/client/signin"' in start and "Bills" not in start
    dead = client.post(link)
    assert dead.status_code == 410 and "This invitation is over" in dead.text
    assert client.get("/org/invitations/nonsense").status_code == 410


def test_another_account_is_refused_with_a_sentence(house: House, sign_in: Any) -> None:
    people.account(Portal.ORG, "bob@oxford.test")
    bob = sign_in(Portal.ORG, "bob@oxford.test")
    invite(house.organization_id, (ANN, Role.MANAGER))
    link = f"/org/invitations/{tokens(ANN)[0]}"
    said = "You are signed in as bob@oxford.test, and this invitation is for ann@oxford.test."
    assert said in bob.get(link).text and "/org/signout" in bob.get(link).text
    refused = bob.post(link)
    assert refused.status_code == 403 and said in refused.text
    assert bob.get("/org/oxford/").status_code == 404


def test_who_waits_is_approved_or_declined(house: House, sign_in: Any, client: Browser) -> None:
    invite(house.organization_id, (ANN, Role.CONSULTANT), ("bob@oxford.test", Role.CONSULTANT))
    for email in (ANN, "bob@oxford.test"):
        assert client.post(f"/org/invitations/{tokens(email)[0]}").headers["Location"] == "/org/"
        waits = client.get("/org/").text
        assert "Oxford" in waits and "Waiting for approval" in waits
        assert client.get("/org/oxford/").status_code == 404
        client.post("/org/signout")
    page = house.browser.get(HERE).text
    assert "2 people wait for approval" in page
    ids = {
        part.split("@oxford.test")[0].rpartition(">")[2]: part[:36]
        for part in house.browser.get(f"{HERE}?status=PENDING").text.split('id="member-')[1:]
    }
    manager = house.member(Role.MANAGER)
    assert manager.post(f"{HERE}/{ids['ann']}/approval").status_code == 403
    assert house.browser.post(f"{HERE}/{ids['ann']}/approval").status_code == 303
    assert "Decline Bob" in house.browser.get(f"{HERE}/{ids['bob']}/refusal").text
    assert house.browser.post(f"{HERE}/{ids['bob']}/refusal").status_code == 303
    assert "bob@oxford.test" not in house.browser.get(HERE).text
    assert "Your role here is Consultant" in sign_in(Portal.ORG, ANN).get("/org/oxford/").text


def test_a_file_is_previewed_confirmed_and_worked_through(house: House) -> None:
    body = f"email,name,role\n{ANN},Ann,learner\nnowhere,,\n{ANN},Ann again,\nowner@oxford.test,,\nb@x.test,,king\n"
    kept = house.browser.post(f"{HERE}/imports/new", upload(body))
    path = kept.headers["Location"]
    page = house.browser.get(path).text
    for said in (
        "“nowhere” is not an e-mail address", "“king” is not a role", "the same address as in line 2",
        "is a member already", "2 lines cannot be taken", "Invite 1 person",
    ):  # fmt: skip
        assert said in page, said
    refused = house.browser.post(f"{path}/confirmation")
    assert refused.status_code == 422 and "Tick this" in refused.text and tokens(ANN) == []
    assert house.browser.post(f"{path}/confirmation", {"skip_bad": "y"}).status_code == 303
    running = house.browser.get(path).text
    assert 'hx-trigger="every 1s"' in running and tokens(ANN) == []
    run_due()
    after = house.browser.get(path).text
    assert "every 1s" not in after and "Invited" in after and len(tokens(ANN)) == 1
    moved_on = house.browser.htmx("GET", f"{path}?progress=1")
    assert moved_on.headers.get("HX-Redirect") or moved_on.headers.get("HX-Location")
    mend = house.browser.get(f"{path}/refused.csv").text
    assert "Problem" in mend and "king" in mend and ANN not in mend
    assert house.browser.post(f"{path}/confirmation", {"skip_bad": "y"}).status_code == 303  # twice: nothing more
    run_due()
    assert len(tokens(ANN)) == 1 and "people.csv" in house.browser.get(f"{HERE}/imports").text
    assert house.browser.post(f"{path}/removal").status_code == 409


@pytest.mark.parametrize(("text", "said"), [("", "empty"), ("name\nAnn\n", "e-mail addresses"), ("PK\x03\x04", "")])
def test_what_is_no_list_is_refused_beside_its_field(house: House, text: str, said: str) -> None:
    answer = house.browser.post(f"{HERE}/imports/new", upload(text))
    assert answer.status_code == 422 and said in answer.text
    assert "No list uploaded yet" in house.browser.get(f"{HERE}/imports").text


def test_an_upload_is_given_up(house: House) -> None:
    path = house.browser.post(f"{HERE}/imports/new", upload(f"email\n{ANN}\n")).headers["Location"]
    assert house.browser.post(f"{path}/removal").status_code == 303
    assert house.browser.get(path).status_code == 404


def test_locked_roles_say_so(house: House) -> None:
    with environment(ENABLE_PROVIDER_ORGS="false"):
        page = house.browser.get(HERE).text
        assert "Consultants and support are locked" in page
        form = house.browser.get(f"{HERE}/new").text
        assert re.search(r'<option[^>]*disabled[^>]*value="ORG_CONSULTANT"', form) and "switched off here" in form
        refused = house.browser.post(f"{HERE}/new", {"addresses": ANN, "role": "ORG_CONSULTANT"})
        assert refused.status_code == 422 and "switched off" in refused.text and ANN in refused.text
    assert "are locked" not in house.browser.get(HERE).text


def test_nobody_is_let_in_to_a_locked_role(house: House, client: Browser) -> None:
    invite(house.organization_id, (ANN, Role.CONSULTANT))
    client.post(f"/org/invitations/{tokens(ANN)[0]}")
    assert "Approve" in house.browser.get(HERE).text
    with environment(ENABLE_PROVIDER_ORGS="false"):
        page = house.browser.get(HERE).text
        assert "/approval" not in page and "/refusal" in page  # they can be declined
        member_id = page.split('/refusal"')[0].rpartition("/members/")[2]
        refused = house.browser.post(f"{HERE}/{member_id}/approval")
        assert refused.status_code == 501 and "switched off" in refused.text


def test_only_owners_and_admins_and_only_at_home(house: House, strangers: list[Browser]) -> None:
    manager = house.member(Role.MANAGER)
    for path in ("/new", "/imports", "/imports/new"):
        assert manager.get(HERE + path).status_code == 403, path
    assert manager.get(f"{HERE}/invitations").status_code == 200
    asked = invite(house.organization_id, (ANN, Role.MANAGER))
    for noun in ("sending", "removal"):
        assert manager.post(f"{HERE}/invitations/{asked.sent[ANN]}/{noun}").status_code == 403
        assert house.browser.post(f"{HERE}/invitations/{NOBODY}/{noun}").status_code == 404
        elsewhere = f"/org/cambridge/members/invitations/{asked.sent[ANN]}/{noun}"
        assert strangers[0].post(elsewhere).status_code == 404
    for stranger in strangers:
        assert stranger.get(HERE).status_code == 404
        assert stranger.get(f"{HERE}/invitations").status_code == 404


def test_the_page_of_an_invitation_fits_its_reader(house: House, client: Browser, sign_in: Any, superuser: Any) -> None:
    """With an account that is signed in, without one, and after its time."""
    people.account(Portal.ORG, "bob@oxford.test")
    invite(house.organization_id, (ANN, Role.MANAGER), ("bob@oxford.test", Role.SUPPORT), ("cat@x.test", Role.LEARNER))
    ann, bob, late = (f"/org/invitations/{tokens(email)[0]}" for email in (ANN, "bob@oxford.test", "cat@x.test"))
    without = client.get(ann).text
    assert "No account is needed" in without and "The invitation is valid until" in without
    signed_in = sign_in(Portal.ORG, "bob@oxford.test")
    page = signed_in.get(bob).text
    assert "You join with the account you are signed in with." in page and "No account is needed" not in page
    assert signed_in.post(bob).headers["Location"] == "/org/oxford/"
    assert "Your role here" not in signed_in.get("/org/oxford/").text  # support has a part in the money
    superuser.execute(
        "UPDATE member_invitations SET expires_at = now() - interval '1 second' WHERE email = 'cat@x.test'"
    )
    for answer in (client.get(late), client.post(late)):
        assert answer.status_code == 410 and "its seven days have passed" in answer.text
    state = house.browser.get(f"{HERE}/invitations?state=EXPIRED").text
    assert "cat@x.test" in state and "Send again" in state


def test_a_gated_invitation_says_so_on_its_page(house: House, client: Browser) -> None:
    invite(house.organization_id, (ANN, Role.CONSULTANT))
    link = f"/org/invitations/{tokens(ANN)[0]}"
    with environment(ENABLE_PROVIDER_ORGS="false"):
        refused = client.post(link)
        assert refused.status_code == 501 and "switched off here" in refused.text
    assert client.post(link).status_code == 303  # it was not used up
