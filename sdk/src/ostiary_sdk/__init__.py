"""Makes an application an enforcement point of Ostiary: it asks before it acts, and any error is a no.

from ostiary_sdk import Client
with Client("http://127.0.0.1:8181", open(".ostiary/pep.key").read()) as pdp:
print(pdp.evaluate("read", "document:handbook", subject="user:alice").effect)
"""

from ostiary_sdk.aclient import AsyncClient
from ostiary_sdk.answers import Challenge, Decision, Effect, Found, Obligation
from ostiary_sdk.client import Client
from ostiary_sdk.models import LoadedModel, LoadError, ModelTrust, load_model
from ostiary_sdk.questions import Question, QuestionError, question
from ostiary_sdk.revocation import RevocationList
from ostiary_sdk.settings import Settings

__all__ = [
    "AsyncClient",
    "Challenge",
    "Client",
    "Decision",
    "Effect",
    "Found",
    "LoadError",
    "LoadedModel",
    "ModelTrust",
    "Obligation",
    "Question",
    "QuestionError",
    "RevocationList",
    "Settings",
    "load_model",
    "question",
]
