#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""perf/compare: finds the differences that were put in, and none that were not."""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
PERF = HERE.parent.parent / "perf"
sys.path[:0] = [str(HERE), str(PERF)]
try:
    import made_up
    from report import differences, series
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


COMPARE = made_up.load(PERF / "compare")


class Statistics(unittest.TestCase):
    def test_probability_of_complete_separation(self):
        # All of five above all of five: 2 of the 252 ways to mix them are as extreme.
        found = differences.measure(("x",), False, True, [1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
        self.assertAlmostEqual(found.probability, 2 / 252, places=12)
        self.assertAlmostEqual(differences.least_probability(5, 5), 2 / 252, places=12)
        self.assertEqual((found.old, found.new, found.better), (3, 8, True))

    def test_probability_of_a_rank_sum(self):
        # 1, 2, 4 beside 3, 5, 6, 7: U = 1, and of the 35 ways 1 has U = 0 and 1 has U = 1, on either side.
        found = differences.measure(("x",), False, True, [1, 2, 4], [3, 5, 6, 7])
        self.assertAlmostEqual(found.probability, 4 / 35, places=12)

    def test_correction(self):
        # By hand: 0.005 * 4 / 1, 0.01 * 4 / 2, 0.03 * 4 / 3, 0.04 * 4 / 4, and none above the next.
        probabilities = [0.01, 0.04, 0.03, 0.005]
        made = [differences.Difference((i,), False, True, 1, 2, 2, 1.5, 2.5, p) for i, p in enumerate(probabilities)]
        differences.correct(made)
        for difference, wanted in zip(made, [0.02, 0.04, 0.04, 0.02]):
            self.assertAlmostEqual(difference.corrected, wanted, places=12)

    def test_interval_holds_the_true_ratio_about_as_often_as_it_says(self):
        import random
        rng, held = random.Random(1), 0
        for trial in range(200):
            old, new = ([size * rng.gauss(1, 0.05) for _ in range(15)] for size in (1, 1.2))
            found = differences.measure((trial,), False, True, old, new)
            held += found.low <= 1.2 <= found.high
        self.assertTrue(180 <= held <= 200, held)

    def test_what_makes_a_difference_real(self):
        def real(**change):
            given = {"ratio": 0.9, "low": 0.85, "high": 0.95, "corrected": 0.01, **change}
            return differences.is_real(differences.Difference((), True, True, 10, 9, probability=0.001, **given), 0.05, 0.03)
        self.assertTrue(real())
        self.assertFalse(real(corrected=0.06))
        self.assertFalse(real(high=1.01))
        self.assertFalse(real(ratio=0.98, high=0.99))

    def test_from_nothing_to_something(self):
        found = differences.measure(("bytes",), False, False, [0] * 7, [8.0] * 7)
        differences.correct([found])
        self.assertEqual(found.ratio, float("inf"))
        self.assertTrue(differences.is_real(found, 0.05, 0.03) and not found.better)
        same = differences.measure(("bytes",), False, False, [0] * 7, [0] * 7)
        self.assertEqual((same.ratio, same.probability), (1, 1))

    def test_against_others_cancels_the_round(self):
        entry = series.Series("1/s", True, {0: 10, 1: 40, 3: 5}, {
            "a": {0: 1, 1: 4, 3: 1}, "b": {0: 4, 1: 16, 3: 1}, "blocked": {0: 0, 1: 1, 3: 1}, "late": {1: 1, 3: 1}})
        self.assertEqual(series.usable_others(entry), ["a", "b"])
        self.assertEqual([round(ratio, 9) for ratio in series.against_others(entry, ["a", "b"])], [5, 5, 5])
        self.assertEqual(series.against_others(entry, []), [])


class Compare(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="magring-compare-")
        self.addCleanup(directory.cleanup)
        self.work = pathlib.Path(directory.name)

    def run_on(self, old, new, *options):
        paths = [self.work / "old.json", self.work / "new.json"]
        for path, document in zip(paths, (old, new)):
            path.write_text(document if isinstance(document, str) else json.dumps(document))
        return made_up.call(COMPARE, *options, *paths)

    def compared(self, old, new, *options):
        """(status, the lines that say WORSE, those that say better, all that was printed)"""
        status, text, complaint = self.run_on(old, new, *options)
        self.assertEqual(complaint, "")
        lines = text.splitlines()
        return (status, [line for line in lines if line.startswith("WORSE")],
                [line for line in lines if line.startswith("better")], text)

    def test_two_runs_alike(self):
        for seed in range(10):
            with self.subTest(seed):
                status, worse, better, text = self.compared(made_up.Run(seed).usual(), made_up.Run(100 + seed).usual())
                self.assertEqual((status, worse, better), (0, [], []), text)
                self.assertIn("17 figures compared, 0 worse, 0 better, 17 not different", text)

    def test_chance_alone_is_there_to_be_corrected(self):
        def probabilities(seed):
            ours, *_ = COMPARE.compare(made_up.Run(seed).usual(), made_up.Run(100 + seed).usual(), True, 0.05)
            return [d.probability for d in ours]
        self.assertTrue([p for seed in range(10) for p in probabilities(seed) if p < 0.05])

    def test_a_loss_is_found_where_it_is(self):
        for seed in range(3):
            with self.subTest(seed):
                slower = made_up.Run(200 + seed, factor={("throughput", "magring"): 0.9})
                status, worse, better, text = self.compared(made_up.Run(seed).usual(), slower.usual())
                self.assertEqual((status, better), (1, []), text)
                # Six settings, two values of each, one of which is better when it is less.
                self.assertEqual([line.split()[1] for line in worse], ["throughput"] * 12, text)
                self.assertTrue(all(" magring " in line for line in worse))
                for line in worse:
                    ratio = float(re.search(r"(\d\.\d\d) \[", line).group(1))
                    self.assertAlmostEqual(ratio, 0.9 if "messages_per_second" in line else 1 / 0.9, delta=0.04)

    def test_a_gain_is_none_to_fail_for(self):
        faster = made_up.Run(300, factor={("latency", "magring"): 1.2})
        status, worse, better, text = self.compared(made_up.Run(1).usual(), faster.usual())
        self.assertEqual((status, worse), (0, []), text)
        self.assertEqual([line.split()[1] for line in better], ["latency"] * 3, text)

    def test_what_is_too_small_to_speak_of(self):
        slower = made_up.Run(301, noise=0.001, factor={("throughput", "magring"): 0.98}).usual()
        old = made_up.Run(1, noise=0.001).usual()
        self.assertEqual(self.compared(old, slower)[0], 0)
        status, worse, *_ = self.compared(old, slower, "--smallest", "0.01")
        self.assertEqual((status, len(worse)), (1, 12))

    def test_the_machine_s_mood_is_not_the_library_s(self):
        status, worse, better, text = self.compared(made_up.Run(1).usual(), made_up.Run(302, speed=0.5).usual())
        self.assertEqual((status, worse, better), (0, [], []), text)
        mood = float(re.search(r"by the median they are (\S+) times as good", text).group(1))
        self.assertAlmostEqual(mood, 0.5, delta=0.1)

    def test_another_machine_or_placement(self):
        for change in ({"cpu": "Another"}, {"cpus_online": 2}, None):
            with self.subTest(change):
                new = made_up.Run(303, factor={("throughput", "magring"): 0.9}).usual()
                alone = made_up.Run(304, queues={"magring": 1.0}, speed=0.5)
                if change:
                    new["machine"].update(change)
                else:
                    new["limits"]["core_to_core_ns"] = 200.0
                status, worse, _, text = self.compared(made_up.Run(1).usual(), new)
                self.assertIn("only ratios within a run are compared", text)
                self.assertNotIn("the other queues:", text)
                self.assertEqual((status, len(worse)), (1, 12), text)
                alone = alone.usual()
                alone["machine"], alone["limits"] = new["machine"], new["limits"]
                status, _, complaint = self.run_on(made_up.Run(1, queues={"magring": 1.0}).usual(), alone)
                self.assertEqual(status, 2)
                self.assertIn("nothing of this library can be compared", complaint)

    def test_alone_on_the_same_machine(self):
        old = made_up.Run(1, queues={"magring": 1.0}, mood=0.01).usual()
        new = made_up.Run(305, queues={"magring": 1.0}, mood=0.01, factor={("throughput", "magring"): 0.8}).usual()
        status, worse, _, text = self.compared(old, new)
        self.assertEqual((status, len(worse)), (1, 12), text)
        self.assertNotIn("geometric mean", text)

    def test_another_version_of_a_queue_is_no_measure(self):
        old, new = made_up.Run(1).usual(), made_up.Run(306, factor={("throughput", "ck_ring"): 2.0}).usual()
        self.assertEqual(self.compared(old, new)[0], 1)
        for queue in new["queues"]:
            if queue["name"] == "ck_ring":
                queue["origin"] = "ck_ring 2.0"
        status, worse, better, text = self.compared(old, new)
        self.assertEqual((status, worse, better), (0, [], []), text)

    def test_rounds_that_were_left_out_do_not_count(self):
        # In these the figures are a hundred times as large: see made_up.py.
        document = made_up.Run(1).usual()
        for place, entry in series.of(document).items():
            self.assertEqual(len(entry.rounds), 7, place)
        for scenario in document["scenarios"]:
            for setting in scenario["settings"]:
                for queue in setting["queues"]:
                    for measured in queue["rounds"]:
                        measured["kept"] = False
        self.assertEqual(self.run_on(document, made_up.Run(2).usual())[0], 2)

    def test_too_few_rounds_to_tell(self):
        few = made_up.Run(307, rounds=3, factor={("throughput", "magring"): 0.5}).usual()
        status, _, complaint = self.run_on(made_up.Run(1, rounds=3).usual(), few)
        self.assertEqual(status, 2)
        self.assertIn("too few rounds", complaint)

    def test_what_only_one_run_has(self):
        old, new = made_up.Run(1).usual(), made_up.Run(2).usual()
        del new["scenarios"][1]
        _, _, _, text = self.compared(old, new)
        self.assertIn("9 are in one run only", text) # three values of three queues

    def bars(self, *bars, rate=1e7):
        """(status, lines) of a run in which magring is four times as good as baseline, in all moods."""
        run = made_up.Run(1, noise=0, queues={"magring": 4.0, "baseline": 1.0})
        throughput = run.scenario("throughput", [("messages_per_second", "messages/s", True)])
        for name, senders in (("1x1", 1), ("2x2", 2)):
            run.setting(throughput, name, senders)
        for entry in throughput["settings"][1]["queues"]: # a mood of its own round, and no others
            for number, measured in enumerate(entry["rounds"]):
                measured["values"]["messages_per_second"] = rate * (4 if entry["name"] == "magring" else 1) * (number + 1)
        usual = {"scenario": "throughput", "settings": ["2x2"], "queue": "magring", "value": "messages_per_second"}
        results, file = self.work / "results.json", self.work / "bars.json"
        results.write_text(json.dumps(run.document))
        file.write_text(json.dumps({"bars": [{**usual, **bar} for bar in bars]}))
        status, text, complaint = made_up.call(COMPARE, results, "--bars", file)
        return status, text.splitlines(), complaint

    def test_bars_of_figures(self):
        # Seven rounds count, of 4, 8 ... 28 times the rate: the median is 16 times.
        for least, wanted in ((1.6e8, 0), (1.61e8, 1)):
            status, lines, _ = self.bars({"least": least})
            self.assertEqual((status, [line.split()[0] for line in lines]), (wanted, ["MISSED" if wanted else "met"]))
        self.assertEqual(self.bars({"most": 1.6e8})[0], 0)
        self.assertEqual(self.bars({"most": 1.59e8})[0], 1)
        self.assertIn("160,000,000", self.bars({"least": 0})[1][0])

    def test_bars_of_ratios(self):
        for least, wanted in ((4, 0), (4.01, 1)):
            status, lines, _ = self.bars({"least": least, "to": {"queue": "baseline"}})
            self.assertEqual(status, wanted, lines)
        # Across settings: of the medians.
        _, lines, _ = self.bars({"least": 0, "to": {"queue": "baseline", "settings": {"2x2": "1x1"}}})
        self.assertIn("in ratio to baseline in 1x1", lines[0])

    def test_bars_of_what_was_not_measured(self):
        met = {"least": 1}
        for absent in ({"queue": "other"}, {"settings": ["9x9"]}, {"scenario": "none"}, {"to": {"queue": "other"}}):
            status, lines, _ = self.bars(met, {**met, **absent})
            self.assertEqual((status, len(lines)), (0, 1), absent)
        status, lines, complaint = self.bars({**met, "queue": "other"})
        self.assertEqual((status, lines), (2, []))
        self.assertIn("no bar", complaint)
        self.assertEqual(self.bars({**met, "value": "unheard"})[0], 1) # no figure: missed

    def test_the_bars_are_of_scenarios_that_there_are(self):
        file = json.loads((PERF / "bars.json").read_text())
        sources = "".join(path.read_text() for path in (PERF / "scenarios").glob("*.c"))
        for bar in file["bars"]:
            self.assertIn(f'.name = "{bar["scenario"]}"', sources)
            self.assertIn(f'"{bar["value"]}"', sources)
            self.assertEqual(("least" in bar) + ("most" in bar), 1, bar)

    def test_what_cannot_be_compared(self):
        good = made_up.Run(1).usual()
        broken = copy.deepcopy(good)
        del broken["scenarios"][0]["settings"][0]["queues"][0]["rounds"]
        for complaint, old, new in (("no JSON", "{", good), ("'rounds' is a required property", good, broken)):
            with self.subTest(complaint):
                status, text, said = self.run_on(old, new)
                self.assertEqual((status, text), (2, ""))
                self.assertTrue(said.startswith("perf/compare: ") and complaint in said, said)

    def test_as_a_command(self):
        for name, factor, wanted in (("same", 1.0, 0), ("slower", 0.5, 1)):
            run = made_up.Run(2, factor={("throughput", "magring"): factor})
            (self.work / name).write_text(json.dumps(run.usual()))
            done = subprocess.run([sys.executable, PERF / "compare", self.work / "same", self.work / name],
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual((done.returncode, done.stderr), (wanted, ""))


if __name__ == "__main__":
    unittest.main()
