"""The vault: sealed for one subject of one tenant, opened nowhere else, gone when the key is gone."""

from pathlib import Path

import pytest

from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.keys import SubjectVault, hash_secret, new_secret, verify_secret
from ostiary.testing.memory_store import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def vault(tmp_path: Path, store: MemoryStore) -> SubjectVault:
    return SubjectVault(tmp_path / "vault", store)


def test_what_is_sealed_opens_again(vault: SubjectVault) -> None:
    sealed = vault.encrypt("acme", "user:ann", b"payload", b"dec_1")
    assert b"payload" not in sealed
    assert vault.decrypt("acme", "user:ann", sealed, b"dec_1") == b"payload"
    assert vault.decrypt_tagged("acme", vault.tag("acme", "user:ann"), sealed, b"dec_1") == b"payload"


def test_sealing_twice_gives_different_bytes(vault: SubjectVault) -> None:
    assert vault.encrypt("acme", "user:ann", b"x") != vault.encrypt("acme", "user:ann", b"x")


@pytest.mark.parametrize(
    ("tenant", "subject", "aad"),
    [("other", "user:ann", b"dec_1"), ("acme", "user:bob", b"dec_1"), ("acme", "user:ann", b"dec_2")],
)
def test_sealed_data_moved_elsewhere_does_not_open(vault: SubjectVault, tenant: str, subject: str, aad: bytes) -> None:
    sealed = vault.encrypt("acme", "user:ann", b"payload", b"dec_1")
    vault.encrypt(tenant, subject, b"so that a key exists")
    with pytest.raises(VerificationError) as caught:
        vault.decrypt(tenant, subject, sealed, aad)
    assert caught.value.code == "sealed_data_refused"


def test_every_altered_byte_is_refused(vault: SubjectVault) -> None:
    sealed = vault.encrypt("acme", "user:ann", b"payload")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(VerificationError):
            vault.decrypt("acme", "user:ann", bytes(altered))
    for shorter in range(len(sealed)):
        with pytest.raises(VerificationError):
            vault.decrypt("acme", "user:ann", sealed[:shorter])


def test_a_wrapped_key_swapped_between_subjects_or_tenants_is_refused(
    vault: SubjectVault, store: MemoryStore, tmp_path: Path
) -> None:
    sealed = vault.encrypt("acme", "user:ann", b"payload")
    ann, bob = vault.tag("acme", "user:ann"), vault.tag("acme", "user:bob")
    wrapped = store.find_key("acme", ann)
    assert wrapped is not None
    store.put_key("acme", bob, wrapped)
    with pytest.raises(VerificationError):
        SubjectVault(tmp_path / "vault", store).decrypt("acme", "user:bob", sealed)


def test_shredding_a_subject_forgets_it_and_nobody_else(vault: SubjectVault) -> None:
    ann, bob = vault.encrypt("acme", "user:ann", b"a"), vault.encrypt("acme", "user:bob", b"b")
    assert vault.shred("acme", "user:ann")
    assert not vault.shred("acme", "user:ann")
    with pytest.raises(RefusedError) as caught:
        vault.decrypt("acme", "user:ann", ann)
    assert caught.value.code == "subject_shredded"
    assert vault.decrypt("acme", "user:bob", bob) == b"b"


def test_a_shredded_subject_may_come_back_but_its_past_stays_gone(vault: SubjectVault) -> None:
    old = vault.encrypt("acme", "user:ann", b"old")
    vault.shred("acme", "user:ann")
    new = vault.encrypt("acme", "user:ann", b"new")
    assert vault.decrypt("acme", "user:ann", new) == b"new"
    with pytest.raises(VerificationError):
        vault.decrypt("acme", "user:ann", old)


def test_shredding_a_tenant_is_final(vault: SubjectVault, tmp_path: Path, store: MemoryStore) -> None:
    sealed = vault.encrypt("acme", "user:ann", b"a")
    kept = vault.encrypt("other", "user:ann", b"b")
    assert vault.shred_tenant("acme") == 1
    for again in (vault, SubjectVault(tmp_path / "vault", store)):
        with pytest.raises(RefusedError) as caught:
            again.decrypt("acme", "user:ann", sealed)
        assert caught.value.code == "tenant_shredded"
        with pytest.raises(RefusedError):
            again.encrypt("acme", "user:ann", b"c")
        assert again.decrypt("other", "user:ann", kept) == b"b"


def test_asking_about_an_unknown_tenant_makes_no_key(vault: SubjectVault, tmp_path: Path) -> None:
    for ask in (lambda: vault.tag("nobody", "user:ann"), lambda: vault.decrypt("nobody", "user:ann", b"\x01")):
        with pytest.raises(RefusedError) as caught:
            ask()
        assert caught.value.code == "tenant_unknown"
    assert [path.name for path in (tmp_path / "vault").glob("tenant-*")] == []


def test_tags_differ_between_tenants_and_hide_the_name(vault: SubjectVault) -> None:
    for tenant in ("acme", "other"):
        vault.encrypt(tenant, "user:bob", b"so that there is a key")
    assert vault.tag("acme", "user:ann") != vault.tag("other", "user:ann")
    assert len(vault.tag("acme", "user:ann")) == 16
    sealed = vault.encrypt("acme", "user:ann", b"x")
    assert vault.tag("acme", "user:ann") == vault.tag("acme", "user:ann")
    assert b"ann" not in sealed


def test_the_cache_is_bounded(tmp_path: Path, store: MemoryStore) -> None:
    vault = SubjectVault(tmp_path / "vault", store, cached_subjects=10)
    sealed = [vault.encrypt("acme", f"user:{number}", b"x") for number in range(50)]
    assert len(vault._subjects) == 10
    assert all(vault.decrypt("acme", f"user:{number}", sealed[number]) == b"x" for number in range(50))


def test_a_loose_or_damaged_master_key_is_refused(tmp_path: Path, store: MemoryStore) -> None:
    SubjectVault(tmp_path / "vault", store)
    master = tmp_path / "vault" / "master.key"
    master.chmod(0o644)
    with pytest.raises(RefusedError):
        SubjectVault(tmp_path / "vault", store)
    master.chmod(0o600)
    master.write_bytes(b"short")
    with pytest.raises(UnavailableError):
        SubjectVault(tmp_path / "vault", store)


def test_nothing_secret_is_in_the_representation(vault: SubjectVault, tmp_path: Path) -> None:
    vault.encrypt("acme", "user:ann", b"x")
    master = (tmp_path / "vault" / "master.key").read_bytes()
    assert master.hex() not in repr(vault)
    assert "ann" not in repr(vault)


def test_secrets_are_kept_as_hashes() -> None:
    secret = new_secret()
    kept = hash_secret(secret)
    assert verify_secret(secret, kept)
    assert not verify_secret(secret + "x", kept)
    assert not verify_secret("", kept)
    assert secret not in kept
    assert len(kept) == 64


def test_one_reading_looks_each_key_up_once(
    vault: SubjectVault, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = [vault.encrypt("acme", who, b"payload", b"dec_1") for who in ("user:ann", "user:ann", "user:bob")]
    tags = [vault.tag("acme", who) for who in ("user:ann", "user:ann", "user:bob")]
    asked, find = list[bytes](), store.find_key

    def looked_up(tenant: str, tag: bytes) -> bytes | None:
        asked.append(tag)
        return find(tenant, tag)

    monkeypatch.setattr(store, "find_key", looked_up)
    reading = vault.unsealer()
    assert [reading.decrypt_tagged("acme", *one, b"dec_1") for one in zip(tags, sealed, strict=True)] == [
        b"payload"
    ] * 3
    assert asked == [tags[0], tags[2]]


def test_the_next_reading_finds_a_shredded_subject_gone(vault: SubjectVault) -> None:
    sealed, tag = vault.encrypt("acme", "user:ann", b"payload"), vault.tag("acme", "user:ann")
    assert vault.unsealer().decrypt_tagged("acme", tag, sealed, b"") == b"payload"
    vault.shred("acme", "user:ann")
    with pytest.raises(RefusedError, match="erased"):
        vault.unsealer().decrypt_tagged("acme", tag, sealed, b"")
