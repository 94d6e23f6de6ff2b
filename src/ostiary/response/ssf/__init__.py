"""Shared signals: what happens to sessions here is told to other domains, and what happens there is heard here.

- ``StreamDesk``: receivers set up streams, pause them, choose subjects, ask for a verification (SSF 1.0 §8).
- ``Transmitter``: turns changes of sessions into CAEP events, one signed event token for each stream (CAEP 1.0).
- ``Pusher``: delivers by push (RFC 8935); ``Mailbox``: delivers by poll (RFC 8936).
- ``Intake``: takes event tokens of configured transmitters, records them, and hands them to a ``Responder``.
"""
