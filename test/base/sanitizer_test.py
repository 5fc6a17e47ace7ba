#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
A program with a fault is reported by the tool that it runs under, and the same
program without one is not.

    sanitizer_test.py address|memcheck PROGRAM
"""
import os
import subprocess
import sys

FAULTS = {  # what memcheck says
    "overflow": "Invalid write of size 1",
    "use-after-send": "Invalid write of size 1",
    "use-after-free": "Invalid write of size 1",
    "read-after-free": "Invalid read of size 1",
    "read-after-last-free": "Invalid read of size 1",
}
REPORT = 99


def run(tool, program, fault):
    command = [program, fault]
    if tool == "memcheck":
        command = ["valgrind", "--quiet", f"--error-exitcode={REPORT}", *command]
    environment = dict(os.environ, ASAN_OPTIONS=f"exitcode={REPORT}:abort_on_error=0")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout + done.stderr


def main():
    tool, program = sys.argv[1:]
    failed = 0
    for fault, words in {"none": None, **FAULTS}.items():
        status, output = run(tool, program, fault)
        if fault == "none":
            good = status == 0
        else:
            good = status == REPORT and ("use-after-poison" if tool == "address" else words) in output
        failed += not good
        print(f"{'ok' if good else 'NOT OK'}: {fault}, exit status {status}")
        if not good:
            print(output)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
