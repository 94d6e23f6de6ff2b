"""What ``ostiary doctor`` says of behavioural biometrics: whether anybody is watched, and by which models.

Each remark: whether it is wrong, in words, and what mends it. Nothing is said where the room is off.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from ostiary.errors import OstiaryError
from ostiary.server.wiring import House

_DAY_NS: Final = 86_400 * 1_000_000_000
_OLD_DAYS: Final = 365
Remark = tuple[bool, str, str]


def biometrics_remarks(house: House, now_ns: int) -> Iterator[Remark]:
    """Yield the remarks of one house."""
    if not house.settings.biometrics.enabled:
        return
    if find_spec("onnxruntime") is None:
        text = "behaviour cannot be judged without onnxruntime: nobody is judged by it"
        yield True, text, "pip install 'ostiary[biometrics]'"
        return
    for row in house.tenants.living():
        yield from _of_tenant(house, row.tenant, now_ns)


def _of_tenant(house: House, tenant: str, now_ns: int) -> Iterator[Remark]:
    counts = house.templates.counts(tenant)
    if not counts.get("standing"):
        yield False, f"nobody of `{tenant}` has agreed to be watched: behaviour says nothing", ""
    found = list(_models(house, tenant, now_ns))
    yield from (remark for remark in found if remark is not None)
    if found and all(remark is not None and not remark[0] and "no model" in remark[1] for remark in found):
        mend = "ostiary biometrics train --modality keystroke --data DIR --out DATA/biometrics/default/keystroke"
        yield True, f"`{tenant}` has no model of any behaviour", mend


def _models(house: House, tenant: str, now_ns: int) -> Iterator[Remark | None]:
    from ostiary.artifacts import verify_artifact  # noqa: PLC0415 - the extra may be absent
    from ostiary.biometrics import kinds  # noqa: PLC0415
    from ostiary.biometrics.window import Modality  # noqa: PLC0415
    from ostiary.server.biometrics.models import ABSENT, BehaviourModels  # noqa: PLC0415
    from ostiary.server.scoring import trusted_model_keys  # noqa: PLC0415

    if house.biometrics is None:
        return
    models: BehaviourModels = house.biometrics.models
    for modality in Modality:
        folder = models.folder(tenant, modality)
        try:
            models.opened(tenant, modality)
        except OstiaryError as fault:
            absent = fault.code == ABSENT
            text = f"no model of {modality.value}" if absent else f"the model of {modality.value}: {fault.message}"
            yield not absent, f"`{tenant}` has {text}" if absent else text, "ostiary biometrics train"
            continue
        if folder is None:
            yield None
            continue
        keys = trusted_model_keys(house.places, house.ring, tenant)
        made = verify_artifact(folder, keys, kind=kinds.ARTIFACT_KIND).predicate.created_ns
        days = (now_ns - made) // _DAY_NS
        yield (
            (False, f"the model of {modality.value} in `{folder}` is {days} days old", "ostiary biometrics train")
            if days > _OLD_DAYS
            else None
        )
