"""The egress proxy of a run: one pod of Ostiary's own image, its places in a ConfigMap, a Service with a fixed address.

The proxy is the one of the sandbox (``ostiary train proxy``): exact names and ports, the TLS hello must name the same
server, upload budget, a log of every connection.
"""

from typing import Any, Final

import msgspec

from ostiary.pipeline.kubernetes.job import PROXY_PORT, Manifest, container_security, labels, metadata, pod_security
from ostiary.pipeline.kubernetes.network import targets
from ostiary.pipeline.kubernetes.plan import TrainingPlan

CONFIG_FOLDER: Final = "/etc/ostiary"
CONFIG_FILE: Final = "egress.json"
_RESOURCES: Final = {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "64Mi"}


def proxy_config(plan: TrainingPlan) -> dict[str, Any]:
    """Return what the proxy is told."""
    return {
        "run": plan.name,
        "tenant": plan.tenant,
        "listen": f"0.0.0.0:{PROXY_PORT}",
        "rules": [msgspec.to_builtins(target) for target in targets(plan)],
        "max_upload_bytes": plan.max_upload_bytes,
    }


def config_map(plan: TrainingPlan) -> Manifest:
    """Return the proxy's configuration; it cannot be changed while the run lasts."""
    text = msgspec.json.format(msgspec.json.encode(proxy_config(plan)), indent=2).decode()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(plan, plan.egress_name, "egress-proxy"),
        "immutable": True,
        "data": {CONFIG_FILE: text + "\n"},
    }


def service(plan: TrainingPlan, proxy_ip: str) -> Manifest:
    """Return the Service; the address is told to the run, which cannot look up names."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(plan, plan.egress_name, "egress-proxy"),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": proxy_ip,
            "selector": labels(plan, "egress-proxy"),
            "ports": [{"name": "proxy", "protocol": "TCP", "port": PROXY_PORT, "targetPort": PROXY_PORT}],
        },
    }


def deployment(plan: TrainingPlan) -> Manifest:
    """Return the proxy's Deployment."""
    pod = {
        "automountServiceAccountToken": False,
        "containers": [_container(plan)],
        "enableServiceLinks": False,
        "hostIPC": False,
        "hostNetwork": False,
        "hostPID": False,
        "runtimeClassName": plan.runtime_class,
        "securityContext": pod_security(),
        "serviceAccountName": plan.service_account,
        "terminationGracePeriodSeconds": 10,
        "volumes": [{"name": "config", "configMap": {"name": plan.egress_name, "defaultMode": 0o440}}],
    }
    template = {
        "metadata": {"labels": labels(plan, "egress-proxy"), "annotations": {"ostiary.dev/models": "none"}},
        "spec": pod,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(plan, plan.egress_name, "egress-proxy"),
        "spec": {
            "replicas": 1,  # one budget, one log
            "selector": {"matchLabels": labels(plan, "egress-proxy")},
            "strategy": {"type": "Recreate"},
            "template": template,
        },
    }


def _container(plan: TrainingPlan) -> Manifest:
    probe = {"tcpSocket": {"port": PROXY_PORT}}
    return {
        "name": "egress-proxy",
        "image": plan.proxy_image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["ostiary", "train", "proxy", "--config", f"{CONFIG_FOLDER}/{CONFIG_FILE}"],
        "ports": [{"name": "proxy", "containerPort": PROXY_PORT, "protocol": "TCP"}],
        "readinessProbe": probe,
        "resources": {"limits": dict(_RESOURCES), "requests": dict(_RESOURCES)},
        "securityContext": container_security(),
        "volumeMounts": [{"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True}],
    }
