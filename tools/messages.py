"""Keeps locale/vi: collects the strings to translate, updates django.po, compiles django.mo.

    .venv/bin/python tools/messages.py           collect and compile; lists what still has no Vietnamese
    .venv/bin/python tools/messages.py --check   changes nothing; status 1 unless catalogue and source agree

Django's `makemessages` and `compilemessages` need GNU gettext, which a bare machine lacks; Babel does the same here, and
the compiled file is committed. Source strings are English. Besides our own they are those of unfold and import-export,
which have no Vietnamese of their own; what Django's own catalogue translates is left to it.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import django
import import_export
import unfold
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "locale/vi/LC_MESSAGES/django.po"
MO = PO.with_suffix(".mo")
OUR_PACKAGES = ("config", "orgtree", "workflows", "registry", "planning", "exchange", "accounts", "signing_agent")
THEIR_PACKAGES = (Path(unfold.__file__).parent, Path(import_export.__file__).parent)
# Parts of unfold that serve packages we do not install.
NOT_OURS = re.compile(
    r"unfold/contrib/(constance|crispy|simple_history|location_field|guardian)|unfold_crispy|/components/chart/|wysiwyg|forms/helpers/toolbar"
)
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "translate_lazy"), (1,)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
}
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|%[sd%]|\{[a-z_]*\}")


def our_messages() -> Catalog:
    """Every string of our source, with the files that have it."""
    catalog = Catalog()
    for package in OUR_PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                _add(catalog, path, path.read_text(encoding="utf-8"), ROOT)
    for folder in ("templates", *(f"{package}/templates" for package in OUR_PACKAGES)):
        for path in sorted((ROOT / folder).rglob("*.html")):
            _add(catalog, path, _python_of(path), ROOT)
    return catalog


def all_messages() -> Catalog:
    """Our strings, then those of unfold and import-export that Django does not translate already."""
    catalog = our_messages()
    known = _django_messages()
    for package in THEIR_PACKAGES:
        for path in sorted([*package.rglob("*.py"), *package.rglob("*.html")]):
            if NOT_OURS.search(str(path)) or "migrations" in path.parts:
                continue
            theirs = Catalog()
            _add(theirs, path, _python_of(path) if path.suffix == ".html" else path.read_text(encoding="utf-8"), package.parent)
            for message in theirs:
                if message.id and message.id not in known and message.id not in catalog:
                    catalog.add(message.id, locations=message.locations[:1], context=message.context, flags=message.flags)
    return catalog


def problems() -> list[str]:
    """What keeps the committed catalogue from being complete and right; an empty list when all is well."""
    committed = read_catalog()
    wanted = all_messages()
    found = [f"not in {PO.name}: {message.id!r}" for message in wanted if message.id and committed.get(message.id, message.context) is None]
    found += [f"no longer in the source: {message.id!r}" for message in committed if message.id and wanted.get(message.id, message.context) is None]
    found += [problem for message in committed if message.id for problem in _message_problems(message)]
    if _texts(_read_mo()) != _texts(committed):
        found.append(f"{MO.name} is not what {PO.name} compiles to: run tools/messages.py")
    return found


def read_catalog() -> Catalog:
    if not PO.exists():
        return Catalog(locale="vi")
    with PO.open("rb") as file:
        return read_po(file, locale="vi")


def main() -> None:
    """Update and compile, or only check."""
    if "--check" in sys.argv:
        if found := problems():
            sys.exit("\n".join(found))
        return
    catalog = read_catalog()
    catalog.update(all_messages(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.project, catalog.version, catalog.fuzzy = "Hồ Sơ", "1", False
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalog, width=140, sort_by_file=True, omit_header=False, include_lineno=False, ignore_obsolete=True)
    with MO.open("wb") as file:
        write_mo(file, catalog)
    missing = [message.id for message in catalog if message.id and not _is_translated(message)]
    print(f"{len(catalog)} strings, {len(missing)} without Vietnamese")
    for one in missing:
        print(" ", repr(one))


def _add(catalog: Catalog, path: Path, text: str, base: Path) -> None:
    location = str(path.relative_to(base))
    for _line, message, _comments, context in extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS, options={"encoding": "utf-8"}):
        catalog.add(message, locations=[(location, 1)], context=context, flags=("python-format",) if "%(" in str(message) else ())


def _python_of(path: Path) -> str:
    """A template as the Python-like text that Django makes for xgettext. Indentation means nothing in it, so it goes."""
    return "\n".join(line.strip() for line in templatize(path.read_text(encoding="utf-8"), origin=str(path)).splitlines())


def _django_messages() -> set[object]:
    """Message ids that Django's own Vietnamese catalogues translate."""
    known: set[object] = set()
    folder = Path(django.__file__).parent
    for place in ("conf", "contrib/admin", "contrib/auth"):
        with (folder / place / "locale/vi/LC_MESSAGES/django.po").open("rb") as file:
            known |= {message.id for message in read_po(file) if message.id and _is_translated(message) and not message.fuzzy}
    return known


def _is_translated(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


def _message_problems(message: Message) -> Iterator[str]:
    if not _is_translated(message):
        yield f"no Vietnamese: {message.id!r}"
        return
    if message.fuzzy:
        yield f"only guessed (fuzzy): {message.id!r}"
    sources = message.id if isinstance(message.id, tuple | list) else (message.id,)
    texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
    # Vietnamese has one plural form; it is read for every number, so it needs what the plural source has.
    for text in texts:
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(sources[-1])):
            yield f"placeholders differ: {message.id!r} -> {text!r}"


def _texts(catalog: Catalog) -> dict[object, object]:
    return {(_context(message), _plain(message.id)): _plain(message.string) for message in catalog if message.id and _is_translated(message)}


def _context(message: Message) -> str | None:
    """Babel's reader of compiled catalogues leaves the context as bytes."""
    context: str | bytes | None = message.context
    return context.decode() if isinstance(context, bytes) else context


def _plain(string: object) -> object:
    return tuple(string) if isinstance(string, list | tuple) else string


def _read_mo() -> Catalog:
    with MO.open("rb") as file:
        return read_mo(file)


if __name__ == "__main__":
    settings.configure()
    main()
