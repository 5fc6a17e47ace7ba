#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
A debug build aborts, and says why, when two threads use a side at once that is declared to be
one's; and not when they use the other side, or one comes after the other.

    exclusive_test.py PROGRAM
"""
import signal
import subprocess
import sys

CALLS = ("send", "send_batch", "recv", "recv_batch", "send_try", "send_batch_try", "recv_try", "recv_batch_try")


def main():
    failed = 0
    for case in [prefix + call for call in CALLS for prefix in ("", "no-", "one-")]:
        done = subprocess.run([sys.argv[1], case], capture_output=True, text=True, timeout=60, check=False)
        if case in CALLS:
            side = "SENDER" if "send" in case else "RECEIVER"
            good = done.returncode == -signal.SIGABRT and done.stderr.count("\n") == 1 and \
                '"lonely"' in done.stderr and "MAGRING_SINGLE_" + side in done.stderr
        else:
            good = done.returncode == 0 and done.stderr == ""
        failed += not good
        print(f"{'ok' if good else 'NOT OK'}: {case}, exit status {done.returncode} {done.stderr.strip()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
