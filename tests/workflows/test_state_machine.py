"""Requests against a model: whatever the order of moves, the gate allows what the model allows and the ledger stays sound."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule, run_state_machine_as_test

from tests.workflows.toy import Note
from workflows.choices import RequestState
from workflows.errors import GateError, OwnRequest, RecordBusy, WrongState
from workflows.models import ChangeRequest, RecordVersion
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve, request_return
from workflows.services.ledger import verify_ledger
from workflows.services.submission import request_submit, request_withdraw

OPEN = {RequestState.IN_REVIEW, RequestState.APPROVED}


def machine(gate):  # noqa: C901 - one class inside a function, so that it may close over the fixture
    class Requests(RuleBasedStateMachine):
        """The model: per request its state and records; per record its version; a record is busy while a request on it is open."""

        requests = Bundle("requests")

        @initialize()
        def begin(self):
            self.keys = [gate.key() for _ in range(3)]
            self.versions = dict.fromkeys(self.keys, 0)
            self.states, self.records, self.bases = {}, {}, {}
            self.counter = 0

        def busy(self):
            return {key for pk, keys in self.records.items() if self.states[pk] in OPEN for key in keys}

        @rule(target=requests, chosen=st.sets(st.integers(0, 2), min_size=1))
        def stage(self, chosen):
            self.counter += 1
            keys = [self.keys[n] for n in sorted(chosen)]
            staged = gate.stage(*(gate.proposal(key, ref=n, count=self.counter) for n, key in enumerate(keys)))
            clean = [key for key in keys if key not in self.busy()]
            assert staged.staged == len(clean)
            if staged.request is None:
                assert not clean
                return multiple()
            pk = staged.request.pk
            self.states[pk], self.records[pk] = RequestState.READY, clean
            self.bases[pk] = {key: self.versions[key] for key in clean}
            return pk

        @rule(pk=requests)
        def submit(self, pk):
            expected = None
            if self.states[pk] != RequestState.READY:
                expected = WrongState
            elif self.busy() & set(self.records[pk]):
                expected = RecordBusy
            self.attempt(expected, pk, RequestState.IN_REVIEW, lambda: request_submit(actor=gate.author, request_id=pk))

        @rule(pk=requests)
        def withdraw(self, pk):
            allowed = self.states[pk] in {RequestState.READY, RequestState.IN_REVIEW, RequestState.RETURNED, RequestState.CONFLICT}
            self.attempt(None if allowed else WrongState, pk, RequestState.WITHDRAWN, lambda: request_withdraw(actor=gate.author, request_id=pk))

        @rule(pk=requests)
        def approve(self, pk):
            allowed = self.states[pk] == RequestState.IN_REVIEW

            def move():
                manifest = manifest_prepare(actor=gate.approver, request_id=pk)
                request_approve(actor=gate.approver, manifest_digest=bytes(manifest.digest), signature=gate.sign(manifest))

            self.attempt(None if allowed else WrongState, pk, RequestState.APPROVED, move)

        @rule(pk=requests)
        def author_decides(self, pk):
            expected = OwnRequest if self.states[pk] == RequestState.IN_REVIEW else WrongState
            self.attempt(expected, pk, None, lambda: manifest_prepare(actor=gate.author, request_id=pk))

        @rule(pk=requests)
        def give_back(self, pk):
            allowed = self.states[pk] == RequestState.IN_REVIEW
            move = lambda: request_return(actor=gate.approver, request_id=pk, reason="Thiếu minh chứng")  # noqa: E731
            self.attempt(None if allowed else WrongState, pk, RequestState.RETURNED, move)

        @rule(pk=requests)
        def apply(self, pk):
            state = self.states[pk]
            fits = [key for key in self.records[pk] if self.bases[pk][key] == self.versions[key]]
            ends = RequestState.APPLIED if fits else RequestState.CONFLICT
            if state in (RequestState.APPLIED, RequestState.CONFLICT):  # a second time changes nothing
                assert request_apply(request_id=pk).state == state
                return
            self.attempt(None if state == RequestState.APPROVED else WrongState, pk, ends, lambda: request_apply(request_id=pk))
            if state == RequestState.APPROVED:
                for key in fits:
                    self.versions[key] += 1

        @rule(pk=consumes(requests))
        def forget(self, pk):
            """Leave a request where it stands, so that runs do not chew on the same one for ever."""

        def attempt(self, expected, pk, to, move):
            if expected is None:
                move()
                self.states[pk] = to
            else:
                with pytest.raises(GateError) as refused:
                    move()
                assert type(refused.value) is expected

        @invariant()
        def database_agrees(self):
            found = dict(ChangeRequest.objects.filter(pk__in=self.states).values_list("pk", "state"))
            assert found == self.states
            for key, version in self.versions.items():
                assert RecordVersion.objects.filter(kind="toy_note", key=key).count() == version
                assert Note.objects.filter(pk=key, version=version).exists() == (version > 0)

        def teardown(self):
            assert verify_ledger().damages == []

    return Requests


def test_every_order_of_moves(gate):
    run_state_machine_as_test(machine(gate), settings=settings(max_examples=6, stateful_step_count=20, deadline=None, derandomize=True))
