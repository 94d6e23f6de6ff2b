"""What the book of templates needs from storage, and what storage promises. This comment is the contract.

- Storage sees ciphertexts, times, and the name of a part. An owner is a keyed hash: no name of a person is ever seen.
- A part is a modality (``keystroke``, ``pointer``, …) or the ``standing``: whether its owner agreed to be watched.
- Every write is all or nothing and survives a crash.
- INVARIANT: a part is written only in the place of the generation that was read (0 = there was none), and only while
  the standing still has the generation that was read: what was being made of somebody who withdraws meanwhile is lost.
- What is deleted is overwritten.
- Every method asks for the tenant; another's owner is as unknown as what never was.
"""

from typing import Final, Protocol

import msgspec

STANDING: Final = "standing"


class PartRow(msgspec.Struct, frozen=True):
    """One part of what is kept of a person.

    Attributes:
        owner: keyed hash of ``type:id``.
        part: a modality, or ``standing``.
        generation: rises with every change; never used again.
        epoch: of the owner's key.
        sealed: the content.
        updated_ns: when.
    """

    owner: str
    part: str
    generation: int
    epoch: int
    sealed: bytes
    updated_ns: int


class TemplateStore(Protocol):
    """Keeps the parts."""

    def find(self, tenant: str, owner: str, part: str) -> PartRow | None:
        """Return a part."""
        ...

    def of_owner(self, tenant: str, owner: str) -> list[PartRow]:
        """Return all parts of an owner, by their names."""
        ...

    def counts(self, tenant: str) -> dict[str, int]:
        """Return how many owners have each part."""
        ...

    def put(self, tenant: str, row: PartRow, before: int, standing: int) -> bool:
        """Write a part in the place of generation ``before``, while the standing has the generation ``standing``.

        A standing itself is written whatever ``standing`` is. Returns false, and changes nothing, otherwise.
        """
        ...

    def delete(self, tenant: str, owner: str) -> int:
        """Erase all parts of an owner; return how many there were."""
        ...
