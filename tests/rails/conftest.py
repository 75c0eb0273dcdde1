from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.rails.simulated import SimulatedRail
from tests.fakes.simulator import Receiver, SimulatorPeer


@pytest.fixture(autouse=True, scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The simulator process and we derive the same secrets, without a data folder in the checkout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_KEY", "test-secret-of-the-rails")
        patch.setenv("DATA_DIR", str(tmp_path_factory.mktemp("rails-data")))
        from app.core.settings import settings

        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture
def receiver(secrets: None) -> Iterator[Receiver]:
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
