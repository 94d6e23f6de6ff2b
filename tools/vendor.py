"""Brings the console's foreign files into ``src/ostiary/console/vendored``: ``python tools/vendor.py [--check]``.

- What is brought is in ``tools/vendor.json``: package, version, npm's own sha512 of it, and which files are taken.
- A package whose bytes have another digest is refused, and nothing is written.
- Each package's licence lies beside its files, and ``THIRD_PARTY.md`` names them all.
- ``--check`` changes nothing and needs no network: it compares what lies there with the digests of the last run.
"""

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tools" / "vendor.json"
PLACE = ROOT / "src" / "ostiary" / "console" / "vendored"
DIGESTS = PLACE / "SHA256SUMS"
MOST_BYTES = 64 << 20


def fetched(package: str, version: str, integrity: str) -> bytes:
    """Return the package's archive, when it has the digest that was written down."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{package}@{version}", "--pack-destination", folder]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own list
        archive = next(Path(folder).glob("*.tgz")).read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != integrity:
        sys.exit(f"vendor: {package}@{version} has {found}, and {integrity} was wanted: nothing was written")
    return archive


def taken(archive: bytes, files: dict[str, str]) -> dict[str, bytes]:
    """Return the wanted files of an archive by the name they get."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return {name: _member(tar, source) for source, name in files.items()}


def _member(tar: tarfile.TarFile, source: str) -> bytes:
    member = tar.getmember(str(PurePosixPath("package") / source))
    if not member.isreg() or member.size > MOST_BYTES:
        sys.exit(f"vendor: `{source}` is no plain file of bearable size")
    opened = tar.extractfile(member)
    return opened.read() if opened else b""


def written(packages: list[dict[str, Any]]) -> None:
    """Write every file, its digest, and whose it is."""
    found: dict[str, bytes] = {}
    rows = []
    for one in packages:
        archive = fetched(one["package"], one["version"], one["integrity"])
        found |= taken(archive, {**one["files"], one["licence_file"]: f"{one['short']}.LICENSE"})
        rows.append(f"| {one['package']} | {one['version']} | {one['licence']} | {', '.join(one['files'].values())} |")
    found["THIRD_PARTY.md"] = _page(rows).encode()
    PLACE.mkdir(parents=True, exist_ok=True)
    for name, data in found.items():
        (PLACE / name).write_bytes(data)
    DIGESTS.write_text("".join(f"{hashlib.sha256(found[name]).hexdigest()}  {name}\n" for name in sorted(found)))


def _page(rows: list[str]) -> str:
    head = "# What others made\n\nUnchanged files of these packages; each licence lies beside them.\n\n"
    return head + "| package | version | licence | files |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def differing() -> list[str]:
    """Return the names of files that are missing, unknown or changed."""
    lines = (line.split("  ", 1) for line in DIGESTS.read_text().splitlines())
    wanted = {name: digest for digest, name in lines}
    there = {path.name for path in PLACE.iterdir() if path.is_file()} - {DIGESTS.name, "__init__.py"}
    same = {n for n in there & wanted.keys() if hashlib.sha256((PLACE / n).read_bytes()).hexdigest() == wanted[n]}
    return sorted((there | wanted.keys()) - same)


def main() -> None:
    """Bring the files, or check them."""
    if sys.argv[1:] == ["--check"]:
        if wrong := differing():
            sys.exit(f"vendor: not as they were brought: {', '.join(wrong)}")
        return
    written(json.loads(LIST.read_text())["packages"])


if __name__ == "__main__":
    main()
