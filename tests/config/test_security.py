"""The Content-Security-Policy: strict on our pages, wider only where it is said and why."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from config.security import ContentSecurityPolicyMiddleware
from tests.factories import superuser_make, user_make
from tests.pages import Office
from workflows.services.approval import manifest_prepare

pytestmark = pytest.mark.django_db
HEADER = "Content-Security-Policy"


def directives(answer: HttpResponse) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition(" ") for part in answer[HEADER].split("; "))}


@pytest.mark.parametrize("address", ["/", "/staff/", "/units/", "/requests/", "/login/", "/nowhere/", "/health"])
def test_our_pages_run_files_of_this_server_alone(client, address):
    # given
    client.force_login(user_make("an"))
    # when
    policy = directives(client.get(address))
    # then
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


@pytest.mark.parametrize("name", ["admin:orgtree_user_changelist", "admin:registry_staffprofile_export", "admin:registry_rankcode_add"])
def test_model_forms_may_evaluate_since_alpine_does(client, name):
    # given
    client.force_login(superuser_make("quantri"))
    # when
    policy = directives(client.get(reverse(name)))
    # then
    assert policy["script-src"] == "'self' 'unsafe-eval'"
    assert policy["default-src"] == "'none'"


def test_only_the_signing_page_may_call_the_agent_on_this_machine():
    # given
    office = Office.open()
    request = office.submitted(office.document())
    manifest = manifest_prepare(actor=office.users["supervisor"], request_id=request.pk)
    client = office.client("supervisor")
    # when
    signing = directives(client.get(reverse("workflows:request_sign", args=[request.pk, manifest.digest])))
    beside = directives(client.get(reverse("workflows:request_detail", args=[request.pk])))
    # then
    assert signing["connect-src"] == "'self' http://127.0.0.1:*"
    assert beside["connect-src"] == "'self'"


def test_a_view_that_says_its_own_policy_keeps_it(rf):
    # given
    def view(request):
        return HttpResponse(headers={HEADER: "sandbox"})

    request = rf.get("/")
    request.resolver_match = None
    # when, then
    assert ContentSecurityPolicyMiddleware(view)(request)[HEADER] == "sandbox"


def test_no_form_is_taken_without_its_token():
    # given
    user = user_make("an")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    posts = ["set_language", "admin:logout", "admin:password_change", "registry:upload_new"]
    # when
    statuses = {name: client.post(reverse(name)).status_code for name in posts}
    # then
    assert set(statuses.values()) == {403}, statuses


def test_no_page_of_ours_is_exempt_from_the_token():
    """Programs call the APIs with a bearer token, and fetch it with their own secret: no browser sends those by itself."""
    from django.urls import get_resolver

    def views(resolver):
        for one in resolver.url_patterns:
            if hasattr(one, "url_patterns"):
                if one.namespace not in ("hub-api", "shared-api"):
                    yield from views(one)
            elif one.name != "token":
                yield one

    exempt = [str(one.pattern) for one in views(get_resolver()) if getattr(one.callback, "csrf_exempt", False)]
    assert exempt == []
    assert csrf_exempt(lambda request: None).csrf_exempt  # what is looked for is what Django sets
