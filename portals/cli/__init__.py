"""The `flask` commands. A new one is a module with its command, and one line here."""

from __future__ import annotations

from flask import Flask

from portals.cli import accounts, chaos, house, links, payables, payees, payouts, processes, reports, simulators
from portals.cli.services import around

COMMANDS = (
    processes.worker,
    processes.relay,
    processes.schedule,
    simulators.command,
    chaos.command,
    links.login_link,
    accounts.group,
    house.command,
    reports.doctor,
    reports.demo_group,
    payables.group,
    payees.group,
    payouts.group,
)


def init_app(app: Flask) -> None:
    """Add every command; `flask db …` (Flask-Migrate) finds the services of DATA_DIR as well."""
    for command in COMMANDS:
        app.cli.add_command(command)
    migrations = app.cli.commands["db"]
    for command in getattr(migrations, "commands", {}).values():
        if command.callback is not None and not hasattr(command.callback, "with_services"):
            command.callback = around(command.callback, migrate=False)
