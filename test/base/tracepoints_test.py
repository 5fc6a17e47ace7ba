#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The library's tracepoints are in its ELF notes, where tools look for them: as many and
with the arguments that docs/tracing.md lists, and nothing else. The second argument is
the address of a name. TRACED comes to each of them.

    tracepoints_test.py LIBRARY TRACED SOURCE
"""
import pathlib
import re
import subprocess
import sys

NAMES = {"queue": "the-queue", "depot": "the-pool"}  # what TRACED calls them


def documented(text):
    """{tracepoint: its arguments}"""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    return {name: [argument.strip() for argument in re.sub(r":.*", "", arguments).split(",")]
            for name, arguments in rows}


def carried(notes):
    """{tracepoint: operands, of each place}"""
    result = {}
    for place in re.split(r"Provider: ", notes)[1:]:
        lines = place.splitlines()
        if lines[0] != "magring":
            continue
        fields = dict(line.strip().split(":", 1) for line in lines[1:] if ":" in line)
        operands = re.findall(r"-?\d+@\S+", fields.get("Arguments", ""))
        result.setdefault(fields["Name"].strip(), []).append(operands)
    return result


def check_notes(wanted, found):
    yield from (f"{name} is not in the library" for name in wanted.keys() - found.keys())
    yield from (f"{name} is not in docs/tracing.md" for name in found.keys() - wanted.keys())
    for name in wanted.keys() & found.keys():
        for operands in found[name]:
            if len(operands) != len(wanted[name]):
                yield f"{name} has {operands}, not {wanted[name]}"
            elif not operands[1].startswith("8@"):
                yield f"{name}: {operands[1]} is no address"


def check_traced(wanted, lines):
    told = {}
    for line in lines:
        name, arguments, label = line.split()
        told.setdefault(name, set()).add((int(arguments), label))
    yield from (f"traced.c does not come to {name}" for name in wanted.keys() - told.keys())
    for name, arguments in wanted.items():
        right = {(len(arguments), NAMES.get(arguments[0]))}
        if arguments[1] != "name" or told.get(name, right) != right:
            yield f"{name} tells {told.get(name)}, not {right} as docs/tracing.md says"


def main():
    library, traced, source = sys.argv[1:]
    notes = subprocess.run(["readelf", "--notes", "--wide", library], check=True,
                           capture_output=True, text=True).stdout
    lines = subprocess.run([traced], check=True, capture_output=True, text=True,
                           timeout=60).stdout.splitlines()
    wanted = documented(pathlib.Path(source, "docs", "tracing.md").read_text())
    found = carried(notes)
    complaints = [*check_notes(wanted, found), *check_traced(wanted, lines)]
    print("\n".join(sorted(complaints) + [f"{len(found)} tracepoints, {len(complaints)} complaints"]))
    return 1 if complaints or not found else 0


if __name__ == "__main__":
    sys.exit(main())
