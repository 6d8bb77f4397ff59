"""What day it is in Viet Nam. SQL's `current_date` runs in UTC and is a day late until 07:00: nobody asks it.

`settings.PINNED_TODAY` pins the *day* for demonstrations and tests, because ages, terms and validity rot as days pass.
The moment is never pinned: what is signed, sealed and audited carries the time at which it truly happened.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def today() -> date:
    """The day in Asia/Ho_Chi_Minh, or the pinned one (`PINNED_TODAY`, as YYYY-MM-DD or a date)."""
    pinned = settings.PINNED_TODAY
    if pinned:
        return pinned if isinstance(pinned, date) else date.fromisoformat(pinned)
    return now().astimezone(ZONE).date()


def now() -> datetime:
    """This moment, aware, in UTC."""
    return timezone.now()


def counted_on(at: datetime) -> date:
    """The day on which what happened at that moment counts: its day in Viet Nam; while the day is pinned, nothing counts on a later one."""
    return min(at.astimezone(ZONE).date(), today())
