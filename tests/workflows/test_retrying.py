"""What did not become true is tried once more, with what others changed meanwhile."""

import pytest
from django.test import Client
from django.urls import reverse

from orgtree.models import User
from tests.workflows.toy import Note
from workflows import tasks
from workflows.choices import Act, ItemState, JobState, RequestState
from workflows.errors import NothingToRetry, OwnRequest
from workflows.models import ChangeRequest
from workflows.selectors.deciding import may_decide
from workflows.selectors.retrying import moved_items, retriable
from workflows.services.approval import request_return
from workflows.services.retrying import request_retry, retry_queue
from workflows.services.staging import request_stage
from workflows.services.submission import request_submit, request_withdraw


def returned(gate, *proposals):
    request = gate.submitted(*proposals)
    return request_return(actor=gate.approver, request_id=request.pk, reason="Thiếu quyết định kèm theo")


def client(user) -> Client:
    one = Client()
    one.force_login(user)
    return one


def test_a_returned_request_needs_no_second_typing(gate):
    # given
    key = gate.key()
    before = returned(gate, gate.proposal(key, name="Lần đầu", lines=[{"text": "một"}]))
    # when
    staged = request_retry(actor=gate.author, request_id=before.pk)
    # then
    assert staged.request.follows == before
    assert staged.request.state == RequestState.READY
    request_submit(actor=gate.author, request_id=staged.request.pk)
    gate.approve(staged.request)
    tasks.request_apply(request_id=staged.request.pk)
    assert Note.objects.get(pk=key).name == "Lần đầu"
    assert list(Note.objects.get(pk=key).lines.values_list("text", flat=True)) == ["một"]


def overtaken(gate):
    """A returned change of two fields and a list, whose record somebody changed in one of them and in another row since."""
    key = gate.key()
    gate.applied(gate.proposal(key, name="Gốc", code=None, count=1, lines=[{"text": "một"}]))
    mine = returned(gate, gate.proposal(key, name="Của tôi", count=2, lines=[{"text": "một"}, {"text": "hai"}]))
    gate.applied(gate.proposal(key, name="Người khác", urgent=True, lines=[{"text": "một"}, {"text": "ba"}]))
    return key, mine


@pytest.mark.parametrize(
    ("choices", "otherwise", "name"), [({}, "now", "Người khác"), ({}, "mine", "Của tôi"), ({0: {"name": "mine"}}, "now", "Của tôi")]
)
def test_a_clash_goes_as_its_author_says_and_the_rest_of_both_stands(gate, choices, otherwise, name):
    # given
    key, before = overtaken(gate)
    # when
    staged = request_retry(actor=gate.author, request_id=before.pk, choices=choices, otherwise=otherwise)
    request_submit(actor=gate.author, request_id=staged.request.pk)
    gate.approve(staged.request)
    tasks.request_apply(request_id=staged.request.pk)
    # then
    note = Note.objects.get(pk=key)
    assert (note.name, note.count, note.urgent) == (name, 2, True)
    assert sorted(note.lines.values_list("text", flat=True)) == ["ba", "hai", "một"]


def test_the_page_shows_three_columns_and_the_choice_is_the_authors(gate):
    # given
    _key, before = overtaken(gate)
    address = reverse("workflows:request_retry", args=[before.pk])
    # when
    page = client(gate.author).get(address)
    # then
    (moved,), total = page.context["moved"], page.context["moved_total"]
    (clash,) = moved.clashes
    assert (total, clash.was, clash.mine, clash.now) == (1, ["Gốc"], ["Của tôi"], ["Người khác"])
    assert moved.carried == ["count", "lines"]
    # and
    answer = client(gate.author).post(address, {"clash-0-name": "mine"})
    after = ChangeRequest.objects.get(follows=before)
    assert answer.url == reverse("workflows:request_detail", args=[after.pk])
    assert after.items.get().changed == ["count", "lines", "name"]
    assert "clash" not in client(gate.author).get(reverse("workflows:request_detail", args=[before.pk])).content.decode()


def test_what_a_record_says_now_is_not_shown_to_who_may_no_longer_edit_it(gate):
    # given
    _key, before = overtaken(gate)
    items = retriable(user=gate.author, request=before)
    stranger = User.objects.create_user("stranger-retry")
    # then
    assert len(moved_items(items, user=gate.author)[0]) == 1
    assert moved_items(items, user=stranger) == ([], 1)


def test_only_the_author_and_only_what_has_ended(gate):
    open_ = gate.submitted(gate.proposal())
    ended = returned(gate, gate.proposal())
    for actor, request in ((gate.author, open_), (gate.approver, ended), (gate.author, gate.applied(gate.proposal()))):
        with pytest.raises(NothingToRetry):
            request_retry(actor=actor, request_id=request.pk)
    answer = client(gate.approver).get(reverse("workflows:request_retry", args=[ended.pk]))
    assert answer.url == reverse("workflows:request_detail", args=[ended.pk])
    request_withdraw(actor=gate.author, request_id=open_.pk)


def test_who_had_a_part_in_the_first_has_one_in_the_second(gate):
    helper = User.objects.create_user("helper-retry")
    staged = request_stage(
        actor=gate.author, unit=gate.unit, title="Có người sửa giúp", proposals=[gate.proposal()], contributors={"repairer": [gate.approver, helper]}
    )
    request_withdraw(actor=gate.author, request_id=staged.request.pk)
    again = request_retry(actor=gate.author, request_id=staged.request.pk).request
    assert {(one.user.username, one.part) for one in again.contributions.all()} == {
        (gate.author.username, "author"),
        (gate.approver.username, "repairer"),
        ("helper-retry", "repairer"),
    }
    request_submit(actor=gate.author, request_id=again.pk)
    with pytest.raises(OwnRequest):
        may_decide(actor=gate.approver, request=ChangeRequest.objects.get(pk=again.pk))


def test_what_act_it_was_and_why_goes_along(gate):
    staged = request_stage(
        actor=gate.author, unit=gate.unit, title="Đính chính", proposals=[gate.proposal()], act=Act.CORRECT, reason="Ghi nhầm so với quyết định"
    )
    request_withdraw(actor=gate.author, request_id=staged.request.pk)
    again = request_retry(actor=gate.author, request_id=staged.request.pk).request
    assert (again.act, again.reason, again.title) == (Act.CORRECT, "Ghi nhầm so với quyết định", "Đính chính")


def test_rows_that_the_approver_left_out_come_alone(gate):
    # given
    keys = [gate.key() for _ in range(3)]
    request = gate.submitted(*(gate.proposal(key, ref=place) for place, key in enumerate(keys)))
    gate.approve(request, excluded=[1])
    tasks.request_apply(request_id=request.pk)
    # when
    again = request_retry(actor=gate.author, request_id=request.pk)
    # then
    assert [item.key for item in again.request.items.all()] == [keys[1]]
    assert retriable(user=gate.author, request=ChangeRequest.objects.get(pk=request.pk)).get().state == ItemState.EXCLUDED


def test_a_record_that_already_says_so_is_left_alone(gate):
    key = gate.key()
    before = returned(gate, gate.proposal(key, name="Như nhau"))
    gate.applied(gate.proposal(key, name="Như nhau"))
    staged = request_retry(actor=gate.author, request_id=before.pk)
    assert (staged.request, list(staged.unchanged)) == (None, [0])
    answer = client(gate.author).post(reverse("workflows:request_retry", args=[before.pk]))
    assert answer.status_code == 409


def test_a_worker_killed_after_it_made_the_request_makes_no_second_one(gate):
    # given
    before = returned(gate, *(gate.proposal(ref=place) for place in range(3)))
    job = retry_queue(actor=gate.author, request=before, otherwise="now")
    # when
    tasks.retry(str(job.pk), str(before.pk), "now")
    type(job).objects.filter(pk=job.pk).update(state=JobState.RUNNING)  # killed before it could say that it was done
    tasks.retry(str(job.pk), str(before.pk), "now")
    # then
    job.refresh_from_db()
    assert (job.state, before.followers.count()) == (JobState.DONE, 1)


def test_only_records_that_moved_are_opened(gate, django_assert_max_num_queries):
    _key, before = overtaken(gate)
    with django_assert_max_num_queries(7):
        moved, total = moved_items(retriable(user=gate.author, request=before), user=gate.author)
    assert (total, moved[0].base_version, moved[0].version) == (1, 1, 2)
