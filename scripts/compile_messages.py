"""Compile locale/*/LC_MESSAGES/*.po to .mo with Babel, which is installed anyway: no gettext tools are needed."""

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    for source in sorted((ROOT / "locale").glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.parent.parent.name)
        part = target.with_suffix(".part")
        with part.open("wb") as binary:
            write_mo(binary, catalogue)
        part.replace(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
