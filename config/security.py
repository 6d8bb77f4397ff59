"""The Content-Security-Policy of every page.

Our own pages run one kind of script, files from this server: no inline script, no `eval`, no inline style. The pages
that unfold renders for Django's model forms (code lists, accounts, grants) are the exception: their templates are
written for Alpine's ordinary build, which compiles `x-on:click="..."` expressions with `Function`, and its CSP build
does not understand those expressions. So these pages, which only administrators open, allow `'unsafe-eval'`
and inline styles; nothing else does. Nowhere may a script come from elsewhere or stand in the page itself.
"""

import inspect
from collections.abc import Callable

from django.contrib.admin import ModelAdmin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
MODEL_FORMS = STRICT | {"script-src": "'self' 'unsafe-eval'", "style-src": "'self' 'unsafe-inline'"}

# The pages on which people sign talk to the signing agent on their own machine, on whatever port it has.
SIGNING = STRICT | {"connect-src": "'self' http://127.0.0.1:*"}
SIGNING_PAGES = frozenset({"workflows:request_sign", "accounts:certificate"})


def policy_for(request: HttpRequest) -> dict[str, str]:
    """The directives for the page that answered `request`; an address that resolved to nothing gets the strict ones."""
    match = request.resolver_match
    if match is None:
        return STRICT
    if match.view_name in SIGNING_PAGES:
        return SIGNING
    return MODEL_FORMS if _is_of_a_model(match.func) else STRICT


def _is_of_a_model(view: Callable[..., object]) -> bool:
    """Whether a view is a ModelAdmin's: Django marks its own; those an extension adds are bound methods beneath their wrappers."""
    return hasattr(view, "model_admin") or isinstance(getattr(inspect.unwrap(view), "__self__", None), ModelAdmin)


class ContentSecurityPolicyMiddleware:
    """Adds the header to every response, unless a view has set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        directives = policy_for(request)
        response.headers.setdefault("Content-Security-Policy", "; ".join(f"{name} {value}" for name, value in directives.items()))
        return response


class NoNulMiddleware:
    """Answers 400 to a NUL in a form or an address: PostgreSQL keeps none, nobody types one, and every view would have to think of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> None:
        """Here and not earlier: the check against forged forms has read the form by now. The APIs have an answer of their own."""
        if request.path.startswith("/api/"):
            return
        if any("\0" in text for sent in (request.GET, request.POST) for _name, texts in sent.lists() for text in texts):
            raise BadRequest("a NUL was sent")
