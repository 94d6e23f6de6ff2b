"""The live engine of one policy source, replaced without dropping a decision.

- A new bundle is tried out first: linted, compiled, tested and probed in a throw-away process. What fails stays out,
  and the engine in force stays in force.
- Swapping is one assignment. A decision takes `engine` once and asks both questions of it; the old engine is kept at
  least ``retire_after_ms`` and while it evaluates, and ends when nobody holds it any more: no question meets a closed
  engine.
- Change is seen by the digest of the content, and believed when two looks agree: a half-copied bundle is not loaded.
- The very bytes that were tried out are the bytes that go live.

>>> from ostiary.artifacts.shipped import policies_dir
>>> with PolicyHolder(policies_dir()) as holder:
...     holder.engine.digest == Bundle.load(policies_dir()).digest, holder.reload().changed
(True, False)
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.policy.bundle import Bundle, BundleVerifier
from ostiary.policy.engine import BundleInfo, Document, OpaEngine
from ostiary.policy.limits import BundleLimits, EngineSettings, SandboxLimits
from ostiary.policy.sandbox import Report, admit
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict

_log: Final = logging.getLogger("ostiary.policy")


class Reloaded(msgspec.Struct, frozen=True):
    """What a reload did: the digest now in force, the one before, and the report of the trial."""

    changed: bool
    digest: str
    previous: str
    report: Report | None = None


class PolicyHolder:
    """Holds the engine in force for one source, and replaces it. Itself an ``Engine``."""

    def __init__(
        self,
        source: Path,
        *,
        settings: EngineSettings | None = None,
        bundle_limits: BundleLimits | None = None,
        sandbox: SandboxLimits | None = None,
        verifier: BundleVerifier | None = None,
    ) -> None:
        """Try out the bundle in ``source`` and put it in force.

        Raises:
            RefusedError: ``policy_refused``, ``policy_check_…``; VerificationError from the verifier.
            FaultyInputError: the bundle is malformed or does not compile.
            UnavailableError: ``bundle_unreadable``, ``engine_missing``.
        """
        self._source = source
        self._settings = settings or EngineSettings()
        self._bundle_limits = bundle_limits or BundleLimits()
        self._sandbox = sandbox or SandboxLimits()
        self._verifier = verifier
        self._changing = threading.Lock()
        self._retired: list[tuple[OpaEngine, int]] = []
        self._burials: list[threading.Timer] = []
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None
        self.last_refusal: OstiaryError | None = None
        bundle = self._load()
        self.report = admit(bundle, self._sandbox)
        self._engine = OpaEngine(bundle, self._settings, sparing=True)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def engine(self) -> OpaEngine:
        """The engine in force. Take it once a decision; it stays good for as long as you hold it."""
        return self._engine

    @property
    def bundle(self) -> BundleInfo:
        """The policy in force."""
        return self._engine.bundle

    @property
    def digest(self) -> str:
        """Digest of the policy in force."""
        return self._engine.digest

    def guardrails(self, document: Document) -> GuardrailVerdict:
        """Ask the engine in force what is allowed."""
        return self._engine.guardrails(document)

    def adaptive(self, document: Document) -> AdaptiveVerdict:
        """Ask the engine in force what to propose."""
        return self._engine.adaptive(document)

    def busy_since(self) -> int | None:
        """Return when the oldest evaluation started that still runs, replaced engines included."""
        engines = [self._engine, *(engine for engine, _ in list(self._retired))]
        return min((since for each in engines if (since := each.busy_since()) is not None), default=None)

    def reload(self, source: Path | None = None) -> Reloaded:
        """Look at the source (or a new one) and put its bundle in force, if it is another one and passes.

        Raises:
            RefusedError: ``policy_refused`` with the reasons, ``policy_check_…``; the old engine stays in force.
            FaultyInputError, UnavailableError: likewise.
        """
        with self._changing:
            bundle = self._load(source)
            previous = self._engine.digest
            if bundle.digest == previous:
                self._source = source or self._source
                return Reloaded(changed=False, digest=previous, previous=previous)
            report = admit(bundle, self._sandbox)
            fresh = OpaEngine(bundle, self._settings, sparing=True)
            self._source = source or self._source
            old, self._engine = self._engine, fresh
            self.report = report
            self._retire(old)
        _log.info("policy %s replaces %s", fresh.digest, previous)
        return Reloaded(changed=True, digest=fresh.digest, previous=previous, report=report)

    def watch(
        self,
        interval_s: float = 2.0,
        on_change: Callable[[Reloaded], None] | None = None,
        on_refusal: Callable[[OstiaryError], None] | None = None,
    ) -> None:
        """Reload by itself when the source's content changes; a refused content is tried once, not for ever.

        The callbacks run in the watching thread and must not raise.
        """
        self._watcher = threading.Thread(
            target=self._watch, args=(interval_s, on_change, on_refusal), name="policy-watch", daemon=True
        )
        self._watcher.start()

    def close(self) -> None:
        """Stop watching and release every engine."""
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join()
        with self._changing:
            for burial in self._burials:
                burial.cancel()
            for engine, _ in self._retired:
                engine.close()
            self._retired.clear()
            self._engine.close()

    def _load(self, source: Path | None = None) -> Bundle:
        return Bundle.load(source or self._source, self._bundle_limits, self._verifier)

    def _retire(self, old: OpaEngine) -> None:
        grace_s = self._settings.retire_after_ms / 1000
        self._retired.append((old, time.monotonic_ns()))
        self._burials = [burial for burial in self._burials if burial.is_alive()]
        burial = threading.Timer(grace_s, self._bury)
        burial.daemon = True
        self._burials.append(burial)
        burial.start()

    def _bury(self) -> None:
        """Let go of replaced engines that are idle and old enough; they end with their last holder."""
        grace_ns = self._settings.retire_after_ms * 1_000_000
        with self._changing:
            if self._stop.is_set():
                return
            oldest_kept = time.monotonic_ns() - grace_ns
            self._retired = [
                (engine, since) for engine, since in self._retired if since > oldest_kept or engine.running.count
            ]
            stuck = any(since <= oldest_kept for _, since in self._retired)
        if stuck:  # its evaluation still runs: the watchdog sees it in `busy_since`, and we look again later
            burial = threading.Timer(grace_ns / 1e9, self._bury)
            burial.daemon = True
            burial.start()

    def _watch(
        self,
        interval_s: float,
        on_change: Callable[[Reloaded], None] | None,
        on_refusal: Callable[[OstiaryError], None] | None,
    ) -> None:
        seen = tried = self._engine.digest
        while not self._stop.wait(interval_s):
            try:
                digest = self._load().digest
                settled, seen = digest == seen, digest
                if not settled or digest in {tried, self._engine.digest}:
                    continue
                tried = digest
                done = self.reload()
            except OstiaryError as fault:
                tried = (
                    "" if isinstance(fault, UnavailableError) else tried
                )  # our trouble, not the content's: try again
                if self._is_news(fault):
                    _log.warning("policy refused: %s", fault.code)
                    if on_refusal is not None:
                        on_refusal(fault)
                continue
            self.last_refusal = None
            if on_change is not None and done.changed:
                on_change(done)

    def _is_news(self, fault: OstiaryError) -> bool:
        known = self.last_refusal
        if known is not None and (known.code, known.message) == (fault.code, fault.message):
            return False
        self.last_refusal = fault
        return True
