"""The witness's judgement, as a pure function of the request and of what was cosigned before.

In the order of the specification (C2SP tlog-witness, add-checkpoint):

1. 400 when the request or the checkpoint is malformed.
2. 404 when the log is not one of ours.
3. 403 when no key of the log signed, or one did wrongly.
4. 400 when the old size is larger than the new one.
5. 409 with the right size when the old size is not that of the checkpoint cosigned last.
6. 422 when the proof does not lead from the old root to the new one; an empty tree must be empty.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ostiary.audit.tlog.checkpoints import Checkpoint, parse_body
from ostiary.audit.tlog.merkle import EMPTY_ROOT, consistency_holds
from ostiary.audit.tlog.notes import Note, NoteKey, parse_note, verify_note
from ostiary.audit.witness.request import AddCheckpoint, parse_request
from ostiary.errors import FaultyInputError, VerificationError

TEXT: Final = "text/plain; charset=utf-8"
SIZE: Final = "text/x.tlog.size"
TrustedLogs = Mapping[str, Sequence[NoteKey]]
"""Public keys by origin."""


class Answer(msgspec.Struct, frozen=True):
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = TEXT


class Known(msgspec.Struct, frozen=True):
    """The checkpoint that was cosigned last; the empty tree when there is none."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class Submission(msgspec.Struct, frozen=True):
    """A request whose checkpoint is signed by a log of ours."""

    request: AddCheckpoint
    note: Note
    checkpoint: Checkpoint


def admit(body: bytes, trusted: TrustedLogs) -> Submission | Answer:
    """Do steps 1 to 4, which need no memory."""
    try:
        request = parse_request(body)
        note = parse_note(request.note)
        checkpoint = parse_body(note.text)
    except FaultyInputError as fault:
        return Answer(400, f"{fault.message}\n".encode())
    if checkpoint.origin not in trusted:
        return Answer(404, b"this log is not witnessed here\n")
    try:
        verify_note(note, trusted[checkpoint.origin])
    except VerificationError as fault:
        return Answer(403, f"{fault.message}\n".encode())
    if request.old_size > checkpoint.size:
        return Answer(400, b"the old size is larger than the new one\n")
    return Submission(request, note, checkpoint)


def judge(submission: Submission, known: Known) -> Answer | None:
    """Do steps 5 and 6; ``None`` means the checkpoint may be cosigned."""
    request, new = submission.request, submission.checkpoint
    if request.old_size != known.size:
        return Answer(409, f"{known.size}\n".encode(), SIZE)
    if new.size == 0 and new.root != EMPTY_ROOT:
        return Answer(422, b"the empty tree has another root\n")
    if not consistency_holds(known.size, new.size, known.root, new.root, request.proof):
        return Answer(422, b"the consistency proof does not hold\n")
    return None
