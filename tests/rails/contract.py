"""What every rail must do. A rail's test subclasses RailContract and says how its peer is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from app.core import guards
from app.core.errors import Invalid
from app.core.money import Money
from app.rails.base import BadSignature, Blame, Delivery, Field, Outcome, Rail, RailUnavailable, SendOrder

MakeOrder = Callable[..., SendOrder]


class RailContract:
    """Fixtures to give: `rail`, `good` (fields a payee may type) and `bad` (fields, and the name of the wrong one)."""

    currency = "GBP"

    @pytest.fixture
    def rail(self) -> Rail:
        raise NotImplementedError

    @pytest.fixture
    def good(self) -> dict[str, str]:
        raise NotImplementedError

    @pytest.fixture
    def bad(self) -> tuple[dict[str, str], str]:
        raise NotImplementedError

    @pytest.fixture
    def order(self, rail: Rail, good: dict[str, str]) -> MakeOrder:
        def make(minor: int = 12_345, **changes: object) -> SendOrder:
            payout = uuid4()
            made = SendOrder(
                key=f"{payout.hex}-a1",
                payout_id=payout,
                amount=Money(minor, self.currency),
                payee_name="Ashby Tree Surgeons Ltd",
                destination=rail.validate(good),
                reference="PO-000123",
            )
            return replace(made, **changes)  # type: ignore[arg-type]

        return make

    # --- what is asked of payees

    def test_the_fields_are_well_declared(self, rail: Rail) -> None:
        names = [field.name for field in rail.fields]
        assert len(set(names)) == len(names) > 0
        assert all(field.label and field.name.isidentifier() for field in rail.fields)
        assert rail.settles_in and rail.settles_days >= 0 and rail.chunk > 0

    def test_good_fields_come_back_clean_and_stay_so(self, rail: Rail, good: dict[str, str]) -> None:
        clean = rail.validate(good)
        assert rail.validate(clean) == clean
        assert set(clean) <= {field.name for field in rail.fields}
        untidy = {name: f"  {value}\u200b " for name, value in good.items()}
        assert rail.validate(untidy) == clean

    def test_a_wrong_field_is_named(self, rail: Rail, bad: tuple[dict[str, str], str]) -> None:
        fields, name = bad
        with pytest.raises(Invalid) as refusal:
            rail.validate(fields)
        assert name in refusal.value.fields
        assert len(refusal.value.message) > 10

    def test_every_required_field_is_required(self, rail: Rail, good: dict[str, str]) -> None:
        required: list[Field] = [field for field in rail.fields if field.required]
        for field in required:
            with pytest.raises(Invalid) as refusal:
                rail.validate({**good, field.name: " "})
            assert field.name in refusal.value.fields

    def test_secrets_are_never_shown_whole(self, rail: Rail, good: dict[str, str]) -> None:
        clean = rail.validate(good)
        shown = rail.last4(clean)
        secrets = [clean[field.name] for field in rail.fields if field.secret and field.name in clean]
        assert len(shown) <= 4
        assert bool(shown) == bool(secrets)
        assert all(len(secret) > len(shown) for secret in secrets)

    # --- sending

    def test_each_order_gets_its_own_answer(self, rail: Rail, order: MakeOrder) -> None:
        orders = [order(100), order(200), order(300)]
        results = rail.send(orders)
        assert [result.key for result in results] == [one.key for one in orders]
        assert {result.outcome for result in results} <= {Outcome.ACCEPTED, Outcome.PAID}
        assert all(result.reference for result in results)

    def test_the_same_order_again_is_the_same_instruction(self, rail: Rail, order: MakeOrder) -> None:
        one = order()
        assert rail.send([one])[0].reference == rail.send([one])[0].reference

    def test_what_was_sent_is_found_and_what_was_not_is_not(self, rail: Rail, order: MakeOrder) -> None:
        one = order()
        if not rail.can_look_up:
            with pytest.raises(RailUnavailable):
                rail.find(one.key)
            return
        assert rail.find(one.key) is None
        sent = rail.send([one])[0]
        found = rail.find(one.key, sent.reference)
        assert found is not None
        assert (found.key, found.reference) == (one.key, sent.reference)

    def test_no_network_inside_a_unit_of_work(self, rail: Rail, order: MakeOrder) -> None:
        if rail.exports:  # it makes no calls, so it may be asked anywhere
            with guards.transaction():
                assert rail.send([order()])
            return
        with guards.transaction(), pytest.raises(guards.NetworkInTransaction):
            rail.send([order()])
        with guards.transaction(), pytest.raises(guards.NetworkInTransaction):
            rail.find(order().key, "reference")

    def test_unsigned_and_wrongly_signed_events_are_refused(self, rail: Rail) -> None:
        for headers in ({}, {"X-Simulated-Signature": "t=1,v1=00"}, {"Stripe-Signature": "t=1,v1=00"}):
            with pytest.raises(BadSignature):
                rail.parse_event(Delivery(headers, b'{"events": []}'))


def assert_refusal(blame: Blame | None, message: str, cure: str, wanted: Blame) -> None:
    """A refusal says who can mend it, and the payee gets a sentence and a cure."""
    assert blame is wanted
    assert message and message[-1] in ".!"
    if wanted is Blame.PAYEE:
        assert cure
