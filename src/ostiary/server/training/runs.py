"""Runs of this deployment: put together from the house, and read back from its log."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.pipeline.training.accounts import EgressLimits
from ostiary.pipeline.training.booked import BookedDatasets
from ostiary.pipeline.training.course import Course, Parts, Rules
from ostiary.pipeline.training.limits import MIB, SandboxLimits
from ostiary.pipeline.training.ports import ArtifactDoor, Authority, DatasetCheck, Delivery
from ostiary.server.addresses import public_url
from ostiary.server.datasets.parts import open_datasets
from ostiary.server.settings.training import TrainingSection
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import check_tenant

KIND: Final = "training"
PURPOSE: Final = "training"
RECORD_WAIT_S: Final = 30.0
UNKNOWN: Final = "training_run_unknown"


class HouseLog:
    """A ``RunLog`` over the transparency log."""

    def __init__(self, house: House) -> None:
        """Write to the house's log."""
        self._house = house

    def write(self, tenant: str, record_id: str, document: Mapping[str, Any]) -> None:
        """Write one record and wait for the disk."""
        now_ns = self._house.clock.now_ns()
        pending = self._house.log.append(tenant, KIND, record_id, now_ns, msgspec.json.encode(document), "")
        try:
            pending.result(timeout=RECORD_WAIT_S)
        except TimeoutError as fault:
            raise UnavailableError("record_failed", "the run cannot be recorded, so it does not happen") from fault


class KeptInPlace:
    """An ``ArtifactDoor`` that leaves outputs in the run's own folder, until they are registered from there."""

    def deliver(self, tenant: str, delivery: Delivery) -> str:
        """Return the folder."""
        del tenant
        return str(delivery.folder)


def datasets_of(house: House) -> DatasetCheck:
    """Return what vouches for datasets here: the book of the door to datasets."""
    parts = open_datasets(house)
    return BookedDatasets(parts.book, parts.reads)


def runs_folder(house: House, tenant: str) -> Path:
    """Return where a tenant's runs leave their outputs, logs and provenance."""
    return house.places.root / "training" / check_tenant(tenant)


def forget_runs(house: House, tenant: str) -> None:
    """Erase what a tenant's runs left behind."""
    shutil.rmtree(runs_folder(house, tenant), ignore_errors=True)


def limits_of(settings: TrainingSection) -> SandboxLimits:
    """Return the limits of a sandbox."""
    return SandboxLimits(
        memory_bytes=settings.memory_mib * MIB,
        processes=settings.processes,
        cpus=settings.cpus,
        wall_s=settings.wall_s,
        open_files=settings.open_files,
        tmp_bytes=settings.tmp_mib * MIB,
        shared_bytes=settings.shared_mib * MIB,
        outputs_bytes=settings.outputs_mib * MIB,
        output_files=settings.output_files,
        said_bytes=settings.said_mib * MIB,
    )


def rules_of(house: House) -> Rules:
    """Return what this deployment's settings say of runs."""
    settings = house.settings.training
    egress = EgressLimits(
        bytes_up=settings.send_mib * MIB,
        connections=settings.connections,
        at_once=settings.connections_at_once,
        idle_s=settings.idle_s,
    )
    return Rules(
        limits=limits_of(settings),
        egress=egress,
        builder=settings.builder or public_url(house.settings.server),
        cgroup=settings.cgroup,
        staging=settings.staging,
        bubblewrap=str(settings.bubblewrap or ""),
    )


def builder_of(house: House, tenant: str) -> tuple[str, list[str]]:
    """Return ``builder.id`` of this runner's provenance, and the public keys (PEM) that sign it, newest first.

    Raises:
        RefusedError: ``tenant_unknown``.
    """
    if house.tenants.find(tenant) is None:
        raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
    house.ring.active(tenant, PURPOSE)
    return rules_of(house).builder, [key.pem().decode("ascii") for key in house.ring.all_public(tenant, PURPOSE)]


def open_course(
    house: House,
    tenant: str,
    authority: Authority,
    *,
    datasets: DatasetCheck | None = None,
    door: ArtifactDoor | None = None,
    on_fault: Any = None,
) -> Course:
    """Return what runs trainings of a tenant.

    Raises:
        RefusedError: ``tenant_unknown``.
    """
    if house.tenants.find(tenant) is None:
        raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
    house.policies.load(tenant)  # a run can wait for its policy; a decision does not
    parts = Parts(
        datasets=datasets or datasets_of(house),
        authority=authority,
        log=HouseLog(house),
        door=door or KeptInPlace(),
        signer=house.ring.active(tenant, PURPOSE),
        clock=house.clock,
        on_fault=on_fault or (lambda _reason, _fault: None),
    )
    return Course(tenant, parts, rules_of(house), runs_folder(house, tenant))


def runs_of(house: House, tenant: str) -> list[dict[str, Any]]:
    """Return the last record of each of a tenant's runs, oldest first."""
    found: dict[str, dict[str, Any]] = {}
    for stored in house.log.iterate(tenant, KIND):
        if stored.payload is not None:
            document = msgspec.json.decode(stored.payload, type=dict[str, Any])
            found[document["run"]] = {**found.get(document["run"], {}), **document}
    return list(found.values())


def run_of(house: House, tenant: str, run: str) -> dict[str, Any]:
    """Return the records of one run, joined.

    Raises:
        RefusedError: ``training_run_unknown``.
    """
    for one in runs_of(house, tenant):
        if one["run"] == run:
            return one
    raise RefusedError(UNKNOWN, f"there is no run `{run[:80]}`")
