"""Forms: WTForms with CSRF, amounts in Money, a key that makes a repeated send harmless, refusals beside their fields.

form = RequestForm()
if form.accepts():
    with form.refusals():                      # Invalid from a service becomes field errors
        bill = service.submit(db(), g.actor, amount=form.amount.data, key=form.key)
        return done("vendor/requests/_list.html", back=url_for(".requests"), toast=_("Request sent"))
return page("vendor/requests/new.html", fragment="vendor/requests/_form.html", form=form)   # 422 when it has errors
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, SelectMultipleField
from wtforms.fields import FormField
from wtforms.form import BaseForm as WTBaseForm
from wtforms.validators import StopValidation
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from app.core.errors import Refusal
from app.core.money import Money
from portals.web.amounts import Unreadable, read_amount


class BaseForm(FlaskForm):
    """Every form that changes something. `form_errors` are those no single field is to blame for."""

    def accepts(self) -> bool:
        """It was sent, its CSRF token holds and every field is valid."""
        return bool(self.validate_on_submit())

    @property
    def faulty(self) -> bool:
        return bool(self.errors) or bool(self.form_errors)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Turn a 422 refusal raised inside the block into errors of this form; other refusals pass through."""
        try:
            yield
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            self.blame(refusal)

    def blame(self, refusal: Refusal) -> None:
        """Put a refusal's sentences beside the fields it names, and its message on top when it names none of ours."""
        rest = self._place(refusal.fields)
        if rest or not refusal.fields:
            self.form_errors.append(refusal.message)
            self.form_errors.extend(rest)

    def _place(self, fields: Mapping[str, str]) -> list[str]:
        rest = []
        for name, sentence in fields.items():
            field = self._fields.get(name)
            if field is None or isinstance(field, HiddenField):
                rest.append(sentence)
            else:
                field.errors = [*field.errors, sentence]
        return rest

    def problems(self) -> list[tuple[str, str]]:
        """(element id, sentence) in the order of the page; an empty id means the whole form."""
        found = [("", str(error)) for error in self.form_errors]
        found.extend(_problems_of(self))
        return found


def _problems_of(form: WTBaseForm) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field in form:
        entries = getattr(field, "entries", None)
        if entries is not None:
            for entry in entries:
                inner = getattr(entry, "form", None)
                found.extend(_problems_of(inner) if inner is not None else [(entry.id, str(e)) for e in entry.errors])
            found.extend((field.id, str(error)) for error in field.errors if isinstance(error, str))
        elif isinstance(field, FormField):
            found.extend(_problems_of(field.form))
        else:
            found.extend(("" if isinstance(field, HiddenField) else field.id, str(error)) for error in field.errors)
    return found


class OnceForm(BaseForm):
    """A form that moves money: sent twice, it counts once. The key stays when the form comes back with errors."""

    idempotency_key = HiddenField(default=lambda: uuid4().hex)

    @property
    def key(self) -> str:
        return str(self.idempotency_key.data or uuid4().hex)[:64]


class LineForm(FlaskForm):
    """One row of a FieldList; its CSRF token is the outer form's."""

    class Meta:
        csrf = False


class FilterForm(FlaskForm):
    """A GET form whose fields are the filters in the URL: `FilterForm(request.args)`."""

    class Meta:
        csrf = False


class TicksField(SelectMultipleField):
    """Several of the choices, each with a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class MoneyField(Field):
    """An amount in `currency`, or in that of the field named by `currency_field`. `data` is Money or None.

    Only amounts above zero pass unless `signed=True`.
    """

    widget = TextInput()

    def __init__(
        self,
        label: Any = None,
        validators: Any = None,
        *,
        currency: str = "USD",
        currency_field: str | None = None,
        signed: bool = False,
        **kwargs: Any,
    ) -> None:
        self.data: Money | None = None
        super().__init__(label, validators, **kwargs)
        self.currency = currency
        self.currency_field = currency_field
        self.signed = signed

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return f"{self.data.major:,f}" if isinstance(self.data, Money) else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None  # read in pre_validate, when the currency's own field has been filled

    def pre_validate(self, form: WTBaseForm) -> None:
        text = str(self.raw_data[0]).strip() if self.raw_data else ""
        if not text:
            return
        currency = form[self.currency_field].data if self.currency_field else self.currency
        try:
            self.data = read_amount(text, str(currency))
        except Unreadable as fault:
            raise StopValidation(str(fault)) from None
        if not self.signed and self.data.minor <= 0:
            raise StopValidation(_("The amount must be above zero."))
