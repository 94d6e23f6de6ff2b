"""Settings and policy of a server at whose token endpoint tests stand: four platforms and one issuer of people."""

from pathlib import Path
from typing import Any, Final

from ostiary.testing.issuer import FakeIssuer
from ostiary.testing.workloads import FakeGithub, FakeGitlab, FakeKubernetes, FakeSpiffe

PUBLIC: Final = "http://pdp.example"
GUARDRAILS: Final = """package ostiary.guardrails
allow contains {"rule": "may"} if {
    input.action.name in {"dataset.read", "dataset.list", "features.read"}
    not input.resource.id == "payroll"
    not input.context.odd == true
}
allow contains {"rule": "train"} if {
    input.action.name == "train.run"
    input.action.properties.actor.sub != "nobody"
}
deny contains {"rule": "purpose"} if input.action.properties.purpose == "advertising"
deny contains {"rule": "columns"} if "salary" in input.action.properties.columns
step_up contains {"rule": "prove", "acr_values": ["urn:a"]} if input.action.properties.stage == "deploy"
obligations contains {"id": "w", "type": "columns", "properties": {}} if input.action.name == "features.read"
decision := {"allow": allow, "deny": deny, "step_up": step_up, "obligations": obligations}
"""
GITHUB, GITLAB, CLUSTER, SPIFFE, PEOPLE = FakeGithub(), FakeGitlab(), FakeKubernetes(), FakeSpiffe(), FakeIssuer()


def sections(folder: Path, **more: Any) -> dict[str, Any]:
    """Return the settings by section; the platforms' keys are written to ``folder``."""
    workloads: list[dict[str, Any]] = []
    for fake in (GITHUB, GITLAB, CLUSTER, SPIFFE):
        keys = folder / f"{fake.kind}.json"
        keys.write_text(fake.jwks().inline)
        one = {"kind": fake.kind, "audience": fake.audience, "jwks_path": str(keys), "rules": list(fake.rules())}
        workloads.append(one)
    workloads[2] |= {"issuer": CLUSTER.issuer, "name": "prod"}
    workloads[3]["trust_domain"] = SPIFFE.trust_domain
    people = folder / "people.json"
    people.write_text(PEOPLE.jwks().inline)
    issuer = {"issuer": PEOPLE.issuer, "audience": PEOPLE.audience, "jwks_path": str(people)}
    identity = {"workloads": workloads, "issuers": [issuer], **more.pop("identity", {})}
    # A machine that runs much else must not make a test late.
    server = {"public_url": PUBLIC, "deadline_ms": 5_000, **more.pop("server", {})}
    return {"guardrails": GUARDRAILS, "identity": identity, "server": server, **more}
