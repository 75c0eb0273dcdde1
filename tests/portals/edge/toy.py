"""Views that do one thing at the edge each, mounted beside the real portals for these tests only."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from app.audit import service as audit
from app.core.errors import Conflict
from app.core.guards import no_transaction
from app.core.scope import Permission
from app.identity.states import Portal
from portals.web.db import db, keep
from portals.web.guards import portal_guard, require, step_up_required
from portals.web.htmx import done

vendor = Blueprint("toy", __name__, url_prefix="/vendor/toy")
portal_guard(vendor, Portal.VENDOR)
org = Blueprint("org_toy", __name__, url_prefix="/org/<slug>/toy")
portal_guard(org, Portal.ORG)


def note(word: str) -> None:
    audit.record(db(), g.actor, word, "toy")


@vendor.route("/write", methods=["GET", "POST"])
def write() -> ResponseReturnValue:
    """?status=… ends the request with it after a change; keep=1 asks for the change to stay."""
    note("toy.written")
    if request.values.get("keep"):
        keep()
    status = request.values.get("status", 200, type=int)
    if status == 409:
        raise Conflict("Not now.")
    if status == 500:
        raise RuntimeError("broken")
    return "written", status


@vendor.post("/broken-commit")
def broken_commit() -> ResponseReturnValue:
    """A constraint that the database only checks at the end."""
    note("toy.written")
    db().execute(text("CREATE TEMP TABLE toy_late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP"))
    db().execute(text("INSERT INTO toy_late VALUES (1), (1)"))
    return done(back="/vendor/toy/write", toast="Paid.")


@vendor.get("/network")
def network() -> ResponseReturnValue:
    db().execute(text("SELECT 1"))
    no_transaction("the bank")
    return "called"


@vendor.get("/no-database")
def no_database() -> ResponseReturnValue:
    no_transaction("the bank")
    return "called"


@vendor.get("/stream")
def stream() -> ResponseReturnValue:
    note("toy.streamed")

    def lines() -> Iterator[str]:
        for n in range(3):
            yield f"{n} {db().scalar(text('SELECT current_setting($$app.payee$$)'))}\n"

    return Response(stream_with_context(lines()))


@vendor.post("/pay")
def pay() -> ResponseReturnValue:
    if request.form["amount"] == "0":
        raise Conflict("Nothing to pay.")
    note(f"toy.paid {request.form['amount']}")
    return done(back="/vendor/toy/write", toast=("Paid", request.form["amount"]))


@vendor.post("/careful")
@step_up_required
def careful() -> ResponseReturnValue:
    note("toy.careful")
    return done(back="/vendor/toy/write", toast="Done")


@org.get("/")
def who() -> ResponseReturnValue:
    return jsonify(
        organization=g.organization.slug,
        role=g.actor.role,
        rank=g.actor.rank,
        scope=db().scalar(text("SELECT current_setting('app.organization')")),
        here=url_for("org_toy.who"),
        there=url_for("org_toy.who", slug="elsewhere"),
    )


@org.post("/funds")
@require(Permission.FUNDS_ANNOUNCE)
def funds() -> ResponseReturnValue:
    return "announced"


@org.get("/members/<uuid:member_id>")
def member(member_id: UUID) -> ResponseReturnValue:
    found = db().scalar(text("SELECT email FROM members WHERE id = :id"), {"id": member_id})
    return jsonify(email=found)
