"""The W-9: signed on the page, sealed, in versions; without it an organization that asks for one does not pay."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from app.core.scope import operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations import service as organizations
from app.payouts import planning
from tests.factories import payables
from tests.factories import payouts as make
from tests.factories.people import PLATFORM
from tests.portals.payee.conftest import Vendor, World

TAX = "/vendor/settings/tax"
FORM = f"{TAX}/w9"
LINES = {
    "classification": "individual", "first_name": "Ana", "last_name": "Ruiz", "street": "1 Elm St", "city": "Austin",
    "state": "TX", "zip_code": "78701", "tin_kind": "ssn", "tin": "536-90-4399", "signed_name": "Ana Ruiz",
    "certified": "y",
}  # fmt: skip


def require(organization_id: Any, yes: bool = True) -> None:
    with unit_of_work(PLATFORM) as session:
        organizations.edit(
            session, operator(), organization_id, name="Oxford", legal_name=None, billing_email=None,
            time_zone="UTC", tax_form_required=yes,
        )  # fmt: skip


def test_signed_sealed_and_shown_as_last_four(vendor: Vendor, superuser: Any) -> None:
    answer = vendor.browser.post(FORM, LINES)
    assert (answer.status_code, answer.location) == (303, TAX)
    page = vendor.browser.get(TAX).text
    assert "XXX-XX-4399" in page and "Ana Ruiz" in page and "127.0.0.1" in page
    for text in (page, vendor.browser.get(FORM).text):
        assert "536904399" not in text and "536-90-4399" not in text
    row = superuser.execute(
        "SELECT tin_sealed, tin_index, signed_ip, signed_at IS NOT NULL, signed_by_account_id, signed_name"
        " FROM w9_forms"
    ).fetchone()
    assert row[0].startswith("v1.") and "536904399" not in row[0] + row[1]
    assert row[2:4] == ("127.0.0.1", True)
    assert (row[4], row[5]) == (vendor.actor.account_id, "Ana Ruiz")
    noted = superuser.execute("SELECT detail::text FROM audit_records WHERE action = 'tax_form.signed'").fetchone()
    assert "4399" in noted[0] and "536904399" not in noted[0]


def test_versions_are_kept_and_cannot_be_edited(vendor: Vendor, superuser: Any) -> None:
    vendor.browser.post(FORM, LINES)
    assert 'value="Austin"' in vendor.browser.get(FORM).text  # only the number is typed anew
    vendor.browser.post(FORM, {**LINES, "city": "Dallas", "backup_withholding": "y"})
    rows = superuser.execute("SELECT version, city, backup_withholding FROM w9_forms ORDER BY version").fetchall()
    assert rows == [(1, "Austin", False), (2, "Dallas", True)]
    superuser.execute("SET ROLE quittance_platform")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        superuser.execute("UPDATE w9_forms SET city = 'x'")
    superuser.execute("RESET ROLE")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tin": "000-12-3456"}, "This is no SSN"),
        ({"tin": ""}, "Write the nine digits"),
        ({"certified": ""}, "Tick this to sign"),
        ({"signed_name": ""}, "Type your name to sign"),
        ({"classification": "llc_c"}, "Write the name on your tax return"),
        ({"zip_code": "ABC"}, "A ZIP code has five digits"),
    ],
)
def test_wrong_lines_are_said_and_nothing_is_lost(
    vendor: Vendor, superuser: Any, change: dict[str, str], said: str
) -> None:
    answer = vendor.browser.post(FORM, {**LINES, **change})
    assert answer.status_code == 422
    assert said in answer.text and 'value="Austin"' in answer.text
    assert superuser.execute("SELECT count(*) FROM w9_forms").fetchone() == (0,)


def test_another_payee_sees_nothing_and_signing_needs_a_fresh_sign_in(
    vendor: Vendor, world: World, superuser: Any
) -> None:
    vendor.browser.post(FORM, LINES)
    other = world.vendor("Other Ltd")
    assert "4399" not in other.browser.get(TAX).text
    admin = world.sign_in(Portal.VENDOR, "other@vendor.test")
    assert admin.get("/creator/settings/tax").status_code == 404
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '2 hours'")
    assert "/vendor/step-up" in other.browser.post(FORM, LINES).location


@pytest.mark.parametrize(("country", "blocked"), [("US", True), (None, False), ("GB", False)])
def test_gate_before_payout(world: World, superuser: Any, country: str | None, blocked: bool) -> None:
    place = make.shop(1)
    make.earn(place, 30_00)
    payee_id = place.payee_ids[0]
    superuser.execute("UPDATE payees SET country = %s WHERE id = %s", (country, payee_id))

    def reasons() -> list[str]:
        with unit_of_work(PLATFORM) as session:
            return [row.blocked for row in planning.preview(session, place.organization_id).blocked]

    assert reasons() == []
    require(place.organization_id)
    assert reasons() == (["tax_form"] if blocked else [])
    assert "Form W-9" in planning.blocked_text("tax_form")


def test_withdrawal_waits_for_the_form(vendor: Vendor, world: World, superuser: Any) -> None:
    from app.core.errors import Invalid
    from app.core.scope import Scope
    from app.payouts import service

    place = make.shop(1)
    make.earn(place, 30_00)
    payee_id = place.payee_ids[0]
    superuser.execute("UPDATE payees SET country = 'US' WHERE id = %s", (payee_id,))
    require(place.organization_id)

    def withdraw() -> int:
        with unit_of_work(Scope.payee(payee_id)) as session:
            actor = make.payee_actor(payee_id)
            return service.withdraw(session, actor, organization_id=place.organization_id, currency="GBP").amount_minor

    with pytest.raises(Invalid, match=r"signed Form W-9 before it pays.*Settings, Tax form"):
        withdraw()
    superuser.execute(
        """INSERT INTO w9_forms (payee_id, version, classification, last_name, street, city, state, zip_code, tin_kind,
        tin_sealed, tin_index, tin_last4, backup_withholding, certified_text_sha256, signed_name, signed_by_account_id,
        signed_at) VALUES (%s, 1, 'individual', 'Ruiz', 's', 'c', 'TX', '78701', 'ssn', 'v1.x', 'x', '4399', false,
        'x', 'Ana', gen_random_uuid(), now())""",
        (payee_id,),
    )
    assert withdraw() == 30_00


def test_help_tells_of_it(vendor: Vendor) -> None:
    found = vendor.browser.get("/vendor/help?q=w-9 taxpayer").text
    assert "Who needs a Form W-9?" in found and TAX in found
    assert "How do I get fewer e-mails?" not in found
    assert "Who needs a Form W-9?" not in vendor.browser.get("/vendor/help?q=zebra").text


def test_payments_says_what_waits_for_the_form(world: World, superuser: Any) -> None:
    vendor = world.payee(Portal.VENDOR, "Ana Ruiz", country="US", terms_days=0)
    payables.approved(world.organization_id, vendor.actor, 30_00)
    assert "waits for your tax form" not in vendor.browser.get("/vendor/payments").text
    require(world.organization_id)
    page = vendor.browser.get("/vendor/payments").text
    assert "30.00 waits for your tax form" in page and "waiting for your tax form" in page
    assert f'href="{TAX}"' in page.split('id="main"', 1)[1]
    assert vendor.browser.post(FORM, LINES).status_code == 303
    assert "waits for your tax form" not in vendor.browser.get("/vendor/payments").text
