"""Contracts of the organization: the list, one with its evidence, and what can be done with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.contracts import queries, service, signing
from app.contracts.service import FiledForm
from app.contracts.states import OPEN, TO_SIGN, ContractStatus, Party, SigningOrder
from app.core.errors import NotFound
from app.core.scope import Permission
from app.files import service as file_service
from app.files.models import FilePurpose
from app.payees import queries as payees
from portals.org import asking, bp
from portals.shared import contracts as shared
from portals.shared.contracts import witness
from portals.shared.payee.files import download
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require
from portals.web.htmx import done, page
from portals.web.i18n import reader_today


class VoidForm(BaseForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Give a reason.")), Length(max=1_000)], description=_l("The payee reads it.")
    )


class CountersignForm(shared.SignForm):
    """The organization's own signature."""


@bp.get("/contracts")
@require(Permission.CONTRACT_READ)
def contracts() -> ResponseReturnValue:
    want, status = paging.wanted(), asking.one_of(ContractStatus, request.args, "status")
    payee_id = asking.one_id(request.args, "payee")
    found = queries.of_organization(
        db(), g.organization.id, status=status, payee_id=payee_id, cursor=want.cursor, limit=want.limit
    )
    return page(
        "org/contracts/index.html",
        fragment="org/contracts/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        status=status,
        payee_id=payee_id,
        statuses=ContractStatus,
    )


def ours(contract_id: UUID) -> Any:
    """Raises NotFound for another organization's."""
    found = queries.detail(db(), contract_id)
    if found.organization_id != g.organization.id:
        raise NotFound(_("There is no such contract."))
    return found


@bp.get("/contracts/<uuid:contract_id>")
@require(Permission.CONTRACT_READ)
def contract(contract_id: UUID) -> ResponseReturnValue:
    row = ours(contract_id)
    more = shared.shown(row)
    turn = _our_turn(row, [one.party for one, _path in more["signatures"]])
    can = g.actor.can
    return page(
        "org/contracts/show.html",
        **more,
        turn=turn and can(Permission.CONTRACT_SIGN),
        waits_for_us=turn,
        may_send=row.status is ContractStatus.DRAFT and not turn and can(Permission.CONTRACT_MANAGE),
        may_remind=row.status in TO_SIGN and can(Permission.CONTRACT_MANAGE),
        may_void=row.status in OPEN | {ContractStatus.DRAFT, ContractStatus.ON_FILE}
        and can(Permission.CONTRACT_MANAGE),
    )


def _our_turn(row: Any, signed: list[Party]) -> bool:
    if Party.ORGANIZATION in signed:
        return False
    first = row.signing_order is SigningOrder.ORGANIZATION_FIRST
    return row.status is (ContractStatus.DRAFT if first else ContractStatus.SIGNED)


@bp.post("/contracts/<uuid:contract_id>/dispatch")
@require(Permission.CONTRACT_MANAGE)
def dispatch(contract_id: UUID) -> ResponseReturnValue:
    service.send(db(), g.actor, ours(contract_id).id, witness())
    return _done(contract_id, _("Sent"))


@bp.post("/contracts/<uuid:contract_id>/reminder")
@require(Permission.CONTRACT_MANAGE)
def reminder(contract_id: UUID) -> ResponseReturnValue:
    service.remind(db(), g.actor, ours(contract_id).id, witness())
    return _done(contract_id, _("Reminder sent"))


@bp.route("/contracts/<uuid:contract_id>/void", methods=["GET", "POST"])
@require(Permission.CONTRACT_MANAGE)
def void_contract(contract_id: UUID) -> ResponseReturnValue:
    row = ours(contract_id)
    form = VoidForm()
    if form.accepts():
        with form.refusals():
            service.void(db(), g.actor, contract_id, form.reason.data, witness())
            return _done(contract_id, _("Taken back"))
    return page("org/contracts/void.html", fragment="org/contracts/_void.html", form=form, contract=row)


@bp.route("/contracts/<uuid:contract_id>/countersignature", methods=["GET", "POST"])
@require(Permission.CONTRACT_SIGN)
def countersignature(contract_id: UUID) -> ResponseReturnValue:
    row = ours(contract_id)
    form = CountersignForm(name=g.account.name, document=row.document_sha256)
    if form.accepts():
        with form.refusals():
            signing.countersign(
                db(), g.actor, contract_id, form.mark(), witness(), document_sha256=form.document.data or ""
            )
            return _done(contract_id, _("Signed for %(name)s", name=g.organization.name))
    return page(
        "org/contracts/countersignature.html",
        fragment="org/contracts/_countersign.html",
        form=form,
        **shared.shown(row),
    )


@bp.get("/contracts/<uuid:contract_id>/file")
@require(Permission.CONTRACT_READ)
def contract_file(contract_id: UUID) -> Response:
    row = ours(contract_id)
    if row.storage_key is None:
        raise NotFound(_("There is no such file."))
    return download(row.file_name, row.content_type, row.storage_key)


@bp.route("/payees/<uuid:payee_id>/contracts/file", methods=["GET", "POST"])
@require(Permission.CONTRACT_MANAGE)
def file_contract(payee_id: UUID) -> ResponseReturnValue:
    """Put a contract on file that was signed elsewhere."""
    payee = payees.detail(db(), g.organization.id, payee_id)
    form = shared.FileForm(signed_on=reader_today())
    if form.accepts_with_files():
        with form.refusals():
            filed = FiledForm(form.title.data, form.signed_on.data, _stored(form, payee_id), form.link_url.data or "")
            made = service.file(db(), g.actor, g.organization.id, payee_id, filed, witness())
            return _done(made.id, _("On file"))
    return page(
        "org/contracts/file.html",
        fragment="shared/contracts/_file.html",
        form=form,
        payee=payee,
        accept=shared.ACCEPT,
        action=url_for(".file_contract", payee_id=payee_id),
        back=url_for(".contracts", payee=payee_id),
    )


def _stored(form: shared.FileForm, payee_id: UUID) -> UUID | None:
    for upload in form.uploads[:1]:
        return file_service.add(
            db(), g.actor, upload.inspected, upload.key, organization_id=g.organization.id, payee_id=payee_id,
            purpose=FilePurpose.ATTACHMENT,
        ).id  # fmt: skip
    return None


def _done(contract_id: UUID, said: str) -> ResponseReturnValue:
    return done(back=url_for(".contract", contract_id=contract_id), toast=said)
