"""``ostiary biometrics score``: did the claimed person make these windows? One line a probe, in order."""

from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.biometrics.shared import Home, LeftOut, ModalityName, ModelFolder, Tenant, model_of, need_extra
from ostiary.cli.output import err
from ostiary.cli.risk.shared import write_lines
from ostiary.errors import FaultyInputError
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir


def score(
    *,
    modality: ModalityName,
    model: ModelFolder = None,
    enrol: Annotated[Path, Parameter(help="Windows that templates are made of: subject, order, modality, events.")],
    windows: Annotated[Path, Parameter(help="Windows to be judged: window, modality, events.")],
    probes: Annotated[Path, Parameter(help="Who claims to have made which of them: id, claimed, windows.")],
    enrol_first: Annotated[int | None, Parameter(help="Only rows of the enrolment whose order is below this.")] = None,
    jsonl: Annotated[bool, Parameter(negative="", help="One JSON document a line (always; said for scripts).")] = True,  # noqa: ARG001
    home: Home = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Judge each probe by the template of the person it claims, and nothing else; one JSON line a probe."""
    need_extra()
    from ostiary.biometrics.reading import (  # noqa: PLC0415 - the biometrics extra may be absent
        Rejected,
        read_enrolment,
        read_probes,
        read_windows,
    )
    from ostiary.biometrics.scoring import answers  # noqa: PLC0415
    from ostiary.biometrics.window import Modality  # noqa: PLC0415

    kind, left_out = Modality(modality), LeftOut()
    loaded = model_of(model, kind, Places(data_dir(home)), tenant)
    people = read_enrolment(enrol, kind, left_out, enrol_first)
    judged = read_windows(windows, kind, left_out)
    err.print(f"{len(people):,} people, {len(judged):,} windows", markup=False)
    tell = partial(Rejected, probes)
    found = answers(loaded, people, judged, read_probes(probes, left_out), lambda *told: left_out(tell(*told)))
    count = write_lines(found)
    left_out.end()
    err.print(f"{count:,} probes answered", markup=False)
    if not count:
        raise FaultyInputError("nothing_scored", "no probe could be answered")
