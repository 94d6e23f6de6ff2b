"""A seeded random workload over all tables, which every backend must answer alike (``store_worlds``).

A step draws all its values when it is made, so that it does the same to each world. ``steps(seed, count)`` makes them;
``run(world, steps)`` returns what each gave, faults by their codes.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import msgspec

from ostiary.audit.ports import RecordRow, Selection, TileRow
from ostiary.biometrics.ports import PartRow
from ostiary.decision.counts import COMPARED, LIVE, Key
from ostiary.decision.index.ports import HOUR_NS, IndexedDecision
from ostiary.decision.index.query import DecisionQuery
from ostiary.decision.shadow import Cell
from ostiary.defence.ports import Ask
from ostiary.defence.producers import Producer
from ostiary.errors import OstiaryError
from ostiary.gateway.conversations.ports import ConversationRow, MessageRow
from ostiary.identity.webauthn.ports import Invitation
from ostiary.identity.webauthn.types import Authenticator
from ostiary.pipeline.datasets.ports import Charge
from ostiary.pipeline.features.ports import Cell as FeatureCell
from ostiary.pipeline.registry.model import Kept
from ostiary.rag.book import SourceState, StoredDocument, Verdicted
from ostiary.rag.ports import Chunk, Facts
from ostiary.rag.rights import allow_deny
from ostiary.response.ports import Card
from ostiary.response.ssf.ports import Outgoing
from ostiary.response.ssf.streams import PUSH, Delivery, Stream
from ostiary.sessions import Session, StepUpProof, SubjectRevocation, TerminatedSession
from ostiary.vocabulary.effects import Effect

World = Any
Step = Callable[[World], object]
TENANTS = ("acme", "beta", "o'brien")
WORDS = ("a", "b", "B", "é", "z\x00z", "_", "%", "user:ann", "user:bob", "\x01", "\U0001d6fc", "x" * 40)
LISTED = tuple(word for word in WORDS if "\x00" not in word)  # SQLite cuts texts of its lists at a NUL


class Maker:
    """Draws values and makes steps of them."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)  # noqa: S311 - a workload, no secret
        self.now = 1
        self.size = 0
        self.makers = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("step_")]

    def next(self) -> tuple[str, Step]:
        self.now += 1
        maker = self.draw.choice(self.makers)
        return maker.__name__, maker()

    @property
    def tenant(self) -> str:
        return self.draw.choice(TENANTS)

    @property
    def word(self) -> str:
        return self.draw.choice(WORDS)

    def words(self, most: int = 3) -> list[str]:
        return sorted(set(self.draw.choices(LISTED, k=self.draw.randrange(most + 1))))

    def few(self, most: int = 4) -> int:
        return self.draw.randrange(most)

    def step_log_append(self) -> Step:
        count, start, tenant = self.few(5) + 1, self.size, self.tenant
        rows = [
            RecordRow(start + n, tenant, self.draw.choice(["decision", "admin"]), f"dec_{start + n}", self.now,
                      self.word.encode(), b"entry%d" % (start + n), b"sealed")
            for n in range(count)
        ]  # fmt: skip
        self.size += count

        def step(world: World) -> object:
            with world.log.transaction() as inside:
                inside.add_records(rows)
                inside.put_tiles([TileRow(0, start // 256, b"h" * 32)])
                inside.set_head(msgspec.structs.replace(inside.head(), size=start + count))
            return world.log.head().size

        return step

    def step_log_erase(self) -> Step:
        wanted = Selection(self.tenant, tag=self.word.encode(), before_ns=self.now - 5)

        def step(world: World) -> object:
            with world.log.transaction() as inside:
                gone = inside.sealed_indexes(wanted)
                inside.erase_sealed(gone)
            world.lost(gone)
            return gone, world.decisions.erase([(0, 10_000)])

        return step

    def step_log_fails_half_way(self) -> Step:
        row = RecordRow(self.size, self.tenant, "decision", "dec_x", self.now, b"t", b"e", b"s")

        def step(world: World) -> object:
            with world.log.transaction() as inside:
                inside.add_records([row])
                raise OstiaryError("half_way", "and back")

        return step

    def step_log_read(self) -> Step:
        tenant, tag, limit = self.tenant, self.draw.choice([None, self.word.encode()]), self.few(9) + 1
        wanted = Selection(tenant, kind=self.draw.choice([None, "admin", "decision"]), tag=tag)
        below = self.few(self.size + 2)

        def step(world: World) -> object:
            log = world.log
            named = log.find_record(tenant, f"dec_{below}")
            return log.select(wanted, limit), log.newest(wanted, below, limit), log.rows(below, below + 3), named

        return step

    def step_keys(self) -> Step:
        tenant, tag, gone = self.tenant, self.word.encode(), self.few() == 0
        if gone:
            return lambda world: (world.log.delete_key(tenant, tag), world.log.find_key(tenant, tag))
        return lambda world: world.log.put_key(tenant, tag, b"wrapped")

    def step_snapshots(self) -> Step:
        tenant, kind, name, now = self.tenant, self.word, self.word, self.now
        if self.few() == 0:
            return lambda world: world.snapshots.delete(tenant, kind, name)

        def step(world: World) -> object:
            world.snapshots.save(tenant, kind, name, b"%d" % now, now)
            return world.snapshots.all(tenant, kind), world.snapshots.load("beta", kind, name)

        return step

    def step_sessions(self) -> Step:
        tenant, name, subject, now = self.tenant, self.word, self.word, self.now
        return self.draw.choice([
            lambda world: world.sessions.save_sessions((Session(tenant, name, subject),)),
            lambda world: world.sessions.save_terminated(TerminatedSession(tenant, name, now, "risk", subject)),
            lambda world: world.sessions.save_revocation(SubjectRevocation(tenant, subject, now % 50, "lost")),
            lambda world: world.sessions.save_proof(
                StepUpProof(tenant, subject, name, "urn:x", ("hwk",), 1, now + 50, "read", "doc", "1", "dec_1")),
            lambda world: world.sessions.drop_proofs(now),
            lambda world: world.sessions.drop_sessions(((tenant, name),)),
            lambda world: world.sessions.erase_subject(tenant, subject),
            lambda world: _news(world.sessions.news(0)),
        ])  # fmt: skip

    def step_cards(self) -> Step:
        tenant, state = self.tenant, self.draw.choice(["open", "done"])
        card = Card(tenant, "case", self.word, state, b"{}", self.word, self.word, self.few(3) * self.now, self.now)
        return self.draw.choice([
            lambda world: world.cards.add([card]),
            lambda world: world.cards.add_numbered(card),
            lambda world: [
                world.cards.replace(one, msgspec.structs.replace(one, state=state, due_ns=3))
                for one in [world.cards.find(tenant, "case", card.name)] if one
            ],
            lambda world: (world.cards.listed(tenant, "case", [state], 5), world.cards.count("case", ["open", "done"])),
            lambda world: world.cards.due("case", ["open"], card.made_ns, 50),
            lambda world: world.cards.prune("case", ["done"], card.made_ns - 100),
            lambda world: world.cards.erase_subject(tenant, card.subject),
        ])  # fmt: skip

    def step_budgets(self) -> Step:
        tenant, key, slot = self.tenant, self.word, self.now // 20
        asks = [Ask(one, slot, slot - 3, 1, 2, 9) for one in self.words()]
        wanted = self.few()

        def step(world: World) -> object:
            taken = world.budgets.take(tenant, key, slot, slot - 3, wanted, 12)
            return taken, world.budgets.take_all(tenant, asks), world.budgets.taken(tenant, key, slot - 3)

        return step

    def step_datasets(self) -> Step:
        charge = Charge(
            self.tenant, self.word, self.word.encode(), self.few(50), max_bytes=400, max_objects=4, expires_ns=10**18
        )
        return lambda world: (world.dataset_budgets.charge(charge, 1), world.dataset_budgets.used("beta", "a"))

    def step_used_tokens(self) -> Step:
        tenant, key, now = self.tenant, self.word.encode(), self.now * 1_000_000_000
        return lambda world: world.used_tokens.remember(tenant, key, now + 10**9, now)

    def step_features(self) -> Step:
        tenant, name, cells = self.tenant, self.word, [(self.word, self.word, FeatureCell(b"v", self.few(99)))]
        keys, columns = self.words(6), self.words(6)

        def step(world: World) -> object:
            world.online_features.put(tenant, name, cells)
            return world.online_features.get(tenant, name, keys, columns)

        return step

    def step_profiles(self) -> Step:
        tenant, key, epoch = self.tenant, self.word, self.now // 100
        return self.draw.choice([
            lambda world: world.profiles.save(tenant, epoch, {key: b"of user:ann" + key.encode()}),
            lambda world: (world.profiles.load(tenant, key), world.profiles.naming(tenant, "user:ann")),
            lambda world: world.profiles.settle(tenant, epoch),
            lambda world: world.profiles.erase(tenant, key),
        ])  # fmt: skip

    def step_passkeys(self) -> Step:
        tenant, subject, name = self.tenant, self.word, self.word
        one = Authenticator(tenant=tenant, subject=subject, credential_id=name, public_key=b"k", user_handle=b"h",
                            sign_count=1, name=name, transports=("usb",), created_ns=self.now)  # fmt: skip
        first, invitation = self.few() == 0, Invitation(tenant, subject, f"h{self.now}", "adm", self.now, 10**9)
        return self.draw.choice([
            lambda world: world.authenticators.add(one, most=3, first=first),
            lambda world: world.authenticators.remove(tenant, subject, name),
            lambda world: world.authenticators.remove_all(tenant, subject),
            lambda world: world.authenticators.of_subject(tenant, subject),
            lambda world: (world.authenticators.save_invitation(invitation),
                           world.authenticators.take_invitation(f"h{one.created_ns - 40}")),
        ])  # fmt: skip

    def step_signals(self) -> Step:
        tenant, name = self.tenant, self.word
        stream = Stream(tenant, name, "web", ("web",), Delivery(PUSH, "https://r.example/", b"s"), made_ns=self.now)
        rows = [Outgoing(tenant, name, f"j{self.now}-{n}", "t", self.now, n == 0) for n in range(self.few())]
        return self.draw.choice([
            lambda world: world.signals.add_stream(stream, of_owner=5, of_tenant=8),
            lambda world: world.signals.delete_stream(tenant, name),
            lambda world: (world.signals.put_out(rows, 5), world.signals.waiting(tenant, name, 9)),
            lambda world: world.signals.delivered(tenant, name, [row.jti for row in rows[:1]]),
            lambda world: (world.signals.clear(tenant, name), world.signals.count_all_waiting()),
            lambda world: [(one.tenant, one.stream_id) for one in world.signals.all_streams()],
        ])  # fmt: skip

    def step_models(self) -> Step:
        tenant, name, digest, kept = self.tenant, self.word, self.word, Kept(b"body", f"mdl_{self.now}")
        return self.draw.choice([
            lambda world: world.models.add_version(tenant, name, world.models.next_number(tenant, name), digest, kept),
            lambda world: (world.models.versions(tenant, name), list(world.models.names(tenant))),
            lambda world: world.models.use_nonce(tenant, digest, 99),
        ])  # fmt: skip

    def step_conversations(self) -> Step:
        tenant, owner, name = self.tenant, self.word, self.word
        generation = self.few(3) + 1
        row = ConversationRow(owner=owner, conversation=name, generation=generation, epoch=1, oldest=1, head=b"h",
                              created_ns=1, updated_ns=self.now)  # fmt: skip
        messages = [MessageRow(generation, 1, b"p", b"s")]
        return self.draw.choice([
            lambda world: world.conversations.add_owner(tenant, owner, 1),
            lambda world: world.conversations.add(tenant, msgspec.structs.replace(row, generation=1), 1, 4),
            lambda world: _said(world.conversations.advance(tenant, row, messages, 1)),
            lambda world: world.conversations.delete(tenant, row, 1),
            lambda world: (
                    world.conversations.page(tenant, owner, "", 9), world.conversations.messages(tenant, name, 0)
                ),
        ])  # fmt: skip

    def step_rag(self) -> Step:
        tenant, name, facts = self.tenant, self.word, Facts("s", "memory", 2)
        chunk = Chunk(f"chk_{name}{self.now}", name, "s", "1", "text", name, facts, "d", "c")
        rule = allow_deny(self.words() or ["*"])

        def put(world: World) -> object:
            numbers = sorted(world.rag.number(tenant, "i", "s", [rule]).values())
            world.rag.put(tenant, "i", numbers[0], StoredDocument(name, "1", "d", name, facts), [(chunk, b"\0" * 4)])
            return numbers, world.rag.counts(tenant, "i")

        return self.draw.choice([
            put,
            lambda world: (world.rag.remove(tenant, "i", "s", [name]), world.rag.known(tenant, "i", "s")),
            lambda world: sorted(row.chunk for row, _ in world.rag.rows(tenant, "i")),
            lambda world: (world.rag.note(tenant, "i", "s", SourceState("v")), world.rag.generation(tenant, "i")),
            lambda world: (world.rag.keep_verdicts(tenant, "m", {name: Verdicted("flag", 0.25)}),
                           world.rag.verdicts(tenant, "m", list(LISTED))),
        ])  # fmt: skip

    def step_producers(self) -> Step:
        one = Producer(self.tenant, self.word, self.word.encode().ljust(32, b"-"), "ab", self.now)
        at_ns = self.now
        return self.draw.choice([
            lambda world: world.producers.add(one),
            lambda world: world.producers.revoke(one.tenant, one.name, at_ns, at_ns % 7 or None),
            lambda world: (world.producers.refused(one.tenant, one.name), world.producers.refusals(one.tenant)),
            lambda world: world.producers.of_tenant(one.tenant),
        ])  # fmt: skip

    def step_approvals(self) -> Step:
        tenant, topic, seq, now = self.tenant, f"apr_{self.few(6)}", self.few(9), self.now
        return lambda world: (
            world.approvals.add(tenant, topic, seq, f"r{now}"),
            [list(one) for one in world.approvals.acts(tenant, topic)],
            list(world.approvals.sizes(tenant, 4)),
        )

    def step_shadow(self) -> Step:
        tenant, hour = self.tenant, self.few(9)
        key = Key(LIVE, COMPARED, Cell(hour, self.word, 0, self.few(), "ops", "db"))
        return lambda world: (
            world.shadow.add(tenant, {key: 2}),
            list(world.shadow.summed(tenant, LIVE, COMPARED, 1, 8)),
            world.shadow.hourly(tenant, LIVE, 0, hour),
        )

    def step_templates(self) -> Step:
        tenant, owner, part = self.tenant, self.word, self.draw.choice(["standing", "keystroke"])
        row, before = PartRow(owner, part, self.now, 1, b"s", self.now), self.few(3)
        return lambda world: (
            world.templates.put(tenant, row, before and self.now, before),
            world.templates.of_owner(tenant, owner),
            world.templates.counts(tenant),
        )

    def step_decisions(self) -> Step:
        tenant, start = self.tenant, self.size
        rows = [_decision(self, start + n) for n in range(self.few() + 1)]
        self.size += len(rows)
        query = DecisionQuery(
            subject=self.draw.choice([None, "user:ann", "é"]),
            text=self.draw.choice([None, "use"]),
            effects=(Effect.DENY,) if self.few() else (),
            after=self.draw.choice([None, 0]),
        )

        def step(world: World) -> object:
            told = [RecordRow(r.idx, "default", "decision", r.id, r.time_ns, b"t", b"{}", b"s") for r in rows]
            with world.log.transaction() as inside:
                inside.add_records(told)
            index = world.decisions
            index.add("default", index.cursor("default"), start + len(rows), rows)
            found = index.rows("default", query), index.count("default", query, 99), index.rows(tenant, query)
            return *found, index.hours("default", 0, 99), index.top("default", "subject", [], 0, 3)

        return step


def _decision(maker: Maker, idx: int) -> IndexedDecision:
    told: dict[str, Any] = {
        "idx": idx, "time_ns": maker.few(60) * HOUR_NS // 3, "id": f"dec_{idx}", "effect": Effect(maker.few(5)),
        "subject": maker.word, "subject_type": "user", "session": maker.word, "action": maker.word, "action_class": "r",
        "resource_type": "db", "resource_id": maker.word, "pep": maker.word, "rule": maker.word,
        "risk": maker.draw.choice([None, maker.few(1_000_001)]), "ip": "", "kind": "", "reasons": (maker.word,),
    }  # fmt: skip
    return IndexedDecision(**{name: told[name] for name in IndexedDecision.__struct_fields__})


def _said(value: object) -> str:
    return str(value)


def _news(news: Any) -> object:
    return [sorted(map(repr, part)) for part in (news.living, news.ended, news.revocations, news.proofs)]


def steps(seed: int, count: int) -> list[tuple[str, Step]]:
    """Make a workload."""
    maker = Maker(seed)
    return [maker.next() for _ in range(count)]


def run(world: World, workload: list[tuple[str, Step]]) -> Iterator[tuple[str, object]]:
    """Yield what each step gave."""
    _begun(world)
    for name, step in workload:
        try:
            yield name, _plain(step(world))
        except OstiaryError as fault:
            yield name, fault.code


def _begun(world: World) -> None:
    """Add the tenants, and bind an index of each, as whoever indexes does first."""
    with world.log.transaction() as inside:
        for tenant in TENANTS:
            inside.add_tenant(msgspec.structs.replace(world.log.tenants()[0], tenant=tenant))
    for tenant in TENANTS:
        world.rag.bind(tenant, "i", "e")


def _plain(value: object) -> object:
    """Return what is equal where the results are: a list is a tuple, and a mapping has no order."""
    if isinstance(value, Mapping):
        return sorted((repr(key), _plain(one)) for key, one in value.items())
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return repr(value)
