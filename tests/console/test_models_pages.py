"""The pages of models: what is live and was, by whose signature; deeds that tighten, with a reason; own models."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.stories.test_model_door import opened

from ostiary.errors import OstiaryError
from ostiary.pipeline.registry.model import Actor, Event
from ostiary.server import own_rooms
from ostiary.server.model_cards.figures import Figures, keep_figures
from ostiary.server.model_cards.measuring import curves_of
from ostiary.server.model_cards.own import own_model
from ostiary.testing.console import FakeBrowser
from ostiary.testing.model_scene import NAME, STAGE, ModelScene

People = Callable[..., FakeBrowser]
PATH = f"/models/{NAME}"


@pytest.fixture(scope="module")
def start_server(start_server: Callable[..., Any]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_rooms, "open_models", opened)
        yield start_server


@pytest.fixture(scope="module")
def scene(server: Any, tmp_path_factory: pytest.TempPathFactory) -> ModelScene:
    house = server.house
    made = ModelScene(house.log, house.store.models, house.clock, tmp_path_factory.mktemp("scene"))
    house.places.people.mkdir(parents=True, exist_ok=True)
    (house.places.people / "default.yaml").write_text(made.cast.text())
    made.promote(made.register(b"one"))
    made.promote(made.register(b"two"))
    return made


def test_what_there_is(people: People, scene: ModelScene) -> None:
    page = people("owner").get("/models")
    assert page.status_code == 200
    assert f'href="{PATH}"' in page.text
    assert f"{STAGE}: version 2" in page.text
    assert "biometrics-pointer" in page.text
    assert f"/api/v1/tenants/default{PATH[:7]}" in page.text


def test_papers_of_a_version(people: People, scene: ModelScene) -> None:
    page = people("auditor").get(f"{PATH}?version=1")
    assert page.status_code == 200
    for text in (
        "Signature of version 1",
        "user:alice",
        "signed by its builder",
        "service:val",
        "ostiary model rollback",
    ):
        assert text in page.text, text
    assert people("auditor").get(f"{PATH}?version=9").status_code == 404
    for wrong in ("version=x", "at=yesterday", "below=-1", "only=mine", "at=99999-01-01"):
        assert people("auditor").get(f"{PATH}?{wrong}").status_code == 400, wrong


def test_what_was_live_on_a_date(server: Any, people: People, scene: ModelScene) -> None:
    now = people("owner").get(f"{PATH}?at=2030-01-01T00:00")
    assert "version 2</a>" in now.text
    before = people("owner").get(f"{PATH}?at=2001-01-01")
    assert "nothing was live" in before.text


def test_refused_loads_say_exactly_why(server: Any, people: People, scene: ModelScene) -> None:
    with pytest.raises(OstiaryError):
        server.house.models.loader.load("default", NAME, "canary", Actor("service:dora", (), "dec_nobody"))
    page = people("analyst").get("/models").text
    assert "Nothing is live in this stage." in page
    assert "model_not_live" in page
    assert 'href="/decisions/dec_nobody"' in page


def test_hostile_names_stay_text(server: Any, people: People, scene: ModelScene) -> None:
    names = ("<script>alert(1)</script>", "{{7*7}}", "javascript:alert(1)", "a\u202eb", "../x")
    for name in names:
        event = Event(1, "load.refused", name, stage="<img src=x>", code="<b>code</b>", decision_id='"><script>')
        server.house.models.journal.note("default", event)
    page = people("owner").get("/models").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<b>code" not in page
    assert "\u202e" not in page
    assert ">49<" not in page


def test_a_deed_needs_a_reason_and_a_role(server: Any, people: People, scene: ModelScene) -> None:
    owner = people("owner")
    assert owner.deed(f"{PATH}/quarantine", {"version": "1"}).json()["code"] == "reason_missing"
    assert people("analyst").deed(f"{PATH}/quarantine", {"version": "1", "reason": "x"}).status_code == 403
    assert owner.deed(f"{PATH}/quarantine", {"version": "99", "reason": "x"}).status_code == 404
    assert owner.deed(f"{PATH}/quarantine", {"version": "-1", "reason": "x"}).status_code == 400
    assert owner.deed("/models/unheard-of/withdraw", {"stage": STAGE, "reason": "x"}).status_code == 404
    done = owner.deed(f"{PATH}/quarantine", {"version": "1", "reason": "a backdoor"})
    assert done.json() == {"go": PATH}
    assert "a backdoor" in owner.get(f"{PATH}?only=all").text
    assert owner.deed(f"{PATH}/revoke", {"approval": "sha256:x", "reason": "y"}).status_code == 400
    assert owner.deed(f"{PATH}/withdraw", {"stage": STAGE, "reason": "incident 7"}).json() == {"go": PATH}
    assert "nothing is live" in owner.get(PATH).text


def test_another_tenants_model_is_unknown(people: People, scene: ModelScene) -> None:
    theirs = people("owner", "acme")
    assert theirs.get(PATH).status_code == 404
    assert theirs.deed(f"{PATH}/retire", {"version": "2", "reason": "x"}).status_code == 404
    assert NAME not in theirs.get("/models").text


def test_own_models_show_what_is_stored_and_nothing_else(server: Any, people: People) -> None:
    page = people("developer").get("/models/own/biometrics-pointer").text
    assert "verified just now" in page
    assert "No figures are kept of this model" in page
    assert "ostiary biometrics evaluate --modality pointer --data DIR --model MODEL --keep" in page
    assert "Pointer dynamics" in page
    assert "data:image/png;base64," in page
    digest = own_model(server.house, "default", "biometrics-pointer").model.digest
    curves = curves_of("few windows", [0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], matches=True)
    keep_figures(server.house.reports, "default", Figures(digest, "made-up <b>data</b>", (curves,)), 1)
    page = people("developer").get("/models/own/biometrics-pointer").text
    assert 'data-chart="det"' in page
    assert 'data-chart="threshold"' in page
    assert "<b>data" not in page
    assert people("developer").get("/models/own/biometrics-none").status_code == 404
    assert people("owner", "acme").get("/models/own/biometrics-pointer").text.count("No figures are kept") == 1


def test_figures_that_were_tampered_with_are_not_shown(server: Any, people: People) -> None:
    digest = own_model(server.house, "default", "biometrics-pointer").model.digest
    kept = keep_figures(server.house.reports, "default", Figures(digest, "x", ()), 2)
    body = msgspec.structs.replace(kept, body=kept.body.replace(b'"x"', b'"y"'))
    server.house.store.snapshots.save("default", "report", kept.digest, msgspec.msgpack.encode(body), 3)
    answer = people("owner").get("/models/own/biometrics-pointer")
    assert answer.status_code == 409
    assert "report_tampered" in answer.text


def test_a_model_that_is_not_there_says_how_to_make_one(people: People) -> None:
    page = people("developer").get("/models/own/session-risk").text
    assert "ostiary risk train --events FILE" in page
