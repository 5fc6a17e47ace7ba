# SPDX-License-Identifier: MIT
"""Results that were never measured, for the tests of perf/page and perf/compare."""
import contextlib
import importlib.machinery
import importlib.util
import io
import random
import statistics
import sys
from unittest import mock

MACHINE = {"date": "2026-01-02T03:04:05Z", "cpu": "Imagined 9000", "kernel": "Linux 6.1", "system": "Debian",
           "libc": "glibc 2.36", "compiler": "gcc 12.2.0", "governor": "", "hypervisor": "no",
           "cpus_online": 8, "cpus_allowed": 8, "memory_mb": 16000.0}
NOTHING = "none (the harness itself)"


def load(path):
    """A script as a module: that is quicker than a process that loads all libraries anew."""
    loader = importlib.machinery.SourceFileLoader(f"script_{path.name}", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def call(script, *arguments):
    """(status, what was printed, what was complained) of a loaded script."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err, \
            mock.patch.object(sys, "argv", [script.__file__, *map(str, arguments)]):
        status = script.main()
    return status, out.getvalue(), err.getvalue()


def interval(figures):
    return {"median": statistics.median(figures), "low": min(figures), "high": max(figures)}


class Run:
    """
    One run of magring-perf. The machine has moods: each round is so much faster or slower for
    all queues alike. A queue's own noise is small.
    """

    def __init__(self, seed, rounds=7, speed=1.0, mood=0.2, noise=0.01, factor=None, queues=None):
        self.random = random.Random(seed)
        self.rounds, self.speed, self.mood, self.noise = rounds, speed, mood, noise
        self.factor = factor or {}  # {(scenario, queue): how much better that is}
        self.queues = queues or {"magring": 1.0, "ck_ring": 0.8, "mutex <ring> & \"more\"": 0.1}
        self.document = {
            "machine": dict(MACHINE), "options": {"rounds": rounds, "seconds": 0.2, "seed": seed},
            "limits": {"core_to_core_ns": 23.0, "lines_per_second_one_way": 1e8}, "run_seconds": 12.5, "rounds_redone": 1,
            "queues": [{"name": name, "origin": f"{name} 1.0", "carries": "56 bytes"} for name in self.queues]
                      + [{"name": NOTHING, "origin": "", "carries": "nothing"}],
            "scenarios": []}

    def setting(self, scenario, name, senders, batch=1, rate=0.0):
        moods = [self.speed * self.random.lognormvariate(0, self.mood) for _ in range(self.rounds + 1)]
        names = [*self.queues, NOTHING]
        measured = {}
        for queue in names:
            fast = self.queues.get(queue, 5.0) * self.factor.get((scenario["name"], queue), 1.0)
            measured[queue] = []
            for number, mood in enumerate(moods):
                values = {}
                for place, value in enumerate(scenario["values"], 1):
                    size = 1e7 / senders * fast * mood if value["more_is_better"] else 1e3 * place * place / fast / mood
                    values[value["name"]] = size * self.random.lognormvariate(0, self.noise)
                # The last one was disturbed.
                kept = number < self.rounds
                measured[queue].append({
                    "kept": kept, "probe_before_ns": 23.0, "probe_after_ns": 23.0, "steal_ms": 0.0, "context_switches": 1,
                    "values": values if kept else {key: figure * 100 for key, figure in values.items()}})
        first = scenario["values"][0]["name"]
        entries = []
        for queue in names:
            kept = [entry["values"] for entry in measured[queue] if entry["kept"]]
            ours = [entry["values"] for entry in measured[names[0]] if entry["kept"]]
            ratios = [a[first] / b[first] if scenario["values"][0]["more_is_better"] else b[first] / a[first]
                      for a, b in zip(ours, kept)]
            entries.append({
                "name": queue, "ratio": interval(ratios), "counters": {"instructions": 123.0, "cycles": None},
                "summary": {key: interval([values[key] for values in kept]) for key in kept[0]}, "rounds": measured[queue]})
        scenario["settings"].append({"name": name, "senders": senders, "receivers": senders, "capacity": 1024, "batch": batch,
                                     "payload": 0, "rate": rate, "queues": entries})

    def scenario(self, name, values):
        scenario = {"name": name, "what": f"what {name} is", "settings": [],
                    "values": [{"name": value, "unit": unit, "more_is_better": more} for value, unit, more in values]}
        self.document["scenarios"].append(scenario)
        return scenario

    def usual(self):
        """A scenario with lines, one with percentiles, and one that nobody has heard of."""
        throughput = self.scenario("throughput", [("messages_per_second", "messages/s", True),
                                                  ("cpu_ns_per_message", "ns", False)])
        for senders in (1, 2, 4):
            for batch in (1, 16):
                self.setting(throughput, f"{senders}x{senders}, {batch} at once", senders, batch)
        latency = self.scenario("latency", [("p50_ns", "ns", False), ("p99_ns", "ns", False), ("p99_9_ns", "ns", False)])
        self.setting(latency, "1x1, slow", 1, rate=1e5)
        unheard = self.scenario("unheard of", [("things", "things", True), ("peak_rss_mb", "MB", False)])
        self.setting(unheard, "just so", 1)
        return self.document
