#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
What finds each misuse is what the table in docs/misuse.md says.

    misuse_test.py PAGE COLUMN PROGRAM

COLUMN is plain, checked, ASan or memcheck. 77: there is no valgrind.
"""
import concurrent.futures
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

REPORT = 99
ANSWERED = 3
LINE = re.compile(r'magring: (\S+) (of|to) .*: pool .*at 0x[0-9a-f]+\n')


def table(page, column):
    """What the column of the page's first table says, by case."""
    lines = itertools.dropwhile(lambda line: not line.startswith("|"), page.read_text().splitlines())
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in itertools.takewhile(lambda line: line.startswith("|"), lines)]
    place = rows[0].index(column)
    return {re.match(r"`([a-z-]+)`", row[0]).group(1): row[place] for row in rows[2:]}


def outcome(column, program, case):
    """What has happened, in the words of the table."""
    command = [program, case]
    if column == "memcheck":
        command = ["valgrind", "--quiet", f"--error-exitcode={REPORT}", *command]
    environment = dict(os.environ, MAGRING_CHECKED="1" if column == "checked" else "0",
                       ASAN_OPTIONS=f"exitcode={REPORT}:abort_on_error=0:handle_abort=0:detect_leaks=0")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace",
                          timeout=120, check=False)
    output = done.stderr
    if "magring: " in output:
        # valgrind has more to say of the end of a process.
        good = done.returncode == -signal.SIGABRT and output.count("magring: ") == 1 and LINE.search(output)
        return "line" if good and (column == "memcheck" or LINE.fullmatch(output)) else f"{done.returncode} {output}"
    if done.returncode == REPORT and column in ("ASan", "memcheck"):
        return "report"
    if output == "" and done.returncode in (0, ANSWERED):
        return "answer" if done.returncode == ANSWERED else "silent"
    return f"{done.returncode} {output}"


def is_as_told(told, found, case):
    if told == "nothing":
        return found == "silent"
    # A slab that is free twice is also one that the pool is told of twice: it may stay busy for ever.
    if told == "silent":
        return found == "silent" or (found == "answer" and case not in ("leak", "receive-over"))
    return told == found


def main():
    page, column, program = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if column == "memcheck" and shutil.which("valgrind") is None:
        return 77
    told = table(page, column)
    cases = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    failed = 0
    if sorted(set(cases) - {"none"}) != sorted(told):
        print("NOT OK: the page and the program have not the same cases:", sorted(set(cases) ^ set(told)))
        failed += 1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = dict(zip(cases, pool.map(lambda case: outcome(column, program, case), cases)))
    for case in cases:
        good = is_as_told(told.get(case, "nothing"), found[case], case)
        failed += not good
        print(f"{'ok' if good else 'NOT OK'}: {case}: {told.get(case, 'nothing')}, and it is {found[case]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
