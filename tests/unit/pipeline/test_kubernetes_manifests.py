"""The manifests of a training run: valid to the letter for Kubernetes, and walls on every side of the pod."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from ostiary.errors import FaultyInputError
from ostiary.pipeline.kubernetes.admission import AdmissionJudge, NamespaceRule
from ostiary.pipeline.kubernetes.plan import read_plan
from ostiary.pipeline.kubernetes.ports import NothingApproved
from ostiary.pipeline.kubernetes.render import render, to_json, to_yaml
from ostiary.pipeline.kubernetes.review import read_review
from ostiary.pipeline.kubernetes.webhook import webhook

CILIUM = json.loads((Path(__file__).parents[2] / "schemas" / "ciliumnetworkpolicy-v2.json").read_text())
PLAN: dict[str, Any] = {
    "name": "fraud-2026",
    "namespace": "training",
    "image": "registry.example:5000/ml/train@sha256:" + "a" * 64,
    "proxy_image": "registry.example/ostiary@sha256:" + "b" * 64,
    "command": ["python", "-m", "fraud.train", "--seed", "7"],
    "datasets": ["payments", "chargebacks"],
    "egress": [{"host": "pypi.org"}, {"host": "logs.example", "port": 8443}],
    "environment": {"SEED": "7"},
    "limits": {"cpu": "4", "memory": "8Gi", "gpus": 1},
    "control_plane": "https://ostiary.example",
    "cilium": True,
}
IP = "10.96.7.7"
VERSIONS = ["1.30", "1.34", "1.37"]


def validate(manifest: dict[str, Any], version: str = "1.37") -> None:
    """Validate strictly; a kind that nobody has a schema for is a failure and no warning."""
    if manifest["kind"] == "CiliumNetworkPolicy":
        jsonschema.Draft202012Validator(CILIUM).validate(manifest)
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


def manifests(**changes: Any) -> dict[str, dict[str, Any]]:
    found = render(read_plan(PLAN | changes), IP)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_strictly_valid(version: str) -> None:
    found = manifests()
    assert list(found) == [
        "ServiceAccount/ostiary-training",
        "NetworkPolicy/fraud-2026",
        "NetworkPolicy/fraud-2026-egress",
        "CiliumNetworkPolicy/fraud-2026-egress",
        "ConfigMap/fraud-2026-egress",
        "Deployment/fraud-2026-egress",
        "Service/fraud-2026-egress",
        "Job/fraud-2026",
    ]
    for manifest in found.values():
        validate(manifest, version)


def test_validation_would_see_a_wrong_letter() -> None:
    broken = copy.deepcopy(manifests()["Job/fraud-2026"])
    broken["spec"]["backOffLimit"] = broken["spec"].pop("backoffLimit")
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(broken)
    cilium = copy.deepcopy(manifests()["CiliumNetworkPolicy/fraud-2026-egress"])
    cilium["spec"]["egress"][1]["toFQDN"] = cilium["spec"]["egress"][1].pop("toFQDNs")
    with pytest.raises(jsonschema.ValidationError):
        validate(cilium)
    with pytest.raises(kubernetes_validate.SchemaNotFoundError):
        kubernetes_validate.validate(cilium, "1.37", strict=True)


def test_the_job_is_as_the_issue_lists_it() -> None:
    spec = manifests()["Job/fraud-2026"]["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    assert (spec["backoffLimit"], spec["ttlSecondsAfterFinished"], spec["activeDeadlineSeconds"]) == (0, 600, 3600)
    assert pod["automountServiceAccountToken"] is False
    assert pod["runtimeClassName"] == "gvisor"
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    security = container["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert container["image"].endswith("@sha256:" + "a" * 64)
    assert container["resources"]["limits"] == container["resources"]["requests"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert [pod[name] for name in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")] == [False] * 4
    assert container["command"] == PLAN["command"]


def test_the_token_is_one_that_only_ostiary_takes() -> None:
    pod = manifests()["Job/fraud-2026"]["spec"]["template"]["spec"]
    (source,) = pod["volumes"][0]["projected"]["sources"]
    assert source["serviceAccountToken"] == {
        "audience": "https://ostiary.example/oauth/default",
        "expirationSeconds": 600,
        "path": "token",
    }
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume or "secret" in volume]
    told = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
    assert told["OSTIARY_SUBJECT_TOKEN_FILE"] == "/var/run/secrets/ostiary/token"
    assert told["HTTPS_PROXY"] == f"http://{IP}:3128"


def test_the_run_reaches_its_proxy_and_nothing_else() -> None:
    found = manifests()
    policy = found["NetworkPolicy/fraud-2026"]["spec"]
    job = found["Job/fraud-2026"]["spec"]["template"]
    proxy = found["Deployment/fraud-2026-egress"]["spec"]["template"]["metadata"]["labels"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == []
    assert policy["podSelector"]["matchLabels"].items() <= job["metadata"]["labels"].items()
    (egress,) = policy["egress"]
    assert egress["ports"] == [{"protocol": "TCP", "port": 3128}]
    (peer,) = egress["to"]
    assert list(peer) == ["podSelector"]  # of this namespace alone
    assert peer["podSelector"]["matchLabels"].items() <= proxy.items()
    assert not peer["podSelector"]["matchLabels"].items() <= job["metadata"]["labels"].items()
    assert job["spec"]["dnsPolicy"] == "None"
    assert job["spec"]["dnsConfig"] == {"nameservers": ["127.0.0.1"]}


def test_the_proxy_takes_its_own_run_only_and_never_reaches_inwards() -> None:
    policy = manifests(cilium=False)["NetworkPolicy/fraud-2026-egress"]["spec"]
    (ingress,) = policy["ingress"]
    assert ingress["from"][0]["podSelector"]["matchLabels"]["ostiary.dev/run"] == "fraud-2026"
    dns, world = policy["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert [port["port"] for port in world["ports"]] == [443, 8443]
    shut = world["to"][0]["ipBlock"]["except"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "127.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12"} <= set(shut)
    pinned = {"egress": [{"host": "registry.inside", "addresses": ["10.20.0.9"]}], "cilium": False}
    inner = manifests(**pinned)["NetworkPolicy/fraud-2026-egress"]["spec"]["egress"][1]
    assert inner["to"][2:] == [{"ipBlock": {"cidr": "10.20.0.9/32"}}]


def test_no_policy_lets_out_what_cilium_holds_to_names() -> None:
    """Cilium adds the policies up: one that allows the world makes a list of names worth nothing."""
    pinned = {"egress": [{"host": "pypi.org"}, {"host": "registry.inside", "port": 8443, "addresses": ["10.20.0.9"]}]}
    found = manifests(**pinned)
    core, own = (found[f"{kind}/fraud-2026-egress"]["spec"] for kind in ("NetworkPolicy", "CiliumNetworkPolicy"))
    assert (core["policyTypes"], core["egress"]) == (["Ingress", "Egress"], [])
    ways = [(rule["toPorts"][0]["ports"][0]["port"], rule.get("toFQDNs", rule.get("toCIDR"))) for rule in own["egress"]]
    assert ways[1:] == [
        ("443", [{"matchName": "ostiary.example"}, {"matchName": "pypi.org"}]),
        ("8443", ["10.20.0.9/32"]),
    ]
    (shut,) = own["egressDeny"]
    denied = {one["cidr"]: one.get("except", []) for one in shut["toCIDRSet"]}
    assert denied["10.0.0.0/8"] == ["10.20.0.9/32"]
    assert denied["169.254.0.0/16"] == denied["127.0.0.0/8"] == denied["fc00::/7"] == []
    validate(found["CiliumNetworkPolicy/fraud-2026-egress"])


def test_the_proxy_is_told_exact_names_and_runs_as_nobody() -> None:
    found = manifests()
    told = json.loads(found["ConfigMap/fraud-2026-egress"]["data"]["egress.json"])
    assert told["rules"] == [
        {"host": "ostiary.example", "port": 443, "addresses": []},
        {"host": "pypi.org", "port": 443, "addresses": []},
        {"host": "logs.example", "port": 8443, "addresses": []},
    ]
    container = found["Deployment/fraud-2026-egress"]["spec"]["template"]["spec"]["containers"][0]
    assert container["securityContext"]["runAsNonRoot"] is True
    assert found["Service/fraud-2026-egress"]["spec"]["clusterIP"] == IP
    cilium = found["CiliumNetworkPolicy/fraud-2026-egress"]["spec"]
    names = {name["matchName"] for rule in cilium["egress"] for name in rule.get("toFQDNs", [])}
    assert names == {"ostiary.example", "pypi.org", "logs.example"}


def test_with_cilium_nothing_but_its_policy_lets_the_proxy_out() -> None:
    """Cilium adds up what both kinds allow: a core policy that allows the world leaves no name to hold to."""
    pinned = {"egress": [{"host": "registry.inside", "port": 8443, "addresses": ["10.20.0.9"]}]}
    found = manifests(**pinned)
    core, cilium = (found[f"{kind}/fraud-2026-egress"] for kind in ("NetworkPolicy", "CiliumNetworkPolicy"))
    assert core["spec"]["egress"] == []
    assert core["spec"]["policyTypes"] == ["Ingress", "Egress"]
    validate(cilium)
    assert [rule["toCIDR"] for rule in cilium["spec"]["egress"] if "toCIDR" in rule] == [["10.20.0.9/32"]]
    (inside,) = [rule for rule in cilium["spec"]["egress"] if "toCIDR" in rule]
    assert inside["toPorts"] == [{"ports": [{"port": "8443", "protocol": "TCP"}]}]


def test_the_same_plan_gives_the_same_bytes() -> None:
    once, twice = (render(read_plan(PLAN), IP) for _ in range(2))
    assert to_yaml(once) == to_yaml(twice)
    assert list(yaml.safe_load_all(to_yaml(once))) == json.loads(to_json(once))["items"] == once
    assert "&id" not in to_yaml(once)


def test_our_own_run_passes_our_own_webhook() -> None:
    judge = AdmissionJudge((NamespaceRule("default", "training", "staging", without_model=True),), NothingApproved())
    for name in ("Job/fraud-2026", "Deployment/fraud-2026-egress"):
        manifest = manifests()[name]
        group, _, version = manifest["apiVersion"].partition("/")
        request = {
            "uid": "u",
            "kind": {"group": group, "version": version, "kind": manifest["kind"]},
            "namespace": "training",
            "operation": "CREATE",
            "object": manifest,
        }
        review = read_review({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
        assert judge.judge("default", review).reasons == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "-x"),
        ("name", "x\n  hostNetwork: true"),
        ("name", "X"),
        ("name", "x" * 60),
        ("namespace", "kube system"),
        ("image", "registry.example/train:latest"),
        ("image", "registry.example/train"),
        ("image", "registry.example/train@sha256:" + "a" * 63),
        ("image", "registry.example/train@sha256:" + "A" * 64),
        ("image", "registry.example/../train@sha256:" + "a" * 64),
        ("proxy_image", "ostiary:latest"),
        ("command", []),
        ("command", [""]),
        ("command", ["sh", "-c", "$(HTTPS_PROXY)"]),
        ("command", ["a\x00b"]),
        ("command", "python train.py"),
        ("egress", [{"host": "*.example"}]),
        ("egress", [{"host": "10.0.0.1"}]),
        ("egress", [{"host": "2130706433"}]),
        ("egress", [{"host": "localhost"}]),
        ("egress", [{"host": "PYPI.org"}]),
        ("egress", [{"host": "a.example", "port": 0}]),
        ("egress", [{"host": "a.example"}, {"host": "a.example"}]),
        ("egress", [{"host": f"h{n}.example"} for n in range(65)]),
        ("datasets", ["../x"]),
        ("datasets", ["a,b"]),
        ("environment", {"HTTPS_PROXY": "http://evil"}),
        ("environment", {"OSTIARY_URL": "https://evil"}),
        ("environment", {"a b": "c"}),
        ("environment", {"A": "$(B)"}),
        ("limits", {"cpu": "-1"}),
        ("limits", {"memory": "4"}),
        ("limits", {"deadline_s": 0}),
        ("limits", {"gpus": -1}),
        ("limits", {"evil": 1}),
        ("control_plane", "http://ostiary.example"),
        ("control_plane", "https://user@ostiary.example"),
        ("token_audience", "kubernetes"),
        ("token_s", 10),
        ("control_plane_addresses", ["10.0.0.0/8"]),
        ("control_plane_addresses", ["127.0.0.1"]),
        ("control_plane_addresses", ["169.254.169.254"]),
        ("control_plane_addresses", ["::1"]),
        ("egress", [{"host": "a.example", "addresses": ["169.254.169.254"]}]),
        ("egress", [{"host": "a.example"}, {"host": "a.example", "addresses": ["10.0.0.1"]}]),
        ("runtime_class", ""),
        ("hostNetwork", True),
    ],
)
def test_a_plan_that_cannot_be_meant(name: str, value: object) -> None:
    with pytest.raises(FaultyInputError) as caught:
        read_plan(PLAN | {name: value})
    assert caught.value.code == "training_plan_invalid"


@pytest.mark.parametrize("address", ["8.8.8.8", "127.0.0.1", "169.254.1.1", "x", "::1", "10.0.0.1/8", ""])
def test_a_proxy_at_no_address_of_the_cluster(address: str) -> None:
    with pytest.raises(FaultyInputError):
        render(read_plan(PLAN), address)


# -- the webhook's own manifest

CA = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
RULES = (NamespaceRule("default", "serving", "production"), NamespaceRule("acme", "theirs", "production"))


def test_the_webhook_fails_closed_and_names_its_namespaces() -> None:
    manifest = webhook("https://ostiary.example", "default", RULES, CA)
    validate(manifest)
    (hook,) = manifest["webhooks"]
    assert hook["failurePolicy"] == "Fail"
    assert hook["matchPolicy"] == "Equivalent"
    assert hook["objectSelector"] == {}
    assert hook["clientConfig"]["url"] == "https://ostiary.example/pipeline/default/admission"
    (chosen,) = hook["namespaceSelector"]["matchExpressions"]
    assert chosen == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["serving"]}
    resources = {name for rule in hook["rules"] for name in rule["resources"]}
    assert {"pods", "pods/ephemeralcontainers", "deployments", "cronjobs", "jobs", "statefulsets"} <= resources


@pytest.mark.parametrize(
    ("url", "tenant", "ca"),
    [
        ("http://ostiary.example", "default", CA),
        ("https://ostiary.example/x", "default", CA),
        ("https://ostiary.example", "nobody", CA),
        ("https://ostiary.example", "default", b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"),
    ],
)
def test_a_webhook_that_cannot_be_meant(url: str, tenant: str, ca: bytes) -> None:
    with pytest.raises(FaultyInputError):
        webhook(url, tenant, RULES, ca)


RENDER = """
import sys
from cyclopts import App
from ostiary.cli.train_render import mount
app = App()
mount(app)
app(sys.argv[1:])
"""


def test_the_command_writes_yaml_and_json(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump(PLAN))
    command = [sys.executable, "-c", RENDER, "render", str(plan), "--proxy-ip", IP]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    listed = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    assert list(yaml.safe_load_all(written)) == json.loads(listed)["items"] == render(read_plan(PLAN), IP)


def test_aliases_in_a_plan_are_not_followed(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("a: &a [1]\nb: &b [*a,*a]\n")
    command = [sys.executable, "-c", RENDER, "render", str(plan), "--proxy-ip", IP]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "aliases" in done.stderr
