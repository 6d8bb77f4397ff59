"""Three documents of one record brought together: what it was, what somebody made of it, and what it is now.

A field that only one side changed takes that side; a list of rows is merged row by row. What both sides changed differently is a
clash, which a person settles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.documents import Document, Schema, canonical


@dataclass(frozen=True)
class Clash:
    """One top-level key that both sides changed, each in its own way."""

    name: str
    was: Any
    mine: Any
    now: Any


@dataclass(frozen=True)
class Merge:
    """`patch` is what of `mine` still has to be laid over `now`; nothing of it touches a key in `clashes`."""

    patch: Mapping[str, Any]
    clashes: Sequence[Clash]

    def settled(self, mine: Iterable[str]) -> dict[str, Any]:
        """The patch with the clashes on the keys `mine` decided for that side; the others stay as they are now."""
        chosen = set(mine)
        return {**self.patch, **{clash.name: clash.mine for clash in self.clashes if clash.name in chosen}}


def merge(schema: Schema, *, was: Document | None, mine: Document, now: Document | None) -> Merge:
    """Bring the change from `was` to `mine` over to `now`. All three are total documents of `schema`, or None where there was none."""
    if now is None:
        return Merge({name: mine[name] for name in schema.changed(None, mine)}, ())
    base = was or schema.blank()
    patch: dict[str, Any] = {}
    clashes: list[Clash] = []
    lists = {rows.name for rows in schema.rows}
    for name in schema.changed(base, mine):
        if mine[name] == now[name]:
            continue
        if base[name] == now[name]:
            patch[name] = mine[name]
        elif name in lists and (rows := _rows(base[name], mine[name], now[name])) is not None:
            if rows != now[name]:
                patch[name] = rows
        else:
            clashes.append(Clash(name, base[name], mine[name], now[name]))
    return Merge(patch, clashes)


def _rows(was: Sequence[Document], mine: Sequence[Document], now: Sequence[Document]) -> list[Document] | None:
    """Rows of `now` without those that `mine` took out and with those it put in; None when a row it took out has changed or gone."""
    old, wanted, present = ({canonical(row): row for row in rows} for rows in (was, mine, now))
    removed, added = old.keys() - wanted.keys(), wanted.keys() - old.keys()
    if not removed <= present.keys():
        return None
    kept = {body: row for body, row in present.items() if body not in removed}
    both = kept | {body: wanted[body] for body in added}
    return [both[body] for body in sorted(both)]
