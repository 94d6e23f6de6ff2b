"""OpenSSF Model Signing (OMS) v1.0: signed at build, verified before load with our own policy (ADR-0026)."""

from ostiary.artifacts.oms.bundle import BUNDLE_NAME, RELEASE_NAME
from ostiary.artifacts.oms.limits import ModelLimits
from ostiary.artifacts.oms.marks import FileMarks
from ostiary.artifacts.oms.policy import ModelPolicy
from ostiary.artifacts.oms.ports import BundleSigner, FormatJudge, VersionMark, VersionMarks
from ostiary.artifacts.oms.release import Release
from ostiary.artifacts.oms.signers import (
    SignerProof,
    TrustedCertificate,
    TrustedIdentity,
    TrustedKey,
    TrustedSigner,
)
from ostiary.artifacts.oms.signing import CertificateSigner, Hashing, KeySigner, SignedModel, sign_model, sign_release
from ostiary.artifacts.oms.staging import CheckOnly, InFolder, InMemory, InPlace, StagedFile, Staging
from ostiary.artifacts.oms.trusted_root import TrustedRoot, read_trusted_root
from ostiary.artifacts.oms.verified import VerifiedModel
from ostiary.artifacts.oms.verifying import verify_model

__all__ = [
    "BUNDLE_NAME",
    "RELEASE_NAME",
    "BundleSigner",
    "CertificateSigner",
    "CheckOnly",
    "FileMarks",
    "FormatJudge",
    "Hashing",
    "InFolder",
    "InMemory",
    "InPlace",
    "KeySigner",
    "ModelLimits",
    "ModelPolicy",
    "Release",
    "SignedModel",
    "SignerProof",
    "StagedFile",
    "Staging",
    "TrustedCertificate",
    "TrustedIdentity",
    "TrustedKey",
    "TrustedRoot",
    "TrustedSigner",
    "VerifiedModel",
    "VersionMark",
    "VersionMarks",
    "read_trusted_root",
    "sign_model",
    "sign_release",
    "verify_model",
]
