"""One adapter a file: a foreign log's record to an ``AccessEvent``; found by looking into the folder.

A module has ``FORMAT``, ``DESCRIBE``, ``SHAPE``, perhaps ``ENVELOPES``, and ``normalise(record, tenant)``, which
returns an event or raises ``FaultyInputError`` with a stable code. It reads no clock and asks nobody. A module with
``tables`` instead offers many formats, all read by tables (``signals/logtypes``).
"""
