"""Models from the registry: fetched with the caller's own token, verified here too, and only then loaded.

    from ostiary_sdk.models import ModelTrust, load_model

    trust = ModelTrust.from_folder("trust")          # signers/*.pem, releasers/*.pem
    with load_model("fraud", stage="production", url=URL, tenant="acme", tokens=tokens, trust=trust) as model:
        model.model.predict(rows)

- The registry's word is not enough: signature, release, stage, end and counter are checked here, by the same code, with
  the keys that *this* program pins. A registry that was broken into cannot hand out another model.
- The bytes that were checked are those that the loader gets; nothing is opened a second time by name.
- Any doubt is an exception, before the loader's first line.

It needs the extra ``ostiary-sdk[models]``, which brings ``ostiary`` along.
"""

from ostiary_sdk.models.door import DoorSettings, LoadError, ModelDoor
from ostiary_sdk.models.loaded import LoadedModel
from ostiary_sdk.models.loading import load_model
from ostiary_sdk.models.publishing import promote_model, register_model, wanted_approval
from ostiary_sdk.models.trust import ModelTrust

__all__ = [
    "DoorSettings",
    "LoadError",
    "LoadedModel",
    "ModelDoor",
    "ModelTrust",
    "load_model",
    "promote_model",
    "register_model",
    "wanted_approval",
]
