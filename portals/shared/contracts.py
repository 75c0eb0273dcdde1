"""What both sides of a contract need: who is at the screen, the form one signs with, the text as it is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import DateField, HiddenField, MultipleFileField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from app.contracts import queries, rules
from app.contracts.rules import Mark, Witness
from app.contracts.states import SignatureKind
from app.core.errors import Invalid
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.i18n import reader_today
from portals.web.uploads import FilesForm

ACCEPT = ".pdf,.png,.jpg,.jpeg,.docx"


class SignForm(OnceForm):
    """A typed name, and the strokes of a drawn signature if any. `document` is the hash of what was read."""

    name = StringField(
        _l("Your full name"),
        [InputRequired(_l("Write your full name.")), Length(max=rules.LONGEST_NAME)],
        description=_l("Typing your name signs the contract; you may also draw your signature below."),
        render_kw={"autocomplete": "name"},
    )
    strokes = HiddenField()
    document = HiddenField()

    def mark(self) -> Mark:
        """Raises Invalid for a drawing that is none."""
        text = self.strokes.data or ""
        if text in ("", "[]"):
            return Mark(SignatureKind.TYPED, self.name.data)
        try:
            strokes = rules.read_strokes(json.loads(text))
        except ValueError:
            strokes = rules.read_strokes(None)
        return Mark(SignatureKind.DRAWN, self.name.data, strokes)

    @property
    def path(self) -> str:
        """What was drawn so far, for a form that comes back."""
        try:
            return rules.svg_path(self.mark().strokes)
        except Invalid:
            return ""


class FileForm(FilesForm):
    """A contract that was signed elsewhere: a file or an address."""

    title = StringField(_l("Title"), [InputRequired(_l("Give the contract a title.")), Length(max=rules.LONGEST_NAME)])
    signed_on = DateField(_l("Signed on"), [InputRequired(_l("Give the day it was signed."))])
    files = MultipleFileField(_l("Signed contract"))
    link_url = StringField(
        _l("Or its address"), [Optional(), Length(max=1_000)], description=_l("Beginning with https://.")
    )
    most_files = 1
    only = frozenset({"pdf", "png", "jpg", "jpeg", "docx"})
    other_kinds = _l("is no PDF, picture or Word file.")

    def validate_signed_on(self, field: Any) -> None:
        if field.data and field.data > reader_today():
            raise ValidationError(_("Give the day it was signed, not later than today."))


def witness() -> Witness:
    """The person at the screen, for the evidence."""
    return Witness(g.account.email, request.remote_addr, request.headers.get("User-Agent", "")[:400])


def shown(row: Any) -> dict[str, Any]:
    """What the page of a contract needs besides its row."""
    signatures = queries.signatures(db(), row.id)
    return {
        "contract": row,
        # made by `app.contracts.wording` of escaped words and our own tags alone
        "text": Markup(row.document_html) if row.document_html else None,  # noqa: S704
        "signatures": [(one, rules.svg_path(one.strokes) if one.strokes else "") for one in signatures],
        "evidence": _lines(queries.evidence(db(), row.id)),
    }


def _lines(rows: Sequence[Any]) -> list[tuple[Any, str]]:
    return [(row, _(queries.EVIDENCE_WORDS[row.action])) for row in rows]
