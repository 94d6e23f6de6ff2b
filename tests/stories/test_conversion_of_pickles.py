"""A pickle becomes something that may be loaded in one way only, and not even there does it run anything."""

import io
import pickle  # noqa: TID251 - it makes the files that are converted, and loads none
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import safetensors.numpy

from ostiary.artifacts.conversion import convert
from ostiary.artifacts.conversion.converting import PROGRAM
from ostiary.artifacts.scanning import scan_bytes
from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.testing.models import safetensors_bytes

SYSTEM = b"cos\nsystem\n(S'touch %s'\ntR."


class Alone:
    """No sandbox, but the program as the sandbox runs it: another process, isolated from this environment."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.runs = 0

    def run(self, program: bytes, source: bytes, target: str, max_bytes: int) -> bytes:
        self.runs += 1
        for name, data in (("program.py", program), ("source", source)):
            (self.place / name).write_bytes(data)
        paths = [str(self.place / name) for name in ("program.py", "source", target)]
        done = subprocess.run([sys.executable, "-I", *paths], capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise RefusedError("conversion_failed", done.stderr.strip())
        return (self.place / target).read_bytes()[: max_bytes + 1]


@pytest.fixture
def sandbox(tmp_path: Path) -> Alone:
    return Alone(tmp_path)


def _checkpoint(pickled: bytes, **storages: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, raw in storages.items():
            archive.writestr(f"archive/data/{key.removeprefix('s')}", raw)
        archive.writestr("archive/version", "3\n")
    return buffer.getvalue()


def _tensor(offset: int, shape: tuple[int, ...], strides: tuple[int, ...], count: int = 6) -> bytes:
    """Return the opcodes of a tensor, as torch writes them."""

    def number(value: int) -> bytes:
        return b"K" + bytes([value])

    def row(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + number(count) + b"tQ"
    )
    rest = number(offset) + row(shape) + row(strides) + b"\x89ccollections\nOrderedDict\n)Rt"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest + b"R"


NUMBERS = struct.pack("<6f", 0, 1, 2, 3, 4, 5)


def test_a_checkpoint_becomes_safetensors(sandbox: Alone) -> None:
    pickled = (
        b"\x80\x02}(X\x01\x00\x00\x00a"
        + _tensor(0, (2, 3), (3, 1))
        + b"X\x01\x00\x00\x00b"
        + _tensor(0, (3, 2), (1, 3))
        + b"u."
    )
    data = _checkpoint(pickled, s0=NUMBERS)
    assert scan_bytes("m.pt", data).verdict == "quarantined"
    made = convert("m.pt", data, "model.safetensors", sandbox)
    found = safetensors.numpy.load(made.data)
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert made.report.imports


@pytest.mark.parametrize(
    "tensor",
    [
        _tensor(5, (2, 3), (3, 1)),
        _tensor(0, (200, 200), (200, 1)),
        _tensor(0, (2, 3), (9, 9)),
        _tensor(0, (2, 3), (3, 1), 9),
    ],
)
def test_a_tensor_that_looks_beyond_its_numbers_is_not_converted(sandbox: Alone, tensor: bytes) -> None:
    with pytest.raises(RefusedError):
        convert("m.pt", _checkpoint(b"\x80\x02" + tensor + b".", s0=NUMBERS), "model.safetensors", sandbox)


def test_arrays_become_safetensors(sandbox: Alone) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.arange(6, dtype="<i4").reshape(2, 3), b=np.ones(2, dtype="<f8"))
    made = convert("m.npz", buffer.getvalue(), "model.safetensors", sandbox)
    assert safetensors.numpy.load(made.data)["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickled_booster_becomes_its_own_text(sandbox: Alone, protocol: int) -> None:
    luck = np.random.default_rng(1)
    rows = luck.normal(size=(100, 3))
    told = {"objective": "binary", "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(told, lightgbm.Dataset(rows, (rows[:, 0] > 0).astype(int)), 3)
    data = pickle.dumps(booster, protocol)
    assert scan_bytes("m.pkl", data).verdict == "quarantined"
    made = convert("m.pkl", data, "model.txt", sandbox)
    again = lightgbm.Booster(model_str=made.data.decode())
    assert np.allclose(again.predict(rows), booster.predict(rows))


def test_a_refused_pickle_never_reaches_the_sandbox(sandbox: Alone, tmp_path: Path) -> None:
    data = SYSTEM % str(tmp_path / "evil").encode()
    with pytest.raises(RefusedError) as caught:
        convert("m.pkl", data, "model.safetensors", sandbox)
    assert "pickle_import" in caught.value.reasons
    assert sandbox.runs == 0


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: _checkpoint(b"\x80\x02" + data)])
def test_even_the_program_runs_nothing_of_a_pickle(sandbox: Alone, tmp_path: Path, wrap: Any) -> None:
    """The second wall: what the scanner might miss meets an unpickler that knows no names."""
    data = wrap(SYSTEM % str(tmp_path / "evil").encode())
    with pytest.raises(RefusedError, match="imports"):
        sandbox.run(PROGRAM.read_bytes(), data, "model.safetensors", 1_000)
    assert not (tmp_path / "evil").exists()


def test_what_comes_out_is_judged_like_any_file() -> None:
    class Lying:
        def run(self, program: bytes, source: bytes, target: str, max_bytes: int) -> bytes:
            return b"\x80\x04cos\nsystem\n."

    with pytest.raises(VerificationError):
        convert("m.pkl", b"\x80\x04].", "model.safetensors", Lying())


@pytest.mark.parametrize(
    ("name", "data", "target"),
    [
        ("m.safetensors", safetensors_bytes(1.0), "model.safetensors"),
        ("m.pkl", b"\x80\x04].", "model.pkl"),
        ("m.pkl", b"\x80\x04].", "../model.txt"),
        ("m.pkl", b"\x80\x04].", "config.json"),
    ],
)
def test_what_need_not_or_cannot_be_converted(sandbox: Alone, name: str, data: bytes, target: str) -> None:
    with pytest.raises(FaultyInputError):
        convert(name, data, target, sandbox)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02clightgbm.basic\nBooster\nK\x01\x85\x81.",
        b"\x80\x02clightgbm.basic\nBooster\n)R.",
        b"\x80\x02ccollections\ndefaultdict\nctorch._utils\n_rebuild_parameter\n\x85R.",
        b"\x80\x02ccollections\ndefaultdict\nccollections\nOrderedDict\nK\x01\x86R.",
        b"\x80\x02ccollections\nOrderedDict\n)\x81.",
        b"\x80\x02ccollections\nOrderedDict\n}b.",
    ],
)
def test_allowed_names_are_used_in_one_way_only(data: bytes) -> None:
    assert scan_bytes("m.pkl", data).verdict == "refused"
