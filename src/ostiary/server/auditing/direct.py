"""A pack made at once, by whoever may open the data directory; the same as a job does beside a server."""

from pathlib import Path

from ostiary.keys import random_bytes
from ostiary.server.auditing.jobs import Job, Jobs, PackMade, PackWanted
from ostiary.server.auditing.packing import make_pack, pack_file
from ostiary.server.auditing.verifying import Progress, verify_log
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id


def make_directly(house: House, tenant: str, wanted: PackWanted, progress: Progress) -> tuple[Path, PackMade]:
    """Verify the log, make the pack, and return where it lies.

    Raises:
        FaultyInputError: ``audit_pack_too_large``.
        UnavailableError: the disk or the log is away.
    """
    record_deed(house, COMMAND_LINE, tenant, "audit.pack", wanted=wanted)
    now_ns = house.clock.now_ns()
    ident = make_id("job", now_ns, random_bytes(RANDOM_BYTES))
    job = Job(id=ident, tenant=tenant, kind="pack", by=COMMAND_LINE, asked_ns=now_ns, wanted=wanted)
    before = [one for one in Jobs(house).of(tenant) if one.pack is not None]
    report = verify_log(house.places, house.settings.store, progress)
    made = make_pack(house, job, report, before[0] if before else None, progress)
    return pack_file(house.places, tenant, job.id), made
