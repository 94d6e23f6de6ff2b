"""Approvals, put together: acts in the log, their numbers in the store, passkeys of people, who we are to a browser."""

import msgspec

from ostiary.approvals.journal import Journal
from ostiary.approvals.quorum import Quorum
from ostiary.approvals.room import Approvals
from ostiary.audit import AuditLog
from ostiary.server.approving.inbox import Inbox
from ostiary.server.settings.sections import Settings
from ostiary.server.step_up.party import party_of
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock


class ApprovalDesk(msgspec.Struct, frozen=True):
    """Everything that has to do with approvals: the room for its faces, and the question that other rooms ask.

    ``inbox`` says what waits for whom, from memory where nothing has happened since.
    """

    room: Approvals
    quorum: Quorum
    inbox: Inbox


def open_approvals(settings: Settings, store: Store, log: AuditLog, clock: Clock) -> ApprovalDesk:
    """Put the room together."""
    journal = Journal(log, store.approvals, clock)
    room = Approvals(journal, store.authenticators, party_of(settings), clock)
    return ApprovalDesk(room, Quorum(room), Inbox(room, clock))
