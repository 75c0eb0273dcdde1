from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.rails.simulated import SimulatedRail
from tests.fakes.simulator import Receiver, SimulatorPeer


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def simulator(tmp_path: Path, receiver: Receiver) -> Iterator[SimulatorPeer]:
    peer = SimulatorPeer(tmp_path, receiver.url)
    peer.start()
    yield peer
    peer.kill()


@pytest.fixture
def simulated(simulator: SimulatorPeer) -> SimulatedRail:
    return SimulatedRail(simulator.url)
