"""Files of the spool, read and damaged without the code that writes them (docs/decisions/spool-format.md)."""

from __future__ import annotations

import random
import re
import struct
from dataclasses import dataclass
from pathlib import Path

HEAD = struct.Struct("<4sIIHHQII")
MAGIC = b"\xfeCSR"
MARKER = re.compile(rb"<[a-zA-Z0-9_-]+\.[0-9]+>")


@dataclass(frozen=True)
class Record:
    frame: bytes
    marker: str | None


def data_files(spool: Path) -> list[Path]:
    """Files with records that wait."""
    return sorted(
        path for path in spool.glob("*-*/*") if path.suffix in (".open", ".ready") or ".claimed." in path.name
    )


def records(raw: bytes) -> list[Record]:
    """The records of an undamaged file; a torn tail is none."""
    found = []
    at = raw.index(b"\n") + 1
    while at + HEAD.size <= len(raw):
        magic, _, length, *_ = HEAD.unpack_from(raw, at)
        end = at + HEAD.size + length
        if magic != MAGIC or end > len(raw):
            break
        payload = raw[at + HEAD.size : end]
        marker = MARKER.search(payload)
        found.append(Record(raw[at:end], marker.group().decode() if marker else None))
        at = end
    return found


def damage(path: Path, rng: random.Random) -> tuple[str, set[str], int]:
    """Damages a file in one way. Gives the way, the markers whose records are no longer whole, and how many records."""
    raw = path.read_bytes()
    before = records(raw)
    ways = {
        "flipped": flip,
        "cut off": lambda raw, rng: raw[: rng.randrange(raw.index(b"\n"), len(raw))],
        "with garbage behind": lambda raw, rng: raw + rng.randbytes(rng.randrange(1, 5000)),
        "with garbage within": put_within,
        "zeroed in part": zero,
        "without its first line": lambda raw, rng: b"x" + raw[rng.randrange(1, raw.index(b"\n")) :],
    }
    way = rng.choice(sorted(ways))
    damaged = ways[way](raw, rng)
    path.write_bytes(damaged)
    broken = [record for record in before if record.frame not in damaged]
    return way, {record.marker for record in broken if record.marker}, len(broken)


def flip(raw: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(raw)
    for _ in range(rng.randrange(1, 8)):
        damaged[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def put_within(raw: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(raw.index(b"\n") + 1, len(raw))
    return raw[:at] + rng.randbytes(rng.randrange(1, 300)) + raw[at:]


def zero(raw: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(raw.index(b"\n") + 1, len(raw))
    length = min(rng.randrange(1, 8192), len(raw) - at)
    return raw[:at] + bytes(length) + raw[at + length :]
