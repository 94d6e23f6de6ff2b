"""A training run from its decision to its provenance: what refuses it, what is on record, and what leaves."""

import base64
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.artifacts.dsse import unseal
from ostiary.cli.verbs.train import command
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError, VerificationError
from ostiary.keys import VerifyingKey
from ostiary.pipeline.training.course import Course, Wanted
from ostiary.pipeline.training.egress import parse_target
from ostiary.pipeline.training.environment import Environment, system
from ostiary.pipeline.training.ports import DatasetRef
from ostiary.pipeline.training.staging import code_of
from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.training.authority import HouseAuthority
from ostiary.server.training.runs import PURPOSE, HouseLog, open_course, run_of, runs_of
from ostiary.server.wiring import open_house
from ostiary.testing.sandboxes import Trial
from ostiary.testing.workloads import FakeGithub
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.entities import Subject
from ostiary.vocabulary.verdicts import DecisionRecord

CATALOGUE = """
resources:
  - {type: training, id: churn, sensitivity: 2}
  - {type: dataset, id: sales, sensitivity: 2}
  - {type: dataset, id: payroll, sensitivity: 4}
  - {type: dataset, id: unsigned, sensitivity: 2}
subjects:
  - {type: user, id: mia, groups: [ml-engineers]}
  - {type: user, id: bob, groups: [developers]}
  - {type: ci_job, id: "github:owner:9919:repository:42"}
actions: [train.run, dataset.read]
"""
SMALL = {"memory_mib": 512, "processes": 64, "wall_s": 60, "tmp_mib": 8, "shared_mib": 4, "outputs_mib": 4}
SETTINGS = {"training": SMALL}
MIA = Subject("user", "mia")
GITHUB = FakeGithub()
QUICK = msgspec.structs.replace(system(), image=f"sha256:{'12' * 32}")
TRAIN = ("python3", "-c", "open('/outputs/model.txt', 'w').write(open('/data/sales/a/rows.csv').read().upper())")


@pytest.fixture(scope="module", autouse=True)
def _bubblewrap():
    tried = Trial().run("print('hello')") if Path("/usr/bin/bwrap").exists() else None
    if tried is None or tried.refused == "training_sandbox_died":
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)


class Datasets:
    """Datasets of two producers, in memory."""

    def __init__(self):
        self.digest = f"sha256:{'ab' * 32}"
        self.rows = {"a/rows.csv": b"one,two\n"}
        self.staged = 0

    def verified(self, tenant, dataset):
        if dataset == "unsigned":
            raise VerificationError("manifest_untrusted", "no producer of this dataset signed the manifest")
        if tenant != "default" or dataset not in {"sales", "payroll"}:
            raise RefusedError("dataset_unknown", "there is no such dataset")
        return DatasetRef(dataset, self.digest, "ingest")

    def stage(self, tenant, dataset, folder):
        if self.digest != dataset.digest:
            raise RefusedError("training_dataset_changed", "the dataset is another by now")
        self.staged += 1
        for name, data in self.rows.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


@pytest.fixture(scope="module")
def house(tmp_path_factory, repo):
    root = tmp_path_factory.mktemp("training") / "data"
    shutil.copytree(repo / "policies", root / "bundles" / "default")
    for test in (root / "bundles").rglob("*_test.rego"):
        test.unlink()
    data = root / "bundles" / "default" / "pipeline" / "data.yaml"
    listed = '  registries: [{host: "registry.example", port: 443}]\n  logging: [{host: "logs.example", port: 8443}]\n'
    data.write_text(data.read_text().replace("  registries: []\n  logging: []\n", listed))
    (root / "catalogue").mkdir()
    (root / "catalogue" / "default.yaml").write_text(CATALOGUE)
    root.chmod(0o700)
    (root / "github.json").write_text(GITHUB.jwks().inline)
    believed = {"kind": "github", "audience": "ostiary", "single_use": True, "rules": [{"name": "ours", **GITHUB.rule}]}
    identity = {"workloads": [{**believed, "jwks_path": str(root / "github.json")}]}
    settings = load(None, environ={}, options={**SETTINGS, "identity": identity}).settings
    with open_house(Places(root), settings, SystemClock(), lambda *_told: None) as found:
        bootstrap(found)
        yield found


class Door:
    def __init__(self):
        self.taken = []

    def deliver(self, tenant, delivery):
        self.taken.append((tenant, delivery, (delivery.folder / delivery.files[0].name).read_bytes()))
        return "kept"


class Scene:
    def __init__(self, house):
        self.house, self.datasets, self.door, self.faults = house, Datasets(), Door(), []

    def course(self, subject=MIA, tenant="default", token="") -> Course:
        authority = HouseAuthority(self.house, tenant, subject, token)
        faults = self.faults
        return open_course(
            self.house,
            tenant,
            authority,
            datasets=self.datasets,
            door=self.door,
            on_fault=lambda *told: faults.append(told),
        )

    def run(self, *command: str, subject=MIA, token="", **how):
        given = {"pipeline": "churn", "datasets": ("sales",), "environment": QUICK, **how}
        return self.course(subject, token=token).run(Wanted(command=command or TRAIN, **given))

    def last(self):
        return runs_of(self.house, "default")[-1]


@pytest.fixture
def scene(house, monkeypatch):
    monkeypatch.setattr(
        Environment, "digest", lambda _self: f"sha256:{'ef' * 32}"
    )  # listing all of /usr takes a second
    return Scene(house)


def test_a_run_is_decided_recorded_and_its_outputs_leave_by_the_door(scene):
    done = scene.run()
    record = done.record
    assert (record.phase, record.status, record.egress) == ("ended", 0, ("logs.example:8443", "registry.example:443"))
    assert record.probes >= 70
    assert [one.name for one in record.outputs] == ["model.txt"]
    tenant, delivery, data = scene.door.taken[0]
    assert (tenant, delivery.run_id, data) == ("default", record.run, b"ONE,TWO\n")
    assert delivery.digest == record.outputs_digest
    told = run_of(scene.house, "default", record.run)
    assert (told["phase"], told["datasets"][0]["producer"], told["outputs"][0]["sha256"]) == (
        "ended", "ingest", record.outputs[0].sha256,
    )  # fmt: skip
    phases = [json.loads(one.payload)["phase"] for one in scene.house.log.iterate("default", "training")][-2:]
    assert phases == ["began", "ended"]
    assert scene.faults == []


def test_provenance_says_what_went_in_and_what_came_out_under_our_key(scene):
    done = scene.run()
    keys = scene.house.ring.all_public("default", PURPOSE)
    statement = json.loads(unseal(done.provenance, keys, threshold=1, max_signatures=1))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"][0] == {"name": "model.txt", "digest": {"sha256": done.record.outputs[0].sha256}}
    definition, details = (statement["predicate"][name] for name in ("buildDefinition", "runDetails"))
    assert {"name": "sales", "uri": "ostiary://sales", "digest": {"sha256": "ab" * 32},
            "annotations": {"producer": "ingest"}} in definition["resolvedDependencies"]  # fmt: skip
    environment = {"name": "environment:system", "digest": {"sha256": "ef" * 32}}
    told = {"annotations": {"toldImage": f"sha256:{'12' * 32}"}}  # said, and named as said
    assert {**environment, **told} in definition["resolvedDependencies"]
    assert details["builder"]["id"]
    log = (done.folder / "egress.jsonl").read_bytes()
    assert details["byproducts"][0]["digest"]["sha256"] == done.record.egress_log.removeprefix("sha256:")
    assert log == b""
    forged = json.loads(done.provenance)
    forged["payload"] = base64.b64encode(json.dumps({**statement, "subject": []}).encode()).decode()
    with pytest.raises(VerificationError):
        unseal(json.dumps(forged).encode(), keys, threshold=1, max_signatures=1)


@pytest.mark.parametrize(
    ("how", "code", "reason"),
    [
        ({"subject": Subject("user", "bob")}, "training_denied", ""),
        ({"subject": Subject("user", "stranger")}, "training_denied", ""),
        ({"pipeline": "unknown"}, "training_denied", "rule:unknown-resource"),
        ({"datasets": ("unsigned",)}, "manifest_untrusted", ""),
        ({"datasets": ("of-another-tenant",)}, "dataset_unknown", ""),
        ({"datasets": ("sales", "payroll")}, "training_denied", ""),  # may train, and may not read that
        ({"egress": (parse_target("evil.example:443"),)}, "training_denied", "rule:training-egress"),
        ({"egress": (parse_target("registry.example:444"),)}, "training_denied", "rule:training-egress"),
    ],
)  # fmt: skip
def test_what_may_not_be_does_not_run_and_is_on_record(scene, how, code, reason):
    with pytest.raises(RefusedError) as no:
        scene.run("python3", "-c", "open('/outputs/x', 'w')", **how)
    assert no.value.code == code
    assert not reason or reason in no.value.reasons
    told = scene.last()
    assert (told["phase"], told["code"]) == ("refused", code)
    assert scene.door.taken == []
    assert scene.datasets.staged == 0


def test_a_ci_job_proves_itself_once_for_all_that_its_run_asks(scene):
    token = GITHUB.token(scene.house.clock.now_ns())
    done = scene.run(subject=None, token=token)
    stored = list(scene.house.log.iterate("default", "decision"))[-2:]
    decided = [msgspec.json.decode(one.payload, type=DecisionRecord) for one in stored]
    inputs = [json.loads(bytes(one.input)) for one in decided]
    assert [one["action"]["name"] for one in inputs] == ["train.run", "dataset.read"]
    assert decided[0].receipt.decision_id == done.record.decision_id
    assert {one["subject"]["identity"]["assurance"] for one in inputs} == {"token"}
    assert {one["subject"]["id"] for one in inputs} == {"github:owner:9919:repository:42"}
    with pytest.raises(RefusedError) as again:  # a token that is good once is not good for a second run
        scene.run(subject=None, token=token)
    assert again.value.code != "training_denied"


@pytest.mark.parametrize(
    ("subject", "token"),
    [
        (None, ""),
        (Subject("ci_job", "github:owner:9919:repository:42"), ""),  # told, not proven
        (Subject("user", "mia"), "a token of somebody else"),
        (None, "nonsense"),
    ],
)
def test_who_does_not_prove_himself_does_not_train(scene, subject, token):
    told = GITHUB.token(scene.house.clock.now_ns()) if token.startswith("a token") else token
    with pytest.raises((RefusedError, FaultyInputError)):
        scene.run(subject=subject, token=told)
    assert scene.door.taken == []


def test_egress_is_narrowed_by_whoever_asks(scene):
    assert scene.run(egress=(parse_target("logs.example:8443"),)).record.egress == ("logs.example:8443",)
    assert scene.run(egress=()).record.egress == ()


def test_policy_that_says_nothing_of_egress_lets_nothing_start(scene, monkeypatch):
    real = HouseAuthority.ask
    monkeypatch.setattr(HouseAuthority, "ask", lambda *told: msgspec.structs.replace(real(*told), obligations=()))
    with pytest.raises(RefusedError) as no:
        scene.run()
    assert no.value.code == "training_egress_untold"


def test_a_condition_that_no_run_carries_out_lets_nothing_start(scene, monkeypatch):
    real = HouseAuthority.ask
    odd: tuple[str, dict[str, Any]] = ("stand_on_one_leg", {})
    monkeypatch.setattr(
        HouseAuthority,
        "ask",
        lambda *told: msgspec.structs.replace(granted := real(*told), obligations=(*granted.obligations, odd)),
    )
    with pytest.raises(RefusedError) as no:
        scene.run()
    assert no.value.code == "obligation_not_understood"


def test_a_dataset_that_changes_after_the_decision_refuses_the_run(scene, monkeypatch):
    real = HouseAuthority.ask

    def ask(self, tenant, question):
        granted = real(self, tenant, question)
        scene.datasets.digest = f"sha256:{'cd' * 32}"
        return granted

    monkeypatch.setattr(HouseAuthority, "ask", ask)
    with pytest.raises(RefusedError) as no:
        scene.run()
    assert no.value.code == "training_dataset_changed"
    assert scene.last()["code"] == "training_dataset_changed"


def test_data_that_changes_while_it_runs_does_not_change_for_the_run(scene):
    scene.run()
    scene.datasets.rows = {"a/rows.csv": b"poisoned\n"}
    assert scene.door.taken[0][2] == b"ONE,TWO\n"


def test_nothing_runs_that_cannot_be_recorded(scene, monkeypatch):
    ran = Path(scene.house.places.root / "training" / "default")
    before = set(ran.iterdir()) if ran.exists() else set()

    def write(_self, _tenant, _record_id, document):
        if document["phase"] == "began":
            raise UnavailableError("record_failed", "the disk is full")

    monkeypatch.setattr(HouseLog, "write", write)
    with pytest.raises(UnavailableError):
        scene.run()
    assert set(ran.iterdir() if ran.exists() else ()) == before
    assert scene.door.taken == []


def test_outputs_that_cannot_be_recorded_are_not_delivered(scene, monkeypatch):
    real = HouseLog.write

    def write(self, tenant, record_id, document):
        if document["phase"] == "ended":
            raise UnavailableError("record_failed", "the disk is full")
        real(self, tenant, record_id, document)

    monkeypatch.setattr(HouseLog, "write", write)
    with pytest.raises(UnavailableError):
        scene.run()
    assert scene.door.taken == []


def test_a_run_that_fails_delivers_nothing(scene):
    done = scene.run("python3", "-c", "open('/outputs/x', 'w'); raise SystemExit(3)")
    assert done.record.status == 3
    assert scene.door.taken == []


def test_outputs_that_are_links_refuse_the_run(scene):
    with pytest.raises(RefusedError) as no:
        scene.run("ln", "-s", "/etc/passwd", "/outputs/model.txt")
    assert no.value.code == "training_output_refused"
    assert scene.last()["code"] == "training_output_refused"
    assert scene.door.taken == []


def test_what_a_run_calls_is_on_record(scene):
    script = (
        "import socket\n"
        "for target in ('evil.example:443', '127.0.0.1:22'):\n"
        "    s = socket.create_connection(('127.0.0.1', 3128))\n"
        "    s.sendall(f'CONNECT {target} HTTP/1.1\\r\\n\\r\\n'.encode()); s.recv(100); s.close()\n"
    )
    done = scene.run("python3", "-c", script)
    assert sorted(one.verdict for one in done.record.connections) == ["egress_ip_literal", "egress_not_granted"]
    told = run_of(scene.house, "default", done.record.run)
    assert {one["host"] for one in told["connections"]} == {"evil.example", ""}


def _repository(folder: Path) -> str:
    (folder / "train.py").write_text("print('hello from a commit')")
    (folder / "run.sh").write_text("exit 0")

    def git(*words: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        return subprocess.run(
            ["git", *who, "-C", str(folder), *words], capture_output=True, text=True, check=True
        ).stdout

    (folder / "link").symlink_to("/etc/passwd")
    (folder / ".gitattributes").write_text("*.py filter=evil\n*.sh export-ignore\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    git("config", "filter.evil.smudge", f"touch {folder}/evil-ran; cat")
    git("config", "core.fsmonitor", f"touch {folder}/evil-ran")
    (folder / "secret.key").write_text("not in the commit")
    (folder / "train.py").write_text("print('changed since')")
    commit = git("rev-parse", "HEAD").strip()
    (folder / "evil-ran").unlink(missing_ok=True)
    return commit


def test_exactly_the_commit_runs_and_nothing_beside_it(scene, tmp_path):
    commit = _repository(tmp_path)
    done = scene.run("sh", "-c", "python3 train.py; ls -A", code=code_of(tmp_path))
    assert done.record.commit == commit
    assert done.said.decode().split("\n")[:4] == ["hello from a commit", ".gitattributes", "run.sh", "train.py"]
    assert not (tmp_path / "evil-ran").exists()


@pytest.mark.parametrize("revision", ["--upload-pack=x", "nothing", "HEAD~9"])
def test_what_is_no_commit_is_refused(tmp_path, revision):
    _repository(tmp_path)
    with pytest.raises(FaultyInputError):
        code_of(tmp_path, revision)


@pytest.mark.parametrize("folder", ["/", "/etc", "/proc", "/proc/self", "/sys", "/root", "/home", "/tmp", "/var"])  # noqa: S108
def test_no_run_is_shown_the_host(folder):
    with pytest.raises(FaultyInputError):
        code_of(Path(folder))


def test_another_tenant_sees_no_run_of_this_one(scene):
    done = scene.run()
    scene.house.tenants.create("other")
    assert runs_of(scene.house, "other") == []
    for name in (done.record.run, "run_that_never_was"):
        with pytest.raises(RefusedError) as no:
            run_of(scene.house, "other", name)
        assert no.value.code == "training_run_unknown"


def test_two_runs_at_once_do_not_see_each_other(scene):
    script = "import os, time; open('/tmp/mine', 'x'); time.sleep(0.3); print(sorted(os.listdir('/tmp')), os.getuid())"
    found = []
    threads = [threading.Thread(target=lambda: found.append(scene.run("python3", "-c", script))) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [one.said for one in found] == [b"['mine'] 65534\n"] * 2
    assert os.getuid() or found[0].record.user != found[1].record.user


def test_the_command_shows_and_lists_and_tries(scene, capsys, monkeypatch):
    monkeypatch.setattr("ostiary.cli.verbs.train.open_data", lambda *_told: _Open(scene.house))
    how: Any = {"exit_on_error": False, "print_error": False, "result_action": "return_value"}
    subject = ["--subject", "user:mia", "--json"]
    command(["run", "--pipeline", "churn", "--dry-run", *subject, "--", "true", "--json"], **how)
    dry = json.loads(capsys.readouterr().out)
    assert (dry["phase"], dry["command"]) == ("rehearsed", ["true", "--json"])
    command(["run", "--pipeline", "churn", "--no-egress", *subject, "--", "sh", "-c", "echo hi > /outputs/x"], **how)
    ran = json.loads(capsys.readouterr().out)
    assert (ran["status"], ran["outputs"][0]["name"], ran.get("egress", [])) == (0, "x", [])
    command(["show", ran["run"], "--json"], **how)
    assert json.loads(capsys.readouterr().out)["outputs_digest"] == ran["outputs_digest"]
    command(["list", "--json"], **how)
    assert json.loads(capsys.readouterr().out)[-1]["run"] == ran["run"]
    command(["builder", "--json"], **how)
    told = json.loads(capsys.readouterr().out)
    assert told["id"] == "http://127.0.0.1:8181"
    keys = [VerifyingKey.from_pem("k", key.encode()) for key in told["keys"]]
    envelope = Path(ran["folder"], "provenance.dsse.json").read_bytes()
    statement = json.loads(unseal(envelope, keys, threshold=1, max_signatures=1))
    assert statement["predicate"]["runDetails"]["builder"]["id"] == told["id"]
    command(["probe", "--json"], **how)
    assert {one["verdict"] for one in json.loads(capsys.readouterr().out)["probes"]} == {"held"}
    for words in (["run", "--pipeline", "churn", *subject, "--egress", "10.0.0.1:443", "--", "true"],):
        with pytest.raises(FaultyInputError):
            command(words, **how)


class _Open:
    def __init__(self, house):
        self.house = house

    def __enter__(self):
        return self.house

    def __exit__(self, *_fault):
        return None
