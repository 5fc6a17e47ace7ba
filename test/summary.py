# SPDX-License-Identifier: MIT
"""summary.py BROKEN LOG...: count what meson's test logs (testlog.json) report.

A Criterion program reports each of its tests in the TAP format; any other program is
one test. BROKEN builds could not be tested, and so could those that left no log.
"""
import collections
import json
import pathlib
import re
import sys

GOOD = {"OK", "EXPECTEDFAIL"}
TELLING = re.compile(r"^not ok|SURVIVED|FAILED|: not |nothing has happened|WARNING: |ERROR: |_check: |Assertion |[Ee]rror:")
TOLD = 10  # such lines of each failed test


def outcomes_of(test):
    """The results of one entry of the log: passed, failed or skipped."""
    result = test["result"]
    output = test.get("stdout") or ""
    if result == "SKIP":
        return ["skipped"]
    if result == "EXPECTEDFAIL" or not output.startswith("TAP version"):
        return ["passed" if result in GOOD else "failed"]
    outcomes = []
    for line in output.splitlines():
        match = re.match(r"(ok|not ok) .*?(#\s*SKIP\b)?[^#]*$", line, re.I)
        if match:
            outcomes.append("skipped" if match.group(2) else
                            "passed" if match.group(1) == "ok" else "failed")
    plan = re.search(r"^1\.\.(\d+)", output, re.M)
    missing = int(plan.group(1)) - len(outcomes) if plan else 1
    outcomes += ["failed"] * max(missing, 0)
    # It ended badly although each of its tests went well.
    if result not in GOOD and "failed" not in outcomes:
        outcomes.append("failed")
    return outcomes


def main():
    count = collections.Counter(failed=int(sys.argv[1]))
    for log in sys.argv[2:]:
        tests = []
        if pathlib.Path(log).exists():
            tests = [json.loads(line) for line in pathlib.Path(log).read_text().splitlines()]
        if not tests:
            print(f"{log}: no tests")
            count["failed"] += 1
        for test in tests:
            outcomes = outcomes_of(test)
            count.update(outcomes)
            if "failed" in outcomes:
                print(f"failed in {log.split('/')[-3]}: {test['name']}")
                said = (test.get("stdout") or "") + (test.get("stderr") or "")
                telling = [line for line in said.splitlines() if TELLING.search(line)]
                print("".join(f"    {line[:200]}\n" for line in telling[:TOLD]), end="")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    sys.exit(1 if count["failed"] or not count["passed"] else 0)


main()
