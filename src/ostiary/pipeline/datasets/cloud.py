"""Scoped cloud credentials, as documents: what a job may do that must speak to the object store itself.

Nothing is called here. The documents limit what a cloud's own short-lived credentials can do to one dataset's folder
and to the actions that are named; whoever holds the cloud's long-lived secret passes them on:

- AWS: the session policy of ``sts:AssumeRole``. It can only narrow the role's own policy.
- Google Cloud: the credential access boundary of a token exchange at ``sts.googleapis.com``.
- Azure: the parameters of a user-delegation SAS for one directory.

What is read so is not metered or logged by the door: prefer the door where its rate is enough.

>>> aws_session_policy("lake", "sales", ("read",))["Statement"][0]["Resource"]
['arn:aws:s3:::lake/sales/*']
"""

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.pipeline.datasets.names import check_prefix
from ostiary.pipeline.datasets.places import Place

CLOUD_REFUSED: Final = "cloud_credentials_refused"
CloudAction = Literal["read", "list", "write", "delete"]
ACTIONS: Final[tuple[CloudAction, ...]] = ("read", "list", "write", "delete")
MAX_LIFETIME_S: Final = 3600
MIN_LIFETIME_S: Final = 900
_SAFE: Final = re.compile(r"[A-Za-z0-9 !'()+,./;=@&_-]+\Z")  # nothing that IAM or CEL reads as more than itself
_AWS: Final[dict[str, tuple[str, ...]]] = {
    "read": ("s3:GetObject",),
    "write": ("s3:PutObject", "s3:AbortMultipartUpload"),
    "delete": ("s3:DeleteObject",),
}
_GCS: Final[dict[str, str]] = {
    "read": "inRole:roles/storage.legacyObjectReader",
    "list": "inRole:roles/storage.legacyBucketReader",  # `objectViewer` would read as well
    "write": "inRole:roles/storage.objectCreator",  # `legacyBucketWriter` would remove as well
}
_AZURE: Final = {"read": "r", "write": "cw", "delete": "d", "list": "l"}
_AZURE_ORDER: Final = "rcwdl"  # the order that the service demands


class Wish(msgspec.Struct, frozen=True):
    """What is wished for: whose folder, which actions, how long."""

    place: Place
    prefix: str
    actions: tuple[CloudAction, ...]
    lifetime_s: int
    now_ns: int


def credentials_document(wish: Wish) -> dict[str, Any]:
    """Return the document for the cloud in which a dataset lies.

    Raises:
        FaultyInputError: ``cloud_credentials_refused``.
    """
    if not MIN_LIFETIME_S <= wish.lifetime_s <= MAX_LIFETIME_S:
        raise _refused(f"credentials last {MIN_LIFETIME_S} to {MAX_LIFETIME_S} seconds")
    if wish.place.custom:
        raise _refused("only the clouds' own servers know such documents")
    if wish.place.kind == "s3":
        return {
            "kind": "aws-sts-session-policy",
            "DurationSeconds": wish.lifetime_s,
            "Policy": aws_session_policy(wish.place.container, wish.prefix, wish.actions),
        }
    if wish.place.kind == "gs":
        boundary = gcs_access_boundary(wish.place.container, wish.prefix, wish.actions)
        return {"kind": "gcs-credential-access-boundary", "lifetime_s": wish.lifetime_s, **boundary}
    if wish.place.kind == "az":
        return {"kind": "azure-user-delegation-sas", **azure_sas(wish)}
    raise _refused("the dataset lies in no cloud")


def aws_session_policy(bucket: str, prefix: str, actions: Iterable[CloudAction]) -> dict[str, Any]:
    """Return an IAM session policy for one folder of a bucket.

    Raises:
        FaultyInputError: ``cloud_credentials_refused``.
    """
    wanted, folder = _checked(actions), _folder(prefix)
    statements: list[dict[str, Any]] = []
    verbs = [verb for action in wanted for verb in _AWS.get(action, ())]
    if verbs:
        statements.append(
            {"Sid": "Objects", "Effect": "Allow", "Action": verbs, "Resource": [f"arn:aws:s3:::{bucket}/{folder}/*"]}
        )
    if "list" in wanted:
        below = {"StringLike": {"s3:prefix": [f"{folder}/*"]}}
        statements.append(
            {
                "Sid": "Listing",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{bucket}"],
                "Condition": below,
            }
        )
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    statements.append({"Sid": "Tls", "Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"], "Condition": tls})
    return {"Version": "2012-10-17", "Statement": statements}


def gcs_access_boundary(bucket: str, prefix: str, actions: Iterable[CloudAction]) -> dict[str, Any]:
    """Return a credential access boundary for one folder of a bucket; removing is no part of one.

    Raises:
        FaultyInputError: ``cloud_credentials_refused``.
    """
    wanted, folder = _checked(actions), _folder(prefix)
    if "delete" in wanted:
        raise _refused("Google Cloud has no role that only removes: remove through the door")
    objects = f"resource.name.startsWith('projects/_/buckets/{bucket}/objects/{folder}/')"
    listing = f"api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('{folder}/')"
    if "'" in folder:
        raise _refused("a folder with an apostrophe cannot be named in a condition")
    condition = f"{objects} || {listing}" if "list" in wanted else objects
    rule = {
        "availableResource": f"//storage.googleapis.com/projects/_/buckets/{bucket}",
        "availablePermissions": [_GCS[action] for action in wanted],
        "availabilityCondition": {"title": "dataset", "expression": condition},
    }
    return {"accessBoundary": {"accessBoundaryRules": [rule]}}


def azure_sas(wish: Wish) -> dict[str, Any]:
    """Return the parameters of a user-delegation SAS for one directory (``sr=d``).

    Raises:
        FaultyInputError: ``cloud_credentials_refused``.
    """
    wanted, folder = _checked(wish.actions), _folder(wish.prefix)
    letters = {letter for action in wanted for letter in _AZURE[action]}
    return {
        "resource": f"/blob/{wish.place.account}/{wish.place.container}/{folder}",
        "sr": "d",
        "sdd": len(folder.split("/")),
        "sp": "".join(letter for letter in _AZURE_ORDER if letter in letters),
        "spr": "https",
        "sv": "2020-02-10",
        "st": _instant(wish.now_ns),
        "se": _instant(wish.now_ns + wish.lifetime_s * 1_000_000_000),
    }


def _instant(at_ns: int) -> str:
    moment = dt.datetime.fromtimestamp(at_ns // 1_000_000_000, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _checked(actions: Iterable[CloudAction]) -> list[CloudAction]:
    wanted = set(actions)
    if not wanted or not wanted <= set(ACTIONS):
        raise _refused(f"name some of the actions {', '.join(ACTIONS)}")
    return [action for action in ACTIONS if action in wanted]


def _folder(prefix: str) -> str:
    """Return a folder that is the same text in a policy as in a name: no whole bucket, no wildcard, no variable."""
    folder = check_prefix(prefix)
    if not folder:
        raise _refused("a dataset that is a whole bucket cannot be told from another: give it a prefix")
    if not _SAFE.match(folder):
        raise _refused("the dataset's folder holds characters that a cloud's policy would read as more than themselves")
    return folder


def _refused(text: str) -> FaultyInputError:
    return FaultyInputError(CLOUD_REFUSED, text)
