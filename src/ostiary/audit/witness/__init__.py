"""Witnesses: someone else remembers our log, so that rewriting it is seen (C2SP tlog-witness).

- ``judge`` is the whole protocol as a pure function; ``WitnessBook`` keeps what was cosigned; ``Witness`` joins both.
- ``Courier`` is the log's side: it takes new checkpoints to its witnesses and brings cosignatures home.
- Run a witness where whoever runs the log has no rights: that is the whole point.
"""

from ostiary.audit.witness.courier import Courier, WitnessPeer
from ostiary.audit.witness.judge import Answer
from ostiary.audit.witness.peers import add_peer, peer_of, read_peers
from ostiary.audit.witness.witness import Witness

__all__ = ["Answer", "Courier", "Witness", "WitnessPeer", "add_peer", "peer_of", "read_peers"]
