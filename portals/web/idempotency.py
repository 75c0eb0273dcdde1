"""A money form sent twice counts once: the repeat gets the answer the first one got (decision in docs/web.md).

It works by itself for every POST that carries `idempotency_key` (`OnceForm`) or, as a program, the header
`Idempotency-Key`. The key is taken in the request's own transaction, so a refused request gives it back and two at the
same moment come one after the other.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID

from flask import Flask, Response, flash, g, jsonify, request

from app.core.errors import Invalid
from app.db import idempotency
from portals.web import htmx
from portals.web.appearance import back_url
from portals.web.db import db

FIELD = "idempotency_key"
HEADER = "Idempotency-Key"
_LONGEST = 64
_NOT_CONTENT = (FIELD, "csrf_token")


def begin(owner_id: UUID) -> Response | None:
    """The first answer again when this is a repeat, else None. Raises Invalid for the same key with other contents.

    `owner_id` is the account or API key that sends it.
    """
    if request.method != "POST":
        return None
    named = request.headers.get(HEADER, "")
    if len(named) > _LONGEST:
        raise Invalid(f"{HEADER} has at most {_LONGEST} characters.")
    key = named or request.form.get(FIELD, "")[:_LONGEST]
    if not key:
        return None
    claim = idempotency.claim(db(), owner_id, key, _fingerprint())
    if claim.first_answer is None:
        g.once = claim.id
        return None
    return _again(claim.first_answer)


def release() -> None:
    """Give the key back although the answer is good, because nothing was done yet (e.g. a step-up comes first)."""
    if g.pop("once", None) is not None:
        db().rollback()


def _fingerprint() -> str:
    digest = hashlib.sha256(request.path.encode())
    if request.is_json:
        digest.update(request.get_data())
    fields = sorted((name, values) for name, values in request.form.lists() if name not in _NOT_CONTENT)
    digest.update(json.dumps(fields).encode())
    for name, file in sorted(request.files.items(multi=True), key=lambda item: item[0]):
        digest.update(f"\0{name}\0{file.filename}\0".encode())
        for piece in iter(lambda file=file: file.stream.read(65536), b""):  # type: ignore[misc]
            digest.update(piece)
        file.stream.seek(0)
    return digest.hexdigest()


def _again(answer: dict[str, Any]) -> Response:
    if "json" in answer:
        repeated = jsonify(answer["json"])
        repeated.status_code = answer["status"]
        return repeated
    toast = answer.get("toast")
    if toast:
        title, text, kind = toast
        flash([title, text], kind)
    return htmx.go(str(answer.get("back") or back_url("/")))


def finish(response: Response) -> Response:
    """Note the answer with the key. Runs before the commit."""
    claim_id = g.pop("once", None)
    if claim_id is None:
        return response
    if response.status_code >= 400:
        db().rollback()  # also what keep() would have kept: a money form keeps nothing of a refusal
        return response
    if response.is_json:
        told: Any = {"json": response.get_json(), "status": response.status_code}
    else:
        told = g.get("told") or {"back": response.headers.get("Location") or back_url(request.path)}
    idempotency.remember(db(), claim_id, told)
    return response


def init_app(app: Flask) -> None:
    """Register after `db`: what is registered later runs earlier."""
    app.after_request(finish)
