"""Every translation compiles and keeps the placeholders of its message. A catalogue that is not there yet is no fault."""

import re
import sys
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sdf]|\{\w*\}")


def complaints(catalogue: Path) -> list[str]:
    try:
        entries = polib.pofile(str(catalogue), check_for_duplicates=True)
        entries.to_binary()
    except (OSError, ValueError, UnicodeDecodeError) as error:
        return [f"{catalogue}: {error}"]
    return [f"{catalogue}:{entry.linenum}: placeholders differ: {entry.msgid!r}" for entry in entries if not keeps_placeholders(entry)]


def keeps_placeholders(entry: polib.POEntry) -> bool:
    if entry.obsolete or not entry.translated():
        return True
    wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    texts = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
    # A singular form may leave the number out ("one contact").
    return all(set(PLACEHOLDER.findall(text)) <= wanted for text in texts) and (
        bool(entry.msgid_plural) or set(PLACEHOLDER.findall(entry.msgstr)) == wanted
    )


def main() -> int:
    found = [line for catalogue in sorted((ROOT / "locale").glob("*/LC_MESSAGES/*.po")) for line in complaints(catalogue)]
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
