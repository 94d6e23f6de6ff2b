"""``ostiary model`` from training to serving, as people type it: each with a key of their own."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save as save_tensors

from ostiary.artifacts.oms import BUNDLE_NAME, KeySigner, sign_model
from ostiary.cli.model.registry import VERBS
from ostiary.cli.verbs.model import command
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.keys.curves import CurveKey
from ostiary.pipeline.registry.provenance import Dependency, make_provenance
from ostiary.server.bootstrap import bootstrap
from ostiary.server.models import DATASET_HISTORY
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.model_scene import BUILDER, DATASET, Cast
from ostiary.vocabulary.clock import SystemClock


class Terminal:
    """Somebody who types; every key is a file."""

    def __init__(self, data: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self.root, self._capsys = data, root, capsys
        self.signer, self.cast = CurveKey.generate("P-256"), Cast()
        for name, key in self.cast.keys.items():
            (root / f"{name}.pem").write_bytes(key.private_pem())
        people = self.cast.text() + "\nsigners:\n- name: training\n  keys:\n  - |\n"
        people += "".join(f"    {line}\n" for line in self.signer.public.pem().decode().splitlines())
        places = Places(data)
        places.people.mkdir(parents=True, exist_ok=True)
        (places.people / "default.yaml").write_text(people)

    def run(self, *words: str, data: bool = True) -> Any:
        more = ["--data", str(self.data)] if data else []
        self._capsys.readouterr()
        command([*words, *more], exit_on_error=False, print_error=False, result_action="return_value")
        return self._capsys.readouterr().out

    def ask(self, *words: str, data: bool = True) -> Any:
        return json.loads(self.run(*words, "--json", data=data))

    def trained(self, value: float) -> tuple[Path, Path]:
        """Return a signed folder and its provenance."""
        folder = self.root / f"fraud-{value}"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(save_tensors({"w": np.full(3, value, np.float32)}))
        made = sign_model(folder, KeySigner(self.signer), name="fraud")
        (folder / BUNDLE_NAME).write_bytes(made.bundle)
        dependency = Dependency("ostiary://payments", {"sha256": DATASET.removeprefix("sha256:")})
        provenance = self.root / f"provenance-{value}.json"
        keys = [self.cast.keys["builder"]]
        provenance.write_bytes(make_provenance("fraud", made.root, BUILDER, "run-9", [dependency], keys))
        return folder, provenance

    def registered(self, value: float) -> dict[str, Any]:
        folder, provenance = self.trained(value)
        words = ("register", str(folder), "--name", "fraud", "--provenance", str(provenance), "--trainer", "user:tess")
        told: dict[str, Any] = self.ask(*words)
        return told

    def papers(self, version: dict[str, Any], *who: str, stage: str = "production", more: str = "") -> list[str]:
        """Have a version validated and approved; return the words that name report and approval."""
        number = str(version["version"])
        report, wanted, approval = (
            self.root / f"{kind}-{number}-{stage}{more}" for kind in ("report", "wanted", "approval")
        )
        (self.root / "metrics.json").write_text('{"auc": 0.93}')
        about = ("--digest", version["digest"], "--statement", version["statement"])
        told = (*about, "--metrics", str(self.root / "metrics.json"), "--out", str(report))
        self.run("report", "fraud", *told, "--key", str(self.root / "val.pem"), data=False)
        extra = [more] if more else []
        wanted.write_text(self.run("wanted", "fraud", number, "--stage", stage, "--report", str(report), *extra))
        first, *others = who or ("alice", "bob")
        key = str(self.root / f"{first}.pem")
        self.run("approve", "--wanted", str(wanted), "--key", key, "--out", str(approval), data=False)
        for other in others:
            key = str(self.root / f"{other}.pem")
            self.run("approve", "--approval", str(approval), "--key", key, "--out", str(approval), data=False)
        return ["--stage", stage, "--report", str(report), "--approval", str(approval)]


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    data = tmp_path / "data"
    settings = load(None, environ={}, options={}).settings
    with open_house(Places(data), settings, SystemClock(), lambda *_: None) as house:
        bootstrap(house)
        history = msgspec.json.encode([{"digest": DATASET}])
        house.store.snapshots.save("default", DATASET_HISTORY, "payments", history, 1)
    found = Terminal(data, tmp_path, capsys)
    found.run("add", "fraud", "--sensitivity", "3", "--owner", "user:tess")
    return found


def refused(act: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(OstiaryError) as told:
        act()
    return told.value.code, told.value.exit_code


def test_from_training_to_serving(terminal: Terminal, tmp_path: Path) -> None:
    one = terminal.registered(1.0)
    assert (one["version"], one["state"], one["run"]) == (1, "registered", "run-9")
    live = terminal.ask("promote", "fraud", "1", *terminal.papers(one))
    assert (live["counter"], live["metrics"]) == (1, {"auc": 0.93})
    two = terminal.registered(2.0)
    assert terminal.ask("promote", "fraud", "2", *terminal.papers(two), "--dry-run")["counter"] == 2
    assert terminal.ask("live", "fraud")["number"] == 1
    terminal.run("promote", "fraud", "2", *terminal.papers(two))
    back = terminal.papers(one, more="--rollback")
    assert terminal.ask("rollback", "fraud", "1", *back)["counter"] == 3
    assert terminal.ask("load", "fraud", "--stage", "production", "--out", str(tmp_path / "out"))["version"] == 1
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["model.safetensors", "model.sig", "release.sig"]
    told = terminal.ask("history", "fraud", "--stage", "production")
    assert [one["action"] for one in told] == ["promote", "promote", "rollback", "load"]
    assert all(one["decision_id"].startswith("adm_") for one in told)
    assert terminal.ask("list") == [{"model": "fraud", "versions": 2, "live": {"production": 1}}]
    assert [one["version"] for one in terminal.ask("show", "fraud")["versions"]] == [1, 2]
    for words in (("list",), ("show", "fraud"), ("history", "fraud"), ("live", "fraud")):
        assert "1" in terminal.run(*words)


def test_exit_codes_say_what_happened(terminal: Terminal) -> None:
    folder, provenance = terminal.trained(1.0)
    words = ["register", str(folder), "--name", "fraud", "--provenance", str(provenance), "--trainer", "user:tess"]
    (folder / "model.safetensors").write_bytes(save_tensors({"w": np.full(3, 66, np.float32)}))
    assert refused(lambda: terminal.run(*words)) == ("artifact_modified", 5)
    assert refused(lambda: terminal.run("live", "fraud")) == ("model_not_live", 3)
    assert refused(lambda: terminal.run("show", "churn")) == ("model_unknown", 3)
    assert refused(lambda: terminal.run("live", "fraud", "--at", "yesterday")) == ("usage", 1)
    (folder / "link").symlink_to("/etc/passwd")
    assert refused(lambda: terminal.run(*words)) == ("artifact_link", 5)
    assert not list((terminal.data / "registry" / "staging" / "default").iterdir())


def test_one_person_with_two_files_is_one_person(terminal: Terminal) -> None:
    one = terminal.registered(1.0)
    papers = terminal.papers(one, "alice", "alice")
    assert refused(lambda: terminal.run("promote", "fraud", "1", *papers)) == ("approval_too_few", 3)
    assert terminal.ask("history", "fraud")[-1]["code"] == "approval_too_few"


def test_the_trainer_does_not_approve(terminal: Terminal) -> None:
    one = terminal.registered(1.0)
    papers = terminal.papers(one, "alice", "bob", "tess")
    assert refused(lambda: terminal.run("promote", "fraud", "1", *papers)) == ("approval_own_work", 3)


def test_shutting_out_and_letting_in_again(terminal: Terminal, tmp_path: Path) -> None:
    one = terminal.registered(1.0)
    terminal.run("promote", "fraud", "1", *terminal.papers(one))
    terminal.run("quarantine", "fraud", "1", "--why", "a backdoor")
    out = ("--stage", "production", "--out", str(tmp_path / "out"))
    assert refused(lambda: terminal.run("load", "fraud", *out)) == ("model_quarantined", 3)
    assert refused(lambda: terminal.run("live", "fraud")) == ("model_not_live", 3)
    wanted, approval = tmp_path / "wanted", tmp_path / "approval"
    wanted.write_text(terminal.run("wanted", "fraud", "1", "--release"))
    for given, who in (("--wanted", "alice"), ("--approval", "carol")):
        source = wanted if given == "--wanted" else approval
        key = str(tmp_path / f"{who}.pem")
        terminal.run("approve", given, str(source), "--key", key, "--out", str(approval), data=False)
    terminal.run("release", "fraud", "1", "--approval", str(approval))
    terminal.run("load", "fraud", *out, "--dry-run")
    promoted = next(one["approval"] for one in terminal.ask("history", "fraud") if one["action"] == "promote")
    terminal.run("revoke", "fraud", promoted, "--why", "bob was phished")
    assert refused(lambda: terminal.run("load", "fraud", *out)) == ("approval_revoked", 3)
    terminal.run("withdraw", "fraud", "--stage", "production", "--why", "incident")
    terminal.run("retire", "fraud", "1")
    assert refused(lambda: terminal.run("load", "fraud", *out)) == ("model_not_live", 3)
    assert not (tmp_path / "out").exists()


def test_what_is_signed_is_shown_first(terminal: Terminal, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    one = terminal.registered(1.0)
    terminal.papers(one)
    approval = tmp_path / "approval-1-production"
    words = ["approve", "--approval", str(approval), "--key", str(tmp_path / "carol.pem"), "--out", str(tmp_path / "x")]
    command(words, exit_on_error=False, print_error=False, result_action="return_value")
    shown = capsys.readouterr().err
    assert "promote fraud version 1 in production of default" in shown
    assert one["digest"].removeprefix("sha256:")[:8] in shown


def test_a_date_is_the_end_of_its_day(terminal: Terminal) -> None:
    one = terminal.registered(1.0)
    terminal.run("promote", "fraud", "1", *terminal.papers(one))
    assert refused(lambda: terminal.run("live", "fraud", "--at", "2020-01-01"))[0] == "model_not_live"
    assert terminal.ask("live", "fraud", "--at", datetime.now(UTC).date().isoformat())["loadable"] is True  # noqa: TID251


def test_the_release_key_is_told(terminal: Terminal) -> None:
    told = terminal.ask("release-key")
    assert told["pem"].startswith("-----BEGIN PUBLIC KEY-----")
    assert terminal.run("release-key").strip() == told["pem"].strip()


def test_a_tenant_that_is_not_there_has_no_models(terminal: Terminal) -> None:
    assert refused(lambda: terminal.run("list", "--tenant", "beta")) == ("tenant_unknown", 3)


@pytest.mark.parametrize("words", [("approve", "--key", "k", "--out", "o"), ("wanted", "fraud", "7", "--stage", "x")])
def test_odd_words(terminal: Terminal, words: tuple[str, ...]) -> None:
    with pytest.raises((FaultyInputError, OstiaryError)):
        terminal.run(*words, data=words[0] == "wanted")


def test_every_sub_verb_can_be_imported() -> None:
    for name, (path, words) in VERBS.items():
        assert command[name].default_command is not None, path
        assert words.endswith(".")
