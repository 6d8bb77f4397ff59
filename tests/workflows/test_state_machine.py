"""Requests against a model: whatever the order of moves, the gate allows what the model allows and the ledger stays sound."""

from datetime import date, timedelta

import pytest
from django.conf import settings as django_settings
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule, run_state_machine_as_test

from tests.databases import TODAY
from tests.workflows.toy import Note
from workflows.choices import RequestState
from workflows.errors import GateError, NotAllowed, OwnRequest, RecordBusy, WrongState
from workflows.models import ChangeRequest, Decision, RecordVersion, Route
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve, request_return
from workflows.services.deadlines import working_days_after
from workflows.services.ending import request_recall, reviews_expire
from workflows.services.ledger import verify_ledger
from workflows.services.submission import request_submit, request_withdraw

OPEN = {RequestState.IN_REVIEW, RequestState.APPROVED, RequestState.SCHEDULED}
LASTS = 3  # working days of a review


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
            self.effective, self.expires = {}, {}
            self.day = date(2026, 11, 2)
            django_settings.PINNED_TODAY = self.day
            Route.objects.filter(active=True).update(lasts=LASTS)

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

        @rule(pk=requests, later=st.sampled_from([None, 0, 2]))
        def submit(self, pk, later):
            expected = None
            if self.states[pk] != RequestState.READY:
                expected = WrongState
            elif self.busy() & set(self.records[pk]):
                expected = RecordBusy
            effective = None if later is None else self.day + timedelta(days=later)
            move = lambda: request_submit(actor=gate.author, request_id=pk, effective_on=effective)  # noqa: E731
            self.attempt(expected, pk, RequestState.IN_REVIEW, move)
            if expected is None:
                self.effective[pk], self.expires[pk] = effective or self.day, working_days_after(self.day, LASTS)

        @rule()
        def next_day(self):
            """A day passes, and the sweep ends the reviews that nobody finished."""
            self.day += timedelta(days=1)
            django_settings.PINNED_TODAY = self.day
            late = [pk for pk, state in self.states.items() if state == RequestState.IN_REVIEW and self.expires[pk] < self.day]
            assert reviews_expire() >= len(late)  # earlier runs left some as well
            self.states |= dict.fromkeys(late, RequestState.EXPIRED)

        @rule(pk=requests, by_author=st.booleans())
        def recall(self, pk, by_author):
            allowed = self.states[pk] in {RequestState.APPROVED, RequestState.SCHEDULED}
            actor = gate.author if by_author else gate.approver
            approved = Decision.objects.filter(stage__request=pk, user=actor, verdict="approve").exists()
            expected = None if allowed else WrongState if by_author or approved else NotAllowed
            self.attempt(expected, pk, RequestState.RECALLED, lambda: request_recall(actor=actor, request_id=pk, reason="Nhầm"))

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

            ends = RequestState.SCHEDULED if allowed and self.effective[pk] > self.day else RequestState.APPROVED
            self.attempt(None if allowed else WrongState, pk, ends, move)

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
            if state in (RequestState.APPLIED, RequestState.CONFLICT, RequestState.RECALLED):  # a second time changes nothing
                assert request_apply(request_id=pk).state == state
                return
            due = state in (RequestState.APPROVED, RequestState.SCHEDULED) and self.effective[pk] <= self.day
            self.attempt(None if due else WrongState, pk, ends, lambda: request_apply(request_id=pk))
            if due:
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
            django_settings.PINNED_TODAY = TODAY

    return Requests


def test_every_order_of_moves(gate):
    run_state_machine_as_test(machine(gate), settings=settings(max_examples=8, stateful_step_count=25, deadline=None, derandomize=True))
