"""Ostiary's own models: which are there, verified just now, with card and figures as far as they are stored."""

from typing import Any

import msgspec
from fastapi import APIRouter

from ostiary.server.admin.context import Desk, Model, Tenant
from ostiary.server.model_cards.own import OwnModel, own_model, own_models

router = APIRouter(tags=["models"])


class OwnModelShown(Model):
    """One of Ostiary's own models; `state` is `verified`, `absent` or a code; `make` and `measure` are commands."""

    name: str
    about: str
    whose: str
    state: str
    digest: str
    created_ns: int
    producer: str
    make: str
    measure: str


class OwnCardShown(Model):
    """One with its card and kept figures; `picture` is a PNG as base64, `figures` null when none are kept."""

    model: OwnModelShown
    card: str
    told: dict[str, Any]
    picture: str
    figures: dict[str, Any] | None
    shadow: dict[str, Any] | None


def _shown(one: OwnModel) -> OwnModelShown:
    return OwnModelShown.model_validate(msgspec.structs.asdict(one))


@router.get("/tenants/{tenant}/own-models")
def list_own_models(tenant: Tenant, desk: Desk) -> list[OwnModelShown]:
    """List Ostiary's own models: what each judges, whether it is there and verifies."""
    return [_shown(one) for one in own_models(desk.house, tenant)]


@router.get("/tenants/{tenant}/own-models/{name}")
def show_own_model(tenant: Tenant, name: str, desk: Desk) -> OwnCardShown:
    """Show one: its card as it was signed, and the newest figures that are kept of it."""
    found = own_model(desk.house, tenant, name)
    return OwnCardShown(
        model=_shown(found.model),
        card=found.card,
        told=found.told,
        picture=found.picture,
        figures=None if found.figures is None else msgspec.to_builtins(found.figures),
        shadow=None if found.shadow is None else msgspec.to_builtins(found.shadow),
    )
