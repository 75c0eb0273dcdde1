"""Security headers of every answer, and what may be kept by caches."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g

from app.core.settings import settings

# Everything is our own file: no inline script or style, no other origin, no frames.
_OWN = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
}
POLICY = "; ".join(f"{name} {' '.join(sources)}" for name, sources in _OWN.items())
# The browser's own PDF viewer is a plug-in with its own styles; the document still loads nothing and runs nothing.
PDF_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The CSRF check over https needs the referrer on our own pages; other sites learn nothing of our addresses.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def origin(url: str) -> str:
    """`https://host[:port]` of an address, as a policy names it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def allow(**sources: tuple[str, ...]) -> None:
    """Let this one answer load from other origins too, e.g. `script_src=("https://js.stripe.com",)`."""
    wider: dict[str, tuple[str, ...]] = g.setdefault("allowed", {})
    for name, given in sources.items():
        directive = name.replace("_", "-")
        wider[directive] = tuple(dict.fromkeys((*wider.get(directive, _OWN.get(directive, ())), *given)))


def allow_wallets(source: str) -> None:
    """Let the frames of a card form on this one page ask the browser for a saved card."""
    g.wallets = source


def _policy() -> str:
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in (_OWN | g.get("allowed", {})).items())


def protect(response: Response) -> Response:
    policy = PDF_POLICY if response.mimetype == "application/pdf" else _policy()
    if source := g.get("wallets"):
        wallets = _FIXED["Permissions-Policy"].replace("payment=()", f'payment=(self "{source}")')
        response.headers.setdefault("Permissions-Policy", wallets)
    response.headers.setdefault("Content-Security-Policy", policy)
    for name, value in _FIXED.items():
        response.headers.setdefault(name, value)
    if settings().https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if "Cache-Control" not in response.headers:
        # Pages, files and JSON hold money, tax or bank details; only static files say otherwise.
        response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    app.after_request(protect)
