"""``ostiary biometrics update``: what would templates have learned from these sequences of windows?"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ostiary.cli.biometrics.shared import Home, Kind, LeftOut, ModelFolder, Tenant, model_of, need_extra
from ostiary.cli.output import err
from ostiary.cli.risk.shared import write_lines
from ostiary.errors import FaultyInputError
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir

if TYPE_CHECKING:
    from ostiary.biometrics.window import Modality


def update(
    *,
    enrol: Annotated[Path, Parameter(help="Windows that templates are made of: subject, order, modality, events.")],
    windows: Annotated[Path, Parameter(help="Windows in order: sequence, claimed, step, events.")],
    modality: Annotated[
        Kind | None, Parameter(name="--modality", help="Default: what the first row of the enrolment says.")
    ] = None,
    model: ModelFolder = None,
    enrol_first: Annotated[int | None, Parameter(help="Only rows of the enrolment whose order is below this.")] = None,
    home: Home = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Feed sequences of windows to the update path; one JSON line a window: accepted or not, alarm or not, and why.

    Nothing is stored. Each sequence begins with a fresh copy of the claimed person's template. Every window counts as
    made in a session that was strongly re-authenticated after the window began, a day and an hour after the one before,
    so that quarantine has passed. An alarm stands until the sequence ends: only people replace an anchor.
    """
    need_extra()
    from ostiary.biometrics.reading import Rejected, read_enrolment  # noqa: PLC0415 - the extra may be absent
    from ostiary.biometrics.updating.feeding import fed, read_steps  # noqa: PLC0415
    from ostiary.biometrics.window import Modality  # noqa: PLC0415

    kind, left_out = Modality(modality) if modality else _told(enrol), LeftOut()
    loaded = model_of(model, kind, Places(data_dir(home)), tenant)
    people = read_enrolment(enrol, kind, left_out, enrol_first)
    tell = partial(Rejected, windows)
    steps = read_steps(windows, kind, left_out)
    count = write_lines(fed(loaded, people, steps, lambda *told: left_out(tell(*told))))
    left_out.end()
    err.print(f"{count:,} windows of {len(people):,} people", markup=False)
    if not count:
        raise FaultyInputError("nothing_fed", "no window could be offered to a template")


def _told(enrol: Path) -> "Modality":
    """Return the modality that the first readable row of an enrolment names."""
    import msgspec  # noqa: PLC0415

    from ostiary.biometrics.reading import lines_of  # noqa: PLC0415 - the biometrics extra may be absent
    from ostiary.biometrics.window import Modality  # noqa: PLC0415

    for _, line in lines_of(enrol, lambda _: None):
        try:
            return Modality(msgspec.json.decode(line)["modality"])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, LookupError, TypeError, ValueError):
            continue
    raise FaultyInputError("modality_missing", f"`{enrol}` names no modality; say which with --modality")
