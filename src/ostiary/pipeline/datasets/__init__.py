"""The door to object storage: registered datasets, read in ranges, listed in scope, written with digests, vouched for.

- ``book`` knows the datasets, ``stores`` opens where they lie, ``local`` and ``remote`` are the two kinds of places.
- ``manifests`` says which objects a producer vouches for; ``verified`` hands out nothing else.
- ``budgets`` counts what each token reads. Who may read at all is no matter of this room: the decision says so.
"""
