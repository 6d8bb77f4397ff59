"""Tables partitioned by the month of Viet Nam: months to come are made, those that are over are counted and hashed, and dropped whole.

The months are those of the clock on the wall: such a table's time is the database's, also where the day is pinned for a demonstration.
Which month may go, and what is written down of it, is the business of each table's own service; here is the SQL, once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction

from orgtree import clock
from orgtree.locks import Lock, advisory_lock

KEPT = "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = %s::regclass"


@dataclass(frozen=True)
class MonthFigures:
    """How many rows a month has, and the SHA-256 over them in the order of their ids, as hex."""

    count: int
    digest: str


@dataclass(frozen=True)
class MonthlyTable:
    """One such table: its name, its function that makes a month (true when it was not there), how many months are made before they begin,
    the lock under which months are made and dropped, and the columns that are hashed.
    """

    name: str
    make: str
    ahead: int
    lock: Lock
    columns: str

    def prepare(self) -> int:
        """Make this month and those to come where they are missing; returns how many were made."""
        with transaction.atomic(), connection.cursor() as cursor:
            advisory_lock(self.lock)
            cursor.execute(
                f"select count(*) filter (where public.{self.make}((date_trunc('month', now() at time zone 'Asia/Ho_Chi_Minh') "
                "+ make_interval(months => ahead))::date)) from generate_series(0, %s) ahead",
                [self.ahead],
            )
            return int(cursor.fetchone()[0])

    def kept(self) -> list[date]:
        """The first days of the months that there are, oldest first."""
        with connection.cursor() as cursor:
            cursor.execute(KEPT, [f"public.{self.name}"])
            names = [name.removeprefix(f"{self.name}_") for (name,) in cursor.fetchall()]
        return sorted(date(int(name[:4]), int(name[4:]), 1) for name in names)

    def older(self, months: int) -> list[date]:
        """Those of more than so many whole months ago, oldest first."""
        return [month for month in self.kept() if months_between(month, this_month()) > months]

    def part(self, month: date) -> str:
        """The partition's name, with its schema."""
        return f"public.{self.name}_{month:%Y%m}"

    def figures(self, month: date) -> MonthFigures:
        """Streams the month through the hash, one row a line as COPY writes it, times in UTC."""
        hashed, count = hashlib.sha256(), 0
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set local timezone = 'UTC'")
            with cursor.copy(f"copy (select {self.columns} from {self.part(month)} order by id) to stdout") as rows:
                for row in rows:
                    hashed.update(row)
                    count += bytes(row).count(b"\n")
        return MonthFigures(count, hashed.hexdigest())

    def drop(self, month: date) -> None:
        """Take the month away. The caller holds `lock`, and has written down what went, in the same transaction."""
        with connection.cursor() as cursor:
            cursor.execute(f"drop table {self.part(month)}")


def this_month() -> date:
    return clock.now().astimezone(clock.ZONE).date().replace(day=1)


def months_between(early: date, late: date) -> int:
    """Whole months from the month of one day to that of another."""
    return (late.year - early.year) * 12 + late.month - early.month
