"""Values in, PDF bytes out. Nothing is fetched from the network; the same values give the same bytes.

WeasyPrint needs Pango from the system. The application starts without it; the first document says what to install.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from app.pdf.contracts import ContractDocument
from app.pdf.documents import CheckDocument, RemittanceDocument, StatementDocument
from app.pdf.invoices import InvoiceDocument, with_xml
from app.pdf.templates import FOLDER, environment

_FONTS = Path(__file__).resolve().parents[2] / "static" / "fonts"
_FONT_SCHEME = "font:"
_INSTALL = (
    "PDF documents need the Pango library. On Debian or Ubuntu: "
    "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
)
MAX_LINES = 2_000
_CHECK_LINES = 12  # what fits under a check; the rest is summed up and listed in the remittance advice
_turn = threading.Lock()  # Pango's font map is shared and not safe between threads


class PdfUnavailable(RuntimeError):
    """A system library is missing; the message names what to install."""


class TooLong(ValueError):
    """More lines than one document may have."""


def render_remittance(document: RemittanceDocument) -> bytes:
    """Remittance advice, A4. Raises PdfUnavailable, or TooLong beyond MAX_LINES lines."""
    _limit(len(document.lines))
    return _render("remittance.html", {"doc": document})


def render_statement(document: StatementDocument) -> bytes:
    """Statement of account, A4. Raises PdfUnavailable, or TooLong beyond MAX_LINES lines."""
    _limit(len(document.lines))
    return _render("statement.html", {"doc": document})


def render_checks(documents: Sequence[CheckDocument]) -> bytes:
    """One page for each check with its letter, in the order given. Raises ValueError without one; PdfUnavailable."""
    if not documents:
        raise ValueError("there is no check to print")
    _limit(sum(len(document.lines) for document in documents))
    return _render("check.html", {"docs": list(documents), "max_lines": _CHECK_LINES})


def render_contract(document: ContractDocument) -> bytes:
    """A signed contract with its certificate page, A4, not sealed yet. Raises PdfUnavailable."""
    return _render("contract.html", {"doc": document})


def render_invoice(document: InvoiceDocument, xml: bytes | None = None) -> bytes:
    """An invoice or note, A4, PDF/A-3b. `xml`: the electronic invoice to put inside. Raises PdfUnavailable, TooLong."""
    _limit(len(document.lines))
    made = _render("invoice.html", {"doc": document}, variant="pdf/a-3b")
    return with_xml(made, xml, document) if xml else made


def available() -> bool:
    """Whether documents can be made on this machine."""
    try:
        _weasyprint()
    except PdfUnavailable:
        return False
    return True


def _limit(lines: int) -> None:
    if lines > MAX_LINES:
        raise TooLong(f"A document holds at most {MAX_LINES} lines.")


def _render(template: str, values: Mapping[str, Any], variant: str | None = None) -> bytes:
    weasyprint = _weasyprint()
    html = environment().get_template(template).render(values)
    with _turn:
        stylesheet, fonts, fetcher = _shared()
        made: bytes = weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf(
            stylesheets=[stylesheet], font_config=fonts, pdf_tags=True, pdf_variant=variant
        )
    return made


def _weasyprint() -> Any:
    try:
        import weasyprint  # slow to import, and needs Pango
    except OSError as error:
        raise PdfUnavailable(_INSTALL) from error
    return weasyprint


@cache
def _shared() -> tuple[Any, Any, Any]:
    """Style sheet, fonts and fetcher, made once per process: parsing them again for each document leaks memory."""
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class PackagedFonts(URLFetcher):  # type: ignore[misc]
        """Knows `font:<file name>` in static/fonts and pictures inside a page; refuses everything else."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            name = url.removeprefix(_FONT_SCHEME)
            if url.startswith("data:image/"):  # a logo, inside the page
                return super().fetch(url, headers)
            if not url.startswith(_FONT_SCHEME) or "/" in name or not name.endswith(".woff2"):
                raise ValueError("documents fetch nothing")
            return URLFetcherResponse(url, (_FONTS / name).read_bytes(), {"Content-Type": "font/woff2"})

    atexit.register(_shared.cache_clear)  # while the modules its finalizer needs are still there
    fonts = FontConfiguration()
    fetcher = PackagedFonts(allowed_protocols=("data",))
    return CSS(filename=FOLDER / "document.css", font_config=fonts, url_fetcher=fetcher), fonts, fetcher
