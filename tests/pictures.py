"""Pictures made without a library: what tests upload as photographs and scanned papers."""

from __future__ import annotations

import struct
import zlib


def png(grey: int = 120, *, width: int = 4, height: int = 6) -> bytes:
    """A true picture of one grey, `width` by `height` pixels."""
    lines = (b"\0" + bytes([grey] * width)) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
