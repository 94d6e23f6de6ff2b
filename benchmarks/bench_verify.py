"""How fast a model is verified, beside ``model-signing``: ``python benchmarks/bench_verify.py --gib 8 --files 8``.

One model with random content, read once beforehand (warm page cache). Contenders take turns in each round; a figure is
the median of the rounds in GB/s (10^9 bytes). What is compared:

- ``bare``: hashing each file with ``hashlib`` or ``blake3``, one after the other, in one thread.
- ``peer``: ``model_signing.verifying``, with its own defaults, on a bundle of its own making.
- ``check``: ``verify_model`` with ``CheckOnly``: what ``ostiary model verify`` does.
- ``in_place``, ``memory``, ``folder``: ``verify_model`` with that staging; the bytes are then ready for the loader.
- ``command``: ``ostiary model verify`` as a process, less what it takes on a model of 1 MiB (imports, start-up); that
  is shown apart. ``peer_command`` likewise, for SHA-256, the one hash that it verifies.

Prints JSON.
"""

import argparse
import hashlib
import importlib
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import blake3

from ostiary.artifacts import write_file
from ostiary.artifacts.oms import (
    CheckOnly,
    Hashing,
    InFolder,
    InMemory,
    InPlace,
    KeySigner,
    ModelPolicy,
    Staging,
    TrustedKey,
    sign_model,
    verify_model,
)
from ostiary.artifacts.oms.digests import core_count
from ostiary.keys.curves import CurveKey
from ostiary.vocabulary.clock import SystemClock

MIB = 1 << 20
ALGORITHMS = ("blake3", "sha256")
COMMAND = [sys.executable, "-c", "from ostiary.cli import main; main()"]
PEER_COMMAND = [sys.executable, "-W", "ignore", "-m", "model_signing"]


class Bench:
    """A model with its keys and bundles, one for us and one of the peer's."""

    def __init__(self, place: pathlib.Path, size: int, files: int, algorithm: str) -> None:
        """Write the model and sign it in both ways."""
        self.place, self.algorithm, self.size = place, algorithm, size
        self.model, self.tiny = place / "model", place / "tiny"
        self.key = CurveKey.generate("P-256")
        self.public, self.private = place / "public.pem", place / "private.pem"
        self.public.write_bytes(self.key.public.pem())
        self.private.write_bytes(self.key.private_pem())
        if not self.model.exists():
            write_model(self.model, size, files)
            write_model(self.tiny, MIB, 1)
        self.policy = ModelPolicy(signers=(TrustedKey(self.key.public),), release_needed=False)
        for folder in (self.model, self.tiny):
            bundle = sign_model(folder, KeySigner(self.key), hashing=Hashing(algorithm)).bundle
            write_file(folder.with_suffix(".sig"), bundle)
            self.peer_sign(folder)

    def ours(self, staging: Callable[[], Staging]) -> Callable[[], None]:
        """Return a call that verifies and gives the bytes back."""
        bundle = self.model.with_suffix(".sig").read_bytes()

        def call() -> None:
            verify_model(self.model, self.policy, staging(), clock=SystemClock(), bundle=bundle).close()

        return call

    def bare(self) -> None:
        """Hash one file after the other, in one thread."""
        for path in sorted(self.model.iterdir()):
            with path.open("rb", buffering=0) as file:
                whole: Any = blake3.blake3() if self.algorithm == "blake3" else hashlib.sha256()
                buffer = memoryview(bytearray(MIB))
                while count := file.readinto(buffer):
                    whole.update(buffer[:count])
                whole.hexdigest()

    def peer_sign(self, folder: pathlib.Path) -> None:
        """Sign as the peer does."""
        hashing, signing = (importlib.import_module(f"model_signing.{name}") for name in ("hashing", "signing"))

        how = hashing.Config().use_file_serialization(hashing_algorithm=self.algorithm)
        signer = signing.Config().use_elliptic_key_signer(private_key=self.private).set_hashing_config(how)
        signer.sign(folder, folder.with_suffix(".peer"))

    def peer(self) -> None:
        """Verify as the peer does."""
        config = (
            importlib.import_module("model_signing.verifying")
            .Config()
            .use_elliptic_key_verifier(public_key=self.public)
        )
        config.verify(self.model, self.model.with_suffix(".peer"))

    def command(self, folder: pathlib.Path) -> None:
        """Run our command."""
        words = ["model", "verify", folder, "--bundle", folder.with_suffix(".sig"), "--key", self.public]
        run([*COMMAND, *map(str, words)])

    def peer_command(self, folder: pathlib.Path) -> None:
        """Run the peer's command."""
        words = ["verify", "key", folder, "--signature", folder.with_suffix(".peer"), "--public_key", self.public]
        run([*PEER_COMMAND, *map(str, words)])


def run(words: list[str]) -> None:
    """Run a command that must succeed."""
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603 - our own commands


def write_model(folder: pathlib.Path, size: int, files: int) -> None:
    """Write files of random bytes, of equal size."""
    folder.mkdir(parents=True)
    block = os.urandom(MIB)
    for number in range(files):
        with (folder / f"weights-{number:03}.safetensors").open("wb") as file:
            for at in range(size // files // MIB):
                file.write((number * 1_000_000 + at).to_bytes(8, "big") + block[8:])


def rounds(contenders: dict[str, Callable[[], None]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each contender, who take turns."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(repeats + 1):
        for name, call in contenders.items():
            start = time.perf_counter()
            call()
            if number:  # the first round warms the cache
                taken[name].append(time.perf_counter() - start)
    return taken


def measure(bench: Bench, repeats: int, stagings: list[str]) -> dict[str, Any]:
    """Return GB/s by contender, and the start-up of both commands."""
    kinds: dict[str, Callable[[], Staging]] = {
        "check": CheckOnly,
        "in_place": InPlace,
        "memory": InMemory,
        "folder": lambda: InFolder(bench.place),
    }
    contenders: dict[str, Callable[[], None]] = {"bare": bench.bare, "peer": bench.peer}
    contenders |= {name: bench.ours(kinds[name]) for name in stagings}
    commands: dict[str, Callable[[], None]] = {
        "command": lambda: bench.command(bench.model),
        "command_start": lambda: bench.command(bench.tiny),
    }
    if bench.algorithm == "sha256":  # the peer's command knows no other
        commands["peer_command"] = lambda: bench.peer_command(bench.model)
        commands["peer_command_start"] = lambda: bench.peer_command(bench.tiny)
    seconds = {name: statistics.median(taken) for name, taken in rounds(contenders | commands, repeats).items()}
    speed = {name: round(bench.size / seconds[name] / 1e9, 2) for name in contenders}
    for name in commands.keys() & {"command", "peer_command"}:
        speed[name] = round(bench.size / (seconds[name] - seconds[f"{name}_start"]) / 1e9, 2)
    starts = {f"{name}_s": round(seconds[name], 3) for name in commands if name.endswith("_start")}
    return {"gb_per_s": speed, **starts}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gib", type=float, default=1.0, help="size of the model")
    parser.add_argument("--files", type=int, default=8, help="in how many equal files")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--staging", nargs="*", default=["check", "in_place", "memory"])
    parser.add_argument("--algorithms", nargs="*", default=list(ALGORITHMS))
    parser.add_argument("--folder", type=pathlib.Path, default=None, help="where the model is written")
    parser.add_argument("--json", action="store_true", help="accepted for likeness; the output is JSON anyway")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    place = pathlib.Path(tempfile.mkdtemp(prefix="bench-verify-", dir=asked.folder))
    size = int(asked.gib * 1024) // asked.files * asked.files * MIB
    try:
        told: dict[str, Any] = {}
        for name in asked.algorithms:
            told[name] = measure(Bench(place, size, asked.files, name), asked.repeats, asked.staging)
    finally:
        shutil.rmtree(place)
    facts = {"gib": asked.gib, "files": asked.files, "cores": core_count(), "python": platform.python_version()}
    print(json.dumps({**facts, **told}, indent=2))


if __name__ == "__main__":
    main()
