"""A walk gives what a whole reading gives, newest first, page by page, whatever stands between."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from ostiary.audit.pending import StoredRecord
from ostiary.server.lineage import walking
from ostiary.server.lineage.walking import Walked, newest


class Head:
    def __init__(self, size: int) -> None:
        self.size = size


class Log:
    """Records at some indexes of a log; counts how many were opened."""

    def __init__(self, places: dict[int, bool], size: int) -> None:
        self.places, self.size, self.opened = places, size, 0

    def head(self) -> Head:
        return Head(self.size)

    def iterate(
        self, tenant: str, kind: str | None = None, since_index: int = 0, subject_key: str | None = None
    ) -> Iterator[StoredRecord]:
        del subject_key
        for index in sorted(place for place in self.places if place >= since_index):
            self.opened += 1
            payload = b"{}" if self.places[index] else None
            yield StoredRecord(index, tenant, str(kind), f"r{index}", index, payload, b"")


@given(
    st.dictionaries(st.integers(0, 5_000), st.booleans(), max_size=300),
    st.integers(1, 40),
    st.integers(1, 4),
)
def test_pages_of_a_walk_are_the_whole(places: dict[int, bool], limit: int, odd: int) -> None:
    log, found, below = Log(places, 6_000), list[int](), None
    wanted = [place for place in sorted(places, reverse=True) if places[place] and place % odd == 0]
    for _ in range(400):
        page = newest(
            log, "t", "model", lambda one: one.index if one.index % odd == 0 else None, limit=limit, below=below
        )
        assert len(page.found) <= limit
        found += page.found
        below = page.next
        if below is None:
            break
    assert found == wanted


def test_a_dense_log_is_not_read_whole() -> None:
    log = Log(dict.fromkeys(range(300_000), True), 300_000)
    assert newest(log, "t", "model", lambda one: one.index, limit=3).found == (299_999, 299_998, 299_997)
    assert log.opened <= 2 * walking.WIDTH


def test_a_walk_that_finds_nothing_stops_and_says_where() -> None:
    log = Log(dict.fromkeys(range(200_000), True), 200_000)
    page: Walked[int] = newest(log, "t", "model", lambda _one: None, limit=3)
    assert page.found == ()
    assert page.next is not None
    assert log.opened <= 2 * walking.LOOKED
    sparse = newest(Log({5: True}, 10_000_000), "t", "model", lambda one: one.index, limit=3)
    assert (sparse.found, sparse.next) == ((5,), None)
