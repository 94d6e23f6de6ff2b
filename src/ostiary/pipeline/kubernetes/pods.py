"""What a pod may be, whatever it is for: images by digest, no rights, no ways into the node, volumes that are known.

Everything is asked for and nothing assumed: a setting that is absent is not the safe one, and a field that is not known
here is not a harmless one.

The rules are those of Kubernetes' own "restricted" profile, and stricter: a digest for every image, a read-only file
system, and only volumes whose content is the pod's own or judged.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Spec = Mapping[str, Any]
Fault = tuple[str, str]
_MAX_CONTAINERS: Final = 64
_MAX_VOLUMES: Final = 128
_DIGEST: Final = re.compile(r"[a-z0-9][a-z0-9./_:-]{0,400}@(sha256:[0-9a-f]{64})\Z")
_SAFE_NAME: Final = re.compile(r"[a-z0-9-]{1,63}\Z")
_LISTS: Final = ("containers", "initContainers", "ephemeralContainers")
_OWN_VOLUMES: Final = frozenset({"configMap", "downwardAPI", "emptyDir", "projected", "secret"})
_POD_FIELDS: Final = frozenset({
    "activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "containers", "dnsConfig", "dnsPolicy",
    "enableServiceLinks", "ephemeralContainers", "hostAliases", "hostIPC", "hostNetwork", "hostPID", "hostUsers",
    "hostname", "hostnameOverride", "imagePullSecrets", "initContainers", "nodeName", "nodeSelector", "os", "overhead",
    "preemptionPolicy", "priority", "priorityClassName", "readinessGates", "resourceClaims", "resources",
    "restartPolicy", "runtimeClassName", "schedulerName", "schedulingGates", "securityContext", "serviceAccount",
    "serviceAccountName", "setHostnameAsFQDN", "shareProcessNamespace", "subdomain", "terminationGracePeriodSeconds",
    "tolerations", "topologySpreadConstraints", "volumes",
})  # fmt: skip
_CONTAINER_FIELDS: Final = frozenset({
    "args", "command", "env", "envFrom", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "name", "ports",
    "readinessProbe", "resizePolicy", "resources", "restartPolicy", "restartPolicyRules", "securityContext",
    "startupProbe", "stdin", "stdinOnce", "targetContainerName", "terminationMessagePath", "terminationMessagePolicy",
    "tty", "volumeDevices", "volumeMounts", "workingDir",
})  # fmt: skip
_RIGHTS: Final = frozenset({
    "allowPrivilegeEscalation", "appArmorProfile", "capabilities", "fsGroup", "fsGroupChangePolicy", "privileged",
    "procMount", "readOnlyRootFilesystem", "runAsGroup", "runAsNonRoot", "runAsUser", "seLinuxChangePolicy",
    "seLinuxOptions", "seccompProfile", "supplementalGroups", "supplementalGroupsPolicy", "sysctls", "windowsOptions",
})  # fmt: skip
_HOOKS: Final = ("livenessProbe", "readinessProbe", "startupProbe")
_HOST: Final = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")
_PROFILES: Final = frozenset({"RuntimeDefault", "Localhost"})
_APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
MODEL_DRIVER: Final = "models.ostiary.dev"


def faults_of(metadata: Spec, spec: Spec, registries: tuple[str, ...], claims: frozenset[str]) -> Iterator[Fault]:
    """Give every reason against a pod, as code and sentence.

    Args:
        metadata: of the pod or its template.
        spec: of the pod; unchecked.
        registries: prefixes that images must have; empty for any.
        claims: names of volume claims that may be mounted.
    """
    for name in _HOST:
        if spec.get(name, False) is not False:
            yield "pod_host", f"`{name}` is on"
    if not set(spec) <= _POD_FIELDS:
        yield "pod_unknown_field", "the pod has a field that is not known here"
    system = _given(spec, "os", {})
    if not isinstance(system, dict) or system.get("name", "linux") != "linux":
        yield "pod_privileged", "the pod is for another system, on which its rights would mean nothing"
    yield from _pod_security(_given(spec, "securityContext", {}))
    yield from _annotations(_given(metadata, "annotations", {}))
    containers = list(_containers(spec))
    if not containers or len(containers) > _MAX_CONTAINERS:
        yield "pod_malformed", "it has no container, or too many, or they are no list of objects"
        return
    for name, container in containers:
        yield from _container_faults(name, container, spec, registries)
    yield from _volumes(_given(spec, "volumes", []), claims)


def _given(holder: Spec, name: str, absent: Any) -> Any:
    """Return a member, or ``absent`` where there is none or ``null``; what is of the wrong kind stays what it is."""
    value = holder.get(name)
    return absent if value is None else value


def digests_of_volumes(spec: Spec) -> list[str]:
    """Return the digests of models that a pod mounts: image volumes and volumes of Ostiary's driver."""
    found = []
    volumes = _given(spec, "volumes", [])
    for volume in volumes if isinstance(volumes, list) else ():
        if not isinstance(volume, dict):
            continue
        image, csi = volume.get("image"), volume.get("csi")
        if isinstance(image, dict):
            named = _DIGEST.match(str(image.get("reference", "")))
            found.append(named[1] if named else "")
        if isinstance(csi, dict):
            attributes = csi.get("volumeAttributes")
            found.append(str(attributes.get("digest", "")) if isinstance(attributes, dict) else "")
    return found


def _containers(spec: Spec) -> Iterator[tuple[str, Spec]]:
    for kind in _LISTS:
        listed = _given(spec, kind, [])
        if not isinstance(listed, list):
            yield kind, {}
            continue
        for container in listed:
            name = container.get("name") if isinstance(container, dict) else None
            known = isinstance(name, str) and _SAFE_NAME.match(name)
            yield str(name) if known else "?", container if isinstance(container, dict) else {}


def _container_faults(name: str, container: Spec, spec: Spec, registries: tuple[str, ...]) -> Iterator[Fault]:
    image = container.get("image")
    if not isinstance(image, str) or not _DIGEST.match(image):
        yield "image_no_digest", f"the image of `{name}` is not named by digest"
    elif registries and not image.startswith(registries):
        yield "image_registry", f"the image of `{name}` is of no registry that this namespace may use"
    if not set(container) <= _CONTAINER_FIELDS:
        yield "pod_unknown_field", f"`{name}` has a field that is not known here"
    if any(_calls_elsewhere(hook) for hook in _hooks(container)):
        yield "pod_host", f"a probe or hook of `{name}` makes the node call another host"
    security = container.get("securityContext")
    if not isinstance(security, dict):
        yield "pod_security", f"`{name}` has no securityContext"
        return
    yield from _rights(name, security)
    yield from _identity(name, security, spec)
    ports = _given(container, "ports", [])
    if not isinstance(ports, list) or any(not isinstance(port, dict) or port.get("hostPort") for port in ports):
        yield "pod_host", f"`{name}` takes a port of the node"
    if container.get("volumeDevices"):
        yield "pod_volume", f"`{name}` takes a block device"


def _hooks(container: Spec) -> list[Any]:
    lifecycle = _given(container, "lifecycle", {})
    return [
        *(container.get(hook) for hook in _HOOKS),
        *(lifecycle.values() if isinstance(lifecycle, dict) else [lifecycle]),
    ]


def _calls_elsewhere(hook: Any) -> bool:
    """Return whether a probe or hook names a host: the node would call it, from its own network."""
    if not isinstance(hook, dict):
        return hook is not None and not isinstance(hook, str)  # a lifecycle may name a stop signal
    calls = [hook[kind] for kind in ("httpGet", "tcpSocket") if hook.get(kind) is not None]
    return any(not isinstance(call, dict) or bool(call.get("host")) for call in calls)


def _rights(name: str, security: Spec) -> Iterator[Fault]:
    if security.get("privileged", False) is not False:
        yield "pod_privileged", f"`{name}` is privileged"
    if security.get("allowPrivilegeEscalation") is not False:
        yield "pod_privileged", f"`{name}` may gain rights: set allowPrivilegeEscalation to false"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "pod_security", f"`{name}` may write to its image: set readOnlyRootFilesystem"
    if security.get("procMount", "Default") != "Default":
        yield "pod_privileged", f"`{name}` sees an unmasked /proc"
    capabilities = security.get("capabilities")
    dropped = capabilities.get("drop") if isinstance(capabilities, dict) else None
    added = capabilities.get("add") if isinstance(capabilities, dict) else None
    if not isinstance(dropped, list) or "ALL" not in dropped or added:
        yield "pod_privileged", f"`{name}` keeps capabilities: drop ALL and add none"
    yield from _odd_profiles(name, security)


def _identity(name: str, security: Spec, spec: Spec) -> Iterator[Fault]:
    """Ask for what a container or, where it says nothing, its pod says."""
    pod = spec.get("securityContext")
    whole = pod if isinstance(pod, dict) else {}
    if security.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
        yield "pod_security", f"`{name}` may run as root: set runAsNonRoot"
    user = security.get("runAsUser", whole.get("runAsUser"))
    if user is not None and (type(user) is not int or user <= 0):
        yield "pod_security", f"`{name}` runs as root"
    profile = security.get("seccompProfile", whole.get("seccompProfile"))
    if not isinstance(profile, dict) or str(profile.get("type")) not in _PROFILES:
        yield "pod_security", f"`{name}` has no seccomp profile"


def _pod_security(security: Any) -> Iterator[Fault]:
    if not isinstance(security, dict):
        yield "pod_malformed", "the pod's securityContext is no object"
        return
    if security.get("sysctls"):
        yield "pod_privileged", "the pod changes settings of the kernel"
    yield from _odd_profiles("pod", security)


def _odd_profiles(name: str, security: Spec) -> Iterator[Fault]:
    if not set(security) <= _RIGHTS:
        yield "pod_unknown_field", f"the rights of `{name}` have a field that is not known here"
    armor, windows, labels = (security.get(key) for key in ("appArmorProfile", "windowsOptions", "seLinuxOptions"))
    if armor is not None and (not isinstance(armor, dict) or str(armor.get("type")) not in _PROFILES):
        yield "pod_privileged", f"`{name}` is outside AppArmor"
    if windows is not None:
        yield "pod_privileged", f"`{name}` has options of Windows, which is not judged here"
    if labels is not None:
        yield "pod_privileged", f"`{name}` chooses its own SELinux label"


def _annotations(told: Any) -> Iterator[Fault]:
    if not isinstance(told, dict):
        yield "pod_malformed", "the annotations are no object"
        return
    if any(str(name).startswith(_APPARMOR) and value != "runtime/default" for name, value in told.items()):
        yield "pod_privileged", "an annotation takes a container out of AppArmor"


def _volumes(volumes: Any, claims: frozenset[str]) -> Iterator[Fault]:
    if not isinstance(volumes, list) or len(volumes) > _MAX_VOLUMES:
        yield "pod_malformed", "the volumes are no list, or too many"
        return
    for volume in volumes:
        sources = set(volume) - {"name"} if isinstance(volume, dict) else set()
        if len(sources) != 1:
            yield "pod_malformed", "a volume has not one source"
            continue
        fault = _volume_fault(next(iter(sources)), volume, claims)
        if fault:
            yield "pod_volume", fault


def _volume_fault(source: str, volume: Spec, claims: frozenset[str]) -> str:
    told = volume[source]
    if source in _OWN_VOLUMES:
        return "" if isinstance(told, dict) else "a volume is no object"
    if source == "image" and isinstance(told, dict):
        return "" if _DIGEST.match(str(told.get("reference", ""))) else "an image volume is not named by digest"
    if source == "csi" and isinstance(told, dict):
        return "" if told.get("driver") == MODEL_DRIVER else "a volume is of a driver that is not judged"
    if source == "persistentVolumeClaim" and isinstance(told, dict):
        return "" if told.get("claimName") in claims else "a volume claim is none that this namespace may mount"
    return f"a volume is of the kind `{source[:40]}`" if source.isalnum() else "a volume is of no known kind"
