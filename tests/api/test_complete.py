"""Every public function is called with NULL, every public struct begins with its size and is grown.

Read from include/tutti: a new function without a line in test_nulls.c, or a new struct without a row
in test_sizes.c, fails here."""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(os.environ["TUTTI_SOURCE"])
NO_POINTER = re.compile(r"\(\s*(void|int i|enum \w+ \w+|tt_status \w+)\s*\)")
# Functions whose arguments are no pointers, or only outputs that are checked by their size.
PLAIN = {"tt_status_text", "tt_last_error", "tt_catalog_count"}


def declarations(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for match in re.finditer(r"TT_API\s+([^;{]*?)\b(tt_\w+)\s*(\([^;]*\))\s*;", text, re.S):
        yield match.group(2), match.group(3)


def structs(text):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for match in re.finditer(r"typedef struct (tt_\w+) \{\s*([^;]*;)", text):
        yield match.group(1), " ".join(match.group(2).split())


def main():
    nulls = (ROOT / "tests/api/test_nulls.c").read_text()
    sizes = (ROOT / "tests/api/test_sizes.c").read_text()
    docs = re.search(r"for noun in (.*); do", (ROOT / "tools/make-docs").read_text()).group(1)
    bad = []
    functions = 0
    headers = set((ROOT / "include/tutti").glob("*.h")) - {ROOT / "include/tutti/tutti.h"}
    together = (ROOT / "include/tutti/tutti.h").read_text()
    for header in sorted(headers):
        text = header.read_text()
        if f"#include <tutti/{header.name}>" not in together:
            bad.append(f"{header.name}: not in tutti.h")
        if header.stem not in docs.split():
            bad.append(f"{header.name}: not in docs/api.md: add it to tools/make-docs")
        for name, arguments in declarations(text):
            functions += 1
            if name not in PLAIN and not NO_POINTER.match(arguments) and \
                    not re.search(rf"\b{name}\b", nulls):
                bad.append(f"{header.name}: {name} is not in tests/api/test_nulls.c")
        for name, first in structs(text):
            if first != "uint32_t size;":
                bad.append(f"{header.name}: {name} begins with '{first}', not with its size")
            if not re.search(rf"\b{name}\b", sizes):
                bad.append(f"{header.name}: no test grows {name}: add a row to test_sizes.c")
    print("\n".join(bad) or f"{functions} functions, all asked for NULL")
    sys.exit(bool(bad))


main()
