"""The first parts of the console's paths, known before its pages are: a test holds them against the routes."""

from typing import Final

SIGN_IN: Final = "/sign-in"
PATHS: Final = (
    "/",
    "/access",
    "/approvals",
    "/audit",
    "/data",
    "/decisions",
    "/defence",
    "/detections",
    "/dev",
    "/devices",
    "/explain",
    "/gateway",
    "/impact",
    "/integrations",
    "/keys",
    "/live",
    "/me",
    "/models",
    "/people",
    "/pipelines",
    "/policies",
    "/rollout",
    "/sandboxes",
    "/sessions",
    "/sign-out",
    "/subjects",
    "/suppressions",
    "/tenants",
)
