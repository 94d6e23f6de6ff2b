"""What every section of the configuration is made from."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of all sections: frozen, and unknown keys are errors at every nesting level."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
