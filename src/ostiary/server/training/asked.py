"""What runners elsewhere ask and tell over HTTP, read strictly: every member is known, typed and bounded.

>>> read(AskedRun, b'{"sandbox": "kubernetes", "environment": {"name": "e", "digest": "sha256:ab"}}').datasets
()
"""

from typing import Annotated, Final, Literal, TypeVar

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.pipeline.training.accounts import Connection
from ostiary.pipeline.training.outputs import OutputFile
from ostiary.pipeline.training.record import MAX_CONNECTIONS, EnvironmentRef
from ostiary.vocabulary.unreadable import UNREADABLE

MAX_BODY: Final = 1 << 20
Word = Annotated[str, msgspec.Meta(max_length=256)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^(sha256:[0-9a-f]{64})?\Z")]
Amount = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Body = TypeVar("Body")


class AskedRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a runner wants to run.

    Attributes:
        sandbox: what will hold it: ``bubblewrap`` or ``kubernetes``.
        environment: by name and digest, as the runner tells it.
        command: program and arguments.
        commit: of its code.
        datasets: names of datasets.
        egress: whom it wants to call; left out it takes all that policy grants.
    """

    sandbox: Word
    environment: EnvironmentRef
    command: Annotated[tuple[Word, ...], msgspec.Meta(max_length=256)] = ()
    commit: Word = ""
    datasets: Annotated[tuple[Word, ...], msgspec.Meta(max_length=64)] = ()
    egress: Annotated[tuple[Word, ...], msgspec.Meta(max_length=64)] | None = None


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a runner tells of a run that it was granted; members are those of ``RunRecord``."""

    phase: Literal["began", "ended", "refused"]
    limits: Annotated[dict[Word, Word], msgspec.Meta(max_length=16)] = {}
    probes: Amount = 0
    status: Annotated[int, msgspec.Meta(ge=-255, le=255)] | None = None
    timed_out: bool = False
    peak_memory: Amount = 0
    connections: Annotated[tuple[Connection, ...], msgspec.Meta(max_length=MAX_CONNECTIONS)] = ()
    turned_away: Amount = 0
    egress_log: Digest = ""
    bytes_up: Amount = 0
    bytes_down: Amount = 0
    outputs: Annotated[tuple[OutputFile, ...], msgspec.Meta(max_length=1024)] = ()
    outputs_digest: Digest = ""
    code: Word = ""


def read(kind: type[Body], data: bytes) -> Body:
    """Read a body.

    Raises:
        FaultyInputError: ``training_body_malformed``.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as fault:
        raise FaultyInputError("training_body_malformed", f"the body is malformed: {fault}") from fault
