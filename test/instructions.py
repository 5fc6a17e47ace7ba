#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
What the hot operations cost is held against a budget: instructions per operation, which
callgrind counts, the same on every machine and however busy it is. (They are not time: a CAS
is one instruction. But what creeps into a hot path is instructions as a rule.)

    instructions.py                check, in either direction: what has become cheaper must not
                                   become dearer again unseen
    instructions.py --update WHY   write what is counted now, and why, into the lines that differ
    instructions.py --self-test    a loop in the library must be seen, and bad budgets

A line of instructions.budget is `COMPILER OPERATION INSTRUCTIONS # why`, and a line without a
reason is an error. Code is a compiler's: with one that the budget does not know nothing is
checked (status 77). The library is compiled here, as buildtype=release does it and
whatever the build at hand is like; instructions.c is what is run. Its system library takes the
string functions that every x86-64 has, lest the counts be the processor's.
"""
import argparse
import concurrent.futures
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

TOLERANCE = 0.02
SKIPPED = 77
OPTIONS = ["-std=c11", "-O3", "-fno-omit-frame-pointer", "-momit-leaf-frame-pointer", "-D_GNU_SOURCE", "-fexceptions", "-fno-semantic-interposition", "-fPIC",
           "-fvisibility=hidden", "-pthread", "-w"]
ENVIRONMENT = {"GLIBC_TUNABLES":
               "glibc.cpu.hwcaps=-AVX_Fast_Unaligned_Load,-AVX2_Usable,-ERMS,-SSSE3"}
LINE = re.compile(r"(?P<compiler>\S+)\s+(?P<operation>\S+)\s+(?P<count>\d+(\.\d+)?)\s*(#\s*(?P<why>.*\S))?\s*")
HEADER = "# Instructions per operation; instructions.py says how they are counted and how to change this.\n"


class Skip(Exception):
    """Nothing can be said here."""


def run(command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **more)
    if done.returncode == SKIPPED:
        raise Skip(done.stderr.strip())
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def compiler_key(cc):
    """gcc-12-x86_64"""
    macros = dict(line.split(" ", 2)[1:] for line in
                  run([*cc, "-dM", "-E", "-x", "c", "/dev/null"]).splitlines() if line.count(" ") > 1)
    name, major = (("clang", macros["__clang_major__"]) if "__clang_major__" in macros
                   else ("gcc", macros["__GNUC__"]))
    return f"{name}-{major}-{platform.machine()}"


# ---------------------------------------------------------------- counting --

def compile_all(cc, lib, test, include, work):
    """The program, with the library's sources in it."""
    flags = [*OPTIONS, "-I", include, "-I", lib, *run(["pkg-config", "--cflags", "ck", "liburcu-cds"]).split()]
    sources = [*sorted(lib.rglob("*.c")), test / "instructions.c"]
    objects = [work / (source.name + ".o") for source in sources]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as executor:
        list(executor.map(lambda pair: run([*cc, *flags, "-c", pair[0], "-o", pair[1]]), zip(sources, objects)))
    program = work / "instructions"
    run([*cc, "-pthread", *objects, "-o", program])
    return program


def parse_profile(text, operations):
    """{operation: instructions} from callgrind's dumps, each of which bears the operation's name."""
    counts = {}
    for part in re.split(r"^part: ", text, flags=re.MULTILINE)[1:]:
        name = re.search(r"^desc: Trigger: Client Request: (\S+)$", part, re.MULTILINE)
        if name:
            # "totals" counts calls through the procedure linkage table twice.
            total = re.search(r"^summary: (\d+)$", part, re.MULTILINE)
            counts[name.group(1)] = int(total.group(1)) / operations[name.group(1)]
    if counts.keys() != operations.keys() or min(counts.values()) < 1:
        raise RuntimeError(f"callgrind's dumps are not those of {sorted(operations)}: {counts}")
    return counts


def count(cc, root, lib=None):
    with tempfile.TemporaryDirectory(prefix="magring-instructions-") as directory:
        work = pathlib.Path(directory)
        program = compile_all(cc, lib or root / "lib", root / "test", root / "include", work)
        profile = work / "profile"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAGRING_")}
        printed = run(["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={profile}", "--combine-dumps=yes",
                       program], env={**environment, **ENVIRONMENT})
        operations = {name: int(number) for name, number in map(str.split, printed.splitlines())}
        return parse_profile(profile.read_text(errors="replace"), operations)


# ------------------------------------------------------------------ budget --

def read_budget(text):
    """({(compiler, operation): (count, why)}, complaints)"""
    budget, complaints = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        key = match and (match["compiler"], match["operation"])
        if not match:
            complaints.append(f"line {number} is not `COMPILER OPERATION INSTRUCTIONS # why`: {line}")
        elif not match["why"]:
            complaints.append(f"line {number} gives no reason: {line}")
        elif key in budget:
            complaints.append(f"line {number} is there twice: {line}")
        else:
            budget[key] = float(match["count"]), match["why"]
    return budget, complaints


def write_budget(budget):
    widths = [max(map(len, column)) for column in zip(*budget)]
    return HEADER + "".join(f"{compiler:<{widths[0]}} {operation:<{widths[1]}} {count:7.1f}  # {why}\n"
                            for (compiler, operation), (count, why) in budget.items())


def differs(counted, budgeted):
    return abs(counted - budgeted) > TOLERANCE * budgeted


def judge(compiler, counts, budget):
    """What is wrong; empty if all is within the budget."""
    complaints = []
    for operation, counted in counts.items():
        budgeted, why = budget.get((compiler, operation), (None, None))
        if budgeted is None:
            complaints.append(f"{operation}: {counted:.1f} instructions, and no budget")
        elif differs(counted, budgeted):
            complaints.append(f"{operation}: {counted:.1f} instructions, {counted / budgeted - 1:+.1%}; "
                              f"the budget is {budgeted:.1f} ({why})")
    complaints += [f"{operation} has a budget, and is not counted" for key, operation in budget
                   if key == compiler and operation not in counts]
    return complaints


def update(compiler, counts, budget, why):
    """The budget with the lines that differ changed, those of the compiler in the order of the counts."""
    others = {key: value for key, value in budget.items() if key[0] != compiler}
    mine = {}
    for operation, counted in counts.items():
        old = budget.get((compiler, operation))
        mine[compiler, operation] = (old if old and not differs(counted, old[0])
                                     else (round(counted, 1), why))
    return dict(sorted({**others, **mine}.items(), key=lambda item: item[0][0]))


# --------------------------------------------------------------- self-test --

def self_test(cc, root):
    failed = 0

    def check(what, good):
        nonlocal failed
        failed += not good
        print(f"{'ok' if good else 'NOT OK'}: {what}")

    compiler = compiler_key(cc)
    counts = count(cc, root)
    budget = update(compiler, counts, {("other", "send"): (1.0, "kept")}, "first")
    text = write_budget(budget)
    check("what is written is read again", read_budget(text) == (budget, []))
    check("a second count is within the first one's budget", judge(compiler, count(cc, root), budget) == [])
    check("another compiler's lines stay", budget["other", "send"] == (1.0, "kept"))

    with tempfile.TemporaryDirectory(prefix="magring-instructions-") as directory:
        lib = pathlib.Path(directory, "lib")
        shutil.copytree(root / "lib", lib)
        queue, place = (lib / "queue" / "send_recv.c"), "\tmessage_hide(message, 1);\n"
        check("the place for a loop is there once", queue.read_text().count(place) == 1)
        queue.write_text(queue.read_text().replace(
            place, place + "\tfor (volatile int i = 0; i < 2; i++)\n\t\t;\n"))
        slower = count(cc, root, lib)
    complaints = judge(compiler, slower, budget)
    print("\n".join(complaints))
    check("a loop in magring_send() is seen, where it is",
          {complaint.split(":")[0] for complaint in complaints} ==
          {"send", "send-declared", "send-to-full"})
    changed = update(compiler, slower, budget, "a loop")
    check("an update changes what differs, and says why",
          changed[compiler, "send"] == (round(slower["send"], 1), "a loop") and
          changed[compiler, "receive"] == budget[compiler, "receive"])
    check("what has become cheaper is seen", any(c.startswith("send:") for c in judge(compiler, counts, changed)))

    missing = {key: value for key, value in budget.items() if key != (compiler, "send")}
    check("an operation without a budget", judge(compiler, counts, missing) ==
          [f"send: {counts['send']:.1f} instructions, and no budget"])
    check("a budget for nothing", judge(compiler, counts, {**budget, (compiler, "sing"): (1.0, "why")}) ==
          ["sing has a budget, and is not counted"])
    for what, line in {"no reason": "gcc-1-x send 80.0", "an empty reason": "gcc-1-x send 80.0 #  ",
                       "no figure": "gcc-1-x send # why", "a line twice": text.splitlines()[-1]}.items():
        check(f"a budget with {what}", len(read_budget(text + line + "\n")[1]) == 1)
    return failed


def main():
    parser = argparse.ArgumentParser(description="hold the instructions of the hot operations against the budget")
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
    parser.add_argument("--cc", default=os.environ.get("CC", "cc"))
    parser.add_argument("--update", metavar="WHY")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    cc, root = shlex.split(arguments.cc), arguments.source.resolve()
    path = root / "test" / "instructions.budget"
    if arguments.self_test:
        return 1 if self_test(cc, root) else 0
    compiler = compiler_key(cc)
    budget, complaints = read_budget(path.read_text() if path.exists() else "")
    if complaints:
        print("\n".join(f"{path.name}: {complaint}" for complaint in complaints))
        return 1
    if arguments.update is not None:
        if not arguments.update.strip():
            print("--update wants a reason")
            return 1
        path.write_text(write_budget(update(compiler, count(cc, root), budget, " ".join(arguments.update.split()))))
        return 0
    if not any(key == compiler for key, _ in budget):
        raise Skip(f"{path.name} has no lines for {compiler}")
    counts = count(cc, root)
    complaints = judge(compiler, counts, budget)
    for operation, counted in counts.items():
        print(f"{operation:<20} {counted:7.1f}")
    if complaints:
        print("\n".join(complaints))
        print(f"more than {TOLERANCE:.0%} from the budget. If it is meant: test/instructions.py --cc '{arguments.cc}' "
              "--update 'why'")
    return 1 if complaints else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Skip as reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
