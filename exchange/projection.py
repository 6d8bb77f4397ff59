"""The only writer of releases, called by their target inside the applying transaction."""

from __future__ import annotations

from django.db import connection

from exchange.contract import PROFILE_KIND
from exchange.models import OpenedTransferRelease
from exchange.schema import HOLD_CAUSE
from workflows.sqlwrite import ProjectionMismatch, write_records
from workflows.targets import Target

# The file is locked before it is compared: whoever applies a change of it at this moment comes first, or meets the hold.
LOCK = """
select count(*) from (
  select s.id from registry_staffprofile s join opened_transfer_release o on o.person = s.id
  where s.version = o.person_version and encode(s.digest, 'hex') = o.person_digest order by s.id for no key update of s) locked
"""
HOLD = """
insert into workflows_hold(kind, key, cause, text, final)
select %s, o.person, %s, left(o.to_agency_name, 300), false from opened_transfer_release o
"""
OUTGOING = """
insert into exchange_outgoingtransfer(release_id, state, error_code, error_text, reason, wish, wish_reason)
select o.id, 'released', '', '', '', '', '' from opened_transfer_release o
"""


def write_releases(one: Target) -> None:
    """Bring releases to what was opened, hold the files, and put each on its way. Raises workflows.sqlwrite.ProjectionMismatch."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        locked = cursor.fetchone()[0]
        released = OpenedTransferRelease.objects.count()
        if locked != released:
            raise ProjectionMismatch(f"{released - locked} of {released} released files changed at this very moment")
        write_records(one)
        cursor.execute(HOLD, [PROFILE_KIND, HOLD_CAUSE])
        cursor.execute(OUTGOING)
