#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""perf/allocators: the figures are in their places, and the ratio is that of the best general allocator."""
import json
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
PERF = HERE.parent.parent / "perf"
sys.path[:0] = [str(HERE), str(PERF)]
try:
    import made_up
    import jsonschema
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ALLOCATORS = made_up.load(PERF / "allocators")
# So much better than others, in every figure; the best is not general.
BETTER = {"magring's pool": 2.0, "static buffers": 8.0, "malloc of glibc": 1.0, "jemalloc": 1.6, "mimalloc": 0.5}


def made(*scenarios):
    """Rounds without noise; of "alone" in one setting and of "payload" in two."""
    run = made_up.Run(1, mood=0, noise=0, queues=BETTER)
    if "alone" in scenarios:
        alone = run.scenario("alone", [("ns_first_bytes_written", "ns", False), ("ns_all_bytes_written", "ns", False),
                                       ("peak_rss_mb", "MB", False)])
        run.setting(alone, "64 bytes, alone", 1)
    if "payload" in scenarios:
        payload = run.scenario("payload", [("messages_per_second", "1/s", True), ("peak_rss_mb", "MB", False)])
        run.setting(payload, "100 bytes, 1x1", 1)
        run.setting(payload, "100 bytes, 4x4", 4)
    if "throughput" in scenarios:
        run.setting(run.scenario("throughput", [("messages_per_second", "1/s", True)]), "1x1", 1)
    run.document["cpus_busy_for_others"] = 0.25
    return run.document


def call(document):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "results.json"
        path.write_text(json.dumps(document))
        return made_up.call(ALLOCATORS, path)


class Table(unittest.TestCase):
    def test_figures(self):
        status, out, err = call(made("alone", "payload"))
        self.assertEqual((status, err), (0, ""))
        lines = [line.split() for line in out.splitlines()]
        self.assertIn(["magring", "glibc", "jemalloc", "mimalloc", "static", "ratio"], lines)
        # made_up: value number n takes 1000 n^2 / better, and 10 million go a second, divided by the senders.
        self.assertIn("64 bytes 500 1,000 625 2,000 125 1.25".split(), lines)
        self.assertIn("64 bytes 2,000 4,000 2,500 8,000 500 1.25".split(), lines)
        self.assertIn("100 bytes, 1x1 20 10 16 5 80 1.25".split(), lines)
        self.assertIn("100 bytes, 4x4 5 2.5 4 1.25 20 1.25".split(), lines)
        self.assertIn("0.25 CPUs", out)

    def test_the_best_one_changes(self):
        document = made("alone")
        for queue in document["scenarios"][0]["settings"][0]["queues"]:
            if queue["name"] == "mimalloc":
                queue["summary"]["ns_all_bytes_written"] = {"median": 100.0, "low": 90.0, "high": 110.0}
                for measured in queue["rounds"]:
                    measured["values"]["ns_all_bytes_written"] = 100.0
        lines = [line.split() for line in call(document)[1].splitlines()]
        self.assertIn("64 bytes 2,000 4,000 2,500 100 500 0.05".split(), lines)

    def test_ratios_are_those_of_rounds(self):
        document = made("alone")
        figures = {"magring's pool": [10, 20, 50], "jemalloc": [40, 30, 25]} # in rounds 4, 1.5 and 0.5 times better
        for queue in document["scenarios"][0]["settings"][0]["queues"]:
            for number, measured in enumerate(queue["rounds"]):
                measured["kept"] = number < 3 # the others have the ratio 1.25
                if number < 3 and queue["name"] in figures:
                    measured["values"]["ns_all_bytes_written"] = figures[queue["name"]][number]
        lines = [line.split() for line in call(document)[1].splitlines()]
        self.assertIn("64 bytes 2,000 4,000 2,500 8,000 500 1.5".split(), lines)

    def test_a_figure_that_is_not_there(self):
        document = made("alone")
        for queue in document["scenarios"][0]["settings"][0]["queues"]:
            if queue["name"] == "magring's pool":
                queue["summary"]["ns_all_bytes_written"] = {"median": None, "low": None, "high": None}
        lines = [line.split() for line in call(document)[1].splitlines()]
        self.assertIn("64 bytes - 4,000 2,500 8,000 500 -".split(), lines)

    def test_nothing_of_allocators(self):
        status, out, err = call(made("throughput"))
        self.assertEqual((status, out), (2, ""))
        self.assertIn("nothing of allocators", err)


if __name__ == "__main__":
    unittest.main()
