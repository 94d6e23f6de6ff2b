"""What ``deploy/`` ships: manifests that Kubernetes takes to the letter, walls all around, nothing that fails open."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import msgspec
import pytest
import yaml

from ostiary.pipeline.kubernetes.admission import NamespaceRule
from ostiary.pipeline.kubernetes.webhook import webhook
from ostiary.server.edge.answers import TOLD
from ostiary.server.settings.sections import Settings

KUBERNETES = ("embedded", "replicas")
VERSIONS = ("1.30", "1.37")
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def deploy(repo: Path) -> Path:
    return repo / "deploy"


def built(folder: Path) -> list[Manifest]:
    """Return what ``kubectl kustomize`` would: these kustomizations name files and set one namespace, nothing more."""
    told = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(told) == {"apiVersion", "kind", "namespace", "resources"}
    found: list[Manifest] = []
    for name in told["resources"]:
        place = folder / name
        found += built(place) if place.is_dir() else list(yaml.safe_load_all(place.read_text()))
    left = {one.name for one in folder.glob("*.yaml")} - {"kustomization.yaml"} - set(told["resources"])
    assert not left, f"no kustomization names {left}"
    return found


def by_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [one for one in manifests if one["kind"] == kind]


def pod_of(manifests: list[Manifest]) -> Manifest:
    (workload,) = by_kind(manifests, "StatefulSet") + by_kind(manifests, "Deployment")
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [*KUBERNETES, "admission"])
def test_manifests_are_strictly_valid(deploy: Path, name: str, version: str) -> None:
    folder = deploy / "kubernetes" / name
    found = built(folder) if name != "admission" else [yaml.safe_load((folder / "webhook.yaml").read_text())]
    for manifest in found:
        kubernetes_validate.validate(manifest, version, strict=True)
        assert (
            manifest["kind"] == "Namespace" or manifest["metadata"].get("namespace") == "ostiary" or name == "admission"
        )


@pytest.mark.parametrize("name", KUBERNETES)
def test_pods_have_nothing_that_they_do_not_need(deploy: Path, name: str) -> None:
    pod = pod_of(built(deploy / "kubernetes" / name))
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 10_000
    for each in (*pod["containers"], *pod.get("initContainers", ())):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert "@sha256:" in each["image"]
        assert "env" not in each, "secrets come by file"
        assert {"cpu", "memory"} <= each["resources"]["limits"].keys() & each["resources"]["requests"].keys()
    (container,) = pod["containers"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    for volume in pod["volumes"]:
        assert volume.keys() & {"configMap", "secret", "emptyDir", "persistentVolumeClaim"}
        assert volume.get("secret", {}).get("defaultMode", 0) in {0, 0o440}
    ports = {port["name"] for port in container["ports"]}
    assert {probe["httpGet"]["port"] for key, probe in container.items() if key.endswith("Probe")} <= ports


@pytest.mark.parametrize("name", KUBERNETES)
def test_the_network_is_shut_but_for_what_is_named(deploy: Path, name: str) -> None:
    policies = by_kind(built(deploy / "kubernetes" / name), "NetworkPolicy")
    shut = next(one for one in policies if one["metadata"]["name"] == "default-deny")
    assert shut["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in policies:
        for way in (*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ())):
            assert way.get("ports"), "a way names its ports"
            assert way.get("to") or way.get("from"), "a way names whom"
            cidrs = [peer["ipBlock"]["cidr"] for peer in way.get("to", ()) if "ipBlock" in peer]
            assert "0.0.0.0/0" not in cidrs


def test_replicas_spread_and_the_embedded_one_is_alone(deploy: Path) -> None:
    one, several = built(deploy / "kubernetes" / "embedded"), built(deploy / "kubernetes" / "replicas")
    assert by_kind(one, "StatefulSet")[0]["spec"]["replicas"] == 1
    assert by_kind(several, "Deployment")[0]["spec"]["replicas"] > 1
    assert pod_of(several)["topologySpreadConstraints"]
    for manifests in (one, several):
        (budget,) = by_kind(manifests, "PodDisruptionBudget")
        assert budget["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("name", KUBERNETES)
def test_the_settings_in_the_manifests_are_settings(deploy: Path, name: str) -> None:
    (config,) = by_kind(built(deploy / "kubernetes" / name), "ConfigMap")
    told = msgspec.toml.decode(config["data"]["ostiary.toml"])
    assert set(told) <= Settings.model_fields.keys()
    known = Settings.model_validate({section: told[section] for section in told})
    assert known.store.backend == ("postgres" if name == "replicas" else "sqlite")
    assert known.edge.routes


def test_the_webhook_is_what_the_command_writes(deploy: Path) -> None:
    told = yaml.safe_load((deploy / "kubernetes" / "admission" / "webhook.yaml").read_text())
    ca = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    rules = (NamespaceRule("default", "serving", "production"),)
    made = webhook("https://ostiary.ostiary.svc:8181", "default", rules, ca)
    del made["webhooks"][0]["clientConfig"]["caBundle"]
    assert told == made
    assert told["webhooks"][0]["failurePolicy"] == "Fail"


# The proxies: those that are run in tests/stories, and those that are text.


@pytest.mark.parametrize("name", ["envoy-http.yaml", "envoy-grpc.yaml"])
def test_envoy_fails_closed(deploy: Path, name: str) -> None:
    text = (deploy / "envoy" / name).read_text()
    assert "failure_mode_allow: false" in text
    assert "allow_partial_message: false" in text
    assert text.index("nobody-speaks-for-us") < text.index("envoy.filters.http.ext_authz\n")


@pytest.mark.parametrize("place", ["caddy/Caddyfile", "traefik/dynamic.yaml", "nginx/ostiary.conf"])
def test_proxies_write_over_all_that_upstreams_believe(deploy: Path, place: str) -> None:
    text = (deploy / place).read_text().lower()
    assert all(name in text for name in TOLD) or place.startswith("traefik")
    if place.startswith("traefik"):
        told = yaml.safe_load((deploy / place).read_text())["http"]
        order = told["routers"]["application"]["middlewares"]
        assert order == ["nobody-speaks-for-us", "ostiary"]
        asks = told["middlewares"]["ostiary"]["forwardAuth"]
        names = {
            name.lower() for name in told["middlewares"]["nobody-speaks-for-us"]["headers"]["customRequestHeaders"]
        }
        assert set(TOLD) <= names
        assert all(re.match(asks["authResponseHeadersRegex"], name.title()) for name in TOLD)
        assert (asks["trustForwardHeader"], asks["forwardBody"]) == (False, False)


# systemd and the image.


class _Unit(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit_of(deploy: Path) -> dict[str, str]:
    parser = _Unit(strict=False)
    parser.read(deploy / "systemd" / "ostiary.service")
    return dict(parser["Service"])


def test_the_unit_gives_away_nothing(deploy: Path) -> None:
    unit = unit_of(deploy)
    wanted = {
        "AmbientCapabilities": "", "CapabilityBoundingSet": "", "DynamicUser": "yes", "IPAddressDeny": "any",
        "NoNewPrivileges": "yes", "PrivateDevices": "yes", "PrivateTmp": "yes", "ProtectHome": "yes",
        "ProtectKernelModules": "yes", "ProtectKernelTunables": "yes", "ProtectSystem": "strict",
        "RestrictNamespaces": "yes", "RestrictSUIDSGID": "yes", "StateDirectoryMode": "0700",
        "SystemCallArchitectures": "native", "UMask": "0077",
    }  # fmt: skip
    assert {name: unit.get(name) for name in wanted} == wanted


def test_systemd_itself_finds_little_to_say(deploy: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("there is no systemd-analyze here; the rules above are checked all the same")
    told = subprocess.run(
        [tool, "security", "--offline=true", "--threshold=20", str(deploy / "systemd" / "ostiary.service")],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    if "unrecognized option" in told.stderr or "Unknown" in told.stderr:
        pytest.skip("this systemd-analyze is too old to look at a file")
    assert told.returncode == 0, told.stdout[-300:] + told.stderr


def test_the_image_is_pinned_and_runs_as_nobody(deploy: Path) -> None:
    lines = [line for line in (deploy / "Containerfile").read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines)
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]
    installs = [line for line in lines if "pip install" in line and "--no-index" not in line]
    assert installs
    assert all("--require-hashes" in line and "--only-binary=:all:" in line for line in installs)
    stages = text.split("FROM ${BASE}")
    assert "USER 65532:65532" in stages[-1]
    assert "pip" not in stages[-1]
    assert not re.search(r"\b(ADD|curl|wget|sudo)\b", text)
