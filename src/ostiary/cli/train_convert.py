"""``ostiary train convert``: a quarantined pickle becomes safetensors or LightGBM's own text, inside the sandbox."""

from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.artifacts.conversion import convert as converted
from ostiary.cli.output import out, plain, print_json
from ostiary.errors import FaultyInputError
from ostiary.pipeline.training.programs import ProgramSandbox
from ostiary.vocabulary.clock import SystemClock

MAX_SOURCE: Final = 1 << 30


def convert(
    source: Annotated[Path, Parameter(help="A file that `ostiary model scan` calls quarantined.")],
    target: Annotated[Path, Parameter(help="The new file, `.safetensors` or `.txt`; it must not be there yet.")],
    *,
    json: Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")] = False,
) -> None:
    """Convert a pickle in a sandbox without network; what comes out is judged like any file."""
    made = converted(source.name, _read(source), target.name, ProgramSandbox(SystemClock()))
    try:
        with target.open("xb") as file:
            file.write(made.data)
    except OSError as fault:
        raise FaultyInputError("file_unwritable", f"`{target}` cannot be written: {fault.strerror}") from None
    told = {"source": str(source), "source_sha256": made.source_sha256, "file": str(target), "sha256": made.sha256}
    if json:
        print_json({**told, "imports": made.report.imports})
    else:
        out.print(plain(f"{target}: sha256:{made.sha256}, from sha256:{made.source_sha256}"), markup=False)


def mount(command: App) -> None:
    """Put the verb into ``ostiary train``."""
    command.command(convert)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SOURCE + 1)
    except OSError as fault:
        raise FaultyInputError("file_unreadable", f"`{path}` cannot be read: {fault.strerror}") from None
    if len(data) > MAX_SOURCE:
        raise FaultyInputError("file_too_large", f"`{path}` has more than {MAX_SOURCE} bytes")
    return data
