"""Calls that programs sign with an API key. The used signature is kept in a transaction of its own, before the call's
work: a call that is refused cannot be sent again either."""

from __future__ import annotations

import logging

from flask import request

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity import api_keys
from app.identity.api_keys import BadCall, Program, SignedCall

KEY, TIMESTAMP, SIGNATURE = "X-Quittance-Key", "X-Quittance-Timestamp", "X-Quittance-Signature"
LARGEST = 2 * 1024 * 1024
log = logging.getLogger("quittance.api")


def program() -> Program | str | None:
    """Who signed this call; None when it is not signed; else a sentence that says why it is refused."""
    public_key = request.headers.get(KEY, "")
    if not public_key:
        return None
    request.max_content_length = LARGEST
    target = request.full_path.rstrip("?") if request.query_string else request.path
    call = SignedCall(
        public_key=public_key[:100],
        timestamp=request.headers.get(TIMESTAMP, ""),
        signature=request.headers.get(SIGNATURE, "")[:128],
        method=request.method,
        target=str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or target),
        body=request.get_data(),
    )
    try:
        with unit_of_work(Scope.platform("check a signed call")) as session:
            return api_keys.check(session, call)
    except BadCall as refusal:
        log.warning("signed call refused: %s", refusal, extra={"fields": {"key": public_key[:12]}})
        return str(refusal)
