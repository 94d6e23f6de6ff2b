"""The training pod: a Job that runs once, as nobody, read-only, with a token that only Ostiary takes."""

from typing import Any, Final

from ostiary.pipeline.kubernetes.plan import TrainingPlan

PART_OF: Final = "app.kubernetes.io/part-of"
ROLE: Final = "ostiary.dev/role"
RUN: Final = "ostiary.dev/run"
PROXY_PORT: Final = 3128
NOBODY: Final = 65_534
TOKEN_FOLDER: Final = "/var/run/secrets/ostiary"  # noqa: S105 - where it is mounted
_TOKEN_FILE: Final = "token"  # noqa: S105 - its name
Manifest = dict[str, Any]


def labels(plan: TrainingPlan, role: str) -> dict[str, str]:
    """Return the labels that policies select by."""
    return {PART_OF: "ostiary", RUN: plan.name, ROLE: role}


def metadata(plan: TrainingPlan, name: str, role: str) -> Manifest:
    """Return the metadata of one object of the run."""
    return {"name": name, "namespace": plan.namespace, "labels": labels(plan, role)}


def container_security() -> Manifest:
    """Return the rights of a container: none."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": NOBODY,
        "runAsGroup": NOBODY,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def pod_security() -> Manifest:
    """Return the rights of a pod: none."""
    return {
        "fsGroup": NOBODY,
        "runAsGroup": NOBODY,
        "runAsNonRoot": True,
        "runAsUser": NOBODY,
        "seccompProfile": {"type": "RuntimeDefault"},
        "supplementalGroups": [],
    }


def service_account(plan: TrainingPlan) -> Manifest:
    """Return the account that the projected token names; nothing in the cluster is granted to it."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(plan, plan.service_account, "training"),
        "automountServiceAccountToken": False,
    }


def job(plan: TrainingPlan, proxy_ip: str) -> Manifest:
    """Return the Job; the run finds its proxy by address, for it has no DNS."""
    limits = plan.limits
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(plan, plan.name, "training"),
        "spec": {
            "activeDeadlineSeconds": limits.deadline_s,
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "ttlSecondsAfterFinished": limits.keep_s,
            "template": {
                "metadata": {
                    "labels": labels(plan, "training"),
                    "annotations": {"ostiary.dev/models": "none", "ostiary.dev/datasets": ",".join(plan.datasets)},
                },
                "spec": _pod(plan, proxy_ip),
            },
        },
    }


def _pod(plan: TrainingPlan, proxy_ip: str) -> Manifest:
    token = {"serviceAccountToken": {"audience": plan.audience, "expirationSeconds": plan.token_s, "path": _TOKEN_FILE}}
    scratch = {"emptyDir": {"sizeLimit": plan.limits.scratch}}
    return {
        "automountServiceAccountToken": False,
        "containers": [_container(plan, proxy_ip)],
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["127.0.0.1"]},  # nobody answers there: names are the proxy's business
        "enableServiceLinks": False,
        "hostIPC": False,
        "hostNetwork": False,
        "hostPID": False,
        "restartPolicy": "Never",
        "runtimeClassName": plan.runtime_class,
        "securityContext": pod_security(),
        "serviceAccountName": plan.service_account,
        "shareProcessNamespace": False,
        "terminationGracePeriodSeconds": 10,
        "volumes": [
            {"name": "token", "projected": {"defaultMode": 0o440, "sources": [token]}},
            {"name": "workspace", **scratch},
            {"name": "tmp", **scratch},
        ],
    }


def _container(plan: TrainingPlan, proxy_ip: str) -> Manifest:
    return {
        "name": "training",
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",  # a digest never changes
        "command": list(plan.command),
        "env": _environment(plan, proxy_ip),
        "resources": resources(plan),
        "securityContext": container_security(),
        "terminationMessagePolicy": "File",
        "volumeMounts": [
            {"name": "token", "mountPath": TOKEN_FOLDER, "readOnly": True},
            {"name": "workspace", "mountPath": "/workspace"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
        ],
        "workingDir": "/workspace",
    }


def resources(plan: TrainingPlan) -> Manifest:
    """Return what the run may use; request and limit are the same."""
    told = {"cpu": plan.limits.cpu, "memory": plan.limits.memory, "ephemeral-storage": plan.limits.scratch}
    if plan.limits.gpus:
        told[plan.limits.gpu_resource] = str(plan.limits.gpus)
    return {"limits": told, "requests": dict(told)}


def _environment(plan: TrainingPlan, proxy_ip: str) -> list[Manifest]:
    proxy = f"http://{proxy_ip}:{PROXY_PORT}"
    told = {
        **plan.environment,
        "HOME": "/workspace",
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "OSTIARY_DATASETS": ",".join(plan.datasets),
        "OSTIARY_SUBJECT_TOKEN_FILE": f"{TOKEN_FOLDER}/{_TOKEN_FILE}",
        "OSTIARY_TENANT": plan.tenant,
        "OSTIARY_URL": plan.control_plane,
    }
    return [{"name": name, "value": value} for name, value in sorted(told.items())]
