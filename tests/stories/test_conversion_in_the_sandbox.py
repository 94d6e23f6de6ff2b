"""The conversion of a pickle in the real sandbox, and the proxy that the manifests start: the parts fit each other."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from ostiary.artifacts.conversion import convert
from ostiary.cli.train_convert import convert as command
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.pipeline.kubernetes.plan import read_plan
from ostiary.pipeline.kubernetes.proxy import deployment, proxy_config
from ostiary.pipeline.training.programs import ProgramSandbox
from ostiary.pipeline.training.standing import read_config
from ostiary.vocabulary.clock import SystemClock

PLAN = {
    "name": "t",
    "namespace": "ml",
    "image": "r.example/t@sha256:" + "a" * 64,
    "proxy_image": "r.example/o@sha256:" + "b" * 64,
    "command": ["x"],
    "egress": [{"host": "registry.inside", "port": 8443, "addresses": ["10.20.0.9"]}],
}


@pytest.fixture(scope="module")
def sandbox() -> ProgramSandbox:
    found = ProgramSandbox(SystemClock())
    try:
        found.run(b"import sys; open(sys.argv[2], 'w').write('x')", b"", "model.txt", 1_000)
    except UnavailableError as away:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no sandbox runs here: {away.message}")
    return found


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.arange(6, dtype="<i4").reshape(2, 3))
    return buffer.getvalue()


def test_arrays_come_out_as_safetensors(sandbox: ProgramSandbox) -> None:
    made = convert("m.npz", arrays(), "model.safetensors", sandbox)
    assert safetensors.numpy.load(made.data)["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_command_converts_and_never_overwrites(sandbox: ProgramSandbox, tmp_path: Path) -> None:
    source, target = tmp_path / "m.npz", tmp_path / "model.safetensors"
    source.write_bytes(arrays())
    command(source, target)
    assert safetensors.numpy.load(target.read_bytes())["a"].shape == (2, 3)
    with pytest.raises(FaultyInputError, match="cannot be written"):
        command(source, target)
    evil = tmp_path / "evil.pkl"
    evil.write_bytes(b"cos\nsystem\n(S'id'\ntR.")
    with pytest.raises(RefusedError):
        command(evil, tmp_path / "new.safetensors")
    assert not (tmp_path / "new.safetensors").exists()


def test_what_render_writes_is_what_the_proxy_reads() -> None:
    config = read_config(json.dumps(proxy_config(read_plan(PLAN))).encode())
    assert [(rule.host, rule.port, rule.addresses) for rule in config.rules] == [
        ("ostiary.example", 443, ()),
        ("registry.inside", 8443, ("10.20.0.9",)),
    ]
    started = deployment(read_plan(PLAN))["spec"]["template"]["spec"]["containers"][0]["command"]
    assert started[:3] == ["ostiary", "train", "proxy"]
