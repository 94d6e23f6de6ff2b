"""Files of others: models in every format, pickles, signed bundles, trust roots, policy bundles, playbooks."""

import base64
import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper
from tests.fuzz.harness import Harness

from ostiary.artifacts.formats import Misfit, judge
from ostiary.artifacts.oms import KeySigner, TrustedKey, read_trusted_root
from ostiary.artifacts.oms.bundle import parse_bundle
from ostiary.artifacts.oms.policy_file import _parse as read_model_policy
from ostiary.artifacts.oms.proving import prove
from ostiary.artifacts.oms.statement import Covered, Piece, read_statement, write_statement
from ostiary.artifacts.pickles import walk
from ostiary.artifacts.scanning import scan_bytes
from ostiary.artifacts.shipped import policies_dir
from ostiary.artifacts.statement import parse_statement
from ostiary.artifacts.tensors import unpack as unpack_tensors
from ostiary.inspection.learned.likeness import parse_likeness
from ostiary.inspection.learned.thresholds import LikenessNumbers, parse_thresholds
from ostiary.keys.curves import CurveKey
from ostiary.policy.bundle_files import unpack
from ostiary.policy.limits import BundleLimits
from ostiary.policy.plain_yaml import parse_yaml
from ostiary.response.playbook_file import read_playbook
from ostiary.testing.models import lightgbm_text, safetensors_bytes
from ostiary.testing.sigstore import FakeSigstore

GOLDEN: Final = Path(__file__).parents[2] / "golden" / "formats"
NOW_NS: Final = 1_795_000_000_000_000_000
KEY: Final = CurveKey.generate()
SEALED: Final = KeySigner(KEY).seal(
    write_statement("m", [Covered("a", "sha256", (Piece(0, None, bytes(32)),))], "sha256", 0)
)
NAMES: Final = ("m.safetensors", "m.onnx", "model.txt", "m.ubj", "m.json", "config.json", "m.npy", "a.png", "card.md")


def _onnx() -> bytes:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 2], [1.0, 2.0, 3.0, 4.0])
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="n")], "g", *_halves(value), [weights]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


def _halves(value: list[Any]) -> tuple[list[Any], list[Any]]:
    return value[:1], value[1:]


def likeness_file(data: bytes) -> object:
    """What the places of sentences share; where it reads, it judges."""
    likeness = parse_likeness(data, LikenessNumbers("likeness.f32", 4.0, 0.3))
    less = likeness.less(["one", "other"], np.eye(2, likeness.width))
    assert np.isfinite(less).all()
    return likeness.width


def model_file(data: bytes) -> object:
    """The first byte chooses the name, and so the format."""
    name = NAMES[data[0] % len(NAMES)] if data else NAMES[0]
    verdict = scan_bytes(name, data[1:]).verdict
    assert verdict in {"safe", "quarantined", "refused"}
    return verdict, judge(name, memoryview(data)[1:])


def pickle_file(data: bytes) -> object:
    assert scan_bytes("m.pkl", data).verdict in {"quarantined", "refused"}
    return walk(memoryview(data))


def tensors(data: bytes) -> object:
    return unpack_tensors(data)


def signed_model(data: bytes) -> object:
    return read_statement(prove(parse_bundle(data), [TrustedKey(KEY.public)], NOW_NS)[1])


def statement(data: bytes) -> object:
    return parse_statement(data) if data[:1] == b"a" else read_statement(data)


def policy_archive(data: bytes) -> object:
    """What lies inside the gzip is changed: outside of it a change only breaks the checksum."""
    return sum(len(content) for _, content in unpack(gzip.compress(data, 1, mtime=0), BundleLimits()))


def policy_archive_raw(data: bytes) -> object:
    return list(unpack(data, BundleLimits()))


def policy_data(data: bytes) -> object:
    return parse_yaml(data.decode(errors="replace"))


def playbook(data: bytes) -> object:
    return read_playbook("fuzz", data)


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in (("a/guardrails.rego", b"package a\n"), ("data.json", b"{}"), (".manifest", b"{}")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


_NUMBERS = '{"weights": "w", "bias": 0.5, "scale": 1.0, "lengths": [10], "offsets": {"": [0.0, 1.0]}}'
_THRESHOLDS = f'{{"version": 1, "channels": {{"user": {_NUMBERS}, "data": {_NUMBERS}}}}}'.encode()
_PLAYBOOKS = tuple(one.read_bytes() for one in sorted((policies_dir() / "playbooks").glob("*.y*ml"))[:4])
_STATEMENT = base64.b64decode(json.loads(SEALED)["dsseEnvelope"]["payload"])
_SEEDS = (
    safetensors_bytes(1.0, 2.0, 3.0), _onnx(), lightgbm_text().encode(), (GOLDEN / "binary.ubj").read_bytes(),
    (GOLDEN / "binary.json").read_bytes(), b'{"hidden": [1, 2, {"a": "b"}]}',
    b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".ljust(80) + bytes(8),
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17), b"# A card\n\n- one\n",
)  # fmt: skip
_PICKLES = (
    b"\x80\x04\x95\x1c" + bytes(7) + b"}\x94(\x8c\x01a\x94]\x94(K\x01K\x02e\x8c\x01b\x94G?\xf0" + bytes(6) + b"u.",
    b"(dp0\nS'a'\np1\n(lp2\nI1\naI2\nas.",
    b"cposix\nsystem\n(S'x'\ntR.",
)

HARNESSES: Final = (
    Harness("model_file", model_file, tuple(bytes([at]) + one for at, one in enumerate(_SEEDS)), (Misfit,)),
    Harness("pickle", pickle_file, _PICKLES),
    Harness("tensors", tensors, (safetensors_bytes(1.0, 2.0),)),
    Harness("signed_model", signed_model, (SEALED,)),
    Harness("model_statement", statement, (_STATEMENT,)),
    Harness("trusted_root", read_trusted_root, (FakeSigstore(NOW_NS).trusted_root(),)),
    Harness(
        "model_policy",
        read_model_policy,
        (b'release_needed = true\nmin_version = 3\n[[signers]]\nkind = "key"\npath = "a.pem"\n',),
    ),
    Harness("thresholds", parse_thresholds, (_THRESHOLDS,)),
    Harness("likeness", likeness_file, (bytes(4 * 5 * 3), b"\x00\x00\x80\x3f" * 5)),
    Harness("policy_archive", policy_archive, (_tar(),)),
    Harness("policy_archive_raw", policy_archive_raw, (gzip.compress(_tar(), mtime=0),)),
    Harness("policy_data", policy_data, (b"a: {b: [1, 2.5, true, null, 'x']}\nc: |\n  text\n",)),
    Harness("playbook", playbook, _PLAYBOOKS),
)
