#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
`go tool pprof` and google-pprof read the pool's profiles, and put the function that allocates on
top, with the right figures. PROGRAM is profiled.c; a tool that is not there is left out, and
without any the answer is 77.

    pprof_test.py PROGRAM
"""
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# (objects, bytes) of load() and session().
ALLOCATED = {"load": (3000, 3000000), "session": (100, 200000)}
IN_USE = {"load": (1500, 1500000), "session": (100, 200000)}
COLUMN = {"alloc_objects": (ALLOCATED, 0), "alloc_space": (ALLOCATED, 1),
          "inuse_objects": (IN_USE, 0), "inuse_space": (IN_USE, 1)}


def wanted(column):
    figures, place = COLUMN[column]
    return {function: figures[function][place] for function in figures}


def run(command, **variables):
    done = subprocess.run(command, env=dict(os.environ, **variables), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def go(column, program, profile, home, *more):
    """{function: figure}, those on top first."""
    text = run(["go", "tool", "pprof", "-top", f"-{column}", *more, program, profile],
               HOME=home, GOFLAGS="", PPROF_TMPDIR=home)
    rows = re.findall(r"^ *(\d[\w.]*) +[\d.]+%? +[\d.]+% +\S+ +[\d.]+%? +(\S+)$", text, re.MULTILINE)
    return {function: figure for figure, function in rows if figure != "0"}


def google(column, program, profile):
    """Function: figure, in its order. It takes what is done in the caller for a function of its
    own: what such a one has is its caller's as well, cumulatively."""
    text = run(["google-pprof", "--text", f"--{column}", program, profile])
    rows = re.findall(r"^ *([\d.]+) +[\d.]+% +[\d.]+% +([\d.]+) +[\d.]+% (\S+)", text, re.MULTILINE)
    inside = {flat for flat, _, function in rows if function in ("magring_message_alloc", "magring_message_copy")}
    return {function: cumulative for flat, cumulative, function in rows
            if not function.startswith("magring_message_") and (float(flat) > 0 or cumulative in inside)}


def check(what, good, seen):
    print(f"{'ok' if good else 'NOT OK'}: {what}{'' if good else f': {seen}'}")
    return not good


def in_kb(value):
    return f"{value / 1024:.2f}".rstrip("0").rstrip(".") + "kB"


def check_go(program, exact, kept, sampled, home):
    failed = 0
    for column in COLUMN:
        figures = wanted(column)
        seen = go(column, program, exact, home)
        text = {name: in_kb(value) if "space" in column else str(value) for name, value in figures.items()}
        failed += check(f"go tool pprof -top -{column}", list(seen.items()) == list(text.items()), seen)
        if "space" in column:
            seen = go(column, program, exact, home, "-unit=B")
            failed += check("the same to the byte", seen == {k: f"{v}B" for k, v in figures.items()}, seen)
    # What is in use and what was allocated must be told apart although they are the same.
    for column in ("alloc_space", "inuse_space"):
        seen = go(column, program, kept, home, "-unit=B")
        failed += check(f"-{column} when nothing was freed",
                        seen == {k: f"{v}B" for k, v in wanted("alloc_space").items()}, seen)
    # Six standard deviations of the number of samples, each of which stands for 1 / probability.
    mean, count, size = 5000, 3000, 1000
    probability = 1 - math.exp(-size / mean)
    allowed = 6 * math.sqrt(count * probability * (1 - probability)) / probability
    seen = int(go("alloc_objects", program, sampled, home).get("load", "0"))
    failed += check(f"sampled: {seen} for {count}, {allowed:.0f} more or less",
                    abs(seen - count) <= allowed, "out of bounds")
    return failed


def check_google(program, exact):
    failed = 0
    for column in COLUMN:
        figures = {name: f"{value / 2**20:.1f}" if "space" in column else str(value)
                   for name, value in wanted(column).items()}
        seen = google(column, program, exact)
        failed += check(f"google-pprof --text --{column}",
                        list(seen)[:2] == list(figures) and
                        all(float(seen[name]) == float(figures[name]) for name in figures), seen)
    return failed


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as directory:
        exact, kept, sampled, late = (pathlib.Path(directory, name)
                                      for name in ("exact", "kept", "sampled", "late"))
        run([program, exact, "1"])
        run([program, kept, "1", "all"])
        run([program, sampled, "5000"])
        # Not by the program, but by its environment, at exit.
        run([program, "-", "0"], MAGRING_PROFILE="1", MAGRING_PROFILE_FILE=str(late))
        at_exit = list(pathlib.Path(directory).glob("late.*.heap"))
        failed = check("a profile written at exit", len(at_exit) == 1 and
                       at_exit[0].read_text().startswith("heap profile: 1600: 1700000 ["), at_exit)
        tools = [name for name in ("go", "google-pprof") if shutil.which(name)]
        if "go" in tools:
            failed += check_go(program, exact, kept, sampled, directory)
        if "google-pprof" in tools:
            failed += check_google(program, exact)
    return 1 if failed else 0 if tools else 77


if __name__ == "__main__":
    sys.exit(main())
