#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
What sanitizers of a program say when the library is as installed, that is built without them.
Programs are compiled by gcc and clang, as C and as C++, with and without optimisation, and linked
with the shared library and with the archive. A right program has no report, a wrong one has.
A profile of a C++ program has names for `go tool pprof`.

    tools_test.py races|leaks|names ARCHIVE LIBRARY INCLUDE
"""
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
COMPILERS = {"gcc": [], "clang": [], "g++": ["-x", "c++"], "clang++": ["-x", "c++"]}
WARNINGS = ["-Wall", "-Wextra", "-Wredundant-decls", "-Werror", "-Wno-unused-command-line-argument"]
RIGHT = ["plain", "pointer", "inside", "copy", "batch", "exclusive", "long id", "trim", "drop", "descriptor",
         "address", "sampled", "metrics", "shared"]
WRONG = ["sent", "inside", "received", "back", "freed", "shared", "reference"]


class Bench:
    def __init__(self, archive, library, include, work):
        self.include, self.work, self.failures, self.runs = include, work, 0, 0
        self.links = {"shared": [library, f"-Wl,-rpath,{pathlib.Path(library).parent}"], "archive": [archive]}

    def compile(self, compiler, source, options, link):
        """The program, or None: this compiler is not there, or cannot do that."""
        if shutil.which(compiler) is None:
            return None
        item, program = self.work / "item.o", self.work / "program"
        able = self.work / "able.c"
        able.write_text("int main(void) { return 0; }\n")
        if subprocess.run([compiler, *COMPILERS[compiler], *options, able, "-o", program], capture_output=True).returncode != 0:
            return None
        subprocess.run([compiler, *COMPILERS[compiler], *options, *WARNINGS, "-g", "-I", self.include, "-c", source,
                        "-o", item], check=True)
        subprocess.run([compiler, *options, item, "-pthread", *self.links[link], "-o", program], check=True)
        return program

    def run(self, what, program, argument, report, **variables):
        """`report`: what the tool is to say, or None for a status of 0 and silence."""
        done = subprocess.run([program, argument], capture_output=True, text=True, timeout=120,
                              env=dict(os.environ, **variables))
        said = done.stdout + done.stderr
        good = done.returncode == 0 and said == "" if report is None else done.returncode != 0 and report in said
        self.runs += 1
        if not good:
            self.failures += 1
            print(f"NOT OK: {what}, {argument}: status {done.returncode}\n{said[:3000]}")


def races(bench):
    for compiler, optimise in itertools.product(COMPILERS, ["-O0", "-O2"]):
        link = "shared" if (optimise == "-O0") == (compiler in ("gcc", "clang++")) else "archive"
        options = [optimise, "-fsanitize=thread"]
        for source, arguments, report in (("handed_over.c", RIGHT, None), ("real_races.c", WRONG, "data race")):
            program = bench.compile(compiler, HERE / source, options, link)
            # A checked library fills and compares payloads, and a report is one of the library's calls then.
            values = "01" if report is None and optimise == "-O2" else "0"
            checked = itertools.product(arguments if program else [], values)
            for argument, value in checked:
                bench.run(f"{source}, {compiler} {optimise} {link}, checked {value}", program, argument, report,
                          TSAN_OPTIONS="exitcode=66", MAGRING_CHECKED=value)


def leaks(bench):
    for compiler, tool in itertools.product(COMPILERS, ["leak", "address"]):
        link = "shared" if (tool == "leak") == (compiler in ("gcc", "clang++")) else "archive"
        program = bench.compile(compiler, HERE / "leaks.c", ["-O1", f"-fsanitize={tool}"], link)
        for argument in ("inside", "slab", "small", "held", "trim", "lost") if program else ():
            bench.run(f"leaks.c, {compiler} {tool} {link}", program, argument,
                      "1234 byte(s) leaked in 1 allocation(s)" if argument == "lost" else None, ASAN_OPTIONS="detect_leaks=1")


def names(bench):
    """`go tool pprof` shows functions of C++ once magring-name-profile has named them."""
    if None in map(shutil.which, ("go", "addr2line")):
        return
    plain, named = bench.work / "profile.heap", bench.work / "profile.pb.gz"
    for compiler, options in itertools.product(("g++", "clang++"), (["-O0"], ["-O2"], ["-O2", "-no-pie"])):
        program = bench.compile(compiler, HERE / "profiled.cpp", options, "archive" if "-O0" in options else "shared")
        if program is None:
            continue
        subprocess.run([program, plain], check=True)
        subprocess.run([sys.executable, HERE.parent.parent / "tools/magring-name-profile", plain, named], check=True)
        done = subprocess.run(["go", "tool", "pprof", "-top", "-alloc_objects", named], capture_output=True, text=True,
                              env=dict(os.environ, HOME=str(bench.work), GOFLAGS="", PPROF_TMPDIR=str(bench.work)))
        top = re.findall(r"^ *(\d+) +[\d.]+% +[\d.]+% +\d+ +[\d.]+% +(\S+)", done.stdout, re.MULTILINE)[:3]
        bench.runs += 1
        if top != [("300", "shop::order::make"), ("200", "shop::invoice::print"), ("100", "shop::note")]:
            bench.failures += 1
            print(f"NOT OK: {compiler} {options}: {done.stdout}{done.stderr}")


def main():
    kind, *paths = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(*(os.path.abspath(path) for path in paths), pathlib.Path(directory))
        {"races": races, "leaks": leaks, "names": names}[kind](bench)
    print(f"{bench.runs} runs, {bench.failures} wrong")
    return 1 if bench.failures else 0 if bench.runs else 77


if __name__ == "__main__":
    sys.exit(main())
