"""A log that lost its end goes on under another name.

What others saw of the old name is the last word on it. Were it to go on from an earlier state, it would tell two
stories at once, and whoever remembers the first could only call the second a forgery.
"""

from ostiary.audit.ports import AuditStore, Head
from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.audit.tlog.checkpoints import Checkpoint, sign_checkpoint
from ostiary.audit.tlog.notes import check_name
from ostiary.keys import KeyRing, random_bytes

_SUFFIX_BYTES = 4


def rename_log(store: AuditStore, ring: KeyRing) -> str:
    """Give the log a new name, sign its state under it, and return the name; cosignatures of the old one go.

    Raises:
        UnavailableError: the log cannot be written; then it has its old name.
    """
    with store.transaction() as transaction:
        head = transaction.head()
        name = check_name(f"{head.origin}/restored-{random_bytes(_SUFFIX_BYTES).hex()}")
        signed = sign_checkpoint(Checkpoint(name, head.size, head.root), ring.signers(SYSTEM_TENANT, LOG_PURPOSE))
        transaction.set_head(Head(name, head.size, head.root, signed, head.at_ns, head.epoch))
        transaction.set_cosigned(b"")
    return name
