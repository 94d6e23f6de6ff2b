"""Two manifests at once, one at the door and one from an administrator: the older never takes the newer one's place."""

import threading
from pathlib import Path
from typing import Any

from ostiary.errors import VerificationError
from ostiary.keys import SigningKey
from ostiary.pipeline.datasets.manifests import Manifests, sign_manifest
from ostiary.pipeline.datasets.spec import DatasetSpec
from ostiary.pipeline.datasets.statement import Manifest


class Kept:
    """Keeps bytes in memory; the first history to be saved waits until another has come in, or a moment."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, str, str], bytes] = {}
        self.first = True
        self.waiting, self.go = threading.Event(), threading.Event()

    def save(self, tenant: str, kind: str, name: str, data: bytes, _now_ns: int) -> None:
        if kind == "dataset-history" and self.first:
            self.first = False
            self.waiting.set()
            self.go.wait(1)
        self.data[tenant, kind, name] = data

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        return self.data.get((tenant, kind, name))

    def all(self, _tenant: str, _kind: str) -> list[Any]:
        return []

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        return self.data.pop((tenant, kind, name), None) is not None


def test_an_older_manifest_does_not_come_last(tmp_path: Path) -> None:
    kept, key = Kept(), SigningKey.generate("ingest")
    spec = DatasetSpec(store=f"file://{tmp_path}", producers={"ingest": key.public.pem().decode()})
    # the door and each of the administrators' requests open the parts of their own
    door, office = Manifests(kept, lambda: 10), Manifests(kept, lambda: 10)
    older, newer = (sign_manifest(Manifest("t", "d", "ingest", n, n, ()), key) for n in (1, 2))
    slow = threading.Thread(target=lambda: door.accept("t", "d", spec, older))
    slow.start()
    assert kept.waiting.wait(5)

    def accept_the_newer() -> None:
        office.accept("t", "d", spec, newer)
        kept.go.set()

    quick = threading.Thread(target=accept_the_newer)
    quick.start()
    slow.join()
    quick.join()
    assert [one.sequence for one in office.history("t", "d")] == [1, 2]
    assert office.manifest_of("t", "d", spec).manifest.sequence == 2


def test_of_two_with_one_sequence_one_is_accepted(tmp_path: Path) -> None:
    kept, key = Kept(), SigningKey.generate("ingest")
    spec = DatasetSpec(store=f"file://{tmp_path}", producers={"ingest": key.public.pem().decode()})
    accepted: list[str] = []
    refused: list[str] = []

    def accept(created_ns: int) -> None:
        try:
            envelope = sign_manifest(Manifest("t", "d", "ingest", 1, created_ns, ()), key)
            accepted.append(Manifests(kept, lambda: 10).accept("t", "d", spec, envelope).digest)
        except VerificationError as no:
            refused.append(no.code)
        kept.go.set()

    threads = [threading.Thread(target=accept, args=(at,)) for at in (1, 2)]
    threads[0].start()
    assert kept.waiting.wait(5)
    threads[1].start()
    for one in threads:
        one.join()
    assert (len(accepted), refused) == (1, ["manifest_replayed"])
