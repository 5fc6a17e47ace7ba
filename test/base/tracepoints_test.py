#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The library's tracepoints are in its ELF notes, where tools look for them: as many and
with the arguments that docs/tracing.md lists, and nothing else.

    tracepoints_test.py LIBRARY SOURCE
"""
import pathlib
import re
import subprocess
import sys


def documented(text):
    """{probe: how many arguments}"""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    return {name: len(re.sub(r":.*", "", arguments).split(",")) for name, arguments in rows}


def carried(notes):
    """{probe: how many arguments, of each place}"""
    result = {}
    for place in re.split(r"Provider: ", notes)[1:]:
        lines = place.splitlines()
        if lines[0] != "magring":
            continue
        fields = dict(line.strip().split(":", 1) for line in lines[1:] if ":" in line)
        arguments = len(re.findall(r"-?\d+@\S+", fields.get("Arguments", "")))
        result.setdefault(fields["Name"].strip(), set()).add(arguments)
    return result


def main():
    library, source = sys.argv[1:]
    notes = subprocess.run(["readelf", "--notes", "--wide", library], check=True,
                           capture_output=True, text=True).stdout
    wanted = documented(pathlib.Path(source, "docs", "tracing.md").read_text())
    found = carried(notes)
    complaints = [f"{name} is not in the library" for name in wanted.keys() - found.keys()]
    complaints += [f"{name} is not in docs/tracing.md" for name in found.keys() - wanted.keys()]
    complaints += [f"{name} has {found[name]} arguments, not {wanted[name]}"
                   for name in wanted.keys() & found.keys() if found[name] != {wanted[name]}]
    print("\n".join(sorted(complaints) + [f"{len(found)} probes, {len(complaints)} complaints"]))
    return 1 if complaints or not found else 0


if __name__ == "__main__":
    sys.exit(main())
