"""Scoped cloud credentials: read as the clouds read them, nothing outside of the folder is allowed."""

import fnmatch
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.pipeline.datasets.cloud import ACTIONS, Wish, aws_session_policy, credentials_document, gcs_access_boundary
from ostiary.pipeline.datasets.places import Where, place_of

NOW = 1_800_000_000_000_000_000


def wish(store: str, prefix: str = "sales", actions: Any = ("read", "list"), lifetime_s: int = 900) -> Wish:
    return Wish(place_of(store, "", "", Where()), prefix, tuple(actions), lifetime_s, NOW)


def aws_allows(policy: dict[str, Any], action: str, resource: str, *, prefix: str = "", tls: bool = True) -> bool:
    """Judge as IAM does: one allow, and no deny."""
    allowed = False
    for one in policy["Statement"]:
        actions = any(fnmatch.fnmatchcase(action, pattern) for pattern in one["Action"])
        resources = any(fnmatch.fnmatchcase(resource, pattern) for pattern in one["Resource"])
        wanted = one.get("Condition", {})
        likes = wanted.get("StringLike", {}).get("s3:prefix")
        fits = likes is None or any(fnmatch.fnmatchcase(prefix, pattern) for pattern in likes)
        fits = fits and ("Bool" not in wanted or not tls)
        if actions and resources and fits:
            if one["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


def test_an_aws_session_reaches_the_folder_alone() -> None:
    policy = aws_session_policy("lake", "sales/2026", ("read", "list"))
    bucket = "arn:aws:s3:::lake"
    assert aws_allows(policy, "s3:GetObject", f"{bucket}/sales/2026/a")
    assert aws_allows(policy, "s3:ListBucket", bucket, prefix="sales/2026/07")
    for action, resource, prefix in (
        ("s3:GetObject", f"{bucket}/sales/2025/a", ""),
        ("s3:GetObject", f"{bucket}/sales/2026", ""),
        ("s3:GetObject", f"{bucket}/sales/2026x/a", ""),
        ("s3:GetObject", f"{bucket}/payroll/a", ""),
        ("s3:GetObject", "arn:aws:s3:::other/sales/2026/a", ""),
        ("s3:PutObject", f"{bucket}/sales/2026/a", ""),
        ("s3:DeleteObject", f"{bucket}/sales/2026/a", ""),
        ("s3:GetBucketPolicy", bucket, ""),
        ("s3:ListBucket", bucket, ""),
        ("s3:ListBucket", bucket, "sales"),
        ("s3:ListBucket", bucket, "sales/2025/"),
        ("iam:PassRole", "*", ""),
    ):
        assert not aws_allows(policy, action, resource, prefix=prefix)
    assert not aws_allows(policy, "s3:GetObject", f"{bucket}/sales/2026/a", tls=False)


def known(code: str) -> None:
    assert code in {"cloud_credentials_refused", "object_name_invalid"}


@given(st.text(max_size=40), st.sets(st.sampled_from(ACTIONS)))
def test_no_prefix_widens_an_aws_session(prefix: str, actions: Any) -> None:
    try:
        policy = aws_session_policy("lake", prefix, actions)
    except FaultyInputError as no:
        known(no.code)
        return
    for name in ("other/a", "a", "sales2/a", ""):
        if not name.startswith(prefix.removesuffix("/") + "/"):
            assert not any(
                aws_allows(policy, f"s3:{verb}Object", f"arn:aws:s3:::lake/{name}") for verb in ("Get", "Put")
            )


def test_the_documents_to_the_letter() -> None:
    assert credentials_document(wish("s3://lake", actions=("read", "write", "delete", "list"))) == {
        "kind": "aws-sts-session-policy",
        "DurationSeconds": 900,
        "Policy": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Objects",
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
                    "Resource": ["arn:aws:s3:::lake/sales/*"],
                },
                {
                    "Sid": "Listing",
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket"],
                    "Resource": ["arn:aws:s3:::lake"],
                    "Condition": {"StringLike": {"s3:prefix": ["sales/*"]}},
                },
                {
                    "Sid": "Tls",
                    "Effect": "Deny",
                    "Action": ["s3:*"],
                    "Resource": ["*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        },
    }
    assert credentials_document(wish("gs://lake", actions=("read",)))["accessBoundary"] == {
        "accessBoundaryRules": [
            {
                "availableResource": "//storage.googleapis.com/projects/_/buckets/lake",
                "availablePermissions": ["inRole:roles/storage.legacyObjectReader"],
                "availabilityCondition": {
                    "title": "dataset",
                    "expression": "resource.name.startsWith('projects/_/buckets/lake/objects/sales/')",
                },
            }
        ]
    }
    assert credentials_document(wish("az://account/lake", "sales/2026")) == {
        "kind": "azure-user-delegation-sas",
        "resource": "/blob/account/lake/sales/2026",
        "sr": "d",
        "sdd": 2,
        "sp": "rl",
        "spr": "https",
        "sv": "2020-02-10",
        "st": "2027-01-15T08:00:00Z",
        "se": "2027-01-15T08:15:00Z",
    }


@pytest.mark.parametrize("prefix", ["", "/", "a*", "a?", "${aws:username}", "a'b", "ü", "a/../b", "a\nb", "a||true"])
def test_no_folder_is_read_as_more_than_itself(prefix: str) -> None:
    with pytest.raises(FaultyInputError):
        gcs_access_boundary("lake", prefix, ("read",))


def test_what_cannot_be_had() -> None:
    minio = "https://minio.example"
    custom = Wish(place_of("s3://lake", minio, "", Where(endpoints=(minio,))), "a", ("read",), 900, NOW)
    for one in (
        custom,
        wish("s3://lake", lifetime_s=60),
        wish("s3://lake", lifetime_s=86_400),
        wish("s3://lake", actions=()),
        wish("s3://lake", actions=("admin",)),
        wish("s3://lake", prefix=""),
        wish("gs://lake", actions=("delete",)),
    ):
        with pytest.raises(FaultyInputError) as no:
            credentials_document(one)
        assert no.value.code == "cloud_credentials_refused"


def test_a_gcs_listing_is_bounded_by_its_prefix() -> None:
    boundary = gcs_access_boundary("lake", "sales", ("list",))
    text = boundary["accessBoundary"]["accessBoundaryRules"][0]["availabilityCondition"]["expression"]
    objects, _, listing = text.partition(" || ")
    assert objects == "resource.name.startsWith('projects/_/buckets/lake/objects/sales/')"
    assert re.fullmatch(r"api\.getAttribute\([^)]+\)\.startsWith\('sales/'\)", listing)
