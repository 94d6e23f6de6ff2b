"""One record of each inference: which model was asked what by whom, what came of it, and which decision let it happen.

Inputs and outputs are told by digest alone: the log proves what was asked to whoever has it, and tells nobody else.
"""

from typing import Any, Final

import msgspec

from ostiary.keys.hashing import sha256_hex

KIND: Final = "inference"
VERSION: Final = 1


class InferenceRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is written down.

    Attributes:
        endpoint, model: the endpoint's id, and the digest of the model behind it.
        subject: ``type:id``.
        decision_id: the decision that let it happen, or refused it.
        outcome: ``answered``, or the code of why not.
        rows: how many rows were asked.
        input, output: digests of what was asked and of what was answered.
        coarse: how coarse the answer was made.
        queries, near, straddling, unusual: what the watch had seen of the subject by then.
    """

    v: int
    type: str
    endpoint: str
    model: str = ""
    subject: str = ""
    decision_id: str = ""
    outcome: str = "answered"
    rows: int = 0
    input: str = ""
    output: str = ""
    coarse: str = "full"
    queries: int = 0
    near: int = 0
    straddling: int = 0
    unusual: int = 0
    by: str = ""


def inference_record(endpoint: str, **told: Any) -> InferenceRecord:
    """Return one record."""
    return InferenceRecord(v=VERSION, type=KIND, endpoint=endpoint, **told)


def digest_of(predictions: list[Any]) -> str:
    """Return the digest of an answer."""
    return "sha256:" + sha256_hex(msgspec.json.encode(predictions))
