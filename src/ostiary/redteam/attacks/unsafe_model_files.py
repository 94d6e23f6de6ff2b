"""Model files that run code when they are loaded: plain pickles, archives around them, files that say they are another.

None of them is ever loaded here: each is bytes that were put together by hand, and the scanner only reads. Without the
defence a loader takes whatever calls itself a pickle or an archive of one, as ``pickle.load`` and ``torch.load`` do.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from typing import Final

from ostiary.artifacts import check_format
from ostiary.artifacts.scanning import scan_bytes
from ostiary.errors import OstiaryError
from ostiary.redteam.attack import Attack, Outcome, Tally
from ostiary.redteam.world import World

CALLABLES: Final = (
    ("os", "system"), ("posix", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("builtins", "exec"),
    ("builtins", "getattr"), ("importlib", "import_module"), ("runpy", "run_path"), ("webbrowser", "open"),
    ("code", "interact"), ("pty", "spawn"), ("ctypes", "CDLL"), ("operator", "attrgetter"), ("torch", "load"),
    ("numpy.testing._private.utils", "runstring"), ("pip", "main"), ("timeit", "timeit"), ("cProfile", "run"),
)  # fmt: skip
ENDINGS: Final = ("model.pkl", "model.safetensors", "model.onnx", "README.md", "weights.bin")
_PICKLE: Final = b"\x80"
_ZIP: Final = b"PK\x03\x04"


def _protocol_0(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n(S'id'\ntR.".encode()


def _protocol_4(module: str, name: str) -> bytes:
    said = b"".join(b"\x8c" + bytes([len(one)]) + one.encode() for one in (module, name))
    body = said + b"\x93\x8c\x02id\x85R."
    return b"\x80\x04\x95" + struct.pack("<Q", len(body)) + body


def _archive(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
    return out.getvalue()


def files() -> Iterator[tuple[str, bytes]]:
    """Yield every file with what it is about."""
    for module, name in CALLABLES:
        for how, data in (("0", _protocol_0(module, name)), ("4", _protocol_4(module, name))):
            yield f"{module}.{name}, protocol {how}", data
            yield f"{module}.{name}, protocol {how}, in an archive", _archive(data)
    yield "a broken pickle after a good call", _protocol_0("os", "system")[:-1] + b"\xff"
    yield "two pickles in a row", b"\x80\x04K\x01." + _protocol_4("os", "system")


def _run(_world: World) -> Outcome:
    told = list(files())
    taken = [what for what, data in told if data.startswith((_PICKLE, _ZIP, b"c"))]
    through = [what for what, data in told if _let_in(data)]
    return Outcome(Tally(len(told), len(taken)), Tally(len(told), len(through), tuple(through[:8])))


def _let_in(data: bytes) -> bool:
    """Return whether the scanner takes it for less than refused, or any name gets it past the list of formats."""
    return scan_bytes("model.pkl", data).verdict != "refused" or any(_passes(name, data) for name in ENDINGS)


def _passes(name: str, data: bytes) -> bool:
    try:
        check_format(name, data)
    except OstiaryError:
        return False
    return True


ATTACK: Final = Attack(
    "unsafe-model-files",
    "AML.T0011.000",
    "files that run code when they are loaded, against the scanner and the list of formats",
    _run,
)
