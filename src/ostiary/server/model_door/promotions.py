"""Promotion and rollback: one decision, then everything that the registry itself asks."""

from base64 import b64decode
from typing import Annotated, Any, Literal

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.pipeline.registry.model import Live
from ostiary.pipeline.registry.naming import check_name, check_stage
from ostiary.pipeline.registry.promoting import Asked
from ostiary.pipeline.registry.reporting import check_report
from ostiary.server.model_door.visit import Visit, beside, known_of, read
from ostiary.server.models import Models
from ostiary.server.wire import Reply, json_reply

ACTION = "model.promote"
Text = Annotated[str, msgspec.Meta(max_length=1 << 20)]


class PromoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to become live, with the signed report and approval, each as base64."""

    version: int
    stage: str
    report: Text
    approval: Text = ""
    action: Literal["promote", "rollback"] = "promote"
    dry: bool = False


class Promotions:
    """Changes what is live."""

    async def change(self, visit: Visit) -> Reply:
        """Promote or roll back, or only say what would become live."""
        body = read(await visit.document(), PromoteBody)
        asked = asked_of(visit, body)
        known = await beside(_known, visit.models, asked)
        said = {"deed": body.action, "version": body.version, "dry": body.dry}
        passed = await visit.ask(ACTION, body.stage, said, known)
        promoter = visit.models.promoter
        live = await beside(lambda: promoter.change(asked, visit.actor(passed), dry=body.dry))
        return json_reply(200, {**shown(live), "dry": body.dry, "decision_id": passed.decision_id})


def asked_of(visit: Visit, body: PromoteBody) -> Asked:
    """Return the promotion that a body asks for.

    Raises:
        FaultyInputError: ``model_name_invalid``, ``model_stage_invalid``, ``request_invalid``.
    """
    return Asked(
        tenant=visit.tenant,
        name=check_name(visit.name),
        number=body.version,
        stage=check_stage(body.stage),
        action=body.action,
        report=decoded(body.report),
        approval=decoded(body.approval),
    )


def decoded(text: str) -> bytes:
    """Return the bytes of base64.

    Raises:
        FaultyInputError: ``request_invalid``.
    """
    try:
        return b64decode(text, validate=True)
    except ValueError as fault:
        raise FaultyInputError("request_invalid", "a document is no base64") from fault


def shown(live: Live) -> dict[str, Any]:
    """Return what the door tells of a stage."""
    return {
        "model": live.name,
        "stage": live.stage,
        "version": live.number,
        "digest": live.digest,
        "previous": live.previous,
        "counter": live.counter,
        "action": live.action,
        "since_ns": live.since_ns,
        "expires_ns": live.expires_ns,
        "metrics": live.metrics,
    }


def _known(models: Models, asked: Asked) -> dict[str, Any]:
    """Return what policy is told: the version, and the metrics if the report is one that counts."""
    known = known_of(models, asked.tenant, asked.name, asked.number)
    try:
        version = models.journal.version(asked.tenant, asked.name, asked.number)
        report = check_report(models.people.of, version, asked.report)
    except OstiaryError as fault:  # the registry says the same after the decision, and records it
        return {**known, "report": fault.code}
    return {**known, "report": "good", "metrics": report.findings.metrics, "validator": report.validator}
