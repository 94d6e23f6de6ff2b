"""The pages of the console in the order of a working day: watch, look, change, prove, run."""

from typing import Final

import msgspec


class Page(msgspec.Struct, frozen=True):
    """One page of the navigation; ``keys`` lead there from anywhere."""

    path: str
    title: str
    icon: str
    keys: str = ""


class Group(msgspec.Struct, frozen=True):
    """Pages that belong together."""

    title: str
    pages: tuple[Page, ...]


NAVIGATION: Final = (
    Group(
        "Watch",
        (
            Page("/", "Overview", "layout-dashboard", "g o"),
            Page("/decisions", "Decisions", "activity", "g d"),
            Page("/detections", "Detections", "bell-ring", "g t"),
            Page("/subjects", "Subjects and sessions", "users", "g s"),
        ),
    ),
    Group(
        "Change",
        (
            Page("/approvals", "Approvals", "check-check", "g a"),
            Page("/explain", "What if", "flask-conical", "g w"),
            Page("/impact", "Impact", "git-compare", "g i"),
            Page("/rollout", "Rollout", "rocket", "g r"),
        ),
    ),
    Group(
        "Protect",
        (
            Page("/models", "Models", "boxes", "g m"),
            Page("/pipelines", "Pipelines", "workflow", "g p"),
            Page("/data", "Data and features", "columns-3", "g f"),
            Page("/gateway", "Language models", "message-square-lock", "g l"),
            Page("/defence", "Self-defence", "shield-alert", "g x"),
        ),
    ),
    Group(
        "Prove and run",
        (
            Page("/audit", "Audit", "scroll-text", "g u"),
            Page("/devices", "Devices", "smartphone"),
            Page("/keys", "Keys", "key-round"),
            Page("/tenants", "Tenants and people", "building-2"),
            Page("/integrations", "Integrations", "plug"),
        ),
    ),
)
