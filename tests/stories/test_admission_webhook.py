"""A cluster asks whether a pod may be; somebody tries one whose model nobody approved, or that leaves its walls."""

import copy
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.pipeline.kubernetes.admission import KINDS, AdmissionJudge, NamespaceRule
from ostiary.pipeline.kubernetes.review import read_review
from ostiary.server.faces.admission import AdmissionFace
from ostiary.server.peps import NewPep, register

GOOD, BAD = "sha256:" + "1" * 64, "sha256:" + "2" * 64
IMAGE = "registry.example/ml/serve@sha256:" + "c" * 64
RULE = NamespaceRule(
    "default", "serving", "production", registries=("registry.example/ml/", "ghcr.example/"), claims=("scratch",)
)
LOOSE = NamespaceRule("default", "tools", "staging", without_model=True)
PATH = "/pipeline/default/admission"


class Approved:
    """A registry of two models."""

    def __init__(self) -> None:
        self.live = {("default", GOOD, "production"), ("acme", BAD, "production")}
        self.away = False

    def approved(self, tenant: str, digest: str, stage: str) -> bool:
        if self.away:
            raise UnavailableError("storage_unavailable", "the registry is away")
        return (tenant, digest, stage) in self.live


def pod(**spec: Any) -> dict[str, Any]:
    container = {
        "name": "serve",
        "image": IMAGE,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "annotations": {"ostiary.dev/models": GOOD}},
        "spec": {"containers": [container], **spec},
    }


def ask(content: Any, *, namespace: str = "serving", **more: Any) -> dict[str, Any]:
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": namespace,
        "name": "p",
        "operation": "CREATE",
        "userInfo": {"username": "system:serviceaccount:serving:deployer", "groups": ["system:authenticated"]},
        "object": content,
        "oldObject": None,
        "dryRun": False,
        **more,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def reasons(content: Any, models: Approved | None = None, **more: Any) -> set[str]:
    judge = AdmissionJudge((RULE, LOOSE), models or Approved())
    return set(judge.judge("default", read_review(ask(content, **more))).reasons)


def changed(change: Callable[[dict[str, Any]], object], start: dict[str, Any] | None = None) -> dict[str, Any]:
    content = copy.deepcopy(start or pod())
    change(content)
    return content


def first(content: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = content["spec"]["containers"][0]
    return container


def test_a_pod_with_an_approved_model_may_be() -> None:
    assert reasons(pod()) == set()


def annotated(value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["metadata"].__setitem__("annotations", value)


def secure(name: str, /, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: first(content)["securityContext"].__setitem__(name, value)


def insecure(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda content: first(content)["securityContext"].pop(name)


def spec(name: str, /, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["spec"].__setitem__(name, value)


def image(value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: first(content).__setitem__("image", value)


def volume(**source: Any) -> Callable[[dict[str, Any]], object]:
    return spec("volumes", [{"name": "v", **source}])


DIGEST = "a" * 64
DENIED: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    # no label is no way round
    ("model_not_named", lambda content: content["metadata"].pop("annotations")),
    ("model_not_named", lambda content: content.pop("metadata")),
    ("model_not_named", annotated({})),
    ("model_not_named", annotated({"ostiary.dev/models": ""})),
    ("model_not_named", annotated({"ostiary.dev/models": "none"})),
    ("model_not_named", annotated({"ostiary.dev/models": "fraud:latest"})),
    ("model_not_named", annotated({"ostiary.dev/models": GOOD.upper()})),
    ("model_not_named", annotated({"ostiary.dev/models": GOOD + "\n"})),
    ("model_not_named", annotated({"ostiary.dev/models": f"{GOOD},{GOOD}"})),
    ("model_not_named", annotated({"ostiary.dev/models": ",".join(f"sha256:{n:064x}" for n in range(20))})),
    ("model_not_named", annotated({"ostiary.dev/Models": GOOD})),
    ("pod_malformed", annotated([GOOD])),
    # the wrong model, alone or beside a right one
    ("model_not_approved", annotated({"ostiary.dev/models": BAD})),
    ("model_not_approved", annotated({"ostiary.dev/models": f"{GOOD},{BAD}"})),
    ("model_not_named", volume(image={"reference": f"registry.example/ml/m@{BAD}"})),
    ("model_not_named", volume(csi={"driver": "models.ostiary.dev", "volumeAttributes": {"digest": BAD}})),
    ("model_not_named", volume(csi={"driver": "models.ostiary.dev"})),
    ("pod_volume", volume(image={"reference": "registry.example/ml/m:latest"})),
    # images by tag
    ("image_no_digest", image("registry.example/ml/serve:latest")),
    ("image_no_digest", image("serve")),
    ("image_no_digest", image(f"registry.example/ml/serve@sha256:{'c' * 63}")),
    ("image_no_digest", image(f"registry.example/ml/serve@md5:{'c' * 32}")),
    ("image_no_digest", image(f"registry.example/ml/serve@sha256:{DIGEST}\n")),
    ("image_no_digest", image(None)),
    ("image_no_digest", image([IMAGE])),
    ("image_registry", image(f"evil.example/ml/serve@sha256:{DIGEST}")),
    ("image_registry", image(f"registry.example.evil/ml/serve@sha256:{DIGEST}")),
    ("image_no_digest", spec("initContainers", [{"name": "i", "image": "evil"}])),
    ("image_no_digest", spec("ephemeralContainers", [{"name": "e", "image": "evil"}])),
    ("pod_security", spec("initContainers", [{"name": "i", "image": IMAGE}])),
    ("pod_security", spec("initContainers", {"name": "i"})),
    # rights
    ("pod_privileged", secure("privileged", value=True)),
    ("pod_privileged", secure("privileged", "yes")),
    ("pod_privileged", secure("allowPrivilegeEscalation", value=True)),
    ("pod_privileged", insecure("allowPrivilegeEscalation")),
    ("pod_privileged", insecure("capabilities")),
    ("pod_privileged", secure("capabilities", {"drop": ["NET_RAW"]})),
    ("pod_privileged", secure("capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]})),
    ("pod_privileged", secure("procMount", "Unmasked")),
    ("pod_privileged", secure("appArmorProfile", {"type": "Unconfined"})),
    ("pod_privileged", secure("seLinuxOptions", {"type": "spc_t"})),
    ("pod_privileged", secure("windowsOptions", {"hostProcess": True})),
    ("pod_privileged", spec("securityContext", {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]})),
    ("pod_privileged", spec("securityContext", {"windowsOptions": {"hostProcess": True}})),
    ("pod_security", secure("runAsUser", 0)),
    ("pod_security", secure("runAsNonRoot", value=False)),
    ("pod_security", insecure("runAsNonRoot")),
    ("pod_security", insecure("seccompProfile")),
    ("pod_security", secure("seccompProfile", {"type": "Unconfined"})),
    ("pod_security", insecure("readOnlyRootFilesystem")),
    ("pod_security", lambda content: first(content).pop("securityContext")),
    ("pod_malformed", spec("securityContext", [])),
    # the node
    ("pod_host", spec("hostNetwork", value=True)),
    ("pod_host", spec("hostPID", value=True)),
    ("pod_host", spec("hostIPC", "true")),
    ("pod_host", spec("shareProcessNamespace", value=True)),
    ("pod_host", lambda content: first(content).__setitem__("ports", [{"containerPort": 80, "hostPort": 80}])),
    ("pod_volume", volume(hostPath={"path": "/"})),
    ("pod_volume", volume(nfs={"server": "evil", "path": "/"})),
    ("pod_volume", volume(gitRepo={"repository": "https://evil"})),
    ("pod_volume", volume(ephemeral={"volumeClaimTemplate": {}})),
    ("pod_volume", volume(persistentVolumeClaim={"claimName": "models"})),
    ("pod_volume", volume(csi={"driver": "evil.csi"})),
    (
        "pod_volume",
        lambda content: first(content).__setitem__("volumeDevices", [{"name": "v", "devicePath": "/dev/x"}]),
    ),
    (
        "pod_host",
        lambda content: first(content).__setitem__("livenessProbe", {"httpGet": {"host": "10.0.0.1", "port": 1}}),
    ),
    ("pod_host", lambda content: first(content).__setitem__("lifecycle", {"preStop": {"tcpSocket": {"host": "x"}}})),
    ("pod_privileged", spec("os", value={"name": "windows"})),
    ("pod_unknown_field", spec("hostEverything", value=True)),
    ("pod_unknown_field", lambda content: first(content).update(hostEverything=True)),
    ("pod_unknown_field", secure("hostEverything", value=True)),
    ("pod_malformed", volume(emptyDir={}, hostPath={"path": "/"})),
    ("pod_malformed", spec("volumes", {"hostPath": {}})),
    ("pod_malformed", spec("containers", [])),
    ("pod_malformed", spec("containers", [{"name": "x"}] * 100)),
    ("pod_malformed", lambda content: content.pop("spec")),
    ("pod_malformed", lambda content: content.__setitem__("spec", [])),
]


@pytest.mark.parametrize(("reason", "change"), DENIED)
def test_each_way_out_is_denied(reason: str, change: Callable[[dict[str, Any]], object]) -> None:
    assert reason in reasons(changed(change))


def test_a_pod_as_the_api_server_completes_it_may_be() -> None:
    """Defaults that the server fills in before it asks: none of them is taken for something odd."""
    content = pod(
        restartPolicy="Always", dnsPolicy="ClusterFirst", schedulerName="default-scheduler", serviceAccount="default",
        serviceAccountName="default", securityContext={}, enableServiceLinks=True, preemptionPolicy="Never",
        priority=0, terminationGracePeriodSeconds=30, tolerations=[{"key": "node.kubernetes.io/not-ready"}],
        nodeName="node-1",
        volumes=[{"name": "kube-api-access-x", "projected": {"defaultMode": 420, "sources": []}}],
    )  # fmt: skip
    first(content).update(
        imagePullPolicy="IfNotPresent", resources={}, terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File", ports=[{"containerPort": 8080, "protocol": "TCP"}],
        livenessProbe={"httpGet": {"path": "/", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10},
        volumeMounts=[{"name": "kube-api-access-x", "mountPath": "/var/run/secrets", "readOnly": True}],
    )  # fmt: skip
    assert reasons(content) == set()


@pytest.mark.parametrize(
    "change",
    [
        volume(image={"reference": f"registry.example/ml/m@{GOOD}"}),
        volume(csi={"driver": "models.ostiary.dev", "volumeAttributes": {"digest": GOOD}}),
        volume(persistentVolumeClaim={"claimName": "scratch"}),
        volume(emptyDir={}),
        spec("securityContext", {"runAsUser": 1000, "runAsNonRoot": True}),
    ],
)
def test_what_is_approved_may_be_mounted(change: Callable[[dict[str, Any]], object]) -> None:
    assert reasons(changed(change)) == set()


@pytest.mark.parametrize(("group", "kind"), [pair for pair in KINDS if pair != ("", "Pod")])
def test_whatever_makes_pods_is_judged_by_its_template(group: str, kind: str) -> None:
    def wrapped(template: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = template
        for name in reversed(KINDS[group, kind]):
            found = {name: found}
        return found

    told: dict[str, Any] = {"kind": {"group": group, "version": "v1", "kind": kind}}
    assert reasons(wrapped(pod()), **told) == set()
    assert reasons(wrapped(changed(secure("privileged", value=True))), **told) == {"pod_privileged"}
    assert reasons(wrapped(changed(annotated({}))), **told) == {"model_not_named"}
    assert reasons({"spec": {}}, **told) == {"pod_malformed"}


@pytest.mark.parametrize(
    "more",
    [
        {"kind": {"group": "evil", "version": "v1", "kind": "Pod"}},
        {"kind": {"group": "", "version": "v2", "kind": "Pod"}},
        {"kind": {"group": "", "version": "v1", "kind": "Secret"}},
        {"operation": "CONNECT"},
        {"operation": "DELETE"},
        {"subResource": "exec"},
        {"subResource": "binding"},
    ],
)
def test_what_is_not_judged_is_denied(more: dict[str, Any]) -> None:
    assert reasons(pod(), **more) == {"kind_not_judged"}


def test_an_unknown_namespace_is_denied_and_so_is_another_tenants() -> None:
    assert reasons(pod(), namespace="kube-system") == {"namespace_unknown"}
    assert reasons(pod(), namespace="") == {"namespace_unknown"}
    judge = AdmissionJudge((RULE,), Approved())
    assert set(judge.judge("acme", read_review(ask(pod()))).reasons) == {"namespace_unknown"}


def test_a_namespace_of_tools_lets_pods_without_a_model_in_and_none_that_name_a_wrong_one() -> None:
    assert reasons(changed(annotated({"ostiary.dev/models": "none"})), namespace="tools") == set()
    assert reasons(changed(annotated({})), namespace="tools") == {"model_not_named"}
    assert reasons(pod(), namespace="tools") == {"model_not_approved"}  # of another stage
    hidden = volume(csi={"driver": "models.ostiary.dev", "volumeAttributes": {"digest": BAD}})
    content = changed(hidden, changed(annotated({"ostiary.dev/models": "none"})))
    assert reasons(content, namespace="tools") == {"model_not_named"}


def test_approval_that_ended_stops_new_pods_and_lets_old_ones_end() -> None:
    models = Approved()
    models.live.clear()
    assert reasons(pod(), models) == {"model_not_approved"}
    ending = changed(lambda content: content["metadata"].__setitem__("finalizers", []))
    assert reasons(ending, models, operation="UPDATE", oldObject=pod()) == set()
    other = changed(image(f"registry.example/ml/other@sha256:{DIGEST}"))
    assert reasons(other, models, operation="UPDATE", oldObject=pod()) == {"model_not_approved"}
    renamed = changed(annotated({"ostiary.dev/models": BAD}))
    assert reasons(renamed, operation="UPDATE", oldObject=pod()) == {"model_not_approved"}
    assert reasons(pod(), models, operation="UPDATE") == {"model_not_approved"}
    assert reasons(pod(), models, operation="CREATE", oldObject=pod()) == {"model_not_approved"}


def test_a_container_that_is_put_in_later_is_judged() -> None:
    later = changed(spec("ephemeralContainers", [{"name": "debug", "image": "busybox"}]))
    more: dict[str, Any] = {"operation": "UPDATE", "subResource": "ephemeralcontainers", "oldObject": pod()}
    assert "image_no_digest" in reasons(later, **more)


def test_a_registry_that_is_away_is_a_no() -> None:
    models = Approved()
    models.away = True
    assert reasons(pod(), models) == {"model_unknown_now"}


MEMBERS = [
    "request", "uid", "kind", "namespace", "operation", "object", "spec", "containers", "metadata", "volumes",
    "securityContext", "annotations", "userInfo", "image", "csi", "capabilities", "drop", "ports",
]  # fmt: skip


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
            MEMBERS), inner, max_size=5),
        max_leaves=30,
    )
)  # fmt: skip
@settings(max_examples=tries(100, 300), deadline=None)
def test_any_document_ends_in_an_answer_or_a_code(document: Any) -> None:
    judge = AdmissionJudge((RULE,), Approved())
    for told in (ask(document), ask(changed(spec("containers", document))), ask(changed(spec("volumes", document)))):
        try:
            review = read_review(told)
        except FaultyInputError as fault:
            assert fault.code == "admission_review_malformed"  # noqa: PT017
            continue
        assert judge.judge("default", review).allowed is (not judge.judge("default", review).reasons)
    with pytest.raises(FaultyInputError):
        read_review(document if isinstance(document, dict) else {})


# -- over HTTP


class Cluster:
    def __init__(self, server: Any, models: Approved, key: str) -> None:
        self.server, self.models, self.key = server, models, key

    def post(self, body: Any, *, path: str = PATH, key: str | None = None, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json", "Authorization": f"Bearer {key or self.key}", **headers}
        response: httpx.Response = self.server.client.post(path, content=content, headers=told)
        return response

    def records(self) -> list[dict[str, Any]]:
        found = self.server.house.log.iterate("default", "model")
        return [json.loads(one.payload) | {"id": one.record_id} for one in found]


@pytest.fixture(scope="module")
def cluster(start_server: Callable[..., Any]) -> Cluster:
    told = {
        "api_servers": ["cluster-1", "cluster-2"],
        "namespaces": [{"namespace": "serving", "registries": ["registry.example/ml/"]}],
    }
    server = start_server(admission=told)
    models = Approved()
    app = server.assembly.app
    others = [(path, one) for path, one in app.faces if not isinstance(one, AdmissionFace)]
    desk = server.assembly._desk(server.house.settings.server, server.assembly.telemetry.metrics)
    app.lead([("/pipeline/*/admission", AdmissionFace(desk, models)), *others])
    key = register(server.house, NewPep(pep_id="cluster-1", tenant="default")).api_key
    return Cluster(server, models, key)


def test_an_answer_echoes_the_question_and_is_on_record(cluster: Cluster) -> None:
    response = cluster.post(ask(pod()))
    body = response.json()
    assert response.status_code == 200
    assert (body["apiVersion"], body["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert body["response"]["uid"] == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert body["response"]["allowed"] is True
    record = cluster.records()[-1]
    assert record["id"] == body["response"]["auditAnnotations"]["record"]
    assert (record["type"], record["allowed"], record["models"]) == ("admission", True, [GOOD])
    assert record["user"] == "system:serviceaccount:serving:deployer"


def test_a_refusal_says_why_and_is_on_record(cluster: Cluster) -> None:
    before = len(cluster.records())
    response = cluster.post(ask(changed(annotated({"ostiary.dev/models": BAD})))).json()["response"]
    assert response["allowed"] is False
    assert response["status"]["code"] == 403
    assert "model_not_approved" in response["status"]["message"]
    assert len(cluster.records()) == before + 1
    assert set(cluster.records()[-1]["reasons"]) == {"model_not_approved"}


def test_every_answer_is_a_record(cluster: Cluster) -> None:
    before = len(cluster.records())
    answers = [cluster.post(ask(changed(change))).json()["response"] for _, change in DENIED[:20]]
    assert [answer["allowed"] for answer in answers] == [False] * 20
    assert [record["id"] for record in cluster.records()[before:]] == [
        answer["auditAnnotations"]["record"] for answer in answers
    ]


def test_only_the_api_servers_that_the_settings_name_may_ask(cluster: Cluster) -> None:
    before = len(cluster.records())
    stranger = register(cluster.server.house, NewPep(pep_id="somebody", tenant="default")).api_key
    for key in (stranger, "cluster-1.wrong", cluster.server.pep_key, "x"):
        response = cluster.post(ask(pod()), key=key)
        assert response.status_code == 401
    for path in ("/pipeline/acme/admission", "/pipeline/nobody/admission", "/pipeline/../admission/admission"):
        assert cluster.post(ask(pod()), path=path).status_code in {401, 404}
    unknown = cluster.post(ask(pod()), path="/pipeline/nobody/admission")
    other = cluster.post(ask(pod()), path="/pipeline/acme/admission")
    assert unknown.content == other.content
    assert len(cluster.records()) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"a":1,"a":2}', 400),
        (b"\xff", 400),
        (b"[" * 5_000, 400),
        ({}, 400),
        (ask(pod()) | {"apiVersion": "admission.k8s.io/v1beta1"}, 400),
        (ask(pod()) | {"kind": "Pod"}, 400),
        (ask(pod(), uid=""), 400),
        (ask(pod(), uid="a\nb"), 400),
        (ask(pod(), uid=7), 400),
        (ask(pod(), namespace="a b"), 400),
        (ask(pod(), dryRun="no"), 400),
        (ask(None), 400),
        (ask([pod()]), 400),
        (ask(pod(), userInfo=[]), 400),
        (ask(pod(), name="x" * 300), 400),
        (b" " * 5_000_000, 413),
    ],
)
def test_what_cannot_be_read_is_no_answer(cluster: Cluster, body: Any, status: int) -> None:
    before = len(cluster.records())
    response = cluster.post(body)
    assert response.status_code == status
    assert "uid" not in response.json()
    assert len(cluster.records()) == before


def test_other_methods_types_and_paths(cluster: Cluster) -> None:
    assert cluster.server.client.get(PATH, headers={"Authorization": f"Bearer {cluster.key}"}).status_code == 405
    assert cluster.post(ask(pod()), **{"Content-Type": "text/plain"}).status_code == 400
    assert cluster.post(ask(pod()), path=PATH + "/more").status_code == 404


def test_words_of_the_question_do_not_reach_the_answer(cluster: Cluster) -> None:
    content = changed(lambda one: first(one).__setitem__("name", "\x1b[31mevil\n{}"))
    content = changed(image("evil"), content)
    response = cluster.post(ask(content)).json()["response"]
    assert "evil" not in json.dumps(response)


def test_a_log_that_cannot_be_written_is_no_answer(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def append(self, *_: Any) -> Any:
            raise UnavailableError("log_unavailable", "the log cannot be written")

    face = next(one for _, one in cluster.server.assembly.app.faces if isinstance(one, AdmissionFace))
    house = type("House", (), {"log": Away(), "clock": cluster.server.house.clock})()
    desk = type("Desk", (), {"house": house, "faults": lambda *_: None, "receive_timeout_s": 5.0})()
    monkeypatch.setattr(face, "_desk", desk)
    monkeypatch.setattr(face, "_caller", lambda *_: type("Pep", (), {"tenant": "default", "pep_id": "cluster-1"})())
    response = cluster.post(ask(pod()))
    assert (response.status_code, response.json()["code"]) == (503, "log_unavailable")


def test_without_an_api_server_in_the_settings_there_is_no_door(start_server: Callable[..., Any]) -> None:
    server = start_server()
    assert server.client.post(PATH, content=b"{}").status_code == 404
