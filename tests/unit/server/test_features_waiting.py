from pathlib import Path

from ostiary.pipeline.registered import Registered
from ostiary.server.features import READY, waiting
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.fake_clock import FakeClock


def test_processes_wait_only_where_there_is_something_to_query(tmp_path: Path) -> None:
    with open_house(Places(tmp_path / "data"), load(None, environ={}).settings, FakeClock(), lambda *_: None) as house:
        house.tenants.create("acme")
        assert waiting(house) == 0
        house.registry.put("acme", Registered(type="feature_set", id="risk"), 1)
        assert waiting(house) == READY
