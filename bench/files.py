"""`make bench-files`: 200,000 files; one file's page, and people found by name, on servers of the bench's own.

The files are made by the demo's generator and written past the gate: documents and ledger by SQL, live tables by the target's own
projection, with the walls off as only a superuser can. For a bench of reading that is fine; what the gate costs is `make bench-gate`.
Pages are asked for through the whole of Django, as a signed-in officer who may view the whole province.

A search counts as having found somebody when the answer lists a person of that very name, or offers the name. Names are asked for
without accents; with the tone on the other vowel (Hoà, Hòa) and decomposed; and with one slip of the fingers.
The last line is FIGURES {json}. ITEMS= and ASKED= choose smaller runs.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from itertools import islice
from string import ascii_lowercase
from typing import Any

from bench.servers import bench_servers

ITEMS = int(os.environ.get("ITEMS", "200000"))
ASKED = int(os.environ.get("ASKED", "300"))  # names of each way of writing, and pages
CHUNK = 10_000
AIMS = {"file_page_p95_ms": 150, "search_p95_ms": 120, "search_recall": 0.99, "max_queries": 12}
OTHER_PLACE = {
    unicodedata.normalize("NFC", first + tone + second): unicodedata.normalize("NFC", first + second + tone)
    for first, second in (("o", "a"), ("o", "e"), ("u", "y"))
    for tone in "\u0300\u0301\u0309\u0303\u0323"
}
SOURCE = (
    "select * from unnest(%s::int[], %s::text[], %s::uuid[], %s::text[], %s::int[], %s::bytea[], %s::bytea[])"
    " as d(leaf_index, kind, key, op, base_version, digest, body)"
)


def main() -> None:
    with bench_servers():
        fill()
        chance = random.Random(2026)
        client = signed_in("hoa")
        figures = {"files": ITEMS, **pages(client, chance), **searches(client, chance)}
        figures["max_queries"] = max(figures.pop("page_queries"), figures.pop("list_queries"))
    for name, aim in AIMS.items():
        met = figures[name] >= aim if name == "search_recall" else figures[name] <= aim
        print(f"{name:<58}{figures[name]:>9}  aim {aim}: {'met' if met else 'MISSED'}")
    print("FIGURES " + json.dumps(figures))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = work()
    return (time.perf_counter() - begin) * 1000, result


def documents(count: int) -> Iterator[tuple[str, bytes]]:
    """Key and body of right people, each with a number of their own."""
    from bench.gate import files
    from workflows.documents import canonical
    from workflows.targets import target

    schema = target("staff_profile").schema
    for number, proposal in enumerate(files(count)):
        own = {"citizen_id": f"{proposal.patch['citizen_id'][:6]}{number:06d}", "staff_number": f"B{number}"}
        yield str(proposal.key), canonical(schema.merge(None, {**proposal.patch, **own}))


def fill() -> None:
    """Put the files where applying a request would have put them."""
    from django.db import connection

    from registry.services.words import words_add
    from workflows.models import ChangeRequest

    request = ChangeRequest.objects.filter(kinds__has_key="staff_profile").latest("number")
    begin = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        made = documents(ITEMS)
        done = 0
        while part := list(islice(made, CHUNK)):
            write(part, request.pk, request.count + done)
            done += len(part)
        cursor.execute("set session_replication_role = origin")
        words_add()
        cursor.execute("vacuum analyze")
        cursor.execute("select count(*), count(distinct name_search) from registry_staffprofile")
        people, names = cursor.fetchone()
    print(f"{f'{people:,} files with {names:,} different names, written in':<58}{time.perf_counter() - begin:9.1f} s", flush=True)


def write(part: list[tuple[str, bytes]], request_id: Any, first_leaf: int) -> None:
    from django.db import connection, transaction

    from workflows.documents import digest
    from workflows.opening import opened
    from workflows.targets import target

    size = len(part)
    keys, bodies = [key for key, _body in part], [body for _key, body in part]
    columns = [list(range(first_leaf, first_leaf + size)), ["staff_profile"] * size, keys, ["create"] * size, [0] * size]
    with transaction.atomic(), opened(SOURCE, [*columns, [digest(body) for body in bodies], bodies]), connection.cursor() as cursor:
        cursor.execute("insert into workflows_storeddocument(digest, body) select sha256(b), b from unnest(%s::bytea[]) b", [bodies])
        target("staff_profile").project()
        cursor.execute(
            "insert into workflows_recordversion(kind, key, version, document_id, request_id, leaf_index, recorded_at) "
            "select kind, key, 1, digest, %s, leaf_index, now() from opened_item",
            [request_id],
        )


def signed_in(login: str) -> Any:
    from django.test import Client

    from orgtree.models import User

    client = Client()
    client.force_login(User.objects.get(username=login))
    return client


def pages(client: Any, chance: random.Random) -> dict[str, Any]:
    """One file's page, over people taken at random."""
    from django.urls import reverse

    from registry.models import StaffProfile

    keys = chance.sample(list(StaffProfile.objects.values_list("pk", flat=True)), min(ASKED, ITEMS))
    addresses = [reverse("registry:staff_detail", args=[key]) for key in keys]
    answered(client, addresses[0])  # the first page of a process fills what it keeps
    times = sorted(answered(client, address)[0] for address in addresses)
    asked = max(queries(client, address) for address in addresses[:5])
    say("page of a file", times, asked)
    return {"file_page_p50_ms": round(statistics.median(times)), "file_page_p95_ms": round(percentile(times)), "page_queries": asked}


def searches(client: Any, chance: random.Random) -> dict[str, Any]:
    """People found by name, in three ways of writing it."""
    from django.urls import reverse

    from registry.models import StaffProfile

    people = StaffProfile.objects.filter(pk__in=chance.sample(list(StaffProfile.objects.values_list("pk", flat=True)), min(ASKED, ITEMS)))
    names = list(people.values_list("birth_name", "name_search"))
    address = reverse("registry:staff_list")
    ways: dict[str, Callable[[str, str], str]] = {
        "without accents": lambda _name, plain: plain,
        "other tone placement": lambda name, _plain: other_placement(name),
        "one slip": lambda _name, plain: slip(plain, chance),
    }
    every: list[float] = []
    found, most = 0, 0
    for way, written in ways.items():
        times, hits, listed = [], 0, 0
        for name, plain in names:
            asked = written(name, plain)
            took, answer = answered(client, address, q=asked)
            times.append(took)
            shows = {row.name_search for row in answer.context_data["found"].rows}
            offers = {one.name for one in answer.context_data["found"].suggestions}
            listed += plain in shows
            hits += plain in shows or any(plain == unaccented(one) for one in offers)
        asked_most = max(queries(client, address, q=written(*pair)) for pair in names[:5])
        say(f"search {way}", sorted(times), asked_most)
        print(f"{f'  recall; {listed} of {len(names)} listed at once':<58}{hits / len(names):9.4f}", flush=True)
        every += times
        found, most = found + hits, max(most, asked_most)
    every.sort()
    return {
        "search_p50_ms": round(statistics.median(every)),
        "search_p95_ms": round(percentile(every)),
        "search_recall": round(found / len(every), 4),
        "list_queries": most,
    }


def answered(client: Any, address: str, **query: str) -> tuple[float, Any]:
    took, answer = timed(lambda: client.get(address, query))
    if answer.status_code != 200:
        sys.exit(f"{address} answered {answer.status_code}")
    return took, answer


def queries(client: Any, address: str, **query: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        client.get(address, query)
    return len(asked)


def percentile(times: list[float], share: float = 0.95) -> float:
    return times[min(int(len(times) * share), len(times) - 1)]


def say(what: str, times: list[float], asked: int) -> None:
    line = f"{what}, median and 95th percentile of {len(times)}, {asked} queries"
    print(f"{line:<72}{statistics.median(times):7.0f} {percentile(times):7.0f} ms", flush=True)


def unaccented(name: str) -> str:
    from orgtree.text import plain

    return plain(name)


def other_placement(name: str) -> str:
    """The name with its tones on the other vowel where a syllable has a choice, decomposed."""
    composed = unicodedata.normalize("NFC", name)
    for one, other in OTHER_PLACE.items():
        for here, there in ((one, other), (one.capitalize(), other.capitalize())):
            composed = composed.replace(here, there) if here in composed else composed
    return unicodedata.normalize("NFD", composed)


def slip(plain: str, chance: random.Random) -> str:
    """One letter left out, doubled, changed or exchanged with its neighbour, in a word of three letters or more; or a space forgotten."""
    long_enough = [at for at, letter in enumerate(plain[:-1]) if _word_length(plain, at) >= 3 and letter.isalpha() and plain[at + 1].isalpha()]
    at = chance.choice(long_enough) if long_enough else 0
    head, letter, after, tail = plain[:at], plain[at], plain[at + 1 : at + 2], plain[at + 2 :]
    kind = chance.randrange(10)
    if kind == 0 and " " in plain:
        return plain.replace(" ", "", 1)
    if kind <= 3:
        return head + after + tail
    if kind <= 5:
        return head + letter + letter + after + tail
    if kind <= 7:
        return head + chance.choice(ascii_lowercase.replace(letter, "")) + after + tail
    return head + after + letter + tail


def _word_length(text: str, at: int) -> int:
    start = text.rfind(" ", 0, at) + 1
    end = text.find(" ", at)
    return (len(text) if end < 0 else end) - start


if __name__ == "__main__":
    main()
