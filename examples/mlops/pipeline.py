"""A whole pipeline, each stage with an identity of its own, and every step decided, recorded and bound to the next.

    python examples/mlops/pipeline.py

ingest → features → train (sandbox) → sign → validate → register → promote → deploy → predict
"""

import asyncio
import csv
import io
import json
import math
import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow.csv import write_csv
from world import BUILDER, CI, DEPLOYER, ENDPOINT, FEATURES, HERE, MODEL, RAW, SET, VALIDATION, World, base64

from ostiary_sdk import LoadedModel, load_model
from ostiary_sdk.features import Features
from ostiary_sdk.inference import Caller, InferenceGuard


def ingest(world: World) -> None:
    """CI writes what came in, and signs what lies there."""
    chance = random.Random(7)
    rows = [(round(chance.lognormvariate(3, 1), 2), chance.randrange(24), chance.random() < 0.2) for _ in range(400)]
    lines = [f"{a},{h},{int(f)},{int(a > 60 or (h < 6 and f))}" for a, h, f in rows]
    with world.files(CI, "ingest", "dataset.write").open(f"{RAW}/2026.csv", "xb") as file:
        file.write("\n".join(["amount,hour,abroad,fraud", *lines]).encode())
    world.ostiary("dataset", "manifest", RAW, "--producer", "ingest", "--key", world.key("ingest"))


def features(world: World) -> None:
    """The feature job makes features of raw rows, by column; training gets the columns that policy opens for it."""
    with world.files(CI, "features").open(f"{RAW}/2026.csv", "rb") as file:
        raw = list(csv.DictReader(io.TextIOWrapper(file)))
    made = {
        "payment": list(range(len(raw))),
        "at": [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number) for number in range(len(raw))],
        "log_amount": [math.log1p(float(row["amount"])) for row in raw],
        "night": [float(int(row["hour"]) < 6) for row in raw],
        "abroad": [float(row["abroad"]) for row in raw],
        "fraud": [row["fraud"] == "1" for row in raw],
    }
    with Features(world.url, "default", world.columns(CI, "features.write", stage="ingest")) as door:
        door.write(SET, pa.table(made))
    with Features(world.url, "default", world.columns(CI, "features.read", stage="train")) as door:
        rows = door.query(SET, "SELECT log_amount, night, abroad, fraud::INT AS fraud FROM payments ORDER BY payment")
    files = world.files(CI, "features", "dataset.write")
    for name, part in (("train.csv", rows.slice(0, 300)), ("holdout.csv", rows.slice(300))):
        with files.open(f"{FEATURES}/{name}", "xb") as file:
            write_csv(part, file)
    signed = ("--producer", "features", "--key", world.key("features"), "--parent", RAW)
    world.ostiary("dataset", "manifest", FEATURES, *signed)


def train(world: World) -> Path:
    """CI trains in the sandbox: it sees its data and its code, calls nobody, and leaves outputs with provenance."""
    (world.root / "ci.jwt").write_text(world.platform_token(CI))
    job = ("--subject", f"ci_job:{CI}", "--token-file", str(world.root / "ci.jwt"), "--no-egress", "--json")
    words = ("--pipeline", MODEL, "--dataset", FEATURES, "--code", str(HERE / "code"), *job)
    return Path(world.ostiary("train", "run", *words, "--", "python3", "/workspace/train.py")["folder"])


def sign(world: World, run: Path) -> dict[str, Any]:
    """The signing service signs exactly what the run left."""
    words = ("model", "sign", str(run / "outputs"), "--name", MODEL, "--key", world.key("signer"), "--json")
    return dict(world.ostiary(*words))


def validate(world: World, run: Path, signed: dict[str, Any]) -> Path:
    """Another repository's job judges the model on rows that training never saw, and signs what it found."""
    with world.files(VALIDATION, "validate").open(f"{FEATURES}/holdout.csv", "rb") as file:
        rows = [[float(v) for v in row] for row in list(csv.reader(io.TextIOWrapper(file)))[1:]]
    right = sum((score(weights_of(run / "outputs"), row[:-1]) > 0.5) == (row[-1] == 1) for row in rows)
    (world.root / "metrics.json").write_text(json.dumps({"accuracy": right / len(rows)}))
    report = world.root / "report.json"
    about = ("--digest", signed["root"], "--statement", signed["digest"])
    words = (*about, "--metrics", str(world.root / "metrics.json"), "--key", world.key("validator"))
    world.ostiary("model", "report", MODEL, *words, "--out", str(report))
    return report


def register(world: World, run: Path) -> int:
    """CI brings the signed files and their provenance to the registry's door."""
    tokens = world.tokens(CI, "model", MODEL, "model.register")
    upload = world.post(tokens, f"models/{MODEL}/uploads")["upload"]
    outputs, place = run / "outputs", f"models/{MODEL}/uploads/{upload}"
    world.post(tokens, f"{place}/files/model.safetensors", "PUT", content=(outputs / "model.safetensors").read_bytes())
    documents = {"signature": outputs / "model.sig", "provenance": run / "provenance.dsse.json"}
    told = {name: base64(path.read_bytes()) for name, path in documents.items()}
    return int(world.post(tokens, f"{place}/register", json=told)["version"])


def promote(world: World, version: int, report: Path) -> None:
    """Two people approve exactly this digest with this report, and a release manager makes it live."""
    wanted, one, both = (world.root / f"{name}.json" for name in ("wanted", "one", "both"))
    asked = world.ostiary("model", "wanted", MODEL, str(version), "--stage", "production", "--report", str(report))
    wanted.write_text(json.dumps(asked))
    world.ostiary("model", "approve", "--wanted", str(wanted), "--key", world.key("alice"), "--out", str(one))
    world.ostiary("model", "approve", "--approval", str(one), "--key", world.key("bob"), "--out", str(both))
    body = {"report": base64(report.read_bytes()), "approval": base64(both.read_bytes())}
    tokens = world.tokens("rita", "model", MODEL, "model.promote", stage="production")
    world.post(tokens, f"models/{MODEL}/promote", json={"version": version, "stage": "production", **body})


def deploy(world: World) -> LoadedModel:
    """The deployer, who neither made nor promoted it, loads what is live; its own keys verify it first."""
    tokens = world.tokens(DEPLOYER, "model", MODEL, "model.load", stage="production")
    loaded = load_model(MODEL, stage="production", url=world.url, tenant="default", tokens=tokens, trust=world.trust)
    ranges = {"log_amount": (0, 12), "night": (0, 1), "abroad": (0, 1)}
    columns = [{"name": n, "type": "number", "min": low, "max": high} for n, (low, high) in ranges.items()]
    (world.root / "schema.json").write_text(json.dumps({"columns": columns, "near": 0.0005}))
    words = ("--schema", str(world.root / "schema.json"), "--model", loaded.digest, "--sensitivity", "2")
    world.ostiary(
        "endpoint", "register", ENDPOINT, *words, "--threshold", "0.5", "--classes", "good", "--classes", "bad"
    )
    return loaded


def predict(world: World, loaded: LoadedModel, who: str, *rows: dict[str, float]) -> dict[str, Any]:
    """A person asks the model inside its own program; nothing is answered that is not on record."""
    weights = [float(value) for value in loaded.model["w"]]

    async def ask() -> dict[str, Any]:
        async with InferenceGuard(world.url, world.server.pep_key, "default", ENDPOINT) as guard:
            caller = Caller(token=world.person_token(who))
            return await guard.predict(caller, rows, lambda asked: [score(weights, list(r.values())) for r in asked])

    return asyncio.run(ask())


def score(weights: list[float], inputs: list[float]) -> float:
    """Return the probability of fraud."""
    return 1 / (1 + math.exp(-(weights[-1] + sum(w * x for w, x in zip(weights, inputs, strict=False)))))


def weights_of(folder: Path) -> list[float]:
    """Return the weights of a model that was not verified: for judging it, never for serving it."""
    from safetensors.numpy import load_file  # noqa: PLC0415 - the validator's own library

    return [float(value) for value in load_file(folder / "model.safetensors")["w"]]


def main() -> None:
    """Run the whole pipeline in a fresh world."""
    with tempfile.TemporaryDirectory() as name, World(Path(name) / "world") as world:
        ingest(world)
        features(world)
        run = train(world)
        signed = sign(world, run)
        report = validate(world, run, signed)
        promote(world, register(world, run), report)
        with deploy(world) as loaded:
            told = predict(world, loaded, "ada", {"log_amount": 5.2, "night": 1, "abroad": 1})
        sys.stdout.write(f"{BUILDER} made {loaded.digest}; it says {json.dumps(told)}\n")


if __name__ == "__main__":
    main()
