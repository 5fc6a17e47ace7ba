#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The programs beside this file, linked with the archive and with the shared library, by each
compiler and linker that is there, with and without --gc-sections and link-time optimisation; and
run. The archive has no global name but the interface's, and one that all objects with tracepoints have.

    linking_test.py ARCHIVE LIBRARY INCLUDE
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
# The interface of sys/sdt.h: weak, hidden, and in a section that is the same in each object with
# tracepoints, of which linkers keep one. Consumers correct a tracepoint's address by that section's, so
# the name cannot be another, nor local.
TRACEPOINTS = "_.stapsdt.base"
# The reference to a personality is merged in the same way, whether its name is global or was made local.
PERSONALITY = "DW.ref."
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Werror"]
COMPILERS = {"gcc": "g++", "clang": "clang++"}
LINKERS = {"bfd": "ld.bfd", "gold": "ld.gold", "lld": "ld.lld", "mold": "mold"}
MODES = {"-O0": ["-O0"], "-O2": ["-O2", "-ffunction-sections", "-fdata-sections"], "-flto": ["-O2", "-flto"]}
FORMS = {"-O0": ["archive"], "-O2": ["archive gc", "static gc", "shared gc"], "-flto": ["archive", "archive gc"]}
# gold drops the section of the tracepoints in libstdc++'s eh_throw.o, which come with a destructor, and
# then complains.
IMPOSSIBLE = {("gold", "static gc", "cancelled.cpp")}
OPTIONS = {"gc": "-Wl,--gc-sections", "static": "-static"}


def run(command, **more):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=120, **more)


def foreign_names(archive):
    """Names of the archive that another object might have, too."""
    done = run(["nm", "--defined-only", archive])
    names = re.findall(r"^[0-9a-f]* ([A-Za-z]) (\S+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or ("T", "magring_send") not in names:
        raise SystemExit(f"nm: {done.stdout}")
    return [name for kind, name in names if name.startswith(PERSONALITY) or
            (kind.isupper() and not name.startswith("magring_") and name != TRACEPOINTS)]


class Bench:
    def __init__(self, archive, library, include, work):
        self.archive, self.library, self.include, self.work = archive, library, include, work
        self.failures, self.linked = [], {}
        (work / "libmagring.so").symlink_to(library)
        (work / "libmagring.so.0").symlink_to(library)
        (work / "empty.c").write_text("int main(void) { return 0; }\n")

    def compile(self, compiler, mode, source):
        """The object, or None if there is no compiler for this."""
        is_cxx = source.suffix == ".cpp"
        driver = COMPILERS[compiler] if is_cxx else compiler
        if shutil.which(driver) is None:
            return None
        item = self.work / f"{source.name}-{compiler}{mode}.o"
        standard = "-std=c++17" if is_cxx else "-std=c11"
        done = run([driver, standard, *WARNINGS, "-fexceptions", *MODES[mode], "-I", self.include, "-c", source, "-o", item])
        if done.returncode != 0:
            self.failures.append(f"{source.name}, {driver} {mode}: {done.stdout}")
            return None
        return item

    def link(self, compiler, linker, mode, item, options, program):
        driver = COMPILERS[compiler] if ".cpp-" in item.name else compiler
        return run([driver, f"-fuse-ld={linker}", *MODES[mode], item, *options, "-pthread", "-o", program])

    def is_able(self, compiler, linker, mode):
        """Whether these go together at all: not all linkers know each compiler's intermediate code."""
        item = self.compile(compiler, mode, self.work / "empty.c")
        program = self.work / f"empty-{compiler}-{linker}{mode}"
        return (item is not None and self.link(compiler, linker, mode, item, [], program).returncode == 0 and
                run([program]).returncode == 0)

    def check(self, compiler, linker, mode, item, what, options):
        name = f"{item.stem}-{linker}-{what}".replace(" ", "")
        program = self.work / name
        done = self.link(compiler, linker, mode, item, options, program)
        if done.returncode == 0 and not done.stdout.strip():
            done = run([program], env={**os.environ, "LD_LIBRARY_PATH": str(self.work)})
        if done.returncode != 0 or done.stdout.strip():
            self.failures.append(f"{name}: status {done.returncode} {done.stdout}")
        else:
            self.linked[linker] = self.linked.get(linker, 0) + 1
        program.unlink(missing_ok=True)


def plan(bench, pool):
    """What is to be linked: (compiler, linker, mode, object, what, options)."""
    sources = sorted([*HERE.glob("*.c"), *HERE.glob("*.cpp")])
    compilers = [name for name in COMPILERS if shutil.which(name)]
    linkers = [name for name, command in LINKERS.items() if shutil.which(command)]
    keys = [(compiler, mode, source) for compiler in compilers for mode in MODES for source in sources]
    objects = dict(zip(keys, pool.map(lambda key: bench.compile(*key), keys)))
    trios = [(compiler, linker, mode) for compiler in compilers for linker in linkers for mode in MODES]
    able = dict(zip(trios, pool.map(lambda trio: bench.is_able(*trio), trios)))
    for compiler, linker, mode in trios:
        if not able[compiler, linker, mode]:
            print(f"not: {compiler} {mode} with {linker}")
            continue
        for item in filter(None, (objects[compiler, mode, source] for source in sources)):
            for what in FORMS[mode]:
                if (linker, what, item.name.split("-")[0]) in IMPOSSIBLE:
                    continue
                library = [f"-L{bench.work}", "-lmagring"] if "shared" in what else [bench.archive]
                options = [OPTIONS[word] for word in what.split() if word in OPTIONS]
                yield compiler, linker, mode, item, what, [*library, *options]


def main():
    archive, library, include = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
    foreign = foreign_names(archive)
    print(f"names that another object might have: {foreign}")
    with tempfile.TemporaryDirectory(prefix="magring-linking-") as directory, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        bench = Bench(archive, library, include, pathlib.Path(directory))
        list(pool.map(lambda one: bench.check(*one), list(plan(bench, pool))))
        print("linked and run:", ", ".join(f"{count} with {linker}" for linker, count in bench.linked.items()) or "none")
        print("\n".join(bench.failures))
        return 1 if foreign or bench.failures or not bench.linked else 0


if __name__ == "__main__":
    sys.exit(main())
