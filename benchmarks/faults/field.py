"""What faults are injected into: one deployment with everything around it that can be made to misbehave."""

import time
from pathlib import Path
from random import Random
from typing import Final, Protocol

import msgspec
from benchmarks.faults.backing import Backing
from benchmarks.faults.bookkeeper import Bookkeeper
from benchmarks.faults.broken import BrokenInvariantError
from benchmarks.faults.deployment import Deployment, Door, NoAnswerError, Told, wait_until
from benchmarks.faults.load import Asker
from benchmarks.faults.scene import TENANTS, Scene
from benchmarks.faults.shim import Shim
from benchmarks.faults.small_disk import SmallDisk
from benchmarks.faults.wire import Wire

from ostiary.testing.flaky_link import FlakyLink

PROBE_S: Final = 10.0
OK: Final = 200


class Field(msgspec.Struct, frozen=True):
    """One deployment, and the handles on what surrounds it.

    Attributes:
        keys: API keys of an enforcement point, by tenant.
        admin_key: key of an administrator of all tenants.
        shim: the handle on disk and clock, ``None`` where there is no C compiler.
        disk: the small disk that the data lies on, ``None`` where nothing can be mounted.
        backing: PostgreSQL and Valkey, ``None`` where everything is embedded.
        workshop: a folder for copies.
        sibling: a second replica on the same stores, whose clock never jumps; ``None`` where there is none.
        wire: what lies between the link's two ends, ``None`` where no other network namespace can be made.
        far_port: the port at its far end that the link's callers come through.
    """

    deployment: Deployment
    scene: Scene
    books: Bookkeeper
    link: FlakyLink
    keys: dict[str, str]
    admin_key: str
    workshop: Path
    shim: Shim | None = None
    disk: SmallDisk | None = None
    backing: Backing | None = None
    sibling: Deployment | None = None
    wire: Wire | None = None
    far_port: int = 0

    def serves(self) -> bool:
        """Return whether a fresh caller of every tenant is allowed what it may do, by every replica."""
        ports = [one.port for one in (self.deployment, self.sibling) if one is not None]
        return all(self.allows(tenant, port) for tenant in TENANTS for port in ports)

    def recover(self, within_s: float, begin: float | None = None) -> float:
        """Wait until it serves again by itself; return how long that took since ``begin`` or now, in seconds.

        Raises:
            BrokenInvariantError: ``not_recovered``.
        """
        begin = begin or time.monotonic()
        if not wait_until(self.serves, within_s):
            said = " | ".join(self.deployment.heard()[-8:])
            raise BrokenInvariantError("not_recovered", f"not in service {within_s} s after the fault: {said}")
        return time.monotonic() - begin

    def heard_since(self, mark: int, *words: str) -> bool:
        """Return whether the deployment wrote one of ``words`` after its first ``mark`` lines."""
        return any(word in line for line in self.deployment.heard()[mark:] for word in words)

    def expect_loud(self, mark: int, what: str, *words: str, within_s: float = 20.0) -> None:
        """Wait until the deployment says that something is wrong.

        Raises:
            BrokenInvariantError: ``silent``.
        """
        if not wait_until(lambda: self.heard_since(mark, *words), within_s):
            said = " | ".join(self.deployment.heard()[mark:][-8:])
            raise BrokenInvariantError("silent", f"{what}: nothing was said of {words}, but: {said}")

    def admin(self, method: str, path: str) -> Told:
        """Ask as an administrator of all tenants."""
        door = Door(self.deployment.port, self.admin_key)
        try:
            return door.call(method, f"/api/v1{path}")
        finally:
            door.close()

    def ready(self) -> bool:
        """Return whether it says that it is ready."""
        door = Door(self.deployment.port, "", PROBE_S)
        try:
            return door.call("GET", "/readyz").status == OK
        except NoAnswerError:
            return False
        finally:
            door.close()

    def allows(self, tenant: str, port: int = 0) -> bool:
        """Return whether a fresh caller of a tenant is allowed what it may do, by the first replica or by ``port``."""
        door = Door(port or self.deployment.port, self.keys[tenant], PROBE_S)
        question = self.scene.question("reads_own", tenant, "dev-0", f"{tenant}-dev-0")
        try:
            return Asker(self.scene, self.books, door, tenant).ask(question).get("decision") is True
        except NoAnswerError:
            self.books.unanswered()
            return False
        finally:
            door.close()


class Injection(Protocol):
    """One kind of fault."""

    name: str
    harms_at_once: bool
    """Whether the time of recovery counts from the beginning: nothing is taken away again."""

    def lacks(self, field: Field) -> str:
        """Return what is missing here to inject it, or an empty string."""
        ...

    def inject(self, field: Field, chance: Random) -> str:
        """Do harm and, where it does not pass by itself, take it away again; return how, in a few words.

        Raises:
            BrokenInvariantError: the deployment did what it must never do.
        """
        ...
