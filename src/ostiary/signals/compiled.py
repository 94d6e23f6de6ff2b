"""Compiled forms of this room's busiest modules: used when they were made of these very sources, never needed.

Rules:
- ``tools/compile.py`` makes them with mypyc, into a folder that is named by a digest of everything that went in: the
  sources of ``signals``, ``vocabulary`` and ``errors``, this file, and the interpreter's binary interface. Change a
  line, and the folder of that name is not there: the plain modules run. Nothing can be stale (ADR-0021).
- Compiled or plain, a signal says the same to the last bit; the tool tries that before it leaves the folder behind.
- ``OSTIARY_COMPILED=0`` keeps to plain Python.
- They lie inside the package, so that nobody may put one there who may not change the sources as well.

This module is imported ahead of its siblings, and puts the folder in front of theirs where a package looks.

>>> len(DIGEST)
32
"""

import sys
from collections.abc import Iterator, MutableSequence
from hashlib import blake2b
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import module_from_spec, spec_from_file_location
from os import environ
from pathlib import Path
from typing import Final

VARIABLE: Final = "OSTIARY_COMPILED"
FOLDER: Final = "_compiled"
GROUP: Final = "ostiary_signals"
"""Name of the library that all compiled modules share."""

MODULES: Final = (
    "baselines",
    "book",
    "circles",
    "dimensions",
    "factors",
    "features",
    "grid",
    "groups",
    "learning",
    "lookalikes",
    "looking",
    "measures",
    "neighbours",
    "network",
    "numbers",
    "postures",
    "progress",
    "recalling",
    "sittings",
    "steps",
    "surprise",
    "tables",
    "tactics",
    "tallies",
    "telling",
    "things",
    "windows",
)
"""What is compiled beside the whole catalogue: what every access runs through, and defines no ``msgspec.Struct``.

mypyc leaves no annotations behind that msgspec could read: a struct of a compiled module would take anything.
"""

PACKAGE: Final = Path(__file__).parent.parent
_SUFFIX: Final = EXTENSION_SUFFIXES[0]
WALK: Final = "walk.so"
WALK_SOURCE: Final = "risk/walk.c"
"""The walk through a model's trees, which another room loads; made with the rest, and fits as the rest does."""

NET: Final = "net.so"
NET_SOURCE: Final = "risk/net.c"
"""The networks that judge sessions beside a model's trees."""

NGRAM: Final = "ngram.so"
NGRAM_SOURCE: Final = "inspection/learned/ngram.c"
"""The reader of a text's pieces, which the inspection of prompts loads."""

_SOURCES: Final = ("errors.py", "vocabulary", "signals", WALK_SOURCE, NET_SOURCE, NGRAM_SOURCE)

KERNELS: Final = ((WALK, WALK_SOURCE), (NET, NET_SOURCE), (NGRAM, NGRAM_SOURCE))
"""What other rooms load, and of which source it is made."""


def sources() -> list[Path]:
    """Return the files to compile, relative to the folder of the package ``ostiary``."""
    room = Path("signals")
    catalogue = sorted(path.name for path in (PACKAGE / room / "catalogue").glob("[!_]*.py"))
    return [*(room / f"{name}.py" for name in MODULES), *(room / "catalogue" / name for name in catalogue)]


def _inputs() -> Iterator[Path]:
    for name in _SOURCES:
        place = PACKAGE / name
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place] * place.is_file()


def _digest() -> str:
    """Return the name of the folder that holds what is made of these very sources for this very interpreter."""
    whole = blake2b(f"{_SUFFIX} {sys.version_info[:2]}".encode(), digest_size=16)
    for path in _inputs():
        data = path.read_bytes()
        whole.update(f"\n{path.relative_to(PACKAGE).as_posix()} {len(data)}\n".encode())
        whole.update(data)
    return whole.hexdigest()


def _load(folder: Path) -> str:
    """Load the library; return why that is not done, empty when it was."""
    if environ.get(VARIABLE) == "0":
        return f"{VARIABLE}=0"
    name = f"{GROUP}__mypyc"
    spec = spec_from_file_location(name, folder / f"{name}{_SUFFIX}")
    if spec is None or spec.loader is None or not folder.is_dir():
        return "not compiled from these sources: tools/compile.py does it"
    try:
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError as fault:
        sys.modules.pop(name, None)
        return f"the compiled modules do not load: {fault}"
    return ""


def put_in_front(path: MutableSequence[str], package: str) -> None:
    """Let ``package`` look for its modules among the compiled ones first, if those are used."""
    if not PLAIN:
        path.insert(0, str(PLACE.joinpath(*package.split("."))))


DIGEST: Final = _digest()
PLACE: Final = PACKAGE / FOLDER / DIGEST
PLAIN: Final = _load(PLACE)
"""Why plain Python runs; empty when compiled modules do."""

put_in_front(sys.modules["ostiary.signals"].__path__, "ostiary.signals")
