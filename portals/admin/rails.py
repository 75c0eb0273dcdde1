"""The rails of this deployment: live, sandbox, simulated or off, and what is missing by name."""

from __future__ import annotations

from dataclasses import dataclass

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.formats import format_money
from app.core.money import Money
from app.core.settings import settings
from app.rails import registry
from app.rails.access import Mode, Standing, standing
from app.rails.base import Rail
from portals.admin import bp
from portals.web.htmx import page

MODES = {
    Mode.LIVE: (_l("Live"), "green"),
    Mode.SANDBOX: (_l("Sandbox"), "amber"),
    Mode.SIMULATED: (_l("Simulated"), "violet"),
    Mode.OFF: (_l("Off"), "grey"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One rail as the page shows it. `webhook`: the address to give to the provider, "" where it tells us nothing."""

    rail: Rail
    standing: Standing
    webhook: str
    limits: tuple[str, ...]


@bp.get("/rails")
def rails() -> ResponseReturnValue:
    return page("admin/rails/index.html", lines=[_line(rail) for rail in registry.RAILS.values()], modes=MODES)


def _line(rail: Rail) -> Line:
    webhook = "" if rail.exports else f"{settings().base_url}/api/webhooks/{rail.hook or rail.name}"
    said = []
    for currency, limits in sorted(rail.limits.items()):
        least = format_money(Money(limits.least, currency))
        most = format_money(Money(limits.most, currency)) if limits.most is not None else ""
        said.append(_("%(least)s to %(most)s", least=least, most=most) if most else _("from %(least)s", least=least))
    return Line(rail, standing(rail), webhook, tuple(said))
