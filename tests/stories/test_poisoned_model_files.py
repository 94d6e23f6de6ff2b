"""Somebody hands in a model file that runs code, or that is two things at once, or that lies about how large it is.

Nothing of the corpus in ``shared/data/pickles`` is ever loaded; its bytes are read from the archive and scanned.
"""

import io
import json
import os
import pickletools
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from ostiary.artifacts import check_format
from ostiary.artifacts.scanning import ScanLimits, scan_bytes, scan_paths
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.testing.models import lightgbm_text, safetensors_bytes

ENDINGS = [
    "m.md",
    "m.json",
    "m.txt",
    "m.safetensors",
    "m.onnx",
    "m.ubj",
    "LICENSE",
    "README.txt",
    "m.pkl",
    "m.bin",
    "m",
]
SYSTEM = b"cos\nsystem\n(S'id'\ntR."  # protocol 0, plain text
SYSTEM_4 = b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."


def _refusal(name: str, data: bytes) -> str:
    with pytest.raises(VerificationError) as caught:
        check_format(name, data)
    assert caught.value.code == "artifact_format_refused"
    return caught.value.reasons[1]


@pytest.fixture(scope="module")
def corpus(shared: Path) -> list[tuple[dict[str, str], bytes]]:
    place = shared / "data" / "pickles"
    if not place.is_dir():
        pytest.skip("no corpus of pickles")
    listed = json.loads((place / "expected.json").read_text())
    listed = listed if isinstance(listed, list) else listed["files"]
    with tarfile.open(place / "do-not-load.tar.xz") as archive:
        return [(one, _member(archive, one["file"])) for one in listed]


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def test_every_malicious_file_of_the_corpus_is_refused(corpus) -> None:
    verdicts = {one["file"]: scan_bytes(one["file"], data) for one, data in corpus}
    malicious = [one["file"] for one, _ in corpus if one["truth"] == "malicious"]
    assert len(malicious) == 94
    assert [name for name in malicious if verdicts[name].verdict != "refused"] == []
    assert all(verdicts[name].findings for name in malicious)
    for one, _ in corpus:
        verdict = verdicts[one["file"]].verdict
        assert verdict in {"accept": {"quarantined", "safe"}, "refuse": {"refused"}}.get(
            one["expected"], {"refused", "quarantined"}
        ), one["file"]


def test_a_pickle_of_the_corpus_is_never_safe_and_no_ending_gets_it_past_the_list(corpus) -> None:
    for one, data in corpus:
        assert scan_bytes(one["file"], data).verdict != "safe"
        for name in ENDINGS:
            with pytest.raises(VerificationError):
                check_format(name, data)


WATCHED = """
import sys, os
sys.path[:0] = {path!r}
from ostiary.artifacts.scanning import scan_bytes
from ostiary.artifacts.formats import judge, Misfit
from pathlib import Path
files = [(name, Path(name).read_bytes()) for name in sys.argv[1:]]
for name in ("a.md", "a.json", "a.txt", "a.safetensors", "a.onnx", "a.ubj"):
    try: judge(name, memoryview(b"x"))      # whatever is imported late is imported now
    except Misfit: pass
scan_bytes("a.zip", b"PK\\x03\\x04")
seen = []
watching = True
def hook(event, arguments):
    if watching: seen.append((event, str(arguments)[:200]))
sys.addaudithook(hook)
before = set(sys.modules)
for name, data in files:
    scan_bytes(name, data)
    for ending in ("a.md", "a.json", "a.txt", "a.safetensors", "a.onnx", "a.ubj"):
        try: judge(ending, memoryview(data))
        except Misfit: pass
watching = False
print(repr((sorted(set(seen)), sorted(set(sys.modules) - before))))
"""


def test_nothing_of_the_corpus_is_executed(corpus, tmp_path: Path) -> None:
    """Python's audit hook sees imports, files, processes, sockets, code: none of them may happen while we look."""
    place, home = tmp_path / "corpus", tmp_path / "home"
    place.mkdir()
    home.mkdir()
    names = []
    for number, (one, data) in enumerate(corpus):
        file = place / f"{number}-{Path(one['file']).name}"
        file.write_bytes(data)
        names.append(str(file))
    before = sorted(place.iterdir())
    done = subprocess.run(
        [sys.executable, "-I", "-c", WATCHED.format(path=[p for p in sys.path if p]), *names],
        cwd=home,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    events, modules = eval(done.stdout, {"__builtins__": {}})  # noqa: S307 - our own repr
    assert modules == []
    assert events == []
    assert done.stderr == ""
    assert list(home.iterdir()) == []
    assert sorted(place.iterdir()) == before
    shutil.rmtree(place)


def test_the_watch_would_see_a_pickle_run(tmp_path: Path) -> None:
    """The test above can fail: the same hook sees what an unpickler does."""
    script = WATCHED.format(path=[p for p in sys.path if p]).replace(
        "    scan_bytes(name, data)\n", "    __import__('pickle').loads(data)\n"
    )
    file = tmp_path / "benign"
    file.write_bytes(b"\x80\x04cplatform\nnode\n.")
    done = subprocess.run([sys.executable, "-I", "-c", script, str(file)], capture_output=True, text=True, check=True)
    assert "pickle.find_class" in done.stdout


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize(
    "data",
    [
        SYSTEM,
        SYSTEM_4,
        b"\x80\x02" + SYSTEM,
        b"(S'id'\nios\nsystem\n.",
        b"N0" + SYSTEM,
        b"N." + SYSTEM,
        b"V" + b"x" * 70_000 + b"\n0" + SYSTEM,
        b"N0" * 150_000 + SYSTEM,
        b"I1\n0F1.5\n0L1L\n0" + SYSTEM,
        b"cos\nsystem",
        b"cantigravity.",  # Python's own unpickler takes a line without an end
        b"ios\nsystem\n",  # and imports before it looks for the mark
        b"Prompt\n" + SYSTEM,
        b"(lp0\nS'data'\np1\na.",
    ],
)
def test_a_pickle_is_refused_under_every_ending(name: str, data: bytes) -> None:
    reason = _refusal(name, data)
    if "." in name and name.endswith((".md", ".json", ".txt")):
        assert reason == "format_pickle"


@pytest.mark.parametrize(
    "text", ["# card\n", "N.B. a card\n", "cool model\nby us\n", "I am a card\n.\n", "Prompt\n", "a card"]
)
def test_a_card_is_no_pickle(text: str) -> None:
    check_format("card.md", text.encode())


def _with_tensor(data: bytes) -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}).encode()
    return len(header).to_bytes(8, "little") + header + data


def _zip(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", ".", 1), data)
    return buffer.getvalue()


def test_an_archive_at_the_end_of_a_tensor_is_seen() -> None:
    hidden = _zip(data_pkl=SYSTEM)
    assert zipfile.is_zipfile(io.BytesIO(_with_tensor(hidden)))
    assert _refusal("m.safetensors", _with_tensor(hidden)) == "format_archive"
    assert _refusal("m.safetensors", _with_tensor(hidden + b"\x00" * 100)) == "format_archive"
    assert scan_bytes("m.safetensors", _with_tensor(hidden)).verdict == "refused"


def test_hdf5_in_the_middle_of_a_tensor_is_seen() -> None:
    data = bytearray(_with_tensor(bytes(5_000)))
    data[1024:1032] = b"\x89HDF\r\n\x1a\n"
    assert _refusal("m.safetensors", bytes(data)) == "format_foreign"


def _both(body: bytes) -> bytes:
    """Return a safetensors file that is also a pickle: an unpickler skips length and header, and runs the body.

    0x558 is the length of the header. Read as opcodes, it is BINUNICODE of five bytes, which ends where the name of the
    tensor begins; there SHORT_BINBYTES (``C``, a length, so many bytes) lead from one to the next, the last over the
    header's end.
    """
    length = 0x558
    tail = f'":{{"dtype":"U8","shape":[{len(body)}],"data_offsets":[0,{len(body)}]}}}}'
    left = length - len('{"') - len(tail) - (128 - len(tail))
    name = ""
    while left > 256:
        name, left = name + "C~" + "x" * 126, left - 128
    for part in (left // 2, left - left // 2):
        name += "C" + chr(part - 2) + "x" * (part - 2)
    header = '{"' + name + "C~" + "x" * (126 - len(tail)) + tail
    assert len(header) == length
    return length.to_bytes(8, "little") + header.encode() + body


def test_a_tensor_that_is_also_a_pickle_is_refused() -> None:
    opcodes = [op.name for op, _, _ in pickletools.genops(_both(SYSTEM))]
    assert opcodes[0] == "BINUNICODE"
    assert opcodes[-6:] == ["GLOBAL", "MARK", "STRING", "TUPLE", "REDUCE", "STOP"]
    assert _refusal("m.safetensors", _both(SYSTEM)) == "format_pickle"
    assert _refusal("m.safetensors", _both(SYSTEM_4)) == "format_pickle"
    assert scan_bytes("m.safetensors", _both(SYSTEM)).verdict == "refused"
    check_format("m.safetensors", _both(b"\x00" * 40))  # the same header over numbers


def test_ordinary_lengths_of_headers_are_no_pickles() -> None:
    """640 is 0x0280: written first and little-endian, it looks like the head of a pickle of protocol 2."""
    for protocol in range(1, 6):
        size = protocol * 256 + 0x80
        header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode().ljust(size)
        data = size.to_bytes(8, "little") + header + bytes(4)
        assert data[:2] == bytes([0x80, protocol])
        check_format("m.safetensors", data)


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ({"auto_map": {"AutoModel": "evil--repo.Model"}}, "format_companion_code"),
        ({"a": [{"b": {"custom_pipelines": {"x": {"impl": "evil.py"}}}}]}, "format_companion_code"),
        ({"config": {"layers": [{"class_name": "Lambda", "config": {}}]}}, "format_companion_code"),
        ({"weight_map": {"w": "../../etc/passwd"}}, "format_companion_path"),
        ({"weight_map": {"w": "/etc/evil.bin"}}, "format_companion_path"),
    ],
)
def test_a_configuration_that_fetches_code_is_refused(member: object, reason: str) -> None:
    assert _refusal("config.json", json.dumps(member).encode()) == reason


def test_the_same_member_twice_is_not_left_to_the_reader() -> None:
    assert _refusal("config.json", b'{"a": {"b": 1, "b": 2}}') == "format_json_duplicate"
    assert _refusal("m.safetensors", _raw_header(b'{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{}}')) == (
        "format_json_duplicate"
    )


def _raw_header(header: bytes, data: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + data


@pytest.mark.parametrize(
    ("tensors", "length", "reason"),
    [
        ({"a": ("F32", [1], [0, 4]), "b": ("F32", [1], [2, 6])}, 6, "format_safetensors_overlap"),
        ({"a": ("F32", [1], [0, 4]), "b": ("F32", [1], [8, 12])}, 12, "format_safetensors_gap"),
        ({"a": ("F32", [1], [4, 8])}, 8, "format_safetensors_gap"),
        ({"a": ("F32", [1], [0, 4])}, 8, "format_safetensors_gap"),
        ({"a": ("F32", [1], [0, 4])}, 3, "format_safetensors_truncated"),
        ({"a": ("F32", [2], [0, 4])}, 4, "format_safetensors_size"),
        ({"a": ("F32", [2**31, 2**31, 2**31, 2**31], [0, 0])}, 0, "format_overflow"),
        ({"a": ("F32", [2**64 + 1], [0, 4])}, 4, "format_safetensors_header"),
        ({"a": ("F32", [-1, -1], [0, 4])}, 4, "format_safetensors_header"),
        ({"a": ("F32", [True], [0, 4])}, 4, "format_safetensors_header"),
        ({"a": ("F32", [1.0], [0, 4])}, 4, "format_safetensors_header"),
        ({"a": ("F32", [1], [4, 0])}, 4, "format_safetensors_offsets"),
        ({"a": ("F32", [1], [0, 4, 4])}, 4, "format_safetensors_offsets"),
        ({"a": ("O", [1], [0, 8])}, 8, "format_safetensors_dtype"),
        ({"a": ("F4", [1], [0, 1])}, 1, "format_safetensors_size"),
    ],
)
def test_offsets_that_lie(tensors, length: int, reason: str) -> None:
    header = {name: {"dtype": d, "shape": s, "data_offsets": o} for name, (d, s, o) in tensors.items()}
    assert _refusal("m.safetensors", _raw_header(json.dumps(header).encode(), bytes(length))) == reason


@pytest.mark.parametrize(
    "header",
    [
        b' {"a":{}}',
        b'{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"more":1}}',
        b'{"__metadata__":{"a":1}}',
        b'{"__metadata__":[]}',
        b'{"a\\u0000":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
        b"{}\n",
        b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[NaN,0]}}',
        b"{" + b"[" * 5_000,
    ],
)
def test_headers_that_two_readers_would_read_differently(header: bytes) -> None:
    with pytest.raises(VerificationError):
        check_format("m.safetensors", _raw_header(header))


# -- archives


@pytest.mark.parametrize("name", ["m.zip", "m.pt", "m.npz", "m.json", "m.safetensors"])
def test_a_pickle_in_an_archive_is_refused_however_it_is_called(name: str) -> None:
    for member in ("data_pkl", "readme_md", "config_json", "w_safetensors", "data_0"):
        report = scan_bytes(name, _zip(**{member: SYSTEM}))
        assert report.verdict == "refused"
    with pytest.raises(VerificationError):
        check_format(name, _zip(card_md=b"# card"))


def test_an_archive_in_an_archive_in_an_archive() -> None:
    inner = _zip(data_pkl=SYSTEM)
    for _ in range(2):
        inner = _zip(more_zip=inner)
    report = scan_bytes("m.zip", inner)
    assert report.verdict == "refused"
    assert report.findings[0].member == "more.zip!more.zip!data.pkl"
    assert report.findings[0].threats[0].startswith("AML.")
    assert scan_bytes("m.zip", _zip(more_zip=_zip(more_zip=inner))).findings[0].code == "archive_bomb"


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/passwd", "a/../../b.json", "a\x00.json", "C:\\a.json", "a//b.json"]
)
def test_a_member_that_would_leave_the_archive(name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("x" * len(name))
        archive.writestr(info, b"{}")
    data = buffer.getvalue().replace(b"x" * len(name), name.encode())
    assert scan_bytes("m.zip", data).findings[0].code == "archive_path"


def _patched(data: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    at = data.index(mark) + offset
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize(
    ("mark", "offset", "value"),
    [
        (b"PK\x03\x04", 6, b"\x01\x00"),  # encrypted in the one head and not in the other
        (b"PK\x03\x04", 6, b"\x20\x00"),
        (b"PK\x01\x02", 8, b"\x20\x00"),
        (b"PK\x01\x02", 8, b"\x01\x00"),
        (b"PK\x03\x04", 8, b"\x08\x00"),  # another method
        (b"PK\x01\x02", 10, b"\x0c\x00"),
        (b"PK\x03\x04", 14, b"\x00\x00\x00\x00"),  # another checksum
        (b"PK\x01\x02", 16, b"\x00\x00\x00\x00"),
        (b"PK\x01\x02", 24, b"\xff\xff\xff\x7f"),  # a size that it has not
        (b"PK\x01\x02", 42, b"\x05\x00\x00\x00"),  # elsewhere
        (b"PK\x03\x04", 30, b"z"),  # another name
        (b"PK\x05\x06", 10, b"\x03\x00"),  # another count
        (b"PK\x05\x06", 16, b"\x00\x00\x00\x00"),
        (b"PK\x05\x06", 20, b"\x05\x00"),
    ],
)
def test_an_archive_that_two_readers_read_differently(mark: bytes, offset: int, value: bytes) -> None:
    whole = _zip(card_md=b"# card", a_json=b"{}")
    assert scan_bytes("m.zip", whole).verdict == "quarantined"
    report = scan_bytes("m.zip", _patched(whole, mark, offset, value))
    assert report.verdict == "refused"
    assert report.findings[0].code.startswith("archive_")


def test_something_before_between_or_after_the_members() -> None:
    whole = _zip(card_md=b"# card")
    for data in (whole + b"x", whole[:4] + whole, b"PK\x03\x04" + whole):
        assert scan_bytes("m.zip", data).verdict == "refused"


def test_a_zip_bomb_is_not_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.md", b"0" * 30_000_000)
    report = scan_bytes("m.zip", buffer.getvalue())
    assert (report.verdict, report.findings[0].code) == ("refused", "archive_bomb")


@pytest.mark.parametrize(
    "head", ["\x1f\x8b\x08", "BZh9", "\xfd7zXZ\0", "7z\xbc\xaf\x27\x1c", "(\xb5/\xfd", "Rar!\x1a\x07"]
)
def test_other_archives_are_not_looked_into(head: str) -> None:
    report = scan_bytes("m.pkl", head.encode("latin-1") + bytes(100))
    assert (report.verdict, report.findings[0].code) == ("refused", "format_archive")


def test_a_tar_is_an_archive_by_its_checksum() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("evil"), io.BytesIO(b""))
    for name in ("m.tar", "m.md", "m.safetensors"):
        assert scan_bytes(name, buffer.getvalue()).verdict == "refused"


@pytest.mark.parametrize("head", [b"GGUF", b"\x89HDF\r\n\x1a\n", b"\x7fELF", b"TFL3"])
def test_foreign_models_are_of_no_allowed_format(head: bytes) -> None:
    report = scan_bytes("model.bin", head + bytes(600))
    assert (report.verdict, report.findings[0].code) == ("refused", "format_foreign")


# -- pickles that go round a scanner


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04]\x94." + SYSTEM,  # a second stream behind the first
        b"\x80\x04N.\x00\x00",
        b"\x80\x04ccollections\nOrderedDict\n(cos\nsystem\ntR.",
        b"\x80\x04ctorch._utils\n_rebuild_parameter\nccollections\nOrderedDict\n\x85R.",  # a callable handed to a call
        b"\x80\x04c__builtin__\neval\n.",
        b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93)\x81.",
        b"\x80\x04\x82\x01.",
        b"\x80\x04P0\n.",
        b"\x80\x04K\x01Q.",
        b"\x80\x05\x97.",
        b"\x80\x04K\x01K\x02b.",
        b"\x80\x04N\x80\x02.",
        b"\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00\x8c\x05hello.",  # an opcode crosses its frame
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
        b"\x80\x04B\xff\xff\xff\xff.",
        b"\x80\x04\x8b\xff\xff\xff\xff.",
        b"\x80\x04Nr\xff\xff\xff\x7f.",  # a memo of two billion places
        b"\x80\x04h\x05.",
        b"\x80\x04" + b"(" * 2_000 + b".",
        b"\x80\x04N" + b"\x85" * 300 + b".",
        b"\x80\x04N" + b"2" * 200_000 + b".",
        b"\x80\x04]q\x00" + b"0]h\x00aq\x00" * 300 + b".",
        b"\x80\x04N",
        b"\x80\x04.",
        b"\x80\x09N.",
        b"\x80",
        b"",
    ],
)
def test_tricks_of_pickles_are_refused(data: bytes) -> None:
    report = scan_bytes("m.pkl", data)
    assert report.verdict == "refused"
    assert report.findings


def test_a_clean_pickle_is_quarantined_and_never_safe() -> None:
    report = scan_bytes("m.pkl", b"\x80\x04}\x94\x8c\x01a\x94]\x94(K\x01G?\xf0\x00\x00\x00\x00\x00\x00es.")
    assert (report.verdict, report.format) == ("quarantined", "pickle")
    assert scan_bytes("m.npy", _npy("<f4", "(2,)", bytes(8))).verdict == "quarantined"


def _npy(kind: str, shape: str, data: bytes) -> bytes:
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


@pytest.mark.parametrize(
    ("kind", "shape", "length", "code"),
    [
        ("|O", "(1,)", 8, "array_objects"),
        ("<f4", "(3,)", 8, "array_malformed"),
        ("<f4", f"({10**17}, {10**17}, {10**17})", 8, "array_malformed"),
        ("<f4", "(__import__('os').system('id'),)", 8, "array_malformed"),
        ("[('a', '|O')]", "(1,)", 8, "array_malformed"),
    ],
)
def test_arrays_that_hold_objects_or_lie(kind: str, shape: str, length: int, code: str) -> None:
    report = scan_bytes("m.npy", _npy(kind, shape, bytes(length)))
    assert (report.verdict, report.findings[0].code) == ("refused", code)


# -- paths


def test_links_pipes_and_large_files_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "good.safetensors").write_bytes(safetensors_bytes(1.0))
    (tmp_path / "model.txt").write_text(lightgbm_text())
    (tmp_path / "link.md").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "large.md").write_bytes(b"x" * 2_000)
    reports = {Path(one.file).name: one for one in scan_paths([tmp_path], ScanLimits(max_file_bytes=1_500))}
    assert {name: one.verdict for name, one in reports.items()} == {
        "good.safetensors": "safe",
        "model.txt": "safe",
        "link.md": "refused",
        "folder": "refused",
        "pipe.md": "refused",
        "large.md": "refused",
    }
    with pytest.raises(FaultyInputError, match="not there"):
        list(scan_paths([tmp_path / "absent"]))


def test_what_a_file_says_does_not_reach_the_terminal() -> None:
    report = scan_bytes("m.pkl", b"c\x1b[31mevil\n\x1b]0;owned\x07\n.")
    assert "\x1b" not in report.findings[0].message
    assert "\x07" not in report.findings[0].message
