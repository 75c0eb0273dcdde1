"""`/verify`: is this file the contract that was sealed? By the file or by its SHA-256, for anybody who has it."""

from __future__ import annotations

import hashlib

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from wtforms import FileField, StringField
from wtforms.validators import Length, Optional

from app.contracts import queries
from app.core.errors import Invalid
from app.files.sniffing import MAX_BYTES
from app.pdf.seal import SealReport
from app.pdf.seal import inspect as inspect_seal
from portals.public import bp
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import page
from portals.web.ratelimit import limiter


class VerifyForm(BaseForm):
    file = FileField(_l("The file"))
    sha256 = StringField(_l("Or its SHA-256"), [Optional(), Length(max=80)])


@bp.route("/verify", methods=["GET", "POST"])
@limiter.limit("30 per minute")
def verify() -> ResponseReturnValue:
    form = VerifyForm(sha256=request.args.get("sha256", "")[:80])
    digest, report = "", None
    if request.method == "GET":
        digest = (form.sha256.data or "").strip().lower()
    elif form.accepts():
        with form.refusals():
            digest, report = _given(form)
    return page(
        "public/verify.html",
        fragment="public/_verify.html",
        form=form,
        digest=digest,
        report=report,
        found=queries.by_hash(db(), digest) if digest else None,
    )


def _given(form: VerifyForm) -> tuple[str, SealReport | None]:
    """The hash to look up and, of a file, what it says of itself. Raises Invalid."""
    upload = form.file.data
    if upload and getattr(upload, "filename", ""):
        content = upload.stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise Invalid("", fields={"file": "The file is larger than 10 MB."})
        return hashlib.sha256(content).hexdigest(), inspect_seal(content)
    digest = (form.sha256.data or "").strip().lower()
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise Invalid("", fields={"sha256": "Choose the file, or give the 64 hexadecimal characters of its SHA-256."})
    return digest, None
