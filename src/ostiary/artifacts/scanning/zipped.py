"""A zip archive that says one thing only: its directory and its members agree, and nothing lies between or around.

1. The directory is the last thing in the file, bounded, and lists the members in the order in which they lie.
2. Each member's own head names the same file, method and flags; members touch one another and begin at byte 0.
3. Stored or deflated, not encrypted, plain relative names, no name twice, sizes and checksum true.
   No extra field that gives a member another name (Info-ZIP's Unicode path), which only some readers obey.
4. Unpacking stops at the size that the directory promised, and that is bounded before.

Scanners that trust ``zipfile`` were got round by flags, names and checksums that two readers see differently
(GHSA advisories of picklescan). Such archives are refused here for not being one thing.

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from ostiary.artifacts.formats import Misfit
from ostiary.artifacts.formats.misfit import shown
from ostiary.artifacts.scanning.findings import ScanLimits

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR: Final = struct.Struct("<4sIQI")
_STORED, _DEFLATED = 0, 8
_DESCRIPTOR: Final = 0x0008
_KNOWN_FLAGS: Final = 0x0800 | _DESCRIPTOR | 0x0006  # UTF-8 name, sizes behind, how well it was packed
_ENCRYPTED: Final = 0x0041
_NAME: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_. -]{0,127}(?:/[A-Za-z0-9_.][A-Za-z0-9_. -]{0,127}){0,15}")
_WIDE: Final = 0xFFFFFFFF
_OTHER_NAME: Final = 0x7075  # APPNOTE 4.6.9


class Member(NamedTuple):
    """One member as both heads tell it."""

    name: str
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    offset: int


def members(data: memoryview, limits: ScanLimits) -> Iterator[tuple[str, bytes]]:
    """Give name and content of each member.

    Raises:
        Misfit: ``archive_malformed``, ``archive_encrypted``, ``archive_bomb``, ``archive_path``.
    """
    begin, size, count = _directory(data, limits)
    listed = list(_list(data[begin : begin + size], limits))
    if len(listed) != count or len({member.name.lower() for member in listed}) != count:
        raise _malformed("its directory lists a member twice, or not as many as it says")
    if sum(member.size for member in listed) > limits.max_unpacked_bytes:
        raise Misfit("archive_bomb", "its members are longer than is allowed")
    at = 0
    for member in listed:
        content, at = _content(data[:begin], member, at)
        yield member.name, content
    if at != begin:
        raise _malformed("something lies between its members and its directory")


def _directory(data: memoryview, limits: ScanLimits) -> tuple[int, int, int]:
    at = len(data) - _END.size
    if at < 0:
        raise _malformed("it is too short")
    mark, disk, disk2, here, count, size, begin, comment = _END.unpack(data[at:])
    if mark != b"PK\x05\x06" or disk or disk2 or here != count or comment:
        raise _malformed("its end is not the end of the file")
    end = _check_zip64(data, at, (count, size, begin))
    if begin + size != end or size > limits.max_directory_bytes or count > limits.max_members:
        raise Misfit(
            "archive_bomb" if begin + size == end else "archive_malformed",
            "its directory is not where it says, or too long",
        )
    return begin, size, count


def _check_zip64(data: memoryview, at: int, told: tuple[int, int, int]) -> int:
    """Return where the directory ends; a longer end, as torch writes it, must say the same as the short one."""
    begin = at - _LOCATOR.size - _END64.size
    if begin < 0 or bytes(data[at - _LOCATOR.size :][:4]) != b"PK\x06\x07":
        return at
    _, disk, where, disks = _LOCATOR.unpack(data[at - _LOCATOR.size : at])
    mark, length, _, _, first, second, here, count, size, start = _END64.unpack(data[begin : begin + _END64.size])
    true = mark == b"PK\x06\x06" and length == _END64.size - 12 and where == begin
    if not true or disk or disks != 1 or first or second or here != count or (count, size, start) != told:
        raise _malformed("its two ends do not agree")
    return begin


def _list(directory: memoryview, limits: ScanLimits) -> Iterator[Member]:
    at = 0
    while at < len(directory):
        if at + _CENTRAL.size > len(directory):
            raise _malformed("its directory is cut off")
        (mark, _, _, flags, method, _, _, checksum, packed, size, name, extra, comment, disk, _, _, offset) = (
            _CENTRAL.unpack(directory[at : at + _CENTRAL.size])
        )
        end = at + _CENTRAL.size + name
        if mark != b"PK\x01\x02" or disk or comment or end + extra > len(directory):
            raise _malformed("its directory is not as it should be")
        member = Member(_name(directory[end - name : end]), flags, method, checksum, packed, size, offset)
        _check_member(member, limits)
        _check_extra(directory[end : end + extra], member)
        yield member
        at = end + extra


def _check_member(member: Member, limits: ScanLimits) -> None:
    if member.flags & _ENCRYPTED:
        raise Misfit("archive_encrypted", f"the member {shown(member.name)} is encrypted and cannot be looked into")
    if member.flags & ~_KNOWN_FLAGS or member.method not in {_STORED, _DEFLATED}:
        raise _malformed(f"the member {shown(member.name)} is packed in a way that is not known")
    if _WIDE in {member.packed, member.size, member.offset}:
        raise _malformed(f"the member {shown(member.name)} is longer than 4 GiB")
    if member.size > max(member.packed, 64) * limits.max_ratio:
        raise Misfit("archive_bomb", f"the member {shown(member.name)} grows too much")
    if member.method == _STORED and member.packed != member.size:
        raise _malformed(f"the member {shown(member.name)} has two sizes")


def _check_extra(extra: memoryview, member: Member) -> None:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack("<2H", extra[at : at + 4])
        if kind == _OTHER_NAME:
            raise _malformed(f"the member {shown(member.name)} has a second name")
        at += 4 + length


def _name(raw: memoryview) -> str:
    name = bytes(raw).decode("utf-8", "replace")
    if not _NAME.fullmatch(name) or ".." in name.split("/") or "." in name.split("/"):
        raise Misfit("archive_path", f"the member {shown(name)} has no plain name inside the archive")
    return name


def _content(data: memoryview, member: Member, at: int) -> tuple[bytes, int]:
    if member.offset != at or at + _LOCAL.size > len(data):
        raise _malformed(f"the member {shown(member.name)} does not lie where the one before ends")
    mark, _, flags, method, _, _, checksum, packed, size, name, extra = _LOCAL.unpack(data[at : at + _LOCAL.size])
    begin = at + _LOCAL.size + name + extra
    end = begin + member.packed
    named = bytes(data[at + _LOCAL.size : at + _LOCAL.size + name]).decode("utf-8", "replace")
    if mark != b"PK\x03\x04" or (named, flags, method) != (member.name, member.flags, member.method) or end > len(data):
        raise _malformed(f"the member {shown(member.name)} calls itself something else")
    _check_sizes(member, checksum, packed, size)
    _check_extra(data[begin - extra : begin], member)
    content = _unpack(data[begin:end], member)
    if zlib.crc32(content) != member.checksum:
        raise _malformed(f"the member {shown(member.name)} has not its checksum")
    return content, _behind(data, end, member)


def _check_sizes(member: Member, checksum: int, packed: int, size: int) -> None:
    told = (checksum, packed, size)
    behind = member.flags & _DESCRIPTOR and told == (0, 0, 0)
    wide = (packed, size) == (_WIDE, _WIDE) and checksum == member.checksum  # NumPy leaves room for 64 bits
    if told != (member.checksum, member.packed, member.size) and not behind and not wide:
        raise _malformed(f"the member {shown(member.name)} has two sizes or checksums")


def _unpack(packed: memoryview, member: Member) -> bytes:
    if member.method == _STORED:
        return bytes(packed)
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = machine.decompress(packed, member.size + 1)
    except zlib.error:
        raise _malformed(f"the member {shown(member.name)} cannot be unpacked") from None
    if len(content) != member.size or not machine.eof or machine.unused_data:
        raise Misfit("archive_bomb", f"the member {shown(member.name)} is not as long as it says")
    return content


def _behind(data: memoryview, at: int, member: Member) -> int:
    """Return where the next member begins: behind the sizes, if they come behind, and they must be the same again."""
    if not member.flags & _DESCRIPTOR:
        return at
    for form in ("<4s3I", "<4sI2Q"):
        size = struct.calcsize(form)
        if at + size <= len(data):
            mark, *told = struct.unpack(form, data[at : at + size])
            if mark == b"PK\x07\x08" and told == [member.checksum, member.packed, member.size]:
                return at + size
    raise _malformed(f"the member {shown(member.name)} is not followed by its sizes")


def _malformed(text: str) -> Misfit:
    return Misfit("archive_malformed", text)
