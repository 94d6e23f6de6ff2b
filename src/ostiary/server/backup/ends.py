"""Ends that came after a backup: a session that was ended, or a subject that was revoked, must not live again by it.

They are read from the directory that is replaced, and written before the restored one is opened. Where there is no such
directory nobody can tell what they were; the restore then says that they are lost.
"""

from pathlib import Path
from typing import Final

from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.storing import open_source
from ostiary.storage.sqlite import open_store
from ostiary.vocabulary.clock import Clock

LOST: Final = "sessions that were ended and subjects that were revoked since the backup are good again: end them again"
OTHERS: Final = "keys, passkeys and people that were taken off since the backup are good again: take them off again"


def end_again(places: Places, replaces: Path | None, clock: Clock) -> tuple[int, list[str]]:
    """Write what ended in the directory ``replaces`` into a restored one; return how many ends, and what is to be said.

    Raises:
        UnavailableError: the directory that is replaced cannot be read.
    """
    if replaces is None:
        return 0, [LOST, OTHERS]
    old = Places(replaces)
    with open_source(old, load(old.settings).settings.store, payloads=False) as source:
        over = source.sessions_over()
    with open_store(places.database, clock) as store:
        known = {(one.tenant, one.session_id) for one in store.sessions.terminated_sessions()}
        ended = [one for one in over.ended if (one.tenant, one.session_id) not in known]
        revoked = set(over.revocations) - set(store.sessions.news(-1).revocations)
        for session in ended:
            store.sessions.save_terminated(session)
        for revocation in revoked:
            store.sessions.save_revocation(revocation)
    return len(ended) + len(revoked), [OTHERS]
