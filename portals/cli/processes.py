"""The processes beside the web server: worker, relay, schedule. Any number of each may run, on any host."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import click

from jobs import relay as relaying
from jobs import schedule as scheduling
from jobs import worker as working
from portals.cli.services import around


@click.command()
@click.option("--burst", is_flag=True, help="End when the queues are empty.")
@click.option(
    "--fork", is_flag=True, help="A child process a job: slower, but memory a job leaves behind goes with it."
)
@around
def worker(burst: bool, fork: bool) -> None:
    """Run jobs until stopped; the job at hand is finished first."""
    working.work(burst=burst, fork=fork)


@click.command()
@around
def relay() -> None:
    """Hand what happened to the workers, again and again until it is done."""
    _until_stopped(relaying.run)


@click.command()
@around
def schedule() -> None:
    """Promise what is due by the clock."""
    _until_stopped(scheduling.run)


def _until_stopped(loop: Callable[[threading.Event], None]) -> None:
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    loop(stop)
