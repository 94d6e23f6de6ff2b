"""What one worker keeps to serve language models: models, their servers, budgets, what looks at texts."""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ostiary.defence.budgets import Budgets
from ostiary.errors import UnavailableError
from ostiary.gateway.inspectors import in_order
from ostiary.gateway.models import LanguageModel, ModelTable
from ostiary.gateway.openai.reader import Reader
from ostiary.gateway.ports import ConversationKeeper, TextScan
from ostiary.gateway.record import KIND, InspectionRecord
from ostiary.gateway.spending import Pacing, Spending
from ostiary.gateway.tools.manifest import Reads
from ostiary.gateway.upstreams.extractive import ExtractiveUpstream
from ostiary.gateway.upstreams.http import HttpUpstream
from ostiary.gateway.upstreams.ports import LlmUpstream
from ostiary.inspection.response import Leaks
from ostiary.inspection.response.leaks import Document
from ostiary.keys import random_bytes
from ostiary.rag.embedding import open_embedder
from ostiary.server.conversations import KeptConversations
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.inspecting import Inspected, PromptInspector
from ostiary.vocabulary.labels import Channel

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ostiary.rag.ports import Embedder

RECORD_WAIT_S: Final = 10.0
_SECRET: Final = 32


class Away:
    """The inspector of a house that has none: policy hears that nothing was looked at."""

    def inspect(self, _text: str, _channel: Channel) -> Inspected:
        """Look at nothing.

        Raises:
            UnavailableError: always.
        """
        raise UnavailableError("detector_unavailable", "prompts are not looked at here")


class LlmRoom:
    """The parts that every request shares."""

    def __init__(self, house: House, told: Callable[[str, InspectionRecord], None] = lambda _t, _r: None) -> None:
        """Put it together from ``house``; ``told`` hears of each record, with whose it is, and never raises."""
        self._told = told
        settings = house.settings.llm
        self.house, self.settings = house, settings
        self.keeper: ConversationKeeper | None = KeptConversations(house.conversations) if settings.keep else None
        self.models = ModelTable(settings.served())
        self._upstreams: dict[str, LlmUpstream] = {one.name: HttpUpstream(one.http()) for one in settings.upstreams}
        self._upstreams[""] = ExtractiveUpstream(_embed)
        self.spending = Spending(
            Budgets(house.store.budgets), settings.subject.allowance(), settings.tenant.allowance()
        )
        self.pacing = Pacing(house.shared.rates(), settings.subject.pace(), settings.tenant.pace())
        self.leaks = Leaks(settings.leaks())
        self.manifest = settings.manifest()
        self.inspectors = in_order(prompt_inspector() if settings.inspect else Away(), random_bytes(_SECRET))
        self._trusted = frozenset(name for name, tool in self.manifest.tools.items() if tool.reads is Reads.TRUSTED)

    def reader(self, tenant: str, subject: str) -> Reader:
        """Return what reads one request."""
        settings = self.settings
        return Reader(
            tenant,
            subject,
            limits=settings.limits(),
            extra=frozenset(settings.extra_parameters),
            image_hosts=frozenset(settings.image_hosts),
            trusted_tools=self._trusted,
        )

    def upstream(self, model: LanguageModel) -> LlmUpstream:
        """Return the server of a model."""
        return self._upstreams[model.upstream]

    def scan(self, canary: str, cited: Sequence[str] = (), *, escaped: bool = False) -> TextScan:
        """Return a scan for one text of an answer; ``cited`` are documents' canaries, ``escaped`` for JSON."""
        documents = [Document("", cleared=True, canary=one) for one in cited]
        return self.leaks.scan((canary,) if canary else (), documents, escaped=escaped)

    def append(self, tenant: str, record: InspectionRecord) -> "Future[Any]":
        """Queue one record.

        Raises:
            UnavailableError: the log takes none.
        """
        self._told(tenant, record)
        now_ns = self.house.clock.now_ns()
        name = make_id("ins", now_ns, random_bytes(RANDOM_BYTES))
        return self.house.log.append(tenant, KIND, name, now_ns, msgspec.json.encode(record), record.subject)

    async def record(self, tenant: str, record: InspectionRecord) -> None:
        """Write one record and return when it is on disk.

        Raises:
            UnavailableError: ``record_failed``.
        """
        written = self.append(tenant, record)
        if self.house.settings.audit.durability != "before_answer":
            return
        try:
            async with asyncio.timeout(RECORD_WAIT_S):
                await asyncio.wrap_future(written)
        except TimeoutError as late:
            raise UnavailableError("record_failed", "the record was not on disk in time") from late

    async def close(self) -> None:
        """Close all connections."""
        for upstream in self._upstreams.values():
            await upstream.close()


@cache
def _embedder() -> "Embedder":
    return open_embedder()


def _embed(texts: Sequence[str]) -> list[list[float]]:
    """Return vectors of texts by the embedder that needs no server.

    Raises:
        UnavailableError: ``embedder_unavailable``: the extra `gateway` is not there.
    """
    try:
        found: list[list[float]] = _embedder().embed(texts).tolist()
    except ImportError as fault:
        raise UnavailableError("embedder_unavailable", "install the extra `gateway` for embeddings") from fault
    return found


def prompt_inspector() -> PromptInspector:
    """Return what looks at texts that go to models; where none can be opened, one that looks at nothing."""
    from ostiary.inspection import prompt  # noqa: PLC0415 - it brings what is learned along

    found: PromptInspector = prompt.open_prompt_inspector() if hasattr(prompt, "open_prompt_inspector") else Away()
    return found
