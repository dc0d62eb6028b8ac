"""Binaries to record: real ones, made here from nothing but the standard library."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from collections.abc import Callable
from math import hypot, pi, sin

Colour = tuple[int, int, int]


def png(width: int, height: int, colour: Callable[[float, float], Colour]) -> bytes:
    """A PNG whose pixel at (x, y), both from 0 to 1, has a colour."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(colour(x / width, y / height))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(rows), 6)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def structure(x: float, y: float) -> Colour:
    """Two discs that touch, as a rendered interface of two molecules might look."""
    left, right = hypot(x - 0.36, (y - 0.5) * 0.75), hypot(x - 0.64, (y - 0.5) * 0.75)
    if left < 0.17:
        return (40 + int(900 * (0.17 - left)), 90, 160)
    if right < 0.17:
        return (210, 120 + int(600 * (0.17 - right)), 60)
    return (245 - int(30 * y), 246 - int(25 * y), 250)


def chart(x: float, y: float) -> Colour:
    """A curve over a grid."""
    if abs(y - 0.5 - 0.35 * sin(2 * pi * x * 2)) < 0.012:
        return (30, 100, 220)
    on_grid = (x * 10) % 1 < 0.02 or (y * 5) % 1 < 0.02
    return (225, 228, 232) if on_grid else (255, 255, 255)


def page(x: float, y: float) -> Colour:
    """Lines of a long document."""
    is_line = 0.08 < x < 0.55 + 0.35 * abs(sin(y * 90)) and (y * 60) % 1 < 0.35
    return (70, 72, 80) if is_line else (252, 252, 250)


def wav(seconds: float = 0.2) -> bytes:
    """A tone."""
    rate = 8000
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        samples = (int(12000 * sin(2 * pi * 440 * n / rate)) for n in range(int(rate * seconds)))
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()


def pdf() -> bytes:
    """An empty page."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF\n"
    )


SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60" onload="alert(\'onload\')">'
    b'<script>alert(\'script\')</script><rect width="90" height="60" fill="#c33"/></svg>'
)
