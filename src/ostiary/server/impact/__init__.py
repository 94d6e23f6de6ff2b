"""What a change would do: the true decision log replayed against a candidate, and hypothetical requests.

- ``order.py``: what a worker is told and what it tells back; ``worker.py``: the inside of its process.
- ``log.py``: the records of a time, each checked against its entry in the log.
- ``run.py``: reads the log, feeds the workers, joins what they found into a report that is signed and kept.
- ``page.py``: the report for people, in the terminal and as a page.
- ``whatif.py``: one hypothetical request, now and under the candidate.
"""
