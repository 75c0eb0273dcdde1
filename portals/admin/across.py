"""Contracts and projects of every organization."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.contracts.states import ContractStatus
from app.payees.states import PayeeKind
from app.projects import queries as projects_of
from app.projects.states import Stage
from app.reporting import across
from app.reporting.across import Narrowed
from portals.admin import asking, bp
from portals.web import paging
from portals.web.db import db
from portals.web.htmx import page


def narrowed() -> Narrowed:
    """The organization and the payee's name the address asks for."""
    organization = asking.organization_named(request.args.get("organization", ""))
    return Narrowed(organization.id if organization else None, request.args.get("q", "").strip()[:100])


@bp.get("/creators/contracts")
def contracts() -> ResponseReturnValue:
    """All contracts, of creators first; `kind=all` shows everybody's."""
    want, chosen = paging.wanted(), narrowed()
    everybody = request.args.get("kind") == "all"
    status = asking.one_of(ContractStatus, request.args, "status")
    found = across.contracts(
        db(), chosen, kind=None if everybody else PayeeKind.CREATOR, status=status, cursor=want.cursor, limit=want.limit
    )
    return page(
        "admin/across/contracts.html",
        fragment="admin/across/_contracts.html",
        found=found,
        neighbours=paging.neighbours(found),
        chosen=chosen,
        state=status,
        statuses=list(ContractStatus),
        everybody=everybody,
        organizations=asking.organization_choices(),
        url_with=paging.url_with,
    )


@bp.get("/contractors/projects")
def projects() -> ResponseReturnValue:
    want, chosen = paging.wanted(), narrowed()
    stage, gone = asking.one_of(Stage, request.args, "stage"), request.args.get("state") == "cancelled"
    found = across.projects(db(), chosen, stage=stage, cancelled=gone, cursor=want.cursor, limit=want.limit)
    return page(
        "admin/across/projects.html",
        fragment="admin/across/_projects.html",
        found=found,
        neighbours=paging.neighbours(found),
        chosen=chosen,
        stage=stage,
        stages=list(Stage),
        gone=gone,
        amount=projects_of.amount,
        organizations=asking.organization_choices(),
        url_with=paging.url_with,
    )
