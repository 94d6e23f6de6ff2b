"""A grant that an answer shut stays shut for as long as it would have held, however old the answer is."""

from pathlib import Path

from ostiary.approvals.access import AccessRequest, Answered, Asked, granted, scope
from ostiary.keys import open_keys
from ostiary.server.access.book import KEPT_NS, AccessBook
from ostiary.storage.sqlite import open_store
from ostiary.vocabulary.clock import SystemClock

WEEK_NS = 7 * KEPT_NS


def test_tidying_away_a_no_does_not_bring_back_what_it_shut(tmp_path: Path) -> None:
    """Whoever granted died before it said so, somebody said no; a day later the no was tidied away, and it held."""
    clock = SystemClock()
    asked, now = Asked("user:mia", "read", "db", "customers", scope({}, {})), clock.now_ns()
    request = AccessRequest("arq_a", "default", "gw", asked, "dec_1", now + WEEK_NS, "for a report", now, now + WEEK_NS)
    made = granted(request, "agr_a", now, "adm_1")
    with open_store(tmp_path / "ostiary.db", clock) as store:
        ring, _ = open_keys(tmp_path / "keys", store, clock)
        book = AccessBook(store.snapshots, ring)
        book.keep(request)
        book.grant(made)
        book.end("default", request.id, Answered("denied", now, "adm_2"))
        ((name,),) = book.names("default").values()
        assert book.named("default", name) is None
        book.tidy("default", now + 2 * KEPT_NS)
        assert book.named("default", name) is None
        book.tidy("default", now + WEEK_NS + 2 * KEPT_NS)
        assert (book.grants("default"), book.requests("default")) == ([], [])
