"""A pod with the rights of its host is seen whatever stands beside it: five thousand tolerations hid its rights."""

import time
from typing import Any

import pytest

from ostiary.signals.importing import adapter_of
from ostiary.signals.marking import told_of
from ostiary.vocabulary.facts import Mark

CONTAINER = {"name": "c", "image": "i", "securityContext": {"privileged": True}}


def marks_of(spec: dict[str, Any], **metadata: Any) -> set[Mark]:
    record = {
        "kind": "Event",
        "stage": "ResponseComplete",
        "requestReceivedTimestamp": "2024-05-01T10:00:00Z",
        "verb": "create",
        "user": {"username": "mallory"},
        "objectRef": {"resource": "pods", "namespace": "n", "name": "p"},
        "requestObject": {"metadata": metadata, "spec": spec},
    }
    return set(adapter_of("kubernetes_audit").normalise(record, "acme").marks)


def test_a_long_list_hides_nothing_beside_it() -> None:
    plain = marks_of({"containers": [CONTAINER]})
    assert Mark.ESCAPES in plain
    assert Mark.ENCODED not in plain
    padded = marks_of({"containers": [CONTAINER], "tolerations": [{"key": "k", "operator": "Exists"}] * 5_000})
    assert {Mark.ESCAPES, Mark.ENCODED} <= padded
    labels = {f"a{number}": {"x": "y"} for number in range(5_000)}
    assert {Mark.ESCAPES, Mark.ENCODED} <= marks_of({"containers": [CONTAINER]}, annotations=labels)
    many = marks_of({"containers": [{"name": "c", "env": [{"name": "A", "value": "b"}] * 60}] * 60 + [CONTAINER]})
    assert Mark.ENCODED in many, "what is not read to its end says so"


@pytest.mark.parametrize("size", [4_097, 100_000])
def test_a_list_that_is_cut_says_so_and_takes_no_longer(size: int) -> None:
    began = time.process_time()
    assert Mark.ENCODED in told_of("share", {"things": [1] * size}).marks
    assert time.process_time() - began < 0.5
    assert Mark.ENCODED not in told_of("share", {"things": [1] * 4_000}).marks
