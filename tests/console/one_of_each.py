"""One of each thing that a tenant can have, made as its own room makes it, by what the console's routes call it."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ostiary.approvals.access import AccessRequest, Asked, Grant, scope
from ostiary.approvals.glass import Opening, Terms
from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft
from ostiary.gateway.conversations import Message
from ostiary.identity.devices.speaking import Voice
from ostiary.keys import SigningKey
from ostiary.pipeline.features.spec import read_spec
from ostiary.pipeline.registered import Registered
from ostiary.response.outbox import DEAD, DRAWER, Letter
from ostiary.response.ports import Card
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.impact.runs import Run, Runs
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.batches import Sender
from ostiary.testing.console import FakeBrowser
from ostiary.testing.model_scene import ModelScene
from ostiary.testing.pipeline_records import PipelineHistory
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.labels import Channel, Label

HOUR_NS = 3_600 * 10**9
DEED = Deed("default", "phase.change", "deny@*", {"from": "shadow", "to": "low_risk", "report": "sha256:aa"})
SPEC: dict[str, Any] = {
    "entities": ["user_id"],
    "event_time": "at",
    "columns": [{"name": "user_id", "type": "int64"}, {"name": "at", "type": "timestamp"}],
    "offline": {"kind": "parquet"},
}


def one_of_each(server: Any, people: Callable[..., FakeBrowser], root: Path) -> dict[str, str]:
    """Make them in the tenant `default`; return their ids."""
    people("owner")
    return {
        **_decided(server),
        **_signals(server),
        **_pipeline(server, root),
        **_access(server),
        **_person(server),
        "device": _device(server),
        **_conversation(server, people),
        "suppression": _suppression(server),
        **_agreed(server),  # the last: where there are people, they must agree to some of the others
    }


def _decided(server: Any) -> dict[str, str]:
    asked = {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": "read"},
        "resource": {"type": "document", "id": "handbook"},
        "context": {"session_id": "their-session"},
    }
    decision = server.post("evaluation", msgspec.json.encode(asked)).json()["context"]["id"]
    session = server.admin("GET", "/tenants/default/sessions").json()[0]
    case = server.house.response.cases.open(
        "default", "look", topic="t", key="k", by="playbook:x", now_ns=server.house.clock.now_ns(), subject="user:alice"
    )
    return {
        "decision": decision,
        "detection": case.case_id,
        "session": next(value for name, value in session.items() if name in {"handle", "session"}),
    }


def _agreed(server: Any) -> dict[str, str]:
    room = server.house.approvals.room
    room.bootstrap("default", [Person("user:ann", ("risk",)), Person("user:bob", ("ops",))], "command line")
    proposal = room.propose("default", Draft(DEED, "user:zed", "thirty quiet days")).proposal_id
    job = server.admin("POST", "/tenants/default/audit/verify", json={}).json()["id"]
    study = Run("imp_mine", "policy", "changed-file", "sha256:x", 1.0, "test", 1, state="failed")
    Runs(server.house)._shelf.save("default", study.run, study, 1)
    records = [one.record_id for one in server.house.log.iterate("default", "admin")]
    return {"proposal": proposal, "job": job, "impact.run": study.run, "record": records[-1]}


def _signals(server: Any) -> dict[str, str]:
    house = server.house
    sender, now = Sender("vpn", "default", house.clock), house.clock.now_ns()
    body = {"name": "vpn", "key": sender.key.public.pem().decode()}
    server.admin("POST", "/tenants/default/producers", json=body).raise_for_status()
    event = AccessEvent("e1", "default", now - 10**9, "ann", "read", "database", "payments")
    gap = {"batch": base64.b64encode(sender.batch(event, sequence=9)).decode()}
    assert server.admin("POST", "/tenants/default/batches", json=gap).status_code == 409
    (kept,) = server.admin("GET", "/tenants/default/batches/quarantine").json()["kept"]
    wanted = {"owner": server.pep_key.partition(".")[0], "audience": "https://them.example"}
    stream = server.admin("POST", "/tenants/default/signals/streams", json=wanted).json()["stream_id"]
    letter = Letter("ltr_0123456789abcdef", "default", "soc", "case", "look", {}, now)
    house.store.cards.add([Card("default", DRAWER, "0123456789abcdef", DEAD, msgspec.json.encode(letter), "soc")])
    return {"producer": "vpn", "batch": kept["digest"], "stream": stream, "letter": letter.letter_id, "pep": "pep-1"}


def _pipeline(server: Any, root: Path) -> dict[str, str]:
    house, now = server.house, server.house.clock.now_ns()
    attributes = read_spec(SPEC).attributes()
    house.registry.put(
        "default", Registered(type="feature_set", id="customers", sensitivity=1, attributes=attributes, spec=SPEC), now
    )
    spec = {"store": "memory:///lake"}
    house.registry.put("default", Registered(type="dataset", id="sales", sensitivity=3, spec=spec), now)
    PipelineHistory(house.log, house.clock).run("run_good")
    made = ModelScene(house.log, house.store.models, house.clock, root)
    house.places.people.mkdir(parents=True, exist_ok=True)
    (house.places.people / "default.yaml").write_text(made.cast.text())
    made.promote(made.register(b"one"))
    return {"view": "customers", "dataset": "sales", "pipelines.run": "run_good", "models.name": "fraud"}


def _access(server: Any) -> dict[str, str]:
    house, now = server.house, server.house.clock.now_ns()
    asked = Asked("user:mia", "read", "db", "customers", scope({}, {}))
    request = AccessRequest("arq_a", "default", "gw", asked, "dec_1", now + HOUR_NS, "for a report", now, now + HOUR_NS)
    house.access.book.keep(request)
    of = ("default", "arq_x", "user:mia", "read", "db", "customers", scope({}, {}))
    house.access.book.grant(Grant("agr_a", *of, now, now + HOUR_NS, "", "user:owner-default"))
    terms = Terms(("no-drop",), ("db:prod",), ("user:ann",), now, now + HOUR_NS, "the database is down")
    house.glass.book.open(Opening("bgl_a", "default", terms, "quorum", ("user:ann",), now), now)
    return {"request": "arq_a", "grant": "agr_a", "glass": "bgl_a", "codes": _codes(server)}


def _codes(server: Any) -> str:
    limits = {"replaces": ["no-drop"], "resources": ["db:prod"], "subjects": ["user:ann"], "longest_s": 3600}
    body = {"people": ["user:ann", "user:bob"], "need": 2, **limits}
    told = server.admin("POST", "/tenants/default/break-glass-codes", json=body).json()
    made: str = told["set"]["id"]
    return made


def _person(server: Any) -> dict[str, str]:
    house = server.house
    lost = FakeBrowser(server.url, page_base(house.settings), "lost")
    lost.enrol(invite(house, "default", "user:lost", COMMAND_LINE).url)
    lost.client.close()
    told = server.admin("GET", "/tenants/default/authenticators", params={"subject": "user:lost"}).json()
    passkey = told[0]["id"]
    asked = {"subject": "user:lost", "reason": "left on a train"}
    recovery = server.admin("POST", "/tenants/default/authenticators/recoveries", json=asked).json()["id"]
    key = server.admin("POST", "/tenants/default/admin-keys").json()["key"]
    return {
        "subject": "user:owner-default",
        "credential": passkey,
        "recovery": recovery,
        "key": key.partition(".")[0],
    }


def _device(server: Any) -> str:
    book, now, base = server.house.devices, server.house.clock.now_ns(), page_base(server.house.settings)
    invitation, code = book.draft("default", life_s=60, now_ns=now, by="adm", subjects=("user:mia",), kind="laptop")
    book.invite(invitation, now)
    key = SigningKey.generate("device", "ES256")
    device: str = book.enrol(Voice(key, base).enrol(code, book.challenge("enrol", now), now_ns=now), now).device_id
    return device


def _conversation(server: Any, people: Callable[..., FakeBrowser]) -> dict[str, str]:
    talks, who = server.house.conversations, {"type": "user", "id": "dora"}
    decision = server.ask("llm.chat", subject=who, resource={"type": "model", "id": "fake"}).json()["context"]["id"]
    made = talks.create("default", "user:dora", title="a title", decision=decision)
    said = Message("message", {"role": "user", "content": "hello"}, (Label(Channel.USER, "default"),))
    talks.append("default", "user:dora", made.id, [said], decision=decision)
    answer = people("analyst").deed(f"/gateway/conversations/{made.id}/reveal", {"reason": "case 4711: a leak"})
    assert answer.status_code == 200, answer.text
    found = re.search(r"/opened/(\w+)", answer.json()["go"])
    assert found, answer.text
    return {"conversation": made.id, "deed": found.group(1)}


def _suppression(server: Any) -> str:
    until = server.house.clock.now_ns() + 24 * HOUR_NS
    wish = {"kind": "rule", "name": "risk-step-up", "subject": "user:ann", "reason": "too many", "expires_ns": until}
    answer = server.admin("POST", "/tenants/default/suppressions", json=wish)
    made: str = answer.json()["id"]
    return made
