"""How our own pages are answered: to people who are signed in, never cached, inside the admin's shell.

This is the one place that knows the admin site; views stay thin. It stands on the ground floor because every app has views.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.views.decorators.cache import never_cache

from orgtree import scope

View = Callable[..., HttpResponse]


def page_view(view: View) -> View:
    """A view for signed-in people. What they may see in it is the view's own question to `orgtree.scope`."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # A page that is only read asks for one reader's grants a dozen times; one query answers them all.
        with scope.remembered() if request.method in ("GET", "HEAD") else nullcontext():
            return view(request, *args, **kwargs)

    return never_cache(_at_the_door(answered))


def _at_the_door(view: View) -> View:
    """Who is not signed in is led to the door; a part of a page that asks is only told so, and says it itself."""
    led = login_required(view)

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated and request.headers.get("HX-Request"):
            return HttpResponse(status=401)
        return led(request, *args, **kwargs)

    return asked


def page(request: HttpRequest, template: str, title: str | Promise, *, status: int = 200, **context: Any) -> TemplateResponse:
    """`template` (which extends hoso/page.html) inside the shell."""
    request.current_app = admin.site.name  # type: ignore[attr-defined]
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context}, status=status)
