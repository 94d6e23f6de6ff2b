"""``ostiary biometrics train``: learn an encoder of one modality from windows of known people; sign it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ostiary.artifacts import ArtifactPredicate
from ostiary.cli.biometrics.shared import Home, Json, LeftOut, ModalityName, Tenant, need_extra
from ostiary.cli.output import err, out, print_json
from ostiary.cli.risk.shared import progress
from ostiary.keys import KeyRing
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.server.scoring import MODEL_PURPOSE
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.ids import check_tenant

PRODUCER = "ostiary biometrics train"
_THREADS = 2  # whatever the machine has: how many hands add up decides the last bits of a model


def train(
    *,
    modality: ModalityName,
    data: Annotated[Path, Parameter(help="Folder (or file) of windows of known people, *.jsonl or *.jsonl.gz.")],
    out_folder: Annotated[Path, Parameter(name="--out", help="Folder for the model.")],
    seed: Annotated[int, Parameter(help="The same rows and seed give the same model.")] = 0,
    home: Home = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Learn to tell people apart by their windows, and sign the model; it then knows others whom it never saw."""
    need_extra()
    from ostiary.artifacts.placing import check_place, write_signed  # noqa: PLC0415
    from ostiary.biometrics.kinds import ARTIFACT_KIND  # noqa: PLC0415 - the biometrics extra may be absent
    from ostiary.biometrics.reading import read_people  # noqa: PLC0415
    from ostiary.biometrics.training import TrainSettings  # noqa: PLC0415
    from ostiary.biometrics.training import train as fit  # noqa: PLC0415
    from ostiary.biometrics.window import Modality  # noqa: PLC0415

    check_place(out_folder)
    left_out = LeftOut()
    rows = read_people(data, Modality(modality), left_out)
    left_out.end()
    err.print(f"{len(rows):,} windows of {len({row.subject for row in rows}):,} people", markup=False)
    trained = fit(Modality(modality), rows, TrainSettings(seed=seed, threads=_THREADS), progress())
    places, clock = Places(data_dir(home)), SystemClock()
    key = KeyRing(places.keys / "ring", clock).active(check_tenant(tenant), MODEL_PURPOSE)
    predicate = ArtifactPredicate(kind=ARTIFACT_KIND, created_ns=clock.now_ns(), producer=PRODUCER, tenant=tenant)
    digest = write_signed(trained.folder, out_folder, key, predicate)
    if json:
        print_json({"folder": str(out_folder), "digest": digest, "kid": key.kid, "modality": modality, "seed": seed})
    else:
        out.print(f"{out_folder}: {digest}, signed with {key.kid}", markup=False)
