"""Step-up: what weighs most is done only shortly after proving again who one is.

Somebody who sits down at an open screen has the session, but neither password nor second factor. Signing, giving rights and changing what
protects an account ask for them anew when the last proof is older than STEP_UP_MINUTES. `accounts` tells of each proof; a view asks with
`require_proof`, after its own question whether the person may be here at all.
"""

from __future__ import annotations

import time

from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest

_PROVED_AT = "proved_at"


def prove(request: HttpRequest, *, at: float | None = None) -> None:
    """The person behind `request` has just proved who they are, or did so at the moment `at` (seconds of the epoch)."""
    request.session[_PROVED_AT] = time.time() if at is None else at


def is_proved(request: HttpRequest) -> bool:
    """Whether that was within the last STEP_UP_MINUTES."""
    return 0 <= time.time() - request.session.get(_PROVED_AT, 0) < settings.STEP_UP_MINUTES * 60


def require_proof(request: HttpRequest) -> None:
    """Raises ReauthenticationRequired unless it was: the middleware asks the person, and afterwards goes on with this very request."""
    if not is_proved(request):
        raise ReauthenticationRequired
