"""``ostiary why``: one decision explained, from the sentence down to the proof."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from ostiary.audit.verifier.receipt import verify_receipt
from ostiary.audit.verifier.signed import read_vkey
from ostiary.cli.output import out, print_json
from ostiary.cli.places import Config, Data, Json, Tenant, open_data
from ostiary.decision.explain import Explanation, explain
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.server.wiring import House
from ostiary.vocabulary.verdicts import DecisionRecord

_TOP = 8


class Proof(msgspec.Struct, frozen=True):
    """Whether the record is provably in the log, and how that was found out."""

    verified: bool
    index: int
    size: int
    origin: str
    fault: str = ""


def find(house: House, tenant: str, decision_id: str) -> DecisionRecord:
    """Return the record of a decision.

    Raises:
        FaultyInputError: ``decision_unknown`` or ``decision_erased``.
    """
    stored = house.log.get(tenant, decision_id)
    if stored is None or stored.kind != "decision":
        raise FaultyInputError("decision_unknown", f"there is no decision `{decision_id[:80]}`")
    if stored.payload is None:
        raise FaultyInputError("decision_erased", "what this decision was about has been erased; its proof stands")
    return msgspec.json.decode(stored.payload, type=DecisionRecord)


def prove(house: House, tenant: str, decision_id: str) -> Proof:
    """Prove the record with the log's key and the independent verifier."""
    receipt = house.log.prove(tenant, decision_id)
    if receipt is None:
        return Proof(verified=False, index=-1, size=0, origin="", fault="receipt_missing")
    try:
        proved = verify_receipt(receipt.text(), [read_vkey(key.vkey()) for key in house.log.public_keys()])
    except OstiaryError as fault:
        return Proof(verified=False, index=receipt.index, size=0, origin="", fault=fault.code)
    return Proof(verified=True, index=proved.index, size=proved.size, origin=proved.origin)


def command(
    decision_id: Annotated[str, Parameter(help="The id that the answer named, `dec_…`.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Explain one decision: sentence, rule, what was missing, what was unusual, the sum, the duties, the proof."""
    with open_data(data, config) as house:
        told = explain(find(house, tenant, decision_id))
        proof = prove(house, tenant, decision_id)
    if json:
        print_json({**msgspec.to_builtins(told), "proof": proof})
        return
    for line in lines(told, proof):
        out.print(line, markup=False)


def lines(told: Explanation, proof: Proof) -> Iterator[str]:
    """Yield the explanation line by line, in the order in which a person asks."""
    yield told.sentence
    yield f"  {told.because}"
    for rule in told.rules:
        yield f"rule      {rule['rule']} ({rule['effect']})"
        if rule["remediation"]:
            yield f"          what helps: {rule['remediation']}"
    for unmet in told.unmet:
        yield f"unmet     {unmet['rule']}: {unmet['condition']}"
    yield from _signals(told.signals, told.risk)
    yield from _behaviour(told.biometrics)
    law = told.law
    yield f"law       floor {law['floor']}, models propose {law['proposal']}, ceiling {law['ceiling']}"
    yield f"          {law['sum']}"
    for reason in told.reasons:
        yield f"reason    {reason['code']}" + (f": {reason['text']}" if reason["text"] else "")
    for duty in told.obligations:
        details = ", ".join(f"{name} {value}" for name, value in duty.get("properties", {}).items())
        yield f"duty      {duty['type']}" + (f": {details}" if details else "")
    yield f"policy    {told.bundle or 'not asked'}"
    yield _proof(proof)


def _signals(signals: list[dict[str, Any]], risk: dict[str, Any]) -> Iterator[str]:
    if risk["available"]:
        yield f"risk      {risk['level']}, {risk['score']:.3f} (uncertainty {risk['uncertainty']:.2f})"
    else:
        yield f"risk      no score: {risk['reason'] or 'not asked'}"
    for signal in signals[:_TOP]:
        yield f"signal    {signal['text'] or signal['signal']} ({signal['weight']:+.2f})"


def _behaviour(found: dict[str, Any]) -> Iterator[str]:
    if not found:
        return
    seen = ", ".join(found.get("modalities", [])) or "behaviour"
    yield f"behaviour {seen} ({found['stage']}): {found['llr']:+.2f} nats towards another, live {found['liveness']:.2f}"
    yield from (f"          {reason}" for reason in found.get("reasons", []))
    yield f"          {found.get('windows', 0)} windows {found.get('inputs', '')}"
    yield from (f"          judged by {model}" for model in found.get("models", []))


def _proof(proof: Proof) -> str:
    if proof.verified:
        return f"proof     verified: record {proof.index} of {proof.size} in {proof.origin}"
    return f"proof     NOT VERIFIED: {proof.fault}"
