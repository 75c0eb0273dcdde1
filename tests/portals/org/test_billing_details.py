"""What invoices say of an organization is written by its admins, and by nobody below."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.files import service as files
from app.files.models import FilePurpose
from app.files.sniffing import inspect
from app.files.storage import storage
from app.identity.states import Portal
from app.organizations.states import OrganizationKind, Role
from tests.factories import organizations, people
from tests.portals.conftest import Browser
from tests.stores import environment

SignIn = Callable[[Portal, str], Browser]
PAGE = "/org/pune/settings/billing"
SAID = {
    "legal_name": "Pune Coaching LLP", "country": "IN", "region": "Maharashtra", "tax_id": "27AAPFU0939F1ZV",
    "street": "4 FC Road", "city": "Pune", "postcode": "411004", "email": "ap@pune.test", "reference": "PO 7",
    "special_zone": "y",
}  # fmt: skip


@pytest.fixture
def pune(app: Any) -> UUID:
    return organizations.organization("pune", currency="INR", kind=OrganizationKind.HYBRID)


@pytest.fixture
def admin(pune: UUID, sign_in: SignIn, tmp_path: Any) -> Any:
    people.member(pune, Role.ADMIN, "adam@pune.test")
    with environment(FILES_URL=f"file://{tmp_path}"):
        yield sign_in(Portal.ORG, "adam@pune.test")


def test_details_and_logo_are_saved_and_shown(admin: Browser, superuser: Any) -> None:
    assert "Pune" in admin.get(PAGE).text
    out = io.BytesIO()
    Image.new("RGB", (300, 300), "navy").save(out, "PNG")
    out.seek(0)
    assert admin.post(PAGE, {**SAID, "files": (out, "logo.png")}).status_code == 303
    row = superuser.execute("SELECT region, tax_id, special_zone, email, reference FROM billing_profiles").fetchone()
    assert row == ("27", "27AAPFU0939F1ZV", True, "ap@pune.test", "PO 7")
    shown = admin.get(PAGE).text
    assert "Maharashtra" in shown and "30 days" in shown and f"{PAGE}/logo" in shown
    assert Image.open(io.BytesIO(admin.get(f"{PAGE}/logo").data)).size == (200, 200)
    admin.post(PAGE, {**SAID, "no_logo": "y"})
    assert admin.get(f"{PAGE}/logo").status_code == 404


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"tax_id": "29AAACA1234A1ZG"}, "belongs to Karnataka"),
        ({"tax_id": "", "region": "Bavaria"}, "Choose the state"),
        ({"tax_id": ""}, "give its GSTIN"),
        ({"email": "nobody"}, "Write an e-mail address"),
        ({"legal_name": ""}, "Give the name"),
    ],
)
def test_wrong_input_comes_back_beside_its_field(
    admin: Browser, superuser: Any, other: dict[str, str], said: str
) -> None:
    answer = admin.post(PAGE, {**SAID, **other})
    assert answer.status_code == 422 and said in answer.text and "4 FC Road" in answer.text
    assert superuser.execute("SELECT count(*) FROM billing_profiles").fetchone() == (0,)


def test_documents_of_the_opening_are_there_to_read(admin: Browser, pune: UUID) -> None:
    content = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
    key = storage().put(content)
    with unit_of_work(Scope.organization(pune)) as session:
        kept, other = (
            files.add(
                session, Actor("T", "operator"), inspect(content, f"{name}.pdf"), key, organization_id=pune,
                purpose=FilePurpose.ATTACHMENT, subject_id=subject,
            ).id
            for name, subject in (("registration", pune), ("other", None))
        )  # fmt: skip
    assert "registration.pdf" in admin.get(PAGE).text
    assert admin.get(f"{PAGE}/documents/{kept}").data == content
    assert admin.get(f"{PAGE}/documents/{other}").status_code == 404


def test_managers_are_refused(pune: UUID, sign_in: SignIn) -> None:
    people.member(pune, Role.MANAGER, "mona@pune.test")
    manager = sign_in(Portal.ORG, "mona@pune.test")
    for path in (PAGE, f"{PAGE}/logo", f"{PAGE}/documents/{pune}"):
        assert manager.get(path).status_code == 403
    assert manager.post(PAGE, SAID).status_code == 403


def test_who_provides_lets_consultants_in_at_once_or_not(admin: Browser, superuser: Any, sign_in: SignIn) -> None:
    page = admin.get("/org/pune/settings").text
    assert "Let consultants in at once" in page and "/org/pune/rates" in page
    said = {"name": "Pune", "time_zone": "Asia/Kolkata", "auto_approve_consultants": "y"}
    assert admin.post("/org/pune/settings", said).status_code == 303
    switch = "SELECT auto_approve_consultants FROM organizations WHERE slug = %s"
    assert superuser.execute(switch, ["pune"]).fetchone() == (True,)
    people.member(organizations.organization("oxford"), Role.ADMIN, "olga@oxford.test")
    buyer = sign_in(Portal.ORG, "olga@oxford.test")
    assert "Let consultants in at once" not in buyer.get("/org/oxford/settings").text
    buyer.post("/org/oxford/settings", said)
    assert superuser.execute(switch, ["oxford"]).fetchone() == (False,)
