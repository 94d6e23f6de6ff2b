"""``ostiary inspect evaluate``: measure the detectors of injections, the shipped ones or by leaving sources out."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.errors import FaultyInputError, UnavailableError

Protocol = Literal["shipped", "leave-source-out"]


def register(command: App) -> None:
    """Add the sub-verb."""
    command.command(evaluate)


def evaluate(
    *,
    protocol: Annotated[
        Protocol,
        Parameter(help="`leave-source-out` fits anew without the sources that are measured; `shipped` fits nothing."),
    ] = "shipped",
    encoder: Annotated[
        bool, Parameter(help="Fit the encoder of every fold as well; needs what tools/train_inspection.sh installs.")
    ] = True,
    agentdojo: Annotated[
        Path | None, Parameter(help="Folder of the unpacked package agentdojo 0.1.35, to be measured on.")
    ] = None,
    json: Annotated[bool, Parameter(negative="", help="One JSON object instead of tables.")] = False,
) -> None:
    """Measure how injections are found and ordinary texts left alone, on the texts below OSTIARY_SHARED."""
    try:
        figures = _shipped(agentdojo) if protocol == "shipped" else _leave_source_out(encoder=encoder)
    except ImportError as fault:
        raise UnavailableError(
            "training_extra_missing", f"`{fault.name}` is not installed: run `pip install 'ostiary[gateway,risk]'`"
        ) from fault
    if json:
        print_json(figures)
        return
    for title, rows in figures.items():
        _tell(title, rows)


def _shipped(agentdojo: Path | None) -> dict[str, Any]:
    from ostiary.inspection.prompt import open_prompt_inspector  # noqa: PLC0415 - heavy, an extra
    from ostiary.inspection.training.places import languages, shared  # noqa: PLC0415
    from ostiary.inspection.training.shipped import measure  # noqa: PLC0415

    if agentdojo is not None and not (agentdojo / "data" / "suites").is_dir():  # said now, not after some minutes
        raise FaultyInputError("agentdojo_missing", f"`{agentdojo}` is not the folder of the unpacked package")
    inspector = open_prompt_inspector(threads=2)
    if inspector.missing:
        raise UnavailableError("detector_unavailable", inspector.missing)
    found: dict[str, Any] = msgspec.to_builtins(measure(inspector, shared() / "data" / "llm", languages(), agentdojo))
    return found


def _leave_source_out(*, encoder: bool) -> dict[str, Any]:
    from ostiary.inspection.training.leaving import leave_source_out  # noqa: PLC0415 - heavy, an extra
    from ostiary.inspection.training.places import places  # noqa: PLC0415

    def say(text: str) -> None:
        err.print(text, markup=False)

    found: dict[str, Any] = msgspec.to_builtins(leave_source_out(places(), say, with_encoder=encoder))
    return found


def _tell(title: str, figures: Any) -> None:
    """Print one group of figures; a group of groups as a table."""
    if isinstance(figures, dict) and any(isinstance(one, dict) for one in figures.values()):
        rows = [{"of": name, **one} for name, one in figures.items() if isinstance(one, dict)]
        print_table(title, list(rows[0]), rows)
    else:
        out.print(f"{title}: {figures}", markup=False)
