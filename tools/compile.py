"""Compiles the busiest modules of ``signals`` with mypyc: ``python tools/compile.py [--fetch]``. See ADR-0021.

- Quick when it is done already: the folder is named by a digest of the sources (``ostiary.signals.compiled``).
- Without a C compiler, Python's headers or mypyc it says so, and that is no error: plain Python runs.
- ``--fetch`` installs a missing mypyc into ``.venv/compiler`` from ``requirements/compile.txt``, by hash.
- The folder is left behind only after a replay with it gave the very bits that plain Python gives, on this machine.
- It gives up after five minutes (``OSTIARY_COMPILE_LIMIT`` seconds).
"""

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

os.environ["OSTIARY_COMPILED"] = "0"  # what makes them runs without them

from ostiary.signals import compiled

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = int(os.environ.get("OSTIARY_COMPILE_LIMIT", "300"))
# -O1: -O2 takes longer to compile and gained nothing that was measured. No contraction: a fused multiply-add
# rounds once where Python rounds twice, and one history must give one set of bits.
FLAGS = ("-O1", "-fPIC", "-fwrapv", "-ffp-contract=off", "-DNDEBUG", "-w")
REPLAY = """
import hashlib, struct
from ostiary.signals import compiled
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.replay import replay
from ostiary.testing.organisation import Organisation
organisation = Organisation(people=8, days=3)
enricher = Enricher(organisation.catalogue())
events = [enricher.enrich(event) for event in organisation.history()]
whole = hashlib.sha256()
for _, row in replay(events, ProfileBook("default", max_open=3)):
    whole.update(",".join(map(repr, row)).encode())
print(bool(compiled.PLAIN), whole.hexdigest())
"""


def say(text: str) -> None:
    """Tell on stderr."""
    print(f"ostiary: {text}", file=sys.stderr)


def fetched(folder: Path) -> None:
    """Install what compiles into ``folder``, unless it is there."""
    if not (folder / "mypyc").is_dir():
        lock = ROOT / "requirements" / "compile.txt"
        quietly = ["-m", "pip", "--disable-pip-version-check", "install", "-qq"]
        command = [sys.executable, *quietly, "--require-hashes", "--target", str(folder), "--requirement", str(lock)]
        subprocess.run(command, check=True)  # noqa: S603 - our own
    sys.path.insert(0, str(folder))


def lacking(*, fetch: bool) -> str:
    """Return what is missing to compile, empty when nothing is."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    if sys.platform == "win32" or shutil.which(compiler) is None:
        return f"no C compiler `{compiler}`"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "no Python.h"
    if fetch and (find_spec("mypyc") is None or find_spec("setuptools") is None):
        fetched(Path(sys.prefix) / "compiler")
    try:
        import mypyc.build  # noqa: F401, PLC0415 - may be missing
        import setuptools  # type: ignore[import-untyped]  # noqa: F401, PLC0415 - may be missing
    except ImportError as fault:
        return f"no {fault.name}"
    return ""


def translated(out: Path) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Write the C; return name and C files of each extension, and where the headers are."""
    from mypyc.build import mypycify  # noqa: PLC0415 - needed here only

    files = [str(Path("ostiary") / path) for path in compiled.sources()]
    options = ["--config-file=", "--strict", "--local-partial-types", f"--cache-dir={out / 'cache'}"]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # it remarks on generators made into lists
        made = mypycify(
            [*options, *files],
            opt_level="1",
            debug_level="0",
            multi_file=True,
            target_dir=str(out / "c"),
            group_name=compiled.GROUP,
        )
    includes = sorted({folder for one in made for folder in one.include_dirs})
    return [(one.name, list(one.sources)) for one in made], includes


def built(out: Path, extensions: Sequence[tuple[str, list[str]]], includes: Sequence[str]) -> None:
    """Compile the C files beside each other, and link them."""
    compiler, linker = (shlex.split(sysconfig.get_config_var(name)) for name in ("CC", "LDSHARED"))
    headers = [f"-I{folder}" for folder in (*includes, sysconfig.get_path("include"))]

    def compiled_file(source: str) -> str:
        target = f"{source}.o"
        subprocess.run([*compiler, *FLAGS, *headers, "-c", source, "-o", target], check=True)  # noqa: S603 - our own
        return target

    largest_first = sorted({source for _, sources in extensions for source in sources}, key=_size)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = dict(zip(largest_first, pool.map(compiled_file, largest_first), strict=True))
    for name, sources in extensions:
        target = out / "lib" / (name.replace(".", "/") + sysconfig.get_config_var("EXT_SUFFIX"))
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*linker, *[objects[source] for source in sources], "-o", str(target)], check=True)  # noqa: S603


def _size(source: str) -> int:
    return -Path(source).stat().st_size


def kernels_built(out: Path) -> None:
    """Compile what other rooms load: each tries its own against plain Python at each load."""
    compiler, linker = (shlex.split(sysconfig.get_config_var(name)) for name in ("CC", "LDSHARED"))
    for name, place in compiled.KERNELS:
        source, target = compiled.PACKAGE / place, out / f"{name}.o"
        subprocess.run([*compiler, *FLAGS, "-O2", "-c", str(source), "-o", str(target)], check=True)  # noqa: S603 - our own
        subprocess.run([*linker, str(target), "-lm", "-o", str(out / "lib" / name)], check=True)  # noqa: S603 - our own


def replayed(chosen: str) -> list[str]:
    """Return whether plain Python ran, and the digest of a replay."""
    environment = {**os.environ, compiled.VARIABLE: chosen}
    command = [sys.executable, "-c", REPLAY]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    return told.stdout.split() or [told.stderr.strip()[-300:]]


def main() -> int:
    """Compile if that is needed and can be done."""
    if compiled.PLACE.is_dir():
        return 0
    missing = lacking(fetch="--fetch" in sys.argv[1:])
    if missing:
        say(f"{missing}: the signals run as plain Python, at two thirds of the speed")
        return 0
    say("compiling the signals (a minute, once for each change of them)")
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(LIMIT_S)
    begin, folder = monotonic(), compiled.PLACE.parent
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as name:
        out = Path(name)
        os.chdir(compiled.PACKAGE.parent)
        built(out, *translated(out))
        kernels_built(out)
        (out / "lib").rename(compiled.PLACE)
    plain, fast = replayed("0"), replayed("1")
    if ["True", *fast[1:]] != plain or fast[0] != "False":
        shutil.rmtree(compiled.PLACE)
        say(f"compiled signals do not say what plain ones say here, so plain Python runs: {plain} and {fast}")
        return 1
    for other in folder.iterdir():
        if other != compiled.PLACE:
            shutil.rmtree(other, ignore_errors=True)
    say(f"compiled the signals in {monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
