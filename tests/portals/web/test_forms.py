"""Forms: amounts, refusals beside their fields, a key that stays the same."""

from __future__ import annotations

import pytest
from flask import Flask
from wtforms import FieldList, FormField, SelectField, StringField
from wtforms.validators import InputRequired, Optional

from app.core.errors import Conflict, Invalid
from app.core.money import Money
from portals.web.forms import LineForm, MoneyField, OnceForm


class Line(LineForm):
    description = StringField("What", [InputRequired("Say what it was.")])


class Bill(OnceForm):
    number = StringField("Number", [InputRequired("A bill has a number.")])
    currency = SelectField("Currency", choices=["USD", "KWD"])
    amount = MoneyField("Amount", [InputRequired("Write an amount.")], currency_field="currency")
    credit = MoneyField("Credit", [Optional()], currency="USD", signed=True)
    lines = FieldList(FormField(Line), min_entries=1)


def sent(app: Flask, **fields: str) -> Bill:
    told = {"number": "A1", "currency": "USD", "amount": "1,234.50", "lines-0-description": "Proofs", **fields}
    with app.test_request_context("/", method="POST", data=told):
        form = Bill()
        form.accepts()
        return form


def test_an_amount_is_read_in_the_currency_that_was_chosen(app: Flask) -> None:
    assert sent(app).amount.data == Money(123450, "USD")
    assert sent(app, currency="KWD", amount="1.234").amount.data == Money(1234, "KWD")
    assert sent(app, credit="−20").credit.data == Money(-2000, "USD")


def test_wrong_amounts_are_refused_and_shown_as_typed(app: Flask) -> None:
    form = sent(app, amount="1.234")
    assert form.problems() == [("amount", "USD has 2 decimals, this has 3.")]
    assert 'value="1.234"' in form.amount()
    assert sent(app, amount="0").problems() == [("amount", "The amount must be above zero.")]
    assert sent(app, amount="").problems() == [("amount", "Write an amount.")]
    assert sent(app, currency="XXX", amount="5").faulty


def test_an_unknown_currency_is_an_error_not_a_fault(app: Flask) -> None:
    found = dict(sent(app, currency="ZZZ", amount="5").problems())
    assert "currency" in found


def test_an_amount_is_shown_grouped(app: Flask) -> None:
    with app.test_request_context("/"):
        assert 'value="3,412.50"' in Bill(amount=Money(341250, "USD")).amount()


def test_a_refusal_lands_beside_the_fields_it_names(app: Flask) -> None:
    form = sent(app)
    with form.refusals():
        raise Invalid("Fix it.", fields={"number": "Taken on Nov 3.", "nowhere": "And this."})
    assert form.problems() == [("", "Fix it."), ("", "And this."), ("number", "Taken on Nov 3.")]
    assert form.faulty

    plain = sent(app)
    with plain.refusals():
        raise Invalid("The month is closed.")
    assert plain.problems() == [("", "The month is closed.")]


def test_other_refusals_pass_through(app: Flask) -> None:
    with pytest.raises(Conflict), sent(app).refusals():
        raise Conflict("Approved already.")


def test_faults_in_lines_name_the_lines_own_field(app: Flask) -> None:
    assert sent(app, **{"lines-0-description": ""}).problems() == [("lines-0-description", "Say what it was.")]


def test_the_key_stays_when_the_form_comes_back(app: Flask) -> None:
    with app.test_request_context("/"):
        first, second = Bill(), Bill()
        assert first.key != second.key
    assert sent(app, idempotency_key="abc123").key == "abc123"
    assert len(sent(app, idempotency_key="x" * 500).key) == 64
