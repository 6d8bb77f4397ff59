"""The line between an agency and the hub: a relay that can be slow, lose connections in the middle of a call, or be cut.

It knows nothing of what it carries. The weather is changed while it runs.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

PIECE = 4_096


@dataclass(frozen=True)
class Weather:
    """`delay` in seconds before each piece of at most 4 KiB goes on, `rate` in bytes a second (0: unbounded), `lost` the share of
    connections that are reset somewhere within the first `within` bytes of one direction: in a request, or in its answer."""

    up: bool = True
    delay: float = 0.0
    rate: int = 0
    lost: float = 0.0
    within: int = 40_000


@dataclass
class Fate:
    """After how many bytes of which direction a connection is reset."""

    towards: bool
    left: int


@dataclass
class Line:
    """Carries what arrives at `host` (on `port`, chosen when it opens) to `target`, which sees it come from `source`."""

    host: str
    target: tuple[str, int]
    source: str
    seed: int = 0
    weather: Weather = field(default_factory=Weather)
    carried: int = 0  # connections that ended by themselves
    lost: int = 0
    refused: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._live: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._run(self._listen())

    def turn(self, weather: Weather) -> None:
        """Another weather from now on. A cut ends every connection at once."""
        self._run(self._turn(weather))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._arrived, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _turn(self, weather: Weather) -> None:
        self.weather = weather
        if not weather.up:
            for writer in list(self._live):
                writer.transport.abort()

    async def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.weather.up:
            self.refused += 1
            writer.transport.abort()
            return
        ends = {writer}
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target, local_addr=(self.source, 0))
            ends.add(far_writer)
            self._live |= ends
            fate = self._fate()
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._carry(reader, far_writer, fate if fate.towards else None))
                directions.create_task(self._carry(far_reader, writer, None if fate.towards else fate))
            self.carried += 1
        except* OSError:
            self.lost += 1
        finally:
            self._live -= ends
            for end in ends:
                end.transport.abort()

    def _fate(self) -> Fate:
        lost = self._chance.random() < self.weather.lost
        return Fate(self._chance.random() < 0.5, self._chance.randrange(1, self.weather.within) if lost else 1 << 60)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fate: Fate | None) -> None:
        """One direction, to its end."""
        while piece := await reader.read(PIECE):
            weather = self.weather
            await asyncio.sleep(weather.delay + (len(piece) / weather.rate if weather.rate else 0))
            if fate is not None:
                fate.left -= len(piece)
                if fate.left <= 0:
                    raise ConnectionResetError
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
