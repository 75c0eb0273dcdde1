"""Templates of contracts: text with fields, in versions, looked at before they are kept."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import BooleanField, FieldList, FormField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.contracts import queries, rules, templates, wording
from app.contracts.rules import TemplateForm
from app.contracts.states import FieldType, TemplateStatus
from app.core.errors import Conflict
from app.core.scope import Permission
from portals.org import bp
from portals.web.db import db
from portals.web.forms import BaseForm, LineForm
from portals.web.guards import require
from portals.web.htmx import done, page

SPARE = 4  # empty rows behind the fields there are


class FieldForm(LineForm):
    name = StringField(_l("Name in the text"), [Optional(), Length(max=40)])
    label = StringField(_l("Question"), [Optional(), Length(max=rules.LONGEST_NAME)])
    type = SelectField(
        _l("Type"),
        choices=[
            (FieldType.TEXT.value, _l("Text")),
            (FieldType.PARAGRAPH.value, _l("Long text")),
            (FieldType.AMOUNT.value, _l("Amount")),
            (FieldType.PERCENT.value, _l("Percentage")),
            (FieldType.NUMBER.value, _l("Number")),
            (FieldType.DAY.value, _l("Date")),
            (FieldType.YES_NO.value, _l("Yes or no")),
        ],
    )
    required = BooleanField(_l("Required"))


class EditorForm(BaseForm):
    name = StringField(_l("Name of the template"), [InputRequired(_l("Give the template a name."))])
    title = StringField(
        _l("Title of the contract"), [InputRequired(_l("Give the contract a title."))],
        description=_l("May name fields, for example “Agreement with {{payee}}”."),
    )  # fmt: skip
    body = TextAreaField(
        _l("Text"),
        [InputRequired(_l("Write the text of the contract."))],
        description=_l(
            "Begin headings with #, list items with - and put fields into double braces. Always there: "
            "{{number}}, {{today}}, {{organization}}, {{organization_legal_name}}, {{payee}}, {{payee_legal_name}}."
        ),
        render_kw={"rows": 22},
    )
    fields_ = FieldList(FormField(FieldForm), name="fields", max_entries=rules.MOST_FIELDS + SPARE)
    version = HiddenField()

    def content(self) -> TemplateForm:
        rows = tuple({k: v for k, v in row.items() if k in ("name", "label", "type", "required")} for row in self.rows)
        return TemplateForm(self.name.data, self.title.data, self.body.data, rows)

    @property
    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.fields_.data
        return found


@bp.get("/contract-templates")
@require(Permission.CONTRACT_READ)
def contract_templates() -> ResponseReturnValue:
    return page("org/contracts/templates.html", found=queries.templates(db(), g.organization.id))


@bp.route("/contract-templates/new", methods=["GET", "POST"])
@require(Permission.CONTRACT_MANAGE)
def new_contract_template() -> ResponseReturnValue:
    form = EditorForm()
    if form.accepts():
        with form.refusals():
            if not _previews():
                made = templates.add(db(), g.actor, g.organization.id, form.content())
                return done(back=url_for(".contract_templates"), toast=(_("Template kept"), made.name))
            return _page(form, None, _preview(form))
    return _page(form, None)


@bp.route("/contract-templates/<uuid:template_id>", methods=["GET", "POST"])
@require(Permission.CONTRACT_READ)
def contract_template(template_id: UUID) -> ResponseReturnValue:
    row = queries.template(db(), g.organization.id, template_id)
    form = EditorForm(name=row.name, title=row.title, body=row.body, fields_=row.fields, version=row.version)
    if request.method == "POST":
        g.actor.require(Permission.CONTRACT_MANAGE)
    if form.accepts():
        try:
            with form.refusals():
                if _previews():
                    return _page(form, row, _preview(form))
                version = int(form.version.data) if str(form.version.data).isdigit() else 0
                made = templates.edit(db(), g.actor, g.organization.id, template_id, form.content(), version=version)
                said = (_("Template kept"), _("%(name)s, version %(n)s", name=made.name, n=made.version))
                return done(back=url_for(".contract_templates"), toast=said)
        except Conflict as newer:
            form.blame(newer)
    return _page(form, row)


@bp.post("/contract-templates/<uuid:template_id>/status")
@require(Permission.CONTRACT_MANAGE)
def contract_template_status(template_id: UUID) -> ResponseReturnValue:
    """Put away, or take up again."""
    wanted = TemplateStatus.ARCHIVED if request.form.get("to") == "archived" else TemplateStatus.ACTIVE
    made = templates.set_status(db(), g.actor, g.organization.id, template_id, wanted)
    said = _("Put away") if wanted is TemplateStatus.ARCHIVED else _("In use again")
    return done(back=url_for(".contract_templates"), toast=(said, made.name))


def _previews() -> bool:
    return request.form.get("send") == "preview"


def _preview(form: EditorForm) -> Markup:
    """The text with each field's name where its value will be. Raises Invalid."""
    content = rules.check_template(form.content())
    words = {name: f"[{name.replace('_', ' ')}]" for name in wording.OWN_FIELDS}
    words |= {field["name"]: f"[{field['label']}]" for field in content.fields}
    return Markup(wording.html(content.body, words))  # noqa: S704 - our own tags around escaped words


def _page(form: EditorForm, row: Any, text: Markup | None = None) -> ResponseReturnValue:
    while len(form.fields_.entries) < min(rules.MOST_FIELDS, sum(1 for e in form.rows if e["name"]) + SPARE):
        form.fields_.append_entry()
    return page("org/contracts/template.html", fragment="org/contracts/_template.html", form=form, row=row, text=text)
