"""Laws of every format: cut off anywhere it is refused, changed anywhere it ends in a code, and it costs its length.

Cost is counted, not timed: calls of functions (``sys.setprofile`` sees Python's and C's) and bytes allocated at once.
"""

import json
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from tests.thoroughness import tries

from ostiary.artifacts.formats import Misfit, check_format, judge
from ostiary.artifacts.pickles import runs_code, walk
from ostiary.artifacts.scanning import scan_bytes
from ostiary.errors import VerificationError
from ostiary.testing.models import lightgbm_text, safetensors_bytes

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"


def _onnx() -> bytes:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 2], [1.0, 2.0, 3.0, 4.0])
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="n")
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy"]
    graph = helper.make_graph([node], "g", value[:1], value[1:], [weights])
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
    )


MODELS: dict[str, bytes] = {
    "m.safetensors": safetensors_bytes(1.0, 2.0, 3.0),
    "m.onnx": _onnx(),
    "model.txt": lightgbm_text().encode(),
    "m.ubj": (GOLDEN / "binary.ubj").read_bytes(),
    "m.json": (GOLDEN / "binary.json").read_bytes(),
    "config.json": b'{"hidden": [1, 2, {"a": "b"}]}',
}
PICKLES: dict[str, bytes] = {
    "m.pkl": b"\x80\x04\x95\x1c"
    + bytes(7)
    + b"}\x94(\x8c\x01a\x94]\x94(K\x01K\x02e\x8c\x01b\x94G?\xf0"
    + bytes(6)
    + b"u.",
    "m.pt": b"(dp0\nS'a'\np1\n(lp2\nI1\naI2\nas.",
}


@pytest.mark.parametrize("name", MODELS)
def test_cut_off_at_any_byte_it_is_refused(name: str) -> None:
    whole = MODELS[name]
    check_format(name, whole)
    optional = len(whole) - len(whole.rstrip(b"\n"))  # the last line may end without its end
    for length in range(len(whole) - optional):
        if name == "m.onnx" and length and _is_whole_onnx(whole[:length]):
            continue
        with pytest.raises(Misfit):
            judge(name, memoryview(whole)[:length])


def _is_whole_onnx(data: bytes) -> bool:
    """Protocol buffers have no end: a file cut off between two fields is a file with fewer of them, and a whole one."""
    import onnx  # noqa: PLC0415

    try:
        model = onnx.load_from_string(data)
    except Exception:  # noqa: BLE001 - whatever protobuf says, it is not whole
        return False
    return model.HasField("graph") and len(model.opset_import) > 0


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_cut_off_at_any_byte_is_refused(name: str) -> None:
    whole = PICKLES[name]
    assert scan_bytes(name, whole).verdict == "quarantined"
    for length in range(len(whole)):
        assert scan_bytes(name, whole[:length]).verdict == "refused"


@given(st.sampled_from(sorted(MODELS)), st.integers(0, 10_000), st.binary(min_size=1, max_size=9), st.integers(0, 9))
@settings(max_examples=tries(100, 400), deadline=None)
def test_changed_anywhere_it_passes_or_ends_in_a_code(name: str, place: int, put: bytes, cut: int) -> None:
    whole = MODELS[name]
    at = place % len(whole)
    data = whole[:at] + put + whole[at + cut :]
    assert _reasons(name, data) in {(), ("artifact_format_refused",)}
    assert scan_bytes(name, data).verdict in {"safe", "refused"}


def _reasons(name: str, data: bytes) -> tuple[str, ...]:
    try:
        check_format(name, data)
    except VerificationError as fault:
        return tuple(reason for reason in fault.reasons if not reason.startswith("format_"))
    return ()


@given(st.sampled_from([*MODELS, "m.pkl", "m.zip", "m.npy", "LICENSE"]), st.binary(max_size=300))
@settings(max_examples=tries(100, 300), deadline=None)
def test_any_bytes_end_in_a_verdict(name: str, data: bytes) -> None:
    assert scan_bytes(name, data).verdict in {"safe", "quarantined", "refused"}
    assert scan_bytes(name, b"\x80\x04" + data).verdict in {"quarantined", "refused"}
    assert scan_bytes(name, b"\x93NUMPY\x01\x00" + data).verdict in {"quarantined", "refused"}
    assert scan_bytes(name, b"PK\x03\x04" + data).verdict == "refused"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        _containers := (
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(max_size=9), inner, max_size=4)
                | st.tuples(inner, inner)
            )
        ),
        max_leaves=12,
    ),
    st.integers(0, 5),
)
@settings(max_examples=tries(100, 200), deadline=None)
def test_plain_values_of_every_protocol_are_quarantined(value: object, protocol: int) -> None:
    import pickle  # noqa: PLC0415, TID251 - it makes the files that are scanned, and loads none

    data = pickle.dumps(value, protocol)
    assert walk(memoryview(data)).stopped
    report = scan_bytes("m.pkl", data)
    calls_codecs = any(finding.code in {"pickle_import", "pickle_call"} for finding in report.findings)
    assert report.verdict == "quarantined" or (calls_codecs and protocol < 3)  # bytes are a call before protocol 3
    with pytest.raises(VerificationError):
        check_format("m.md", data)
    assert runs_code(memoryview(data))


def _tensor_of(data: bytes) -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}).encode()
    return len(header).to_bytes(8, "little") + header + data


def _archive(kind: str) -> bytes:
    buffer = BytesIO()
    if kind == "tar":
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("data.pkl"))
    else:
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("data.pkl", b"x")
    return buffer.getvalue()


@given(st.sampled_from(["zip", "tar"]), st.binary(max_size=40), st.binary(max_size=40), st.integers(0, 99))
@settings(max_examples=tries(100, 200), deadline=None)
def test_no_reader_of_archives_finds_one_in_what_is_accepted(kind: str, put: bytes, behind: bytes, cut: int) -> None:
    archive = _archive(kind)
    data = _tensor_of(put + archive[: len(archive) - (cut if cut < 20 else 0)] + behind)
    opened = False
    try:
        with zipfile.ZipFile(BytesIO(data)) as found:
            opened = bool(found.namelist())
    except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError):
        opened = False
    if opened or tarfile.is_tarfile(BytesIO(data)):
        assert scan_bytes("m.safetensors", data).verdict == "refused"


@pytest.mark.parametrize("signed", [False, True])
def test_a_tar_whose_head_is_a_tensors_length_is_seen(signed: bool) -> None:  # noqa: FBT001
    header = b'{"w":{"dtype":"U8","shape":[2000],"data_offsets":[0,2000]}}'
    data = bytearray(len(header).to_bytes(8, "little") + header + bytes(2_000))
    data[100:148] = b"0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00"
    data[156:157] = b"0"
    data[300:301] = b"\xff"  # told as 255 or as -1, by unsigned and by signed sums
    data[148:156] = b" " * 8
    total = sum(data[:512]) - (256 if signed else 0)
    data[148:156] = f"{total:06o}\x00 ".encode()
    assert tarfile.is_tarfile(BytesIO(bytes(data)))
    with pytest.raises(VerificationError):
        check_format("m.safetensors", bytes(data))


# -- what it costs


def _cost(work: Callable[[], object]) -> tuple[int, int]:
    """Return calls made and bytes held at once."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    tracemalloc.start()
    try:
        work()
        return calls, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _header(size: int, header: bytes = b"{}") -> bytes:
    return size.to_bytes(8, "little") + header


def _tensor(shape: list[int]) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4)


def _packed(data: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m.pkl", data)
    return buffer.getvalue()


HUGE = b"\x7f\xff\xff\xff\xff\xff\xff\xff"
LIARS: dict[str, tuple[str, bytes]] = {
    "header of 2**63": ("m.safetensors", _header(2**63)),
    "header of 2**64 - 1": ("m.safetensors", _header(2**64 - 1)),
    "header of 15 MB": ("m.safetensors", _header(15_000_000)),
    "shape of 2**60": ("m.safetensors", _tensor([2**59])),
    "shape whose product overflows": ("m.safetensors", _tensor([2**32] * 32)),
    "shape of many ones": ("m.safetensors", _tensor([1] * 3_000)),
    "depth": ("config.json", b"[" * 60_000),
    "depth, closed": ("config.json", b"[" * 30_000 + b"]" * 30_000),
    "depth of objects": ("m.safetensors", _header(60_000, b'{"a":' * 12_000)),
    "values": ("config.json", b"[" + b"0," * 4_100_000 + b"0]"),
    "number of many digits": ("config.json", b"1" * 60_000),
    "same member often": ("config.json", b"{" + b'"a":1,' * 9_000 + b'"a":1}'),
    "ubjson count": ("m.ubj", b"[#L" + HUGE),
    "ubjson typed count": ("m.ubj", b"[$d#L" + HUGE),
    "ubjson nulls": ("m.ubj", b"[$Z#L" + HUGE),
    "ubjson text": ("m.ubj", b"SL" + HUGE),
    "ubjson depth": ("m.ubj", b"[" * 60_000),
    "onnx length": ("m.onnx", b"\x08\x0a\x3a\xff\xff\xff\xff\x0f"),
    "onnx depth": ("m.onnx", _nested := b"\x08\x0a" + b"\x3a\x82\x08" + b"\x0a\x80\x08" + bytes(1024)),
    "onnx packed dims": ("m.onnx", b"\x08\x0a\x3a\x88\x80\x01\x2a\x84\x80\x01\x0a\x80\x80\x01" + b"\x01" * 16_384),
    "lightgbm leaves": ("model.txt", lightgbm_text().replace("num_leaves=1", "num_leaves=9").encode()),
    "lightgbm size": ("model.txt", lightgbm_text().replace("tree_sizes=", "tree_sizes=9999999").encode()),
    "lightgbm sizes": ("model.txt", lightgbm_text().replace("tree_sizes=", "tree_sizes=" + "0 " * 30_000).encode()),
    "pickle text": ("m.pkl", b"\x80\x04\x8d" + HUGE[::-1] + b"."),
    "pickle memo": ("m.pkl", b"\x80\x04Nr\xff\xff\xff\xff."),
    "pickle marks": ("m.pkl", b"\x80\x04" + b"(" * 60_000),
    "pickle copies": ("m.pkl", b"\x80\x04N" + b"2" * 60_000),
    "pickle digits": ("m.pkl", b"I" + b"1" * 60_000 + b"\n."),
    "npy head": ("m.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff"),
    "zip of zeros": ("m.zip", _packed(bytes(20_000_000))),
    "zip directory": (
        "m.zip",
        b"PK\x03\x04" + bytes(40) + b"PK\x05\x06" + bytes(4) + b"\xff\xff" * 2 + b"\xff" * 8 + bytes(2),
    ),
}


@pytest.mark.parametrize("what", LIARS)
def test_what_lies_about_its_size_costs_no_more_than_it_is(what: str) -> None:
    name, data = LIARS[what]
    reports = []
    calls, held = _cost(lambda: reports.append(scan_bytes(name, data)))
    assert {report.verdict for report in reports} == {"refused"}
    assert calls < 3_000 + 20 * min(len(data), 70_000)
    assert held < 200_000 + 50 * len(data)


@pytest.mark.parametrize("make", [
    lambda n: ("m.safetensors", safetensors_bytes(*[0.5] * n)),
    lambda n: ("m.pkl", b"\x80\x04]\x94(" + b"K\x01" * n + b"e."),
    lambda n: ("card.md", b"word " * n),
    lambda n: ("card.md", b"V" + b"x" * n + b"\n0" + b"N0" * n),
    lambda n: ("config.json", b"[" + b"1," * n + b"1]"),
], ids=["safetensors", "pickle", "text", "text like opcodes", "json"])  # fmt: skip
def test_twice_the_length_is_at_most_about_twice_the_work(make: Callable[[int], tuple[str, bytes]]) -> None:
    short, long = make(5_000), make(10_000)
    costs = [_cost(lambda: scan_bytes(*short)), _cost(lambda: scan_bytes(*long))]
    assert costs[1][0] < 2.3 * costs[0][0] + 200
    assert costs[1][1] < 2.3 * costs[0][1] + 20_000
