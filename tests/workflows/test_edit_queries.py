"""What one edit costs the gate: at most 20 queries a service call, whatever there is to say about it and whichever lists it touches."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from workflows.choices import ItemState
from workflows.models import ChangeItem
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.submission import request_submit

MOST = 20


def test_no_call_of_one_edit_asks_more_than_twenty_queries(gate):
    # given a record that was changed twice this month, so that a remark is made, and has a line that goes and one that comes
    key = gate.key()
    for count in range(3):
        gate.applied(gate.proposal(key, count=count, lines=[{"text": f"dòng {count}"}]))
    asked = {}

    def call(name, work):
        with CaptureQueriesContext(connection) as captured:
            result = work()
        asked[name] = sum(not one["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for one in captured)
        return result

    # when
    staged = call("stage", lambda: gate.stage(gate.proposal(key, count=9, lines=[{"text": "khác"}])))
    request = call("submit", lambda: request_submit(actor=gate.author, request_id=staged.request.pk))
    manifest = call("manifest", lambda: manifest_prepare(actor=gate.approver, request_id=request.pk))
    signature = gate.sign(manifest)
    call("approve", lambda: request_approve(actor=gate.approver, manifest_digest=bytes(manifest.digest), signature=signature))
    call("apply", lambda: request_apply(request_id=request.pk))
    # then
    assert [one.code for one in staged.remarks] == ["CHANGED_OFTEN"]
    assert ChangeItem.objects.get(request=request).state == ItemState.APPLIED
    assert {name: count for name, count in asked.items() if count > MOST} == {}
