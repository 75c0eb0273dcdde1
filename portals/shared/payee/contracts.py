"""Contracts of this payee: read, agree to sign electronically, sign or decline, keep the file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.contracts import queries, rules, service, signing
from app.contracts.service import FiledForm
from app.contracts.states import TO_SIGN, ContractStatus
from app.core.clock import utc_now
from app.core.errors import NotFound
from app.files import service as file_service
from app.files.models import FilePurpose
from portals.shared import contracts as shared
from portals.shared.contracts import witness
from portals.shared.payee import payers
from portals.shared.payee.files import download
from portals.web import paging
from portals.web.db import db, keep
from portals.web.forms import BaseForm
from portals.web.htmx import done, fragment, page
from portals.web.i18n import reader_today


class SignForm(shared.SignForm):
    read_whole = BooleanField(_l("I have read the contract to its end and sign it."))
    code = StringField(
        _l("Code from the e-mail"), [Optional(), Length(max=20)], render_kw={"autocomplete": "one-time-code"}
    )


class DeclineForm(BaseForm):
    reason = TextAreaField(
        _l("Reason"),
        [InputRequired(_l("Give a reason.")), Length(max=1_000)],
        description=_l("The organization reads it."),
        render_kw={"rows": 4},
    )


class FileForm(shared.FileForm):
    organization = SelectField(_l("With"), choices=lambda: [(p.slug, p.name) for p in payers.mine()])


def count() -> int:
    """The number beside the link."""
    return queries.to_sign_count(db(), g.actor.payee_id)


def contracts() -> ResponseReturnValue:
    want, payer = paging.wanted(25), payers.chosen()
    found = queries.of_payee(
        db(), g.actor.payee_id, want.cursor, want.limit, organization_id=payer.organization_id if payer else None
    )
    return page(
        "shared/payee/contracts/index.html",
        fragment="shared/payee/contracts/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        may_file=payers.may_bill(),
    )


def _mine(contract_id: UUID) -> Any:
    """Raises NotFound for somebody else's, and for drafts."""
    return queries.detail(db(), contract_id, payee_id=g.actor.payee_id)


def contract(contract_id: UUID) -> ResponseReturnValue:
    """The first time it is opened is noted."""
    if _mine(contract_id).status is ContractStatus.SENT:
        signing.view(db(), g.actor, contract_id, witness())
    return _page(_mine(contract_id), None)


def _blank(row: Any) -> SignForm:
    return _asked_for(row, SignForm(formdata=None, name=g.account.name, document=row.document_sha256))


def _asked_for(row: Any, form: SignForm) -> SignForm:
    form.code.flags.required = row.needs_code
    return form


def _page(row: Any, form: SignForm | None) -> ResponseReturnValue:
    over = row.expires_at is not None and row.expires_at <= utc_now()
    if form is None and row.status is ContractStatus.CONSENTED:
        form = _blank(row)
    return page(
        "shared/payee/contracts/show.html",
        fragment="shared/payee/contracts/_sign.html",
        **shared.shown(row),
        form=form,
        consent=rules.CONSENT_TEXT,
        open=row.status in TO_SIGN and not over,
        over=row.status in TO_SIGN and over,
    )


def consent(contract_id: UUID) -> ResponseReturnValue:
    signing.consent(db(), g.actor, _mine(contract_id).id, witness())
    return _done(contract_id, _("You can sign now"))


def code(contract_id: UUID) -> ResponseReturnValue:
    """With script only the field of the code is answered: what was drawn stays where it is."""
    row = _mine(contract_id)
    signing.send_code(db(), g.actor, row.id, witness())
    return done(
        fragment("shared/payee/contracts/_code.html", asked=True),
        back=url_for(".contract", contract_id=contract_id),
        toast=_("The code is on its way to %(email)s", email=g.account.email),
        form=_blank(row),
    )


def signature(contract_id: UUID) -> ResponseReturnValue:
    row = _mine(contract_id)
    form = _asked_for(row, SignForm())
    if form.accepts():
        try:
            with form.refusals():
                signing.sign(
                    db(), g.actor, row.id, form.mark(), witness(), document_sha256=form.document.data or "",
                    read_whole=form.read_whole.data, code=form.code.data or "",
                )  # fmt: skip
                return _done(contract_id, _("Signed"))
        finally:
            if form.code.errors:
                keep()  # a wrong code counts
    return _page(row, form)


def refusal(contract_id: UUID) -> ResponseReturnValue:
    row = _mine(contract_id)
    form = DeclineForm()
    if form.accepts():
        with form.refusals():
            signing.decline(db(), g.actor, contract_id, form.reason.data, witness())
            return _done(contract_id, _("Declined"))
    return page(
        "shared/payee/contracts/refusal.html", fragment="shared/payee/contracts/_refusal.html", form=form, contract=row
    )


def contract_file(contract_id: UUID) -> Response:
    row = _mine(contract_id)
    if row.storage_key is None:
        raise NotFound(_("There is no such file."))
    return download(row.file_name, row.content_type, row.storage_key)


def new_contract() -> ResponseReturnValue:
    """Put a contract on file that was signed elsewhere."""
    form = FileForm(signed_on=reader_today())
    if form.accepts_with_files():
        with form.refusals():
            payer = payers.by_slug(form.organization.data)
            filed = FiledForm(
                form.title.data, form.signed_on.data, _stored(form, payer.organization_id), form.link_url.data or ""
            )
            made = service.file(db(), g.actor, payer.organization_id, g.actor.payee_id, filed, witness())
            return _done(made.id, _("On file"))
    return page(
        "shared/payee/contracts/new.html",
        fragment="shared/contracts/_file.html",
        form=form,
        accept=shared.ACCEPT,
        several=len(payers.mine()) > 1,
        action=url_for(".new_contract"),
        back=url_for(".contracts"),
    )


def _stored(form: FileForm, organization_id: UUID) -> UUID | None:
    for upload in form.uploads[:1]:
        return file_service.add(
            db(), g.actor, upload.inspected, upload.key, organization_id=organization_id, payee_id=g.actor.payee_id,
            purpose=FilePurpose.ATTACHMENT,
        ).id  # fmt: skip
    return None


def _done(contract_id: UUID, said: str) -> ResponseReturnValue:
    return done(back=url_for(".contract", contract_id=contract_id), toast=said)


def mount(bp: Blueprint) -> None:
    one = "/contracts/<uuid:contract_id>"
    bp.get("/contracts")(contracts)
    bp.get(one)(contract)
    bp.post(f"{one}/consent")(consent)
    bp.post(f"{one}/code")(code)
    bp.post(f"{one}/signature")(signature)
    bp.route(f"{one}/refusal", methods=["GET", "POST"])(refusal)
    bp.get(f"{one}/file")(contract_file)


def mount_filing(bp: Blueprint) -> None:
    """For payees who bring their own contracts."""
    bp.route("/contracts/new", methods=["GET", "POST"])(new_contract)
