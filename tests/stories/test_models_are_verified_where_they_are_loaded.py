"""The whole way with real signatures: signed, registered, promoted, fetched by the SDK, verified there, loaded.

Then the registry itself is the attacker, or whoever stands between it and the program that loads.
"""

import gc
import runpy
import warnings
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
import pytest
import yaml
from safetensors.numpy import save as save_tensors

from ostiary.artifacts.oms import KeySigner, Release, sign_model, sign_release
from ostiary.errors import OstiaryError
from ostiary.identity.exchange.details import AccessDetail
from ostiary.keys import ES256
from ostiary.keys.curve_of import curve_of, curve_public_of
from ostiary.keys.curves import CurveKey
from ostiary.pipeline.registered import Registered
from ostiary.pipeline.registry.journal import event_of
from ostiary.pipeline.registry.model import Live, Version
from ostiary.pipeline.registry.provenance import Dependency, make_provenance
from ostiary.server.faces.admission import approved_models
from ostiary.server.model_trust import RELEASE_PURPOSE
from ostiary.server.models import DATASET_HISTORY, DecidedRuns
from ostiary.testing.model_scene import BUILDER, DATASET, NAME, PROMOTER, STAGE, TENANT, TRAINER, ModelScene
from ostiary.testing.pipeline import PipelineCaller
from ostiary_sdk import LoadError, ModelTrust, load_model
from ostiary_sdk.models import native, promote_model, register_model, wanted_approval
from ostiary_sdk.models.door import ModelDoor, Ticket, TicketFile

PUBLIC = "http://pdp.example"
GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "may"} if input.resource.known == true
decision := {"allow": allow}
"""


class Deployer:
    """A ``Tokens`` whose proofs are for the server's public address, wherever the test reaches it."""

    def __init__(
        self,
        house: Any,
        name: str = NAME,
        stage: str = STAGE,
        action: str = "model.load",
        who: tuple[str, str] = ("service", "dora"),
    ) -> None:
        self.caller = PipelineCaller(house.ring, house.clock, PUBLIC, subject_type=who[0], subject_id=who[1])
        self.detail = AccessDetail("ostiary_model", name, (action,), stage=stage)

    def headers(self, method: str, url: str) -> dict[str, str]:
        return self.caller.headers(method, PUBLIC + urlsplit(url).path, self.caller.token(self.detail))


class Shop:
    """A server with a registry, a signer, and a program that loads."""

    def __init__(self, server: Any, root: Path) -> None:
        self.server, self.house, self.root = server, server.house, root
        self.models = self.house.models
        self.signer = CurveKey.generate("P-256")
        self.scene = ModelScene(self.house.log, self.house.store.models, self.house.clock, root)
        people = yaml.safe_load(self.scene.cast.text())
        people["signers"] = [{"name": "training", "keys": [self.signer.public.pem().decode()]}]
        self.house.places.people.mkdir(parents=True, exist_ok=True)
        (self.house.places.people / f"{TENANT}.yaml").write_text(yaml.safe_dump(people))
        history = msgspec.json.encode([{"sequence": 1, "digest": DATASET}])
        self.house.store.snapshots.save(TENANT, DATASET_HISTORY, "payments", history, 1)
        self.house.registry.put(TENANT, Registered(type="model", id=NAME), 1)
        release = curve_public_of(self.house.ring.active(TENANT, RELEASE_PURPOSE, ES256).public)
        self.trust = ModelTrust((self.signer.public.pem(),), (release.pem(),))

    def folder(self, value: float = 1.0, **files: bytes) -> Path:
        place = self.root / f"m{np.random.default_rng().integers(1 << 60)}"
        place.mkdir()
        (place / "model.safetensors").write_bytes(save_tensors({"w": np.full(4, value, np.float32)}))
        (place / "config.json").write_bytes(b'{"classes": 2}')
        for name, data in files.items():
            (place / name.replace("_", ".")).write_bytes(data)
        return place

    def signed(self, folder: Path, *, signer: CurveKey | None = None, name: str = NAME) -> dict[str, bytes]:
        made = sign_model(folder, KeySigner(signer or self.signer), name=name)
        data = DATASET.removeprefix("sha256:")
        dependencies = [Dependency("ostiary://payments", {"sha256": data})]
        keys = [self.scene.cast.keys["builder"]]
        provenance = make_provenance(name, made.root, BUILDER, "run-1", dependencies, keys, subject="user:tess")
        return {"signature": made.bundle, "provenance": provenance}

    def register(self, folder: Path | None = None, documents: dict[str, bytes] | None = None) -> Version:
        place = folder or self.folder(float(np.random.default_rng().random()))
        told = documents or self.signed(place)
        version: Version = self.models.registrar.register(TENANT, NAME, place, told, TRAINER)
        return version

    def promote(self, version: Version, action: str = "promote") -> Live:
        asked = self.scene.asked(version, action=action)
        approval = self.scene.approval(self.models.promoter.wanted(asked))
        live: Live = self.models.promoter.change(msgspec.structs.replace(asked, approval=approval), PROMOTER)
        return live

    def load(self, **more: Any) -> Any:
        tokens = Deployer(self.house, stage=more.get("stage", STAGE))
        given = {"stage": STAGE, "url": self.server.url, "tenant": TENANT, "tokens": tokens, "trust": self.trust}
        return load_model(NAME, **{**given, **more})


@pytest.fixture(scope="module")
def shop(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    server = start_server(guardrails=GUARDRAILS, server={"public_url": PUBLIC, "deadline_ms": 5_000})
    return Shop(server, tmp_path_factory.mktemp("shop"))


@pytest.fixture
def live(shop: Shop) -> Live:
    return shop.promote(shop.register())


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises(LoadError) as told:
        act()
    return told.value.code


def test_what_was_signed_is_what_is_loaded(shop: Shop) -> None:
    live = shop.promote(shop.register(shop.folder(2.5)))
    with shop.load() as model:
        assert model.model["w"].tolist() == [2.5] * 4
        assert (model.version, model.counter, model.format) == (live.number, live.counter, "safetensors")
        assert sorted(one.name for one in model.folder.iterdir()) == ["config.json", "model.safetensors"]
        folder = model.folder
    assert not folder.exists()
    forgotten = shop.load()
    left = forgotten.folder
    del forgotten
    gc.collect()
    assert not left.exists()
    assert shop.server.records()[-1].pep == "ostiary:models"


def test_two_files_with_the_same_tensor_are_no_model(shop: Shop) -> None:
    place = shop.folder()
    (place / "more.safetensors").write_bytes(save_tensors({"w": np.full(4, 9, np.float32)}))
    shop.promote(shop.register(place))
    assert refused(shop.load) == "model_ambiguous"
    with shop.load(native_loader=False) as model:
        assert model.model is None
        assert len(model.files) == 3


def test_a_lightgbm_model_predicts_as_it_did(shop: Shop) -> None:
    import lightgbm  # noqa: PLC0415

    rows = np.random.default_rng(7).normal(size=(80, 3))
    data = lightgbm.Dataset(rows, (rows[:, 0] > 0).astype(int))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    place = shop.root / "lightgbm"
    place.mkdir()
    (place / "model.txt").write_text(booster.model_to_string())
    shop.promote(shop.register(place))
    with shop.load() as model:
        assert np.array_equal(model.model.predict(rows), booster.predict(rows))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda place: (place / "config.json").write_bytes(b'{"classes": 3}'), "artifact_modified"),
        (lambda place: (place / "more.json").write_bytes(b"{}"), "artifact_extra_file"),
        (lambda place: (place / "config.json").unlink(), "artifact_missing_file"),
        (lambda place: (place / "config.json").rename(place / "other.json"), "artifact_renamed_file"),
    ],
)
def test_what_was_changed_after_signing_does_not_come_in(shop: Shop, change: Callable[[Path], Any], why: str) -> None:
    place = shop.folder()
    documents = shop.signed(place)
    change(place)
    with pytest.raises(OstiaryError) as told:
        shop.register(place, documents)
    assert told.value.code == why
    last = [event_of(one) for one in shop.house.log.iterate(TENANT, "model")][-1]
    assert last is not None
    assert (last.action, last.code) == ("register.refused", why)


def test_a_strangers_signature_another_name_or_a_pickle_do_not_come_in(shop: Shop) -> None:
    place = shop.folder()
    pickle = shop.folder(model_txt=b"cos\nsystem\n(S'id'\ntR.")
    for folder, documents, why in (
        (place, shop.signed(place, signer=CurveKey.generate("P-256")), "artifact_untrusted_key"),
        (place, shop.signed(place, name="churn"), "artifact_wrong_name"),
        (pickle, shop.signed(pickle), "artifact_format_refused"),
    ):
        with pytest.raises(OstiaryError) as told:
            shop.register(folder, documents)
        assert told.value.code == why


def test_a_signer_whom_the_tenant_does_not_pin_any_more_ends_the_loading(shop: Shop, live: Live) -> None:
    file = shop.house.places.people / f"{TENANT}.yaml"
    before = file.read_text()
    people = yaml.safe_load(before)
    people["signers"][0]["keys"] = [CurveKey.generate("P-256").public.pem().decode()]
    try:
        file.write_text(yaml.safe_dump(people))
        assert refused(shop.load) == "artifact_untrusted_key"
    finally:
        file.write_text(before)
    assert live.counter
    shop.load().close()


def test_a_program_believes_its_own_pins_not_the_registrys(shop: Shop, live: Live) -> None:
    other = CurveKey.generate("P-256").public.pem()
    assert refused(lambda: shop.load(trust=ModelTrust((other,), shop.trust.releasers))) == "artifact_untrusted_key"
    assert refused(lambda: shop.load(trust=ModelTrust(shop.trust.signers, (other,)))) == "artifact_untrusted_key"
    assert refused(lambda: shop.load(trust=ModelTrust(shop.trust.signers, ()))) == "trust_empty"
    assert live.counter


def test_pins_stand_in_files(shop: Shop, live: Live, tmp_path: Path) -> None:
    for part, keys in (("signers", shop.trust.signers), ("releasers", shop.trust.releasers)):
        (tmp_path / part).mkdir()
        (tmp_path / part / "a.pem").write_bytes(keys[0])
    shop.load(trust=ModelTrust.from_folder(tmp_path)).close()
    policy = tmp_path / "policy.toml"
    signers = '[[signers]]\nkind = "key"\npath = "signers/a.pem"\n'
    policy.write_text(f'tenant = "other"\nrelease_needed = false\n{signers}')
    assert refused(lambda: shop.load(trust=ModelTrust.from_folder(tmp_path))) == "trust_empty"
    policy.write_text(signers + '[[releasers]]\nkind = "key"\npath = "releasers/a.pem"\n')
    shop.load(trust=ModelTrust.from_folder(tmp_path)).close()
    policy.write_text("signers = 7")
    assert refused(lambda: shop.load(trust=ModelTrust.from_folder(tmp_path))) == "model_policy_malformed"
    with pytest.raises(ValueError, match="must hold"):
        ModelTrust.from_folder(tmp_path / "signers")
    assert live.number


def tampered(monkeypatch: pytest.MonkeyPatch, change: Callable[[Ticket], Ticket]) -> None:
    """Let the registry answer otherwise: a server that was broken into."""
    original = ModelDoor.ticket
    monkeypatch.setattr(ModelDoor, "ticket", lambda door, name, stage: change(original(door, name, stage)))


def test_a_registry_that_was_broken_into_cannot_name_another_version(
    shop: Shop, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    for change in (
        lambda ticket: msgspec.structs.replace(ticket, version=ticket.version + 1),
        lambda ticket: msgspec.structs.replace(ticket, counter=ticket.counter + 1),
    ):
        with monkeypatch.context() as patch:
            tampered(patch, change)
            assert refused(shop.load) == "answer_disagrees"
    assert live.number


def test_nor_can_it_sign_what_it_has_no_key_for(shop: Shop, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    thief = KeySigner(CurveKey.generate("P-256"))

    def forge(ticket: Ticket) -> Ticket:
        version = shop.models.journal.version(TENANT, NAME, ticket.version)
        release = Release(NAME, ticket.counter + 5, STAGE, 2**62, 0, tenant=TENANT, label=str(ticket.version))
        sealed = sign_release(release, thief, root=version.digest, digest=version.statement)
        documents = {**ticket.documents, "release": b64encode(sealed).decode()}
        return msgspec.structs.replace(ticket, counter=ticket.counter + 5, documents=documents)

    tampered(monkeypatch, forge)
    assert refused(shop.load) == "artifact_untrusted_key"
    assert live.number


def test_an_old_answer_is_not_taken_twice_where_counters_are_remembered(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    marks = tmp_path / "marks.json"
    door = ModelDoor(shop.server.url, TENANT, Deployer(shop.house))
    shop.promote(shop.register())
    old = door.ticket(NAME, STAGE)
    kept = tmp_path / "kept"
    kept.mkdir()
    door.fetch(old, kept)
    door.close()
    shop.promote(shop.register())
    shop.load(marks=marks).close()

    def replay(_door: ModelDoor, _ticket: Ticket, folder: Path) -> None:
        for file in old.files:
            (folder / file.path).write_bytes((kept / file.path).read_bytes())

    monkeypatch.setattr(ModelDoor, "fetch", replay)
    tampered(monkeypatch, lambda _: old)
    assert refused(lambda: shop.load(marks=marks)) == "artifact_replayed"


def test_a_rollback_is_newer_than_what_it_rolls_back(shop: Shop, tmp_path: Path) -> None:
    marks = tmp_path / "marks.json"
    one, two = shop.register(), shop.register()
    for version, action in ((one, "promote"), (two, "promote"), (one, "rollback")):
        shop.promote(version, action)
        with shop.load(marks=marks) as model:
            assert model.version == version.number


def test_the_release_of_another_stage_is_not_one_of_this(
    shop: Shop, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = shop.models.journal.version(TENANT, NAME, live.number)
    registry = KeySigner(curve_of(shop.house.ring.active(TENANT, RELEASE_PURPOSE, ES256)))
    release = Release(NAME, live.counter, "staging", 2**62, 0, tenant=TENANT, label=str(version.number))
    sealed = sign_release(release, registry, root=version.digest, digest=version.statement)

    def confuse(ticket: Ticket) -> Ticket:
        return msgspec.structs.replace(ticket, documents={**ticket.documents, "release": b64encode(sealed).decode()})

    tampered(monkeypatch, confuse)
    assert refused(shop.load) == "artifact_wrong_stage"


def test_files_that_are_swapped_between_fetching_and_verifying_are_seen(
    shop: Shop, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = ModelDoor.fetch

    def swap(door: ModelDoor, ticket: Ticket, folder: Path) -> None:
        original(door, ticket, folder)
        (folder / "model.safetensors").write_bytes(save_tensors({"w": np.full(4, 66, np.float32)}))

    monkeypatch.setattr(ModelDoor, "fetch", swap)
    assert refused(shop.load) == "artifact_modified"
    assert live.number


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", ".ssh/x", "a\\b", "", "x" * 200])
def test_a_registry_cannot_write_outside_the_folder(
    shop: Shop, live: Live, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    door = ModelDoor(shop.server.url, TENANT, Deployer(shop.house))
    ticket = door.ticket(NAME, STAGE)
    odd = msgspec.structs.replace(ticket, files=[TicketFile(path, 1, "0" * 64)])
    with pytest.raises(LoadError, match="plain path"):
        door._check(odd, NAME, STAGE)
    twice = msgspec.structs.replace(ticket, files=[*ticket.files, *ticket.files])
    with pytest.raises(LoadError, match="one twice"):
        door._check(twice, NAME, STAGE)
    door.close()
    assert live.number


def test_no_loader_runs_when_anything_is_wrong(shop: Shop, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(native, "load", lambda kind, _: ran.append(kind))
    shop.load().close()
    assert ran == ["safetensors"]
    tampered(monkeypatch, lambda ticket: msgspec.structs.replace(ticket, documents={"signature": "e30="}))
    assert refused(shop.load) == "artifact_bundle_malformed"
    assert ran == ["safetensors"]
    assert live.number


def test_when_the_registry_is_away_nothing_is_loaded(shop: Shop) -> None:
    assert refused(lambda: shop.load(url="http://127.0.0.1:1")) == "registry_away"
    assert refused(lambda: shop.load(stage="canary")) == "model_not_live"


def test_the_ticket_carries_what_is_needed_to_verify(shop: Shop, live: Live) -> None:
    door = ModelDoor(shop.server.url, TENANT, Deployer(shop.house))
    ticket = door.ticket(NAME, STAGE)
    door.close()
    assert b64decode(ticket.documents["release"]) == live.release


def test_admission_is_told_what_may_run_now(shop: Shop, live: Live) -> None:
    admits = approved_models(shop.house).approved
    assert admits(TENANT, live.digest, STAGE)
    assert not admits(TENANT, live.digest, "staging")
    assert not admits("system", live.digest, STAGE)
    assert not admits(TENANT, "sha256:" + "0" * 64, STAGE)
    shop.models.warden.quarantine(TENANT, NAME, live.number, PROMOTER, "backdoor")
    assert not admits(TENANT, live.digest, STAGE)


def test_who_asked_for_a_run_is_told_by_its_decision(shop: Shop, live: Live) -> None:
    shop.load().close()
    record = shop.server.records()[-1]
    runs = DecidedRuns(shop.house.log)
    assert runs.asked_by(TENANT, record.receipt.decision_id) == "service:dora"
    assert not runs.asked_by("system", record.receipt.decision_id)
    assert not runs.asked_by(TENANT, live.decision_id or "dec_none")


def test_a_pipeline_brings_promotes_and_loads_with_a_token_for_each(shop: Shop) -> None:
    def stage(kind: str, name: str, action: str, stage: str = "") -> Deployer:
        return Deployer(shop.house, action=action, stage=stage, who=(kind, name))

    where = {"url": shop.server.url, "tenant": TENANT}
    folder = shop.folder(7.0)
    documents = shop.signed(folder)
    (folder / "model.sig").write_bytes(documents.pop("signature"))
    trainer = stage("ci_job", "train", "model.register")
    dry = register_model(NAME, folder, documents, **where, tokens=trainer, dry=True)
    made = register_model(NAME, folder, documents, **where, tokens=trainer)
    assert (dry["version"], dry["digest"]) == (0, made["digest"])
    version = shop.models.journal.version(TENANT, NAME, made["version"])
    assert version.trainer.subject == "ci_job:train"
    report = shop.scene.report(version)
    reader = stage("user", "alice", "model.read")
    told = wanted_approval(NAME, version.number, stage=STAGE, report=report, **where, tokens=reader)
    wanted = msgspec.structs.replace(shop.models.promoter.wanted(shop.scene.asked(version, report=report)))
    assert told["digest"] == wanted.digest
    given = {"stage": STAGE, "report": report, "approval": shop.scene.approval(wanted), **where}
    assert refused(lambda: promote_model(NAME, version.number, **given, tokens=trainer)) == "access_denied"
    paul = stage("user", "paul", "model.promote", STAGE)
    assert promote_model(NAME, version.number, **given, tokens=paul)["version"] == version.number
    assert refused(lambda: promote_model(NAME, version.number, **given, tokens=paul)) == "approval_other_deed"
    with shop.load() as model:
        assert model.model["w"].tolist() == [7.0] * 4
    (folder / "link").symlink_to("/etc/passwd")
    assert refused(lambda: register_model(NAME, folder, documents, **where, tokens=trainer)) == "folder_unusable"
    assert not list((shop.house.places.registry / "staging" / TENANT).iterdir())


# MLflow.


@pytest.fixture
def mlflow_uri(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's own, of its type hints
        import mlflow.pyfunc  # noqa: PLC0415
    from mlflow.store.artifact import artifact_repository_registry as known  # noqa: PLC0415

    from ostiary_sdk.models import mlflow_repository as plugin  # noqa: PLC0415

    known._artifact_repository_registry.register("ostiary", plugin.OstiaryArtifactRepository)
    tokens = lambda name, stage: Deployer(shop.house, name, stage)  # noqa: E731
    monkeypatch.setattr(plugin, "_used", [plugin.Use(shop.server.url, TENANT, shop.trust, tokens)])
    assert mlflow.pyfunc is not None
    return f"ostiary:/{NAME}/{STAGE}"


def test_mlflow_loads_what_verifies(shop: Shop, mlflow_uri: str) -> None:
    import mlflow.pyfunc  # noqa: PLC0415

    rows = np.random.default_rng(7).normal(size=(80, 3))
    import lightgbm  # noqa: PLC0415

    data = lightgbm.Dataset(rows, (rows[:, 1] > 0).astype(int))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 4)
    place = shop.root / "mlflow"
    place.mkdir()
    (place / "model.txt").write_text(booster.model_to_string())
    shop.promote(shop.register(place))
    for uri in (mlflow_uri, f"ostiary://{NAME}/{STAGE}"):
        model = mlflow.pyfunc.load_model(uri)
        assert np.array_equal(model.predict(rows), booster.predict(rows))
    example = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "mlflow" / "predict.py"))
    assert example["predict"](NAME, STAGE, rows[0].tolist()) == booster.predict(rows[:1])[0]


def test_in_mlflow_too_no_loader_runs_when_anything_is_wrong(
    shop: Shop, live: Live, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.pyfunc  # noqa: PLC0415

    from ostiary_sdk.models import pyfunc  # noqa: PLC0415

    ran: list[str] = []

    def noted(path: str) -> pyfunc.Predictor:
        ran.append(path)
        return pyfunc.Predictor(None)

    monkeypatch.setattr(pyfunc, "_load_pyfunc", noted)
    mlflow.pyfunc.load_model(mlflow_uri)
    assert len(ran) == 1
    original = ModelDoor.fetch

    def swap(door: ModelDoor, ticket: Ticket, folder: Path) -> None:
        original(door, ticket, folder)
        (folder / "config.json").write_bytes(b'{"classes": 9}')

    with monkeypatch.context() as patch:
        patch.setattr(ModelDoor, "fetch", swap)
        assert refused(lambda: mlflow.pyfunc.load_model(mlflow_uri)) == "artifact_modified"
    with monkeypatch.context() as patch:
        tampered(patch, lambda ticket: msgspec.structs.replace(ticket, documents={}))
        assert refused(lambda: mlflow.pyfunc.load_model(mlflow_uri)) == "artifact_bundle_malformed"
    assert len(ran) == 1
    assert live.number


def test_mlflow_writes_nothing_into_the_registry(mlflow_uri: str, tmp_path: Path) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: PLC0415

    repository = get_artifact_repository(mlflow_uri)
    for act in (
        lambda: repository.log_artifacts(str(tmp_path)),
        lambda: repository.log_artifact(str(tmp_path / "x")),
        repository.delete_artifacts,
    ):
        assert refused(act) == "read_only"
    assert repository.list_artifacts() == []
