"""One decision from every side: where its rule stands, what became of it, whether its proof holds, what it is now.

- ``places.py``: the rules that acted, with file and line of the bundle that decided.
- ``law.py``: floor, proposal, phases and ceilings as parts of one sum.
- ``chain.py``: the records around it: the proof that it asked for, and what came next.
- ``executed.py``: obligations with the receipts of enforcement points, and the steps that responses took.
- ``proving.py``: the inclusion proof, checked here; ``again.py``: the record decided under what is in force.
"""
