"""A receiver that lists ten thousand odd subjects must not keep everybody else's signals from being told."""

import time

from ostiary.identity.secevent import SetPayload
from ostiary.identity.secevent.subjects import Complex, IssSub, Opaque
from ostiary.response.ssf.limits import MAX_STREAMS_PER_OWNER, MAX_SUBJECTS
from ostiary.response.ssf.matching import canonical
from ostiary.response.ssf.naming import SubjectNaming
from ostiary.response.ssf.streams import Delivery, Stream
from ostiary.response.ssf.transmitter import Transmitter
from ostiary.sessions.session import ChangeKind, SessionChange
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.signal_store import MemorySignalStore

ISSUER = "https://us.example"
OURS = IssSub(ISSUER, "alice")
FEW = 20


def ended(number: int) -> SessionChange:
    return SessionChange("acme", f"s{number}", "user:alice", ChangeKind.TERMINATED, number, "administrator", "adm_1")


def test_long_lists_of_complex_subjects_hold_nobody_up() -> None:
    store, numbers = MemorySignalStore(), iter(range(10**6))

    def signed(_payload: SetPayload) -> str:
        return "token"

    transmitter = Transmitter(
        store,
        FakeClock(),
        signed,
        lambda prefix: f"{prefix}_{next(numbers)}",
        issuer=lambda _tenant: ISSUER,
        naming=lambda _tenant: SubjectNaming(ISSUER),
        on_fault=lambda _reason, _fault: None,
    )
    listed = [canonical(Complex({"session": Opaque(str(one)), "user": OURS})) for one in range(MAX_SUBJECTS)]
    for number in range(MAX_STREAMS_PER_OWNER):
        stream = Stream("acme", f"str_{number}", "pep", ("pep",), Delivery(), number)
        store.add_stream(stream, of_owner=99, of_tenant=99)
        for text in listed[:: 1 if number == 0 else 100]:
            store.add_subject("acme", stream.stream_id, text, MAX_SUBJECTS)
    transmitter.tell(ended(-1))
    transmitter.drain()
    for number in range(FEW):
        transmitter.tell(ended(-2 - number))
    began = time.process_time()
    assert transmitter.drain() == FEW * MAX_STREAMS_PER_OWNER
    assert time.process_time() - began < 1.0
