"""The wizard without script: from signing up to the launch, with wrong input on the way, left and resumed."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import drafts as making
from tests.factories import organizations, people
from tests.portals.conftest import Browser
from tests.stores import environment

SignIn = Callable[[Portal, str], Browser]
SAID = {
    "name": "Northgate Coaching", "slug": "northgate", "legal_name": "Northgate Coaching Ltd", "country": "GB",
    "currency": "GBP", "time_zone": "Europe/London", "street": "1 Bootham", "city": "York", "postcode": "YO30 7BL",
}  # fmt: skip
BILLING = {"mode": "SEAT_PACK", "terms_days": "14", "email": "ap@northgate.test", "reference": "PO 7"}


def picture() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (900, 300), "navy").save(out, "PNG")
    out.seek(0)
    return out


@pytest.fixture
def nora(sign_in: SignIn, tmp_path: Any) -> Any:
    people.account(Portal.ORG, making.OWNER)
    with environment(FILES_URL=f"file://{tmp_path}"):
        yield sign_in(Portal.ORG, making.OWNER)


def begun(nora: Browser, **other: str) -> str:
    """The address of the draft's pages."""
    answer = nora.post("/org/new/", {**SAID, **other})
    assert answer.status_code == 303, answer.text
    return str(answer.location).removesuffix("/kind")


def of(superuser: Any, column: str) -> Any:
    return superuser.execute(f"SELECT {column} FROM organizations WHERE slug = 'northgate'").fetchone()[0]


def test_an_address_is_answered_the_same_known_or_not(client: Browser, superuser: Any) -> None:
    people.account(Portal.ORG, "known@x.test")
    for email in ("known@x.test", "new@x.test"):
        answer = client.post("/org/signup", {"name": "Nora", "email": email, "time_zone": "Europe/London"})
        assert (answer.status_code, answer.location) == (303, "/org/signin/sent")
    rows = superuser.execute("SELECT to_address, template FROM mails ORDER BY to_address").fetchall()
    assert rows == [("known@x.test", "sign_in"), ("new@x.test", "sign_in")]
    wrong = client.post("/org/signup", {"name": "", "email": "nobody", "time_zone": "Europe/London"})
    assert wrong.status_code == 422 and "nobody" in wrong.text
    assert "/org/signup" in client.get("/org/signin").text


def test_a_program_that_fills_in_everything_is_mailed_nothing(client: Browser, superuser: Any) -> None:
    said = {"name": "Bot", "email": "bot@x.test", "time_zone": "UTC", "company_url": "https://x.test"}
    assert client.post("/org/signup", said).status_code == 303
    assert superuser.execute("SELECT count(*) FROM mails").fetchone() == (0,)


def test_sign_ups_are_limited(client: Browser) -> None:
    said = {"name": "Nora", "email": "n@x.test", "time_zone": "UTC"}
    assert [client.post("/org/signup", said).status_code for _ in range(6)][-1] == 429


def test_somebody_without_an_organization_is_led_into_the_wizard(nora: Browser) -> None:
    assert "/org/new/" in nora.get("/org/").text
    assert "Save and go on" in nora.get("/org/new/").text


def test_a_buyer_from_the_first_step_to_the_launch(nora: Browser, superuser: Any) -> None:
    draft = begun(nora)
    for step, wrong, said in (
        ("kind", {"kind": "CLUB"}, {"kind": "BUYER"}),
        ("billing", {**BILLING, "email": "nowhere"}, BILLING),
        ("team", {"admins": "mia@northgate.test, nobody"}, {"admins": "mia@northgate.test\nkim@northgate.test"}),
    ):
        assert nora.get(f"{draft}/{step}").status_code == 200
        refused = nora.post(f"{draft}/{step}", wrong)
        assert refused.status_code == 422 and "error" in refused.text
        assert nora.post(f"{draft}/{step}", said).status_code == 303
    assert nora.get("/org/").location == "/org/northgate/"
    assert nora.get("/org/northgate/").location == f"{draft}/"
    assert nora.get(f"{draft}/").location == f"{draft}/review"
    review = nora.get(f"{draft}/review").text
    for shown in ("Northgate Coaching Ltd", "Seat credits", "14 days", "mia@northgate.test", "YO30 7BL"):
        assert shown in review
    launched = nora.post(f"{draft}/review")
    assert launched.location == "/org/northgate/"
    assert (of(superuser, "status"), of(superuser, "kind"), of(superuser, "billing_mode")) == (
        "ACTIVE", "BUYER", "SEAT_PACK",
    )  # fmt: skip
    profile = "SELECT legal_name, terms_days, email, reference, city FROM billing_profiles"
    assert superuser.execute(profile).fetchone() == (
        "Northgate Coaching Ltd", 14, "ap@northgate.test", "PO 7", "York",
    )  # fmt: skip
    assert superuser.execute("SELECT count(*) FROM outbox WHERE topic = 'organization.launched'").fetchone() == (1,)
    assert nora.get("/org/northgate/").status_code == 200
    assert nora.get(f"{draft}/kind").location == "/org/northgate/"


def test_a_provider_shares_by_three_rates(nora: Browser, superuser: Any) -> None:
    draft = begun(nora)
    nora.post(f"{draft}/kind", {"kind": "PROVIDER"})
    assert nora.get(f"{draft}/billing").status_code == 404
    for wrong in (
        {"organization_bps": "10", "consultant_bps": "85"},
        {"organization_bps": "x", "consultant_bps": "90"},
    ):
        refused = nora.post(f"{draft}/rates", wrong)
        assert refused.status_code == 422 and wrong["organization_bps"] in refused.text
    assert "add up to 105 %" in nora.post(f"{draft}/rates", {"organization_bps": "10", "consultant_bps": "85"}).text
    nora.post(f"{draft}/rates", {"organization_bps": "7.5", "consultant_bps": "82.5", "auto_approve": "y"})
    assert nora.post(f"{draft}/review").status_code == 303
    rates = "SELECT platform_bps, organization_bps, consultant_bps FROM organization_rates"
    assert superuser.execute(rates).fetchall() == [(1_000, 750, 8_250)]
    assert of(superuser, "auto_approve_consultants") is True


def test_what_is_missing_is_named_and_linked(nora: Browser, superuser: Any) -> None:
    draft = begun(nora)
    page = nora.get(f"{draft}/review").text
    assert f"{draft}/kind" in page and "Before you can launch" in page
    refused = nora.post(f"{draft}/review")
    assert refused.status_code == 409 and "Something is missing: What for, Billing." in refused.text
    assert of(superuser, "status") == "DRAFT"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"slug": "Not one"}, "small letters"),
        ({"slug": "oxford"}, "taken"),
        ({"country": "IN", "region": "Kerala", "tax_id": "27AAPFU0939F1ZV"}, "belongs to Maharashtra"),
        ({"country": "DE", "tax_id": "DE12"}, "VAT"),
        ({"country": ""}, "Choose a country"),
        ({"name": ""}, "Give a name"),
    ],
)
def test_wrong_input_comes_back_beside_its_field(
    nora: Browser, superuser: Any, other: dict[str, str], said: str
) -> None:
    organizations.organization("oxford")
    answer = nora.post("/org/new/", {**SAID, **other})
    assert answer.status_code == 422 and said in answer.text and "YO30 7BL" in answer.text
    assert superuser.execute("SELECT count(*) FROM organizations").fetchone() == (1,)


def test_a_state_of_india_is_named_by_name_or_by_the_number(nora: Browser, superuser: Any) -> None:
    draft = begun(nora, country="IN", region="", tax_id="27aapfu0939f1zv")
    assert superuser.execute("SELECT region, tax_id FROM billing_profiles").fetchone() == ("27", "27AAPFU0939F1ZV")
    assert "Maharashtra" in nora.get(f"{draft}/identity").text
    nora.post(f"{draft}/identity", {**SAID, "country": "IN", "region": "kerala", "tax_id": ""})
    assert superuser.execute("SELECT region FROM billing_profiles").fetchone() == ("32",)


def test_a_logo_survives_a_wrong_field_and_is_shown(nora: Browser, superuser: Any) -> None:
    refused = nora.post("/org/new/", {**SAID, "name": "", "files": (picture(), "logo.png")})
    assert refused.status_code == 422
    token = refused.text.split('name="kept_file" value="')[1].split('"')[0]
    draft = begun(nora, kept_file=token)
    shown = nora.get(f"{draft}/logo")
    assert Image.open(io.BytesIO(shown.data)).size == (600, 200) and shown.content_type == "image/png"
    assert nora.get(f"{draft}/logo", headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert nora.post(f"{draft}/identity", {**SAID, "no_logo": "y"}).status_code == 303
    assert nora.get(f"{draft}/logo").status_code == 404


def test_documents_are_kept_with_the_draft_and_taken_off(nora: Browser, superuser: Any) -> None:
    draft = begun(nora)
    assert nora.post(f"{draft}/documents").status_code == 422
    assert nora.post(f"{draft}/documents", {"files": (io.BytesIO(b"MZ"), "x.exe")}).status_code == 422
    kept = nora.post(f"{draft}/documents", {"files": (picture(), "certificate.png")})
    assert kept.status_code == 303 and "certificate.png" in nora.get(f"{draft}/review").text
    (file_id,) = superuser.execute("SELECT id FROM stored_files").fetchone()
    assert nora.post(f"{draft}/documents/{file_id}/removal").status_code == 303
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (0,)


def test_a_short_name_is_looked_up_while_it_is_typed(nora: Browser) -> None:
    draft = begun(nora).rsplit("/", 1)[-1]
    for wanted, more, said in (
        ("northgate", "", "Taken"), ("northgate", f"&organization={draft}", "Free"), ("york", "", "Free"),
        ("North Gate", "", "Try north-gate"), ("signup", "", "Taken"),
    ):  # fmt: skip
        assert said in nora.htmx("GET", f"/org/new/slug?slug={wanted}{more}").text
    assert "/org/new/" in nora.get("/org/new/slug?slug=york").text


def test_a_draft_waits_on_the_chooser_and_in_a_banner(nora: Browser, superuser: Any) -> None:
    oxford = organizations.organization("oxford")
    draft = begun(nora)
    superuser.execute(
        "INSERT INTO members (organization_id, account_id, name, email, role, status)"
        " SELECT %s, id, 'Nora', email, 'ORG_ADMIN', 'ACTIVE' FROM accounts WHERE email = %s", [oxford, making.OWNER],
    )  # fmt: skip
    chooser = nora.get("/org/").text
    assert "Draft" in chooser and "/org/northgate/" in chooser
    assert f'href="{draft}/"' in nora.get("/org/oxford/").text
    assert nora.post("/org/northgate/settings").status_code == 409


def test_a_draft_is_nobody_else_s(nora: Browser, sign_in: SignIn, superuser: Any) -> None:
    draft = begun(nora)
    people.account(Portal.ORG, "olga@x.test")
    people.member(UUID(draft.rsplit("/", 1)[-1]), Role.ADMIN, "adam@x.test")
    for email in ("olga@x.test", "adam@x.test"):
        stranger = sign_in(Portal.ORG, email)
        for step in ("identity", "kind", "team", "review", "logo"):
            assert stranger.get(f"{draft}/{step}").status_code == 404
        assert stranger.post(f"{draft}/kind", {"kind": "BUYER"}).status_code == 404
        assert stranger.post(f"{draft}/review").status_code == 404


def test_locked_kinds_are_not_offered_nor_taken(nora: Browser) -> None:
    draft = begun(nora)
    with environment(ENABLE_PROVIDER_ORGS="false"):
        page = nora.get(f"{draft}/kind").text
        assert "locked here" in page and 'value="PROVIDER"' not in page
        assert nora.post(f"{draft}/kind", {"kind": "HYBRID"}).status_code == 422
        assert nora.post(f"{draft}/kind", {"kind": "BUYER"}).status_code == 303
        assert 'name="support"' not in nora.get(f"{draft}/team").text
        assert nora.post(f"{draft}/team", {"admins": "a@b.test", "support": "s@b.test"}).status_code == 303
