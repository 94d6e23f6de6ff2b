"""``ostiary sigma``: rules over decisions and imported events; hits are detections, once."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import InProcess

from ostiary.cli.verbs.sigma import check, run
from ostiary.errors import FaultyInputError
from ostiary.server.analyst.detections import DetectionFilter, detections_of
from ostiary.server.analyst.finding import detection_of
from ostiary.signals import eventfile
from ostiary.vocabulary.events import AccessEvent, ActionClass

FAR = timedelta(days=40_000)


@pytest.fixture(scope="module")
def server(start_server: Callable[..., InProcess]) -> InProcess:
    found = start_server()
    for action in ("read", "terminate", "terminate"):
        found.ask(action)
    clone = AccessEvent(
        "gh-1", "default", 1_714_550_400 * 10**9, "ann", "git.clone", "repository", "acme/engine",
        action_class=ActionClass.EXPORT, auth_method="Fine-grained personal access token", labels=("private",),
        source="github",
    )  # fmt: skip
    path = found.house.places.history("default")
    path.parent.mkdir(parents=True, exist_ok=True)
    eventfile.write(path, [clone])
    return found


def hits(server: InProcess, capsys: pytest.CaptureFixture[str], *files: Path, **more: Any) -> dict[str, Any]:
    run(*files, since=FAR, data=server.house.places.root, json=True, **more)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_hits_become_detections_once(server: InProcess, capsys: pytest.CaptureFixture[str]) -> None:
    dry = hits(server, capsys, dry_run=True)
    assert dry["run"]["recorded"] == 0
    first = hits(server, capsys)
    assert {hit["title"] for hit in first["hits"]} == {
        "A session was ended by policy",
        "A private repository was cloned with a personal token",
    }
    assert first["run"]["recorded"] == len(first["hits"]) == 3
    assert hits(server, capsys)["run"]["recorded"] == 0
    house = server.house
    found = detections_of(house, "default", DetectionFilter(kind="sigma", days=40_000))
    assert len(found) == 3
    ended = next(one for one in found if one.decision)
    assert (ended.tags, ended.state, "level.high" in ended.rules) == (("T1539",), "open", True)
    assert detection_of(house, "default", ended.id).row == ended
    assert detections_of(house, "default", DetectionFilter(tag="T1213", kind="sigma", days=40_000))
    records = house.log.iterate("default", "sigma")
    assert {one.record_id for one in records} == {one.id for one in found}


def test_what_is_older_is_left_out(server: InProcess, capsys: pytest.CaptureFixture[str]) -> None:
    run(since=timedelta(hours=1), dry_run=True, data=server.house.places.root, json=True)
    assert {hit["store"] for hit in json.loads(capsys.readouterr().out)["hits"]} == {"decisions"}


def test_a_rule_that_cannot_run_stops_the_run(server: InProcess, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("title: x\n")
    with pytest.raises(FaultyInputError):
        run(bad, data=server.house.places.root)


def test_check_says_every_fault_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check()
    assert capsys.readouterr().out == "10 rules can run, 0 cannot\n"
    (tmp_path / "bad.yml").write_text("title: x\nevil: 1\n")
    with pytest.raises(FaultyInputError) as no:
        check(tmp_path)
    assert no.value.code == "sigma_unsupported"
    assert "bad.yml:2: `evil` is not supported" in capsys.readouterr().out


def test_a_loud_rule_is_cut_off_and_said_to_be_loud(
    server: InProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.server.sigma.MAX_HITS", 1)
    loud = tmp_path / "loud.yml"
    loud.write_text(
        "title: everything\nid: 5f0e8f0c-7f0f-4b3e-9d5e-3f5d6b7a8c90\nlevel: low\n"
        "logsource: {product: ostiary, service: decision}\ndetection: {s: {pep: '*'}, condition: s}\n"
    )
    told = hits(server, capsys, loud, dry_run=True)
    assert (len(told["hits"]), len(told["run"]["too_loud"])) == (1, 1)
