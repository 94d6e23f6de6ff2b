"""``ostiary biometrics enrol``: make the templates of a file's people, and say how well each is known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from ostiary.cli.biometrics.shared import Home, LeftOut, ModalityName, ModelFolder, Tenant, model_of, need_extra
from ostiary.cli.output import err, print_table
from ostiary.cli.risk.shared import write_lines
from ostiary.errors import FaultyInputError
from ostiary.keys.files import write_private
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ostiary.biometrics.model import Model, Template
    from ostiary.biometrics.training import Row


class Enrolled(msgspec.Struct, frozen=True):
    """How well one person is known.

    Attributes:
        subject: who.
        windows: how many windows the template is made of.
        unusable: how many had too little in them.
        sessions: from how many sessions, 0 where the file does not say.
        stage: none, provisional or enrolled.
        usual: the middle of each plain trait, in its own unit.
    """

    subject: str
    windows: int
    unusable: int
    sessions: int
    stage: str
    usual: dict[str, float]


class Kept(msgspec.Struct, frozen=True):
    """One line of the file of templates: what the model with this digest can read of a person."""

    subject: str
    modality: str
    model: str
    windows: int
    sessions: int
    centre: list[list[float]]


def enrol(
    *,
    modality: ModalityName,
    model: ModelFolder = None,
    enrol: Annotated[Path, Parameter(help="Windows that templates are made of: subject, order, modality, events.")],
    enrol_first: Annotated[int | None, Parameter(help="Only rows of the enrolment whose order is below this.")] = None,
    out_file: Annotated[
        Path | None, Parameter(name="--out", help="Keep the templates in this file, readable by you alone.")
    ] = None,
    jsonl: Annotated[bool, Parameter(negative="", help="One JSON document a person.")] = False,
    home: Home = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Make templates and say how well each person is known; a running server makes its own, of people who agreed."""
    need_extra()
    from ostiary.biometrics.reading import read_enrolment  # noqa: PLC0415 - the biometrics extra may be absent
    from ostiary.biometrics.window import Modality  # noqa: PLC0415

    kind, left_out = Modality(modality), LeftOut()
    loaded = model_of(model, kind, Places(data_dir(home)), tenant)
    people = read_enrolment(enrol, kind, left_out, enrol_first)
    left_out.end()
    made = _made(loaded, people)
    if not made:
        raise FaultyInputError("nothing_enrolled", "nobody in the file can be enrolled")
    known = [_known(loaded, name, people[name], template) for name, template in made.items()]
    if out_file:
        kept = (_kept(loaded, name, template) for name, template in made.items())
        write_private(out_file, b"".join(msgspec.json.encode(one) + b"\n" for one in kept))
        err.print(f"{out_file}: {len(made):,} templates", markup=False)
    if jsonl:
        write_lines(known)
    else:
        print_table(
            "enrolled", ["subject", "windows", "unusable", "sessions", "stage"], map(msgspec.to_builtins, known)
        )


def _made(model: "Model", people: "Mapping[str, Sequence[Row]]") -> "dict[str, Template]":
    from ostiary.biometrics.scoring import template_of  # noqa: PLC0415 - as above

    made = {}
    for name, rows in people.items():
        try:
            made[name] = template_of(model, rows)
        except FaultyInputError as fault:
            err.print(f"{name}: {fault.code}: {fault.message}", markup=False)
    return made


def _known(model: "Model", name: str, rows: "Sequence[Row]", template: "Template") -> Enrolled:
    from ostiary.biometrics.evidence import stage_of  # noqa: PLC0415 - as above
    from ostiary.biometrics.habits import plain_usual  # noqa: PLC0415

    return Enrolled(
        subject=name,
        windows=template.windows,
        unusable=len(rows) - template.windows,
        sessions=template.sessions,
        stage=stage_of(model.modality, template.windows, template.sessions).value,
        usual=plain_usual([row.window for row in rows]),
    )


def _kept(model: "Model", name: str, template: "Template") -> Kept:
    centre = template.centre.tolist()
    return Kept(name, model.modality.value, model.digest, template.windows, template.sessions, centre)
