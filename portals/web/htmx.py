"""Answers: a whole page or a fragment of it (`page`), what a change touched (`done`), why not (`refused`).

The browser asks for a fragment with `HX-Request-Type: partial`; without JavaScript the same view sends the page, and a
change ends in a redirect (303) with the toast carried over in the session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from flask import Response, flash, g, make_response, redirect, render_template, request
from markupsafe import escape

from app.core.errors import Refusal
from portals.web.appearance import back_url
from portals.web.forms import BaseForm

_ROOT_ID = re.compile(r"^\s*<[a-zA-Z][^>]*?\sid=\"([^\"]+)\"")
_VARY = "HX-Request, HX-Request-Type"


@dataclass(frozen=True, slots=True)
class Fragment:
    """One piece of a page to replace. Without `target` it replaces the element whose id its own root carries.

    `context` is added to (and wins over) the context given to `done`, e.g. one row of many.
    """

    template: str
    target: str | None = None
    swap: str = "outerHTML"
    context: dict[str, Any] = field(default_factory=dict)


def fragment(template: str, *, target: str | None = None, swap: str = "outerHTML", **context: Any) -> Fragment:
    return Fragment(template, target, swap, context)


def removed(target: str) -> Fragment:
    """The element that `target` (a CSS selector) names is gone from the page, e.g. a row that left the queue."""
    return Fragment("", target, "delete")


@dataclass(frozen=True, slots=True)
class Toast:
    """A short notice. kind: ok or bad (a failure stays until dismissed)."""

    title: str
    text: str = ""
    kind: str = "ok"


def is_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


def wants_fragment() -> bool:
    """False also when htmx restores a page from history: that needs the whole page."""
    return (
        request.headers.get("HX-Request-Type") == "partial"
        and request.headers.get("HX-History-Restore-Request") is None
    )


def _answer(body: str, status: int = 200) -> Response:
    response = make_response(body, status)
    response.headers["Vary"] = _VARY
    response.headers["Cache-Control"] = "no-store"
    return response


def page(template: str, fragment: str | None = None, *, status: int | None = None, **context: Any) -> Response:
    """The page, or its `fragment` when only that was asked for; a page without fragments is then gone to.

    A form in the context that has errors makes it a 422: one line at the end of a view serves GET and a refused POST.
    """
    if status is None:
        faulty = any(isinstance(value, BaseForm) and value.faulty for value in context.values())
        status = 422 if faulty else 200
    if wants_fragment() and not fragment and request.method == "GET":
        return go(request.full_path.rstrip("?"))  # a whole page inside a part of another is never meant
    chosen = fragment if fragment and wants_fragment() else template
    return _answer(render_template(chosen, **context), status)


def _toast_of(toast: Toast | str | tuple[str, str]) -> Toast:
    if isinstance(toast, Toast):
        return toast
    return Toast(*toast) if isinstance(toast, tuple) else Toast(str(toast))


def _toast_html(toast: Toast) -> str:
    return render_template("components/toast_oob.html", toast=toast)


def _as_partial(piece: Fragment | str, context: dict[str, Any]) -> str:
    item = Fragment(piece) if isinstance(piece, str) else piece
    html = render_template(item.template, **{**context, **item.context}) if item.template else ""
    target = item.target
    if target is None:
        match = _ROOT_ID.match(html)
        if match is None:
            raise ValueError(f"{item.template}: the first element needs an id, or give fragment(…, target=…)")
        target = f"#{match[1]}"
    # `html` is what render_template made, escaped where it had to be.
    return f'<hx-partial hx-target="{escape(target)}" hx-swap="{escape(item.swap)}">{html}</hx-partial>'


def _pieces(
    fragments: tuple[Fragment | str, ...], toast: Toast | None, context: dict[str, Any], status: int
) -> Response:
    body = "\n".join(_as_partial(piece, context) for piece in fragments)
    if toast is not None:
        body += _toast_html(toast)
    response = _answer(body, status)
    # Every piece names its own target; the requesting element itself is swapped only when it is one of them.
    response.headers["HX-Reswap"] = "none"
    return response


def done(
    *fragments: Fragment | str, back: str, toast: Toast | str | tuple[str, str] | None = None, **context: Any
) -> Response:
    """A change was made. With htmx: every fragment it touched, and the toast; with no fragments, go to `back`.

    Without JavaScript: redirect to `back`, where the toast is shown.
    """
    notice = _toast_of(toast) if toast is not None else None
    g.told = {"back": back, "toast": [notice.title, notice.text, notice.kind] if notice else None}  # for a repeat
    if is_htmx() and fragments:
        return _pieces(fragments, notice, context, 200)
    if notice is not None:
        flash([notice.title, notice.text], notice.kind)  # type: ignore[arg-type]
    return go(back)


def go(url: str) -> Response:
    """Send the browser to another page after a change."""
    if is_htmx():
        response = _answer("")
        response.headers["HX-Redirect"] = url
        return response
    answer = redirect(url, 303)
    answer.headers["Vary"] = _VARY
    return answer  # type: ignore[return-value]


def signed_out(sign_in_url: str) -> Response:
    """No session: htmx gets 401 and leaves for the sign-in page, a browser is redirected there."""
    if not is_htmx():
        return redirect(sign_in_url, 303)  # type: ignore[return-value]
    response = _answer("", 401)
    response.headers["HX-Redirect"] = sign_in_url
    return response


def refused(refusal: Refusal, *fragments: Fragment | str, **context: Any) -> Response:
    """A refusal. With htmx a toast and, if given, the present state of what was touched (`409 current row`).

    Otherwise a page of its own. Views let refusals rise; only a view that must show fresh fragments calls this.
    """
    if is_htmx():
        return _pieces(fragments, Toast(refusal.message, kind="bad"), context, refusal.status)
    back = back_url("")
    here = request.full_path.rstrip("?")
    body = render_template("errors/refusal.html", refusal=refusal, back_url=back if back != here else "")
    return _answer(body, refusal.status)
