"""`python -m app.rails.simulator --port P --store FILE --webhook URL`; secrets come from the same settings as ours."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.rails.simulated import api_key, webhook_secret
from app.rails.simulator.faults import Faults
from app.rails.simulator.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.rails.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--store", type=Path, required=True, help="file of the simulator's own books")
    parser.add_argument("--webhook", default="", help="where events are told, e.g. http://…/api/webhooks/simulated")
    parser.add_argument("--delay", type=float, default=0.5, help="seconds until an instruction settles")
    given = parser.parse_args()

    def ready(url: str) -> None:
        sys.stdout.write(f"simulator ready {url}\n")
        sys.stdout.flush()

    serve(
        given.port,
        given.store,
        given.webhook,
        secret=webhook_secret(),
        key=api_key(),
        host=given.host,
        faults=Faults(delay_s=given.delay),
        on_ready=ready,
    )


if __name__ == "__main__":
    main()
