"""What a token is asked for: one resource, what is to be done with it, and everything that narrows it (RFC 9396).

>>> access = Access("ostiary_dataset", "reviews", ("dataset.read",), purpose="training", stage="train")
>>> access.document()["actions"], "commit" in access.document()
(['dataset.read'], False)
"""

from typing import Any, Literal

import msgspec

Kind = Literal[
    "ostiary_dataset", "ostiary_feature_set", "ostiary_index", "ostiary_model", "ostiary_endpoint", "ostiary_training"
]


class Access(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of ``authorization_details``.

    Attributes:
        type: which kind of resource.
        identifier: its id.
        actions: what is to be done, each asked of policy.
        datatypes: columns; for a feature set never empty, ``*`` is all that policy lets through.
        purpose, stage: what for, and in which stage of the pipeline.
        commit: of the code that uses it.
        prefix: only objects whose path begins so.
        max_bytes, max_objects: budgets of the token; 0 = what the server gives.
    """

    type: Kind
    identifier: str
    actions: tuple[str, ...]
    datatypes: tuple[str, ...] = ()
    purpose: str = ""
    stage: str = ""
    commit: str = ""
    prefix: str = ""
    max_bytes: int = 0
    max_objects: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON values; what is not told is left out."""
        told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return told
