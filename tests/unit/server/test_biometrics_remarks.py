"""What the doctor says of behaviour: nothing where it is off, and what is missing, old or unsigned where it is on."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.artifacts.signing import sign_artifact
from ostiary.artifacts.statement import ArtifactPredicate
from ostiary.biometrics import kinds
from ostiary.biometrics.book import Agreed
from ostiary.biometrics.training import TrainSettings
from ostiary.biometrics.window import Modality
from ostiary.server.biometrics.remarks import biometrics_remarks
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing import behaviour
from ostiary.testing.fake_clock import FakeClock

KEYS = Modality.KEYSTROKE
YEAR_NS = 366 * 86_400 * 10**9


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(kinds.LOADERS, behaviour.KIND, behaviour.load)
    with opened(tmp_path) as made:
        yield made


def opened(folder: Path, *, enabled: bool = True) -> House:
    settings = load(None, environ={}, options={"biometrics": {"enabled": enabled}}).settings
    return open_house(Places(folder / "data"), settings, FakeClock(), lambda _code, _fault: None)


def said(house: House, later_ns: int = 0) -> list[tuple[bool, str]]:
    return [(bad, text) for bad, text, _ in biometrics_remarks(house, house.clock.now_ns() + later_ns)]


def installed(house: House) -> Path:
    """Put a signed model where the tenant's own lies."""
    trained = behaviour.train(behaviour.people(KEYS, 12), TrainSettings(), lambda _what, _share: None)
    folder = house.places.root / "biometrics" / "default" / KEYS.value
    folder.mkdir(parents=True)
    for name, content in trained.files.items():
        (folder / name).write_bytes(content)
    predicate = ArtifactPredicate(kind=kinds.ARTIFACT_KIND, created_ns=house.clock.now_ns())
    sign_artifact(folder, house.ring.active("default", "models"), predicate)
    return folder


def test_nothing_is_said_where_nobody_is_watched(tmp_path: Path) -> None:
    with opened(tmp_path, enabled=False) as house:
        assert said(house) == []


def test_a_house_without_models_and_agreements_is_told_so(house: House) -> None:
    told = said(house)
    assert (False, "nobody of `default` has agreed to be watched: behaviour says nothing") in told
    assert (False, "`default` has no model of keystroke") in told


def test_a_model_that_was_changed_is_wrong_and_one_that_is_fine_is_not_spoken_of(house: House) -> None:
    house.templates.agree("default", "user:ann", Agreed("t", 1))
    folder = installed(house)
    told = said(house)
    assert not any("keystroke" in text and "features" not in text for _, text in told)
    assert not any("agreed" in text for _, text in told)
    assert any("days old" in text for _, text in said(house, YEAR_NS))
    (folder / "model.json").write_bytes(b"{}")
    assert any(bad and "keystroke" in text for bad, text in said(house))


def test_an_installed_model_judges(house: House) -> None:
    installed(house)
    assert house.biometrics is not None
    model = house.biometrics.models.model("default", KEYS)
    assert model is not None
    assert model.digest.startswith("sha256:")
    assert house.biometrics.models.model("other", KEYS) is not None  # the deployment's, signed by its key
    assert house.biometrics.models.model("default", Modality.SEQUENCE) is None
