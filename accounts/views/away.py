"""The end of a session that nobody uses: the page says that somebody is still there, or leaves."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.presence import Over
from orgtree.pages import page_view


@page_view
@require_GET
def here(request: HttpRequest) -> HttpResponse:
    """Somebody types or reads; the middleware has noted it by now."""
    return HttpResponse("")


@never_cache
@require_POST
def away(request: HttpRequest) -> HttpResponse:
    """The page's own clock has run out, with the address to come back to in the field `next`."""
    return session_over(request, "idle", back=request.POST.get("next", ""))


def session_over(request: HttpRequest, why: Over, *, back: str = "") -> HttpResponse:
    """Log out, and lead to the door, which says why and afterwards leads back to where one was."""
    next_page = back or _where_one_was(request)
    if request.user.is_authenticated:
        request.logged_out_why = why  # type: ignore[attr-defined]
        logout(request)
    query = {"over": why}
    if url_has_allowed_host_and_scheme(next_page, allowed_hosts=None) and next_page.startswith("/"):
        query["next"] = next_page
    door = f"{reverse('account_login')}?{urlencode(query)}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": door})
    return HttpResponseRedirect(door)


def _where_one_was(request: HttpRequest) -> str:
    """The page itself, or for what is not one (a posted form, a part of a page) the page that it came from."""
    part = request.headers.get("X-Requested-With") or request.headers.get("HX-Request")
    if request.method == "GET" and not part:
        return request.get_full_path()
    came = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "")
    same = came.netloc == request.get_host()
    return came._replace(scheme="", netloc="").geturl() if same else settings.LOGIN_REDIRECT_URL.__str__()
