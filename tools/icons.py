"""Makes static/hoso/icons.woff2: unfold's icon font reduced to the icons in use (292 KB becomes a few).

    .venv/bin/python tools/icons.py          writes the font; commit the result
    .venv/bin/python tools/icons.py --check  says which icons are used but not in the font

An icon is a ligature: the text "logout" in a `material-symbols-outlined` element is drawn as one glyph. The names are
found in our templates, in unfold's templates that our pages show, and in `"icon": "..."` of Python and JavaScript.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import unfold
from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parent.parent
UNFOLD = Path(unfold.__file__).parent
SOURCE = UNFOLD / "static/unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"
RESULT = ROOT / "static/hoso/icons.woff2"

_IN_TEMPLATE = re.compile(r"material-symbols-outlined[^<]*?>\s*([a-z0-9_]+)\s*<")
_NAMED = re.compile(r"""\bicon["']?\s*[:=]\s*["']([a-z0-9_]+)["']""")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"


def used() -> set[str]:
    """Names of all icons that a page of the program may show."""
    return {name for text in _sources() for pattern in (_IN_TEMPLATE, _NAMED) for name in pattern.findall(text)}


def ligatures(font: TTFont) -> dict[str, str]:
    """What a text is drawn as: the spelled name of every icon of the font -> its glyph. Some icons have two names."""
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    spelled = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            for first, options in getattr(getattr(table, "ExtSubTable", table), "ligatures", {}).items():
                for option in options:
                    spelled["".join(letters[glyph] for glyph in (first, *option.Component))] = option.LigGlyph
    return spelled


def contained(path: Path = RESULT) -> set[str]:
    """Names of the icons that the font at `path` can draw."""
    return set(ligatures(TTFont(path)))


def _sources() -> Iterator[str]:
    folders = [(ROOT / "templates", "*.html"), (ROOT / "static/hoso", "*.js"), (UNFOLD / "templates", "*.html")]
    folders += [(ROOT / app, "*.py") for app in ("config", "orgtree", "workflows", "registry", "planning", "exchange", "accounts")]
    folders += [(UNFOLD / "contrib/import_export/templates", "*.html"), (UNFOLD / "contrib/filters/templates", "*.html")]
    for folder, pattern in folders:
        for path in sorted(folder.rglob(pattern)):
            yield path.read_text(encoding="utf-8")


def _letter_glyphs(font: TTFont) -> set[str]:
    names = font.getBestCmap()
    return {names[ord(letter)] for letter in _LETTERS if ord(letter) in names} | {".notdef", "space"}


def main() -> None:
    """Write the reduced font. A name the font does not know is reported and ends the run with status 1."""
    font = TTFont(SOURCE)
    known = ligatures(font)
    wanted = used()
    if missing := sorted(wanted - known.keys()):
        sys.exit(f"not icons of {SOURCE.name}: {', '.join(missing)}")
    if "--check" in sys.argv:
        if absent := sorted(wanted - contained()):
            sys.exit(f"used, but not in {RESULT.name}: {', '.join(absent)}; run tools/icons.py")
        return
    # Without layout closure: otherwise the 27 letters would pull in every one of the 3,800 icons they can spell.
    options = subset.Options(flavor="woff2", layout_closure=False, layout_features=["*"], hinting=False, notdef_outline=True, glyph_names=True)
    options.drop_tables += ["FFTM", "GPOS", "GDEF"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(glyphs=sorted({known[name] for name in wanted} | _letter_glyphs(font)))
    subsetter.subset(font)
    font.flavor = "woff2"
    font.save(RESULT)
    print(f"{RESULT.relative_to(ROOT)}: {len(wanted)} icons, {RESULT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
