"""How an uploaded table is written, as a person may decide it: what the forms of all imports by column share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectField
from wtforms.validators import NumberRange, Optional

from app.core.tables.choices import Choices
from app.core.tables.delimited import DELIMITERS
from app.core.tables.text import ENCODINGS
from app.payables.importing.amounts import COMMA, POINT
from app.payables.importing.dates import DAY_FIRST, MONTH_FIRST
from portals.web.forms import BaseForm

_DETECT = _l("As detected")


def select(label: Any, choices: Sequence[Any], hint: Any = "") -> SelectField:
    """What is not offered is refused by the reading of the file, which says why."""
    return SelectField(label, choices=choices, validate_choice=False, description=hint)


class TextTableForm(BaseForm):
    """How the bytes become a table. A subclass adds a select for each of its columns."""

    encoding = select(_l("Encoding"), [("", _DETECT), *ENCODINGS.items()])
    delimiter = select(_l("Columns separated by"), [("", _DETECT), *((n, n) for n in DELIMITERS)])


class TableForm(TextTableForm):
    """Tables with amounts and dates."""

    heading_line = IntegerField(
        _l("Headings on line"), [Optional(), NumberRange(1, 1_000)], description=_l("Empty: as detected.")
    )
    amounts = select(_l("Amounts written as"), [("", _DETECT), (POINT, POINT), (COMMA, COMMA)])
    dates = select(_l("Dates written as"), [("", _DETECT), (DAY_FIRST, DAY_FIRST), (MONTH_FIRST, MONTH_FIRST)])

    def chosen(self, columns: Mapping[str, str]) -> Choices:
        """What the person decided; `columns`: field to heading, empty for no such column."""
        return Choices(
            columns=columns,
            encoding=self.encoding.data or None,
            delimiter=self.delimiter.data or None,
            heading_line=self.heading_line.data,
            amounts=self.amounts.data or None,
            dates=self.dates.data or None,
        )

    def show(self, choices: Choices) -> None:
        """What is stored or detected."""
        for name in ("encoding", "delimiter", "amounts", "dates"):
            self[name].data = getattr(choices, name) or ""
        self.heading_line.data = choices.heading_line
