"""Repairs: pure functions from a cell to a better cell, named and parameterised, so that they can be shown, kept, undone and replayed.

    repair = problem.repair                          # e.g. Repair("date", {"shape": "d.m.yyyy"})
    repair.apply("15.08.1985")                       # date(1985, 8, 15); None where it does not apply
    effects(repair, cells)                           # what it would do: before, after, how often
    recipes = Recipes().with_(Recipe("birth_date", problem.cause, repair))
    recipes.apply({"birth_date": "15.08.1985"})      # cells by field, repaired; `raw` itself is never changed
    recipes.without("birth_date", problem.cause)     # undone: clean the same raw cells again
    Recipes.from_json(recipes.to_json())             # kept for the next file of the same sender

A repair acts on cells of exactly its kind and leaves every other alone, so a recipe may be put over a whole column and twice over the
same cell. Nothing is repaired that nobody has agreed to: `clean_row` proposes, a person (or the recipe they left) disposes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from registry.cleaning.causes import CERTAIN, Cause
from registry.reading import Raw, show_raw

VERSION = 1
_MOST = 2_000  # values in one table of replacements
Op = Callable[..., Raw | None]
_OPS: dict[str, Op] = {}


class RecipeInvalid(ValueError):
    """The JSON is not what `to_json` has written, or names a repair that this release does not know."""


def repair_op(name: str) -> Callable[[Op], Op]:
    """Register an operation: (raw, **params) -> the repaired cell, or None where it does not apply."""

    def register(op: Op) -> Op:
        _OPS[name] = op
        return op

    return register


@dataclass(frozen=True)
class Repair:
    """One operation with its parameters (plain JSON values)."""

    op: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, raw: Raw) -> Raw | None:
        """The repaired cell; None where the repair does not apply to it."""
        return _OPS[self.op](raw, **self.params)

    def to_json(self) -> dict[str, Any]:
        return {"op": self.op, "params": dict(self.params)}

    @classmethod
    def from_json(cls, value: Any) -> Repair:
        """Raises RecipeInvalid."""
        if not isinstance(value, Mapping) or value.get("op") not in _OPS or not isinstance(value.get("params"), Mapping):
            raise RecipeInvalid(str(value)[:100])
        repair = cls(value["op"], dict(value["params"]))
        try:
            repair.apply("")
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise RecipeInvalid(str(value)[:100]) from error
        return repair

    def merged(self, other: Repair) -> Repair:
        """Both as one: tables of replacements are joined; of other operations the same one is expected."""
        if self.op == other.op == "replace":
            return Repair("replace", {"table": {**self.params["table"], **other.params["table"]}})
        return self


@dataclass(frozen=True)
class Effect:
    """What a repair does to one way of writing: as the clerk would read it before and after, and in how many cells."""

    before: str
    after: str
    count: int


def effects(repair: Repair, cells: Iterable[Raw], *, limit: int | None = None) -> list[Effect]:
    """The distinct changes that a repair would make, most frequent first; cells to which it does not apply are left out."""
    counted: Counter[tuple[str, str]] = Counter()
    for raw in cells:
        if (after := repair.apply(raw)) is not None:
            counted[show_raw(raw), show_raw(after)] += 1
    return [Effect(before, after, count) for (before, after), count in counted.most_common(limit)]


@dataclass(frozen=True)
class Recipe:
    """A repair that somebody agreed to, for one field."""

    field: str
    cause: Cause
    repair: Repair

    @property
    def certain(self) -> bool:
        return self.cause in CERTAIN

    def to_json(self) -> dict[str, Any]:
        return {"field": self.field, "cause": str(self.cause), "repair": self.repair.to_json()}

    @classmethod
    def from_json(cls, value: Any) -> Recipe:
        """Raises RecipeInvalid."""
        try:
            return cls(str(value["field"]), Cause(value["cause"]), Repair.from_json(value["repair"]))
        except (KeyError, TypeError, ValueError) as error:
            raise RecipeInvalid(str(value)[:100]) from error


@dataclass(frozen=True)
class Recipes:
    """The repairs in force, in the order in which they were agreed to: a later one sees what the earlier ones made."""

    steps: tuple[Recipe, ...] = ()

    def with_(self, recipe: Recipe) -> Recipes:
        """One more; a table of replacements for the same field and cause is added to the one that is there."""
        for place, one in enumerate(self.steps):
            if (one.field, one.cause, one.repair.op) == (recipe.field, recipe.cause, recipe.repair.op) == (one.field, one.cause, "replace"):
                joined = Recipe(one.field, one.cause, one.repair.merged(recipe.repair))
                return Recipes((*self.steps[:place], joined, *self.steps[place + 1 :]))
        return self if recipe in self.steps else Recipes((*self.steps, recipe))

    def without(self, field_name: str, cause: Cause) -> Recipes:
        """As if they had never been agreed to."""
        return Recipes(tuple(one for one in self.steps if (one.field, one.cause) != (field_name, cause)))

    def apply(self, cells: Mapping[str, Raw]) -> dict[str, Raw]:
        """Cells by field, repaired."""
        return {name: self.repaired(name, cell) for name, cell in cells.items()}

    def repaired(self, field_name: str, cell: Raw) -> Raw:
        """One cell, repaired."""
        for repair in self._by_field.get(field_name, ()):
            after = repair.apply(cell)
            cell = cell if after is None else after
        return cell

    def trusts(self, field_name: str, doubt: str) -> bool:
        """Whether the value of a doubtful cell (SheetRow.doubtful) is to be taken: repair "trust" with that doubt."""
        return any(one.field == field_name and one.repair == Repair("trust", {"doubt": doubt}) for one in self.steps)

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, "steps": [one.to_json() for one in self.steps]}

    @classmethod
    def from_json(cls, value: Any) -> Recipes:
        """Raises RecipeInvalid."""
        if not isinstance(value, Mapping) or value.get("version") != VERSION or not isinstance(value.get("steps"), list):
            raise RecipeInvalid("version")
        return cls(tuple(Recipe.from_json(one) for one in value["steps"]))

    @cached_property
    def _by_field(self) -> dict[str, list[Repair]]:
        chains: dict[str, list[Repair]] = {}
        for one in self.steps:
            chains.setdefault(one.field, []).append(one.repair)
        return chains


@dataclass(frozen=True)
class CauseGroup:
    """Findings of one cause in one field: how many, the one repair for all of them if there is one, and some of them as examples."""

    field: str
    cause: Cause
    count: int
    repair: Repair | None
    examples: Sequence[tuple[str, str]]

    @property
    def certain(self) -> bool:
        return self.cause in CERTAIN and self.repair is not None

    def recipe(self) -> Recipe:
        """What agreeing to the repair of the group records. Raises ValueError where there is none."""
        if self.repair is None:
            raise ValueError(self.cause)
        return Recipe(self.field, self.cause, self.repair)


def grouped(problems: Iterable[Any], *, examples: int = 3) -> list[CauseGroup]:
    """Problems (of many rows) by field, cause and repair, largest group first. Tables of replacements are joined to one."""
    counts: Counter[tuple[str, Cause, str]] = Counter()
    repairs: dict[tuple[str, Cause, str], Repair | None] = {}
    shown: dict[tuple[str, Cause, str], dict[str, str]] = {}
    for one in problems:
        key = (one.field, one.cause, _sort_of(one.repair))
        counts[key] += 1
        before = repairs.get(key)
        repairs[key] = before.merged(one.repair) if before and one.repair else one.repair
        seen = shown.setdefault(key, {})
        if len(seen) < examples:
            seen[one.value] = str(one.params.get("suggestion", "")) if one.repair else ""
    return [CauseGroup(key[0], key[1], count, repairs[key], tuple(shown[key].items())) for key, count in counts.most_common()]


def _sort_of(repair: Repair | None) -> str:
    """Repairs with equal sorts are one group: replacements join, all others are equal or another group."""
    if repair is None:
        return ""
    return repair.op if repair.op == "replace" else f"{repair.op}:{sorted(repair.params.items())}"


@repair_op("replace")
def _replace(raw: Raw, *, table: Mapping[str, str]) -> Raw | None:
    """Whole values by whole values, as they are shown."""
    if len(table) > _MOST:
        raise ValueError("table")
    return table.get(show_raw(raw).strip())


@repair_op("trust")
def _trust(raw: Raw, *, doubt: str) -> None:
    """Marks that the value of doubtful cells is taken as it stands (`Recipes.trusts`); changes no value by itself."""
