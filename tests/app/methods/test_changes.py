"""Changes of where a payee is paid, to the letter: who is told, and when the new destination is paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import at
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.identity import addresses
from app.identity import service as identity
from app.identity.sessions import Browser, SignedIn
from app.identity.states import Portal
from app.methods import queries, rules, service
from app.methods.models import Method
from app.methods.rules import Blocked
from app.methods.states import Proof
from app.payees import service as payee_service
from app.payouts import destinations, planning
from app.payouts import service as payouts
from app.rails.base import Field
from app.rails.registry import RAILS
from app.rails.simulated import SimulatedRail
from tests.factories import organizations, payees, people
from tests.factories import payouts as make
from tests.factories.methods import BANK, SIMULATED

pytestmark = pytest.mark.usefixtures("database_url")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
OTHER = {**SIMULATED, "account_number": "5555555555"}


class WalletRail(SimulatedRail):
    """Pays to an e-mail address, as wallets do."""

    name = "wallet"
    label = "Wallet"
    fields = (Field("email", "Address", r".+@.+", autocomplete="email"),)

    def validate(self, destination: Any) -> dict[str, str]:
        return {"email": destination["email"]}

    def last4(self, destination: Any) -> str:
        return ""


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def vendor(oxford: UUID) -> UUID:
    return payees.vendor(oxford, email="office@sms.test")


@pytest.fixture
def sign_in_as() -> Callable[[str], SignedIn]:
    """Somebody who has just signed in to the vendor portal."""

    def signed_in(email: str) -> SignedIn:
        with unit_of_work(people.PLATFORM) as session:
            link = identity.issue_link(session, Portal.VENDOR, email)
            assert link is not None
            return identity.use_link(session, Portal.VENDOR, link.token, Browser("pytest")).signed_in

    return signed_in


def add(actor: Actor, payee_id: UUID, fields: dict[str, str], rail: str = "simulated", **more: Any) -> Method:
    with unit_of_work(Scope.payee(payee_id) if actor.payee_id else people.PLATFORM) as session:
        return service.add(session, actor, payee_id, rail=rail, fields=fields, **more)


def usable(payee_id: UUID) -> queries.UsableMethod:
    with unit_of_work(people.PLATFORM) as session:
        return queries.usable_method(session, payee_id, "GBP")


def told(superuser: Any) -> list[str]:
    """Addresses told of a method since the last time this was asked."""
    rows = superuser.execute("DELETE FROM mails WHERE template = 'method_changed' RETURNING to_address").fetchall()
    return sorted(row[0] for row in rows)


def test_removing_the_old_one_first_makes_no_way_around_the_72_hours(vendor: UUID) -> None:
    actor = people.payee(vendor, "ann@sms.test")
    with at(MONDAY):
        first = add(actor, vendor, SIMULATED)
        with unit_of_work(Scope.payee(vendor)) as session:
            service.disable(session, actor, first.id)
        second = add(actor, vendor, OTHER)
        assert usable(vendor).blocked is Blocked.COOLING_OFF
    with at(MONDAY + timedelta(hours=72)):
        assert usable(vendor).method_id == second.id


def test_a_batch_leaves_the_payee_out_until_the_72_hours_are_over(superuser: Any) -> None:
    place = make.shop(1)
    make.earn(place, 30_00)
    payee_id = place.payee_ids[0]
    actor = people.payee(payee_id, "ann@sms.test")

    def blocked() -> list[str]:
        with unit_of_work(people.PLATFORM) as session:
            return [row.blocked for row in planning.preview(session, place.organization_id).blocked]

    assert blocked() == []
    made = add(actor, payee_id, OTHER)
    assert blocked() == ["cooling_off"]
    with at(made.usable_from_at - timedelta(seconds=1)):
        assert blocked() == ["cooling_off"]
    with at(made.usable_from_at):
        assert blocked() == []


def test_the_address_of_before_is_told_for_a_month(vendor: UUID, superuser: Any, sign_in_as: Any) -> None:
    actor = people.payee(vendor, "ann@sms.test")
    who = sign_in_as("ann@sms.test")
    with unit_of_work(people.PLATFORM) as session:
        wanted = addresses.begin(session, who, "thief@else.test")
        addresses.confirm(session, who.portal, wanted.token)
    add(actor, vendor, SIMULATED)
    assert told(superuser) == ["ann@sms.test", "office@sms.test", "thief@else.test"]
    with at(datetime.now(UTC) + timedelta(days=31)):
        add(actor, vendor, OTHER)
    assert told(superuser) == ["office@sms.test", "thief@else.test"]


def test_the_contact_address_of_before_is_told(vendor: UUID, oxford: UUID, superuser: Any) -> None:
    with unit_of_work(people.PLATFORM) as session:
        payee_service.edit(session, operator(), oxford, vendor, email="new@sms.test")
    add(people.payee(vendor, "ann@sms.test"), vendor, SIMULATED)
    assert told(superuser) == ["ann@sms.test", "new@sms.test", "office@sms.test"]


def test_an_address_that_is_the_destination_is_told_old_and_new(
    vendor: UUID, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RAILS, "wallet", WalletRail())
    actor = people.payee(vendor, "ann@sms.test")
    known = ["ann@sms.test", "office@sms.test"]
    first = add(actor, vendor, {"email": "old@wallet.test"}, "wallet")
    assert told(superuser) == sorted([*known, "old@wallet.test"])
    add(actor, vendor, {"email": "new@wallet.test"}, "wallet")
    assert told(superuser) == sorted([*known, "new@wallet.test", "old@wallet.test"])
    with unit_of_work(Scope.payee(vendor)) as session:
        service.make_default(session, actor, first.id)
    assert told(superuser) == sorted([*known, "new@wallet.test", "old@wallet.test"])
    with unit_of_work(Scope.payee(vendor)) as session:
        service.disable(session, actor, first.id)
    assert told(superuser) == sorted([*known, "old@wallet.test"])


def test_what_payouts_say_of_a_destination(superuser: Any) -> None:
    place = make.shop(1)
    payee_id = place.payee_ids[0]
    (method_id,) = superuser.execute("SELECT id FROM methods WHERE payee_id = %s", [payee_id]).fetchone()

    def proof() -> Proof | None:
        with unit_of_work(Scope.payee(payee_id)) as session:
            found = destinations.records(session, payee_id).get(method_id)
            return found.proof if found else None

    assert proof() is None
    make.earn(place, 30_00)
    with unit_of_work(Scope.payee(payee_id)) as session:
        payout_id = payouts.withdraw(
            session, make.payee_actor(payee_id), organization_id=place.organization_id, currency="GBP"
        ).id
    assert proof() is None
    superuser.execute(
        "UPDATE payouts SET status = 'paid', paid_at = now(), status_at = now() WHERE id = %s", [payout_id]
    )
    assert proof() is Proof.PROVEN
    superuser.execute("UPDATE payouts SET status = 'returned', status_at = now() WHERE id = %s", [payout_id])
    assert proof() is Proof.DOUBTFUL
    assert rules.proof(None, None) is Proof.UNPROVEN
    assert rules.proof(MONDAY, MONDAY - timedelta(days=1)) is Proof.PROVEN
    assert rules.proof(MONDAY, MONDAY + timedelta(days=1)) is Proof.DOUBTFUL
    assert rules.proof(None, MONDAY) is Proof.DOUBTFUL


def test_staff_of_another_organization_are_not_told_who_shares(vendor: UUID, oxford: UUID) -> None:
    bath = organizations.organization("bath")
    twin = payees.vendor(bath, "Twin Ltd")
    add(operator(), vendor, BANK, "bank_file")
    add(operator(), twin, BANK, "bank_file")
    with unit_of_work(Scope.organization(oxford)) as session:
        assert [row.shared for row in queries.methods(session, vendor)] == [False]
    with unit_of_work(people.PLATFORM) as session:
        assert [row.shared for row in queries.methods(session, vendor)] == [True]
