"""`make bench-gate`: a request of 100,000 files through the gate, one edit, and tampers found, on servers of the bench's own.

Beside ours stands the limit: a plain COPY of the same columns into an unlogged table with the same indexes and nothing else.
The last line is FIGURES {json}. ITEMS=, TAMPERS= choose smaller runs.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from bench.servers import bench_servers

ITEMS = int(os.environ.get("ITEMS", "100000"))
TAMPERS = int(os.environ.get("TAMPERS", "10000"))
EDITS = 15


def main() -> None:
    with bench_servers():
        figures = {"items": ITEMS, **batch(), **edits()}
        figures |= ledger() | tampers()
    print("FIGURES " + json.dumps(figures))


def timed(say: str, work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begin
    print(f"{say:<58}{seconds:9.2f} s", flush=True)
    return seconds, result


def files(count: int) -> Iterator[Any]:
    """Proposals of new people, with numbers of their own."""
    from config.demo.people import people
    from workflows.services.staging import Proposal

    keys = random.Random(77)  # as the product makes them: random. Keys of one prefix spoil the exclusion constraints' GiST index
    for number, person in enumerate(people(count=count, seed=77)):
        document = {name: value for name, value in person.document.items() if name != "schema"}
        unique = f"{(int(document['citizen_id'][6:]) + 500_000) % 1_000_000:06d}"
        document |= {"citizen_id": document["citizen_id"][:6] + unique, "staff_number": f"B{number}"}
        yield Proposal(kind="staff_profile", key=uuid.UUID(int=keys.getrandbits(128), version=4), patch=document, ref=number)


def batch() -> dict[str, Any]:
    """Stage, submit, prepare the manifest with every proof, approve, apply, and open the page of the whole request."""
    from django.conf import settings

    from config.demo.seed import PIN
    from orgtree.models import OrgUnit, User
    from signing_agent.sign import sign_manifest
    from workflows.services.applying import request_apply
    from workflows.services.approval import manifest_prepare, request_approve
    from workflows.services.ledger import batch_proofs
    from workflows.services.staging import request_stage
    from workflows.services.submission import request_submit

    author, approver = User.objects.get(username="hoa"), User.objects.get(username="minh")
    root = OrgUnit.objects.get(parent=None)
    proposals = list(files(ITEMS))
    stage_s, staged = timed(f"stage and check {ITEMS:,} files", lambda: request_stage(actor=author, unit=root, title="Bench", proposals=proposals))
    if staged.returned:
        sys.exit(f"the generator made {len(staged.returned)} files that the rules refuse")
    request = staged.request
    submit_s, request = timed("submit: leaves and root frozen", lambda: request_submit(actor=author, request_id=request.pk))
    prepare_s, manifest = timed("manifest", lambda: manifest_prepare(actor=approver, request_id=request.pk))
    proofs_s, _ = timed("all proofs", lambda: batch_proofs(request, range(request.count)))
    p12 = (settings.VAR_DIRECTORY / "pki" / "minh.p12").read_bytes()
    signature = sign_manifest(p12=p12, pin=PIN, manifest=bytes(manifest.body))
    timed("verify the signature, approve", lambda: request_approve(actor=approver, manifest_digest=bytes(manifest.digest), signature=signature))
    apply_s, request = timed("apply, one transaction", lambda: request_apply(request_id=request.pk))
    copy_s, _ = timed("limit: COPY into one indexed table, nothing else", lambda: plain_copy(request))
    return {
        "stage_s": round(stage_s, 1),
        "manifest_s": round(submit_s + prepare_s + proofs_s, 2),
        "apply_s": round(apply_s, 1),
        "copy_indexed_s": round(copy_s, 2),
        "page_ms": page(approver, request),
    }


def plain_copy(request: Any) -> None:
    """The same columns, streamed out of the live table and into a copy of it with its indexes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("drop table if exists bench_copy")
        cursor.execute("create unlogged table bench_copy (like registry_staffprofile including all)")
        cursor.execute(
            "select string_agg(quote_ident(attname), ', ') from pg_attribute "
            "where attrelid = 'registry_staffprofile'::regclass and attnum > 0 and not attisdropped and attgenerated = ''"
        )
        (columns,) = cursor.fetchone()
        with cursor.copy(f"copy (select {columns} from registry_staffprofile) to stdout") as out:
            body = [bytes(part) for part in out]
        with cursor.copy(f"copy bench_copy({columns}) from stdin") as into:
            for part in body:
                into.write(part)
        cursor.execute("drop table bench_copy")


def page(user: Any, request: Any) -> float:
    """Median milliseconds of opening the request's page, through the whole of Django."""
    from django.test import Client
    from django.urls import reverse

    client = Client()
    client.force_login(user)
    address = reverse("workflows:request_detail", args=[request.pk])
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        answer = client.get(address)
        times.append((time.perf_counter() - begin) * 1000)
        if answer.status_code != 200:
            sys.exit(f"the page answered {answer.status_code}")
    print(f"{'page of the request, median of 7':<58}{statistics.median(times):9.0f} ms")
    return round(statistics.median(times))


def edits() -> dict[str, Any]:
    """One person's phone number, submit to applied: queries and milliseconds of the heaviest service call."""
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from config.demo.seed import PIN
    from orgtree.models import OrgUnit, User
    from registry.models import StaffProfile
    from signing_agent.sign import sign_manifest
    from workflows.services.applying import request_apply
    from workflows.services.approval import manifest_prepare, request_approve
    from workflows.services.staging import Proposal, request_stage
    from workflows.services.submission import request_submit

    author, approver = User.objects.get(username="hoa"), User.objects.get(username="minh")
    root = OrgUnit.objects.get(parent=None)
    p12 = (settings.VAR_DIRECTORY / "pki" / "minh.p12").read_bytes()
    seconds: dict[str, list[float]] = {}
    queries: dict[str, int] = {}

    def call(name: str, work: Callable[[], Any]) -> Any:
        with CaptureQueriesContext(connection) as captured:
            begin = time.perf_counter()
            result = work()
            seconds.setdefault(name, []).append(time.perf_counter() - begin)
        queries[name] = sum(not one["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for one in captured)
        return result

    for number, person in enumerate(StaffProfile.objects.order_by("pk")[:EDITS]):
        proposal = Proposal(kind="staff_profile", key=person.pk, patch={"phone": f"09{number:08d}"})
        staged = call("stage", lambda: request_stage(actor=author, unit=root, title="Sửa", proposals=[proposal]))  # noqa: B023 - called at once
        pk = staged.request.pk
        call("submit", lambda: request_submit(actor=author, request_id=pk))  # noqa: B023
        manifest = call("manifest", lambda: manifest_prepare(actor=approver, request_id=pk))  # noqa: B023
        signature = sign_manifest(p12=p12, pin=PIN, manifest=bytes(manifest.body))
        call("approve", lambda: request_approve(actor=approver, manifest_digest=bytes(manifest.digest), signature=signature))  # noqa: B023
        call("apply", lambda: request_apply(request_id=pk))  # noqa: B023
    for name, times in seconds.items():
        print(f"{'one edit: ' + name:<58}{statistics.median(times) * 1000:9.0f} ms, {queries[name]} queries")
    return {"edit_queries": max(queries.values()), "edit_ms": round(max(statistics.median(times) for times in seconds.values()) * 1000)}


def ledger() -> dict[str, Any]:
    """Versions a second: of the ledger by itself, with the live tables, and with every signature besides; and one bundle checked offline."""
    from django.conf import settings

    from tools.verify_evidence import verify
    from workflows.models import RecordVersion
    from workflows.services.audit_seals import audit_seal
    from workflows.services.evidence import evidence_bundle
    from workflows.services.ledger import verify_ledger

    audit_seal()
    speeds: dict[str, int] = {}
    parts = {
        "verify_versions_per_s": {"signatures": False, "live": False},
        "verify_live_versions_per_s": {"signatures": False},
        "verify_all_versions_per_s": {},
    }
    for name, asked in parts.items():
        without = " and ".join(("live tables" if part == "live" else part) for part in asked)
        seconds, outcome = timed(f"verify_ledger{', without ' + without if without else ''}", partial(verify_ledger, **asked))
        if not outcome.ok:
            sys.exit(f"the ledger is not sound: {outcome.damages[:3]}")
        speeds[name] = round(outcome.versions / seconds)
    version = RecordVersion.objects.order_by("-request__count", "leaf_index").first()
    path = settings.VAR_DIRECTORY / "evidence.zip"
    path.write_bytes(evidence_bundle(version))
    times = []
    for _ in range(9):
        begin = time.perf_counter()
        verify(path, settings.TRUST_DIRECTORY / "root.pem")
        times.append((time.perf_counter() - begin) * 1000)
    print(f"{'one evidence checked offline, median of 9':<58}{statistics.median(times):9.1f} ms")
    return {**speeds, "bundle_verify_ms": round(statistics.median(times), 1)}


# By a superuser with triggers off: what is edited, on whom, and the place that verify_ledger must name for it.
EDITS_BY_SUPERUSER = {
    "live": (
        "update registry_staffprofile set phone = '0000000000' where id = any(%s)",
        "select id, 'staff_profile ' || id from registry_staffprofile",
    ),
    "row": (
        "update registry_posting set title = title || '?' where staff_id = any(%s)",
        "select id, 'staff_profile ' || id from registry_staffprofile",
    ),
    "version": (
        "update workflows_recordversion set leaf_index = leaf_index + 1000000 where id = any(%s)",
        "select id, kind || ' ' || key || ' version ' || version from workflows_recordversion",
    ),
    "removed": (
        "delete from workflows_recordversion where id = any(%s)",
        "select id, kind || ' ' || key || ' version ' || version from workflows_recordversion",
    ),
    "document": (
        "update workflows_storeddocument set body = body || ' ' where digest = any(%s)",
        "select digest, 'document ' || encode(digest, 'hex') from workflows_storeddocument",
    ),
    "audit": ("update workflows_auditevent set action = 'x' where id = any(%s)", "select id, 'audit event ' || id from workflows_auditevent"),
    "signature": (
        "update workflows_signature set fingerprint = 'x' where digest = any(%s)",
        "select g.digest, 'request ' || m.request_id from workflows_signature g join workflows_manifest m on m.digest = g.manifest_id",
    ),
    "decision": (
        "update workflows_decision set manifest_id = (select digest from workflows_manifest limit 1) where id = any(%s)",
        "select d.id, 'request ' || s.request_id from workflows_decision d join workflows_stage s on s.id = d.stage_id "
        "where d.manifest_id <> (select digest from workflows_manifest limit 1)",
    ),
}


def tampers() -> dict[str, int]:
    """Tamper at random as a superuser, in rounds small enough that places do not hide each other; each place must be named."""
    from django.db import connection, transaction

    from workflows.services.ledger import verify_ledger

    chance = random.Random(2026)
    done = found = 0
    kinds = list(EDITS_BY_SUPERUSER)
    while done < TAMPERS:
        share = min(TAMPERS - done, max(TAMPERS // 4, len(kinds)))
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("set local session_replication_role = replica")
                cursor.execute("alter table workflows_storeddocument drop constraint if exists document_digest_is_of_body")
                wanted: set[str] = set()
                for number, kind in enumerate(kinds):
                    statement, places = EDITS_BY_SUPERUSER[kind]
                    cursor.execute(places)
                    rows = [row for row in cursor.fetchall() if row[1] not in wanted]
                    few = share // len(kinds) + (number < share % len(kinds))
                    picked = chance.sample(rows, min(few, len(rows)))
                    cursor.execute(statement, [[row[0] for row in picked]])
                    wanted |= {row[1] for row in picked}
            named = {damage.place for damage in verify_ledger().damages}
            done, found = done + len(wanted), found + len(wanted & named)
            transaction.set_rollback(True)
        print(f"{'tampers found':<58}{found:>9,} of {done:,}", flush=True)
    return {"tampers": done, "found": found}


if __name__ == "__main__":
    main()
