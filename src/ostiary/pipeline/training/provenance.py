"""What a run was made of and what came of it, as others can check it: SLSA provenance v1 in an in-toto statement.

- Subjects are the outputs, each with its SHA-256, and all of them together by ``outputs`` (when there are any).
- ``resolvedDependencies`` are the datasets by the digests of their signed manifests, the environment, and the commit.
- The egress log is a byproduct: what the run called is bound to what it made.
- The envelope is DSSE, signed by the key of the runner (purpose ``training``); ``ostiary_sdk`` and slsa tools read it.

https://slsa.dev/spec/v1.0/provenance
"""

from typing import Any, Final

import msgspec

from ostiary.artifacts.dsse import seal
from ostiary.artifacts.ports import Signer
from ostiary.pipeline.training.record import RunRecord

PREDICATE: Final = "https://slsa.dev/provenance/v1"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
BUILD_TYPE: Final = "https://ostiary.dev/training/sandbox/v1"


def provenance(record: RunRecord, builder: str, started: str, finished: str) -> bytes:
    """Return the statement about an ended run, as JSON with sorted keys.

    Args:
        record: the run.
        builder: who ran it: our own address, or a name of the runner.
        started: when, as an RFC 3339 text.
        finished: likewise.
    """
    subjects: list[dict[str, Any]] = [{"name": one.name, "digest": {"sha256": one.sha256}} for one in record.outputs]
    subjects.append({"name": "outputs", "digest": _digest(record.outputs_digest)})
    statement = {
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "pipeline": record.pipeline,
                    "command": list(record.command),
                    "datasets": [one.name for one in record.datasets],
                    "egress": list(record.egress),
                },
                "internalParameters": {"sandbox": record.sandbox, "limits": record.limits, "probes": record.probes},
                "resolvedDependencies": _dependencies(record),
            },
            "runDetails": {
                "builder": {"id": builder},
                "metadata": {"invocationId": record.run, "startedOn": started, "finishedOn": finished},
                "byproducts": [
                    {"name": "egress.jsonl", "digest": _digest(record.egress_log)},
                    {"name": "decision", "annotations": {"id": record.decision_id}},
                ],
            },
        },
    }
    return msgspec.json.encode(statement, order="sorted")


def _dependencies(record: RunRecord) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": one.name, "uri": f"ostiary://{one.name}", "digest": _digest(one.digest),
         "annotations": {"producer": one.producer}}
        for one in record.datasets
    ]  # fmt: skip
    if record.environment is not None:
        told = {"annotations": {"toldImage": record.environment.told_image}} if record.environment.told_image else {}
        digest = _digest(record.environment.digest)
        found.append({"name": f"environment:{record.environment.name}", "digest": digest, **told})
    if record.commit:
        found.append({"name": "code", "digest": {"gitCommit": record.commit}})
    return found


def _digest(text: str) -> dict[str, str]:
    algorithm, _, value = text.partition(":")
    return {algorithm: value} if value else {}


def signed(statement: bytes, signer: Signer) -> bytes:
    """Return the statement in its envelope."""
    return seal(statement, (signer,))
