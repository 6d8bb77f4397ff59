"""Columns and lookups that PostgreSQL computes with the functions of the first migrations."""

from django.db import models
from django.db.models import F, Func, Transform


@models.CharField.register_lookup
@models.TextField.register_lookup
class Plain(Transform):
    """`column__plain`: the text without accents and case (text.plain), as `title__plain__contains=plain(asked)`."""

    lookup_name = "plain"
    function = "public.hoso_plain"
    output_field = models.TextField()


def plain_column(source: str) -> models.GeneratedField:
    """Accent-free lower-case text of `source`, for searching (text.plain)."""
    return models.GeneratedField(expression=Func(F(source), function="public.hoso_plain"), output_field=models.TextField(), db_persist=True)


def sort_column(source: str) -> models.GeneratedField:
    """Key that puts `source` in Vietnamese order by bytes, on any machine's locale (text.sort_key)."""
    return models.GeneratedField(
        expression=Func(F(source), function="public.hoso_sort_key"), output_field=models.TextField(db_collation="C"), db_persist=True
    )
