"""The ML engineer's pages in a real Chromium: no barrier, nothing sideways, no complaint; a slider by keyboard."""

import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from tests.browser.console_scene import Looked, looking
from tests.console.test_data_pages import CATALOGUE, SPEC
from tests.stories.test_model_door import opened

from ostiary.pipeline.features.spec import read_spec
from ostiary.pipeline.registered import Registered
from ostiary.server import own_rooms
from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.model_cards.figures import Band, Figures, keep_figures
from ostiary.server.model_cards.measuring import curves_of
from ostiary.server.model_cards.own import own_model
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser
from ostiary.testing.model_scene import NAME, ModelScene
from ostiary.testing.pipeline_records import PipelineHistory

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
OWN = "/models/own/biometrics-pointer"
PATHS = (
    "/models",
    f"/models/{NAME}?at=2030-01-01T00:00",
    OWN,
    "/pipelines",
    "/sandboxes/run_1",
    f"/pipelines/lineage?model={NAME}",
    "/data",
    "/data/datasets/sales",
    "/data/features/customers?column=email&stage=train",
)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with socket.socket() as probe, pytest.MonkeyPatch.context() as patch:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        patch.setattr(own_rooms, "open_models", opened)
        served = start_server(guardrails=None, on_port=port, server={"public_url": f"http://localhost:{port}"})
        served.house.warm_up(lambda reason, fault: None)
        furnish(
            served.house,
            ModelScene(
                served.house.log, served.house.store.models, served.house.clock, tmp_path_factory.mktemp("scene")
            ),
        )
        yield served


def furnish(house: Any, scene: ModelScene) -> None:
    """Put in a model with its run, data with its readers, and figures of a model."""
    house.places.people.mkdir(parents=True, exist_ok=True)
    (house.places.people / "default.yaml").write_text(scene.cast.text())
    version = scene.register(b"one")
    scene.promote(version)
    now = house.clock.now_ns()
    endpoint = Registered(type="endpoint", id="score", spec={"model": version.digest})
    features = Registered(
        type="feature_set", id="customers", sensitivity=1, attributes=read_spec(SPEC).attributes(), spec=SPEC
    )
    dataset = Registered(type="dataset", id="sales", sensitivity=3, spec={"store": "memory:///lake"})
    for one in (endpoint, features, dataset):
        house.registry.put("default", one, now)
    house.places.catalogue("default").parent.mkdir(parents=True, exist_ok=True)
    house.places.catalogue("default").write_text(CATALOGUE)
    history = PipelineHistory(house.log, house.clock)
    history.token()
    history.run("run_1")
    history.read("sales")
    history.feature("customers")
    luck = random.Random(1)  # noqa: S311 - pictures, no secret
    scores = [luck.gauss(0, 1) for _ in range(400)] + [luck.gauss(2.5, 1) for _ in range(100)]
    bands = (Band(0.1, 0.12, 0.08, 0.2, 300), Band(0.8, 0.84, 0.7, 0.9, 90))
    told = curves_of("windows", scores, [0] * 400 + [1] * 100, days=30.0, bands=bands, matches=True)
    digest = own_model(house, "default", "biometrics-pointer").model.digest
    keep_figures(house.reports, "default", Figures(digest, "made-up scores", (told,)), now)


@pytest.fixture(scope="module")
def signed_in(server: Any) -> Iterator[FakeBrowser]:
    enter(server.house, "default", "user:mel", ["owner"], COMMAND_LINE)
    person = FakeBrowser(server.url, page_base(server.house.settings), "mel")
    person.enrol(invite(server.house, "default", "user:mel", COMMAND_LINE).url)
    person.sign_in().raise_for_status()
    yield person
    person.client.close()


@pytest.fixture
def look(browser: Browser, server: Any, signed_in: FakeBrowser) -> Iterator[Callable[..., Looked]]:
    """Opens a real browser with the same sign-in."""
    with looking(browser, server, signed_in) as begin:
        yield begin


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 1360), ("light", 390)])
def test_nobody_is_kept_out(look: Callable[..., Looked], scheme: str, width: int) -> None:
    looked = look(scheme, width)
    for path in PATHS:
        looked.go(path)
        assert Axe().run(looked.page, options=RULES).response["violations"] == [], path
        assert looked.page.evaluate("() => document.documentElement.scrollWidth") == width, path
    assert looked.complaints == []


def test_the_slider_moves_by_keyboard_and_asks_nothing(look: Callable[..., Looked]) -> None:
    looked = look()
    looked.go(OWN)
    page = looked.page
    said = {name: page.locator(f'[data-says="{name}"]') for name in ("a_day", "caught", "false")}
    slider, before = page.get_by_label("Threshold, strict to loose"), len(looked.asked)
    slider.focus()
    page.keyboard.press("Home")
    strict = float(said["a_day"].inner_text())
    page.keyboard.press("End")
    assert float(said["a_day"].inner_text()) > strict
    assert said["caught"].inner_text() == "100 %"
    page.get_by_label("Alert budget, a day").fill("2")
    assert strict <= float(said["a_day"].inner_text()) <= 2
    assert "alerts a day" in (slider.get_attribute("aria-valuetext") or "")
    page.get_by_label("Alert budget, a day").fill("0.0001")
    assert "Even the strictest" in page.locator('[data-says="budget"]').inner_text()
    assert len(looked.asked) == before, "no round trip"
    assert looked.complaints == []


def test_a_version_is_quarantined_by_hand_with_a_reason(server: Any, look: Callable[..., Looked]) -> None:
    looked = look()
    looked.go(f"/models/{NAME}")
    page = looked.page
    page.get_by_role("button", name="Quarantine version 1").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("a backdoor")
    page.get_by_role("dialog").get_by_role("button", name="Quarantine").click()
    page.get_by_text("it is not loaded any more").first.wait_for()
    found = server.house.models.journal.version("default", NAME, 1)
    assert (found.state.value, found.why) == ("quarantined", "a backdoor")
    assert looked.complaints == []
