"""`flask simulate-rails`: the providers of money out, in their own wire formats, for the demo and for tests."""

from __future__ import annotations

from pathlib import Path

import click

from app.core.errors import Invalid
from app.core.settings import settings
from app.rails.simulated import api_key, webhook_secret
from app.rails.simulator.faults import Faults
from app.rails.simulator.server import serve


@click.command("simulate-rails")
@click.option("--port", default=8900, show_default=True, help="0 takes a free one.")
@click.option("--store", type=click.Path(path_type=Path), default=None, help="File of its books.")
@click.option("--delay", default=0.5, show_default=True, help="Seconds until an instruction settles.")
@click.option("--chance", default=0.0, show_default=True, help="How likely a call or webhook meets a fault, 0 to 1.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same faults.")
def command(port: int, store: Path | None, delay: float, chance: float, seed: int) -> None:
    """Stand for the providers at http://127.0.0.1:PORT/<rail>; set SIMULATOR_URL to that address without the rail."""
    if not settings().sandbox:
        raise Invalid("Simulators are for sandbox mode.")
    if not 0 <= chance <= 1:
        raise Invalid("--chance is between 0 and 1.")
    serve(
        port,
        store or settings().data_dir / "simulator.sqlite3",
        f"{settings().base_url}/api/webhooks/simulated",
        secret=webhook_secret(),
        key=api_key(),
        faults=Faults(delay_s=delay, chance=chance, seed=seed),
        on_ready=lambda url: click.echo(f"simulator ready {url}"),
    )
