"""The pages of the console in the order of a working day: watch, look, change, prove, run."""

from typing import Final

import msgspec


class Page(msgspec.Struct, frozen=True):
    """One page of the navigation: ``area`` is what policy calls it, ``keys`` lead there from anywhere."""

    path: str
    title: str
    icon: str
    area: str
    keys: str = ""


class Group(msgspec.Struct, frozen=True):
    """Pages that belong together."""

    title: str
    pages: tuple[Page, ...]


NAVIGATION: Final = (
    Group(
        "Watch",
        (
            Page("/", "Overview", "layout-dashboard", "overview", "g o"),
            Page("/decisions", "Decisions", "activity", "decisions", "g d"),
            Page("/detections", "Detections", "bell-ring", "detections", "g t"),
            Page("/subjects", "Subjects and sessions", "users", "subjects", "g s"),
        ),
    ),
    Group(
        "Change",
        (
            Page("/approvals", "Approvals", "check-check", "approvals", "g a"),
            Page("/access", "Access requests", "unlock", "access"),
            Page("/explain", "What if", "flask-conical", "whatif", "g w"),
            Page("/impact", "Impact", "git-compare", "impact", "g i"),
            Page("/rollout", "Rollout", "rocket", "rollout", "g r"),
        ),
    ),
    Group(
        "Protect",
        (
            Page("/models", "Models", "boxes", "models", "g m"),
            Page("/pipelines", "Pipelines", "workflow", "pipelines", "g p"),
            Page("/data", "Data and features", "columns-3", "data", "g f"),
            Page("/gateway", "Language models", "message-square-lock", "gateway", "g l"),
            Page("/defence", "Self-defence", "shield-alert", "defence", "g x"),
        ),
    ),
    Group(
        "Prove and run",
        (
            Page("/audit", "Audit", "scroll-text", "audit", "g u"),
            Page("/devices", "Devices", "smartphone", "devices"),
            Page("/keys", "Keys", "key-round", "keys"),
            Page("/people", "People", "fingerprint", "people"),
            Page("/policies", "Policy", "file-check-2", "policies"),
            Page("/integrations", "Integrations", "plug", "integrations"),
            Page("/tenants", "Tenants", "building-2", "deployment"),
        ),
    ),
)
