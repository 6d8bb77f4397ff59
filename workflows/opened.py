"""The factory of opened models: unmanaged twins of live models that stand for a request's temporary tables.

Every column may be null (else Django drops the null case of `~Q(name=...)` and a rule misses rows), foreign keys are without
constraint or reverse name, and generated columns are left out. Besides the live columns a record's twin has `leaf_index`,
`op` and `base_version`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models

TREE_COLUMNS = frozenset({"lft", "rght", "tree_id", "level"})  # kept by the tree, not part of a document


class ListManager(models.Manager[Any]):
    """The rows of one list, in a temporary table that lists share."""

    def __init__(self, rows: str = "") -> None:
        super().__init__()
        self._rows = rows

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(list_name=self._rows)


def opened_model(
    live: type[models.Model], *, db_table: str, relations: Mapping[str, type[models.Model]] | None = None, app_label: str = "", rows: str = ""
) -> type[models.Model]:
    """The opened twin of `live`, reading temporary table `db_table`.

    `relations` replaces what a foreign key points to, for example {"staff": OpenedStaffProfile} for a row of a person.
    `rows` is the list of the document where `db_table` holds several: the twin's manager gives the rows of that list alone.
    `app_label` is the app of the target where that is another than the live model's (its migrations name the twin).
    """
    attributes: dict[str, Any] = {
        "__module__": live.__module__,
        "__doc__": f"Rows of a request opened as {live.__name__}; a temporary table.",
        "Meta": type("Meta", (), {"managed": False, "db_table": db_table, "app_label": app_label or live._meta.app_label, "default_permissions": ()}),
        "leaf_index": models.IntegerField(null=True),
        "op": models.CharField(max_length=6, null=True),
        "base_version": models.IntegerField(null=True),
    }
    if rows:
        attributes |= {"list_name": models.TextField(null=True), "objects": ListManager(rows)}
    kept_by_tree = TREE_COLUMNS if hasattr(live, "_mptt_meta") else frozenset()
    for column in live._meta.concrete_fields:
        if column.name not in kept_by_tree and not column.generated:
            attributes[column.name] = _twin(column, (relations or {}).get(column.name))
    return type(f"Opened{live.__name__}", (models.Model,), attributes)


def _twin(column: Any, replacement: type[models.Model] | None) -> models.Field[Any, Any]:
    if column.is_relation:
        return models.ForeignKey(
            replacement or column.remote_field.model,
            models.DO_NOTHING,
            null=True,
            db_constraint=False,
            db_index=False,
            related_name="+",
            db_column=column.column,
        )
    if column.primary_key:
        return type(column)(primary_key=True) if not isinstance(column, models.AutoField) else models.BigIntegerField(primary_key=True)
    twin = column.clone()
    twin.null, twin._unique, twin.db_index, twin.default = True, False, False, models.NOT_PROVIDED
    twin.db_default = models.NOT_PROVIDED
    return twin
