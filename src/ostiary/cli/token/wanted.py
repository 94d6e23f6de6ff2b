"""What a token is asked for, as options of a command."""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from ostiary.identity.exchange.asking import read_asked_detail
from ostiary.identity.exchange.details import AccessDetail

Kind = Literal["dataset", "endpoint", "feature_set", "model", "training"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One item of ``authorization_details``."""

    type: Annotated[Kind, Parameter(help="Kind of the resource.")] = "dataset"
    id: Annotated[str, Parameter(help="Its id.")]
    action: Annotated[list[str], Parameter(negative="", help="What is to be done; repeat for several.")]
    column: Annotated[list[str] | None, Parameter(negative="", help="Columns; `*` for all that policy permits.")] = None
    purpose: Annotated[str, Parameter(help="What for.")] = ""
    stage: Annotated[str, Parameter(help="In which stage of the pipeline.")] = ""
    commit: Annotated[str, Parameter(help="Of the code that uses it; a CI job's own is taken by itself.")] = ""
    prefix: Annotated[str, Parameter(help="Only objects below this path.")] = ""
    max_bytes: Annotated[int, Parameter(help="How much may be read; 0 asks for no limit.")] = 0
    max_objects: Annotated[int, Parameter(help="How many objects may be read; 0 asks for no limit.")] = 0

    def text(self) -> str:
        """Return ``authorization_details`` as JSON."""
        told = {
            "type": f"ostiary_{self.type}",
            "identifier": self.id,
            "actions": self.action,
            "datatypes": self.column or [],
            "purpose": self.purpose,
            "stage": self.stage,
            "commit": self.commit,
            "prefix": self.prefix,
            "max_bytes": self.max_bytes,
            "max_objects": self.max_objects,
        }
        return msgspec.json.encode([{name: value for name, value in told.items() if value}]).decode()

    def detail(self) -> AccessDetail:
        """Return it as it is read from a request.

        Raises:
            FaultyInputError: ``authorization_details_invalid``.
        """
        return read_asked_detail(self.text())
