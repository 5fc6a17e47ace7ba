#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""perf/page: a page that needs nothing else, says all figures, and is not made of what is no result."""
import copy
import functools
import html.parser
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
    from report import page
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


REPORT = made_up.load(PERF / "page")


class Page(html.parser.HTMLParser):
    """What is in it: elements with attributes, ids, texts of tables and of drawings, and whether all is closed."""
    VOID = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.cells, self.labels = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")
        if tag == "text":
            self.labels.append("")

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        opened = self.open.pop()
        if opened != tag:
            raise ValueError(f"<{opened}> is closed by </{tag}>")

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data
        if "text" in self.open:
            self.labels[-1] += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


class Report(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="magring-report-")
        self.addCleanup(directory.cleanup)
        self.work = pathlib.Path(directory.name)

    def run_on(self, *documents, output="out.html"):
        """(status, complaints, the page or None)"""
        paths = []
        for number, document in enumerate(documents):
            paths.append(self.work / f"results-{number}.json")
            paths[-1].write_text(document if isinstance(document, str) else json.dumps(document))
        status, _, complaints = made_up.call(REPORT, *paths, "-o", self.work / output)
        made = self.work / output
        return status, complaints, made.read_text() if made.exists() else None

    def made(self, *documents):
        status, complaints, text = self.run_on(*documents)
        self.assertEqual((status, complaints), (0, ""))
        return text

    @staticmethod
    @functools.cache
    def usual():
        """The page of a run, drawn once."""
        return page.render([("a/perf.json", made_up.Run(1).usual())])

    def test_needs_nothing_else(self):
        text = self.usual()
        parsed = Page(text)
        self.assertEqual(parsed.open, [])
        self.assertEqual([tag for tag, _ in parsed.elements if tag in ("script", "link", "img", "iframe", "object")], [])
        for _, attributes in parsed.elements:
            for name, value in attributes.items():
                if name in ("href", "src", "xlink:href"):
                    self.assertTrue(value.startswith("#"), value)
        self.assertNotRegex(text, r"@import|url\((?!#)")

    def test_references_within_lead_somewhere_and_ids_are_unique(self):
        parsed = Page(text := self.made(made_up.Run(1).usual(), made_up.Run(2).usual()))
        ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
        self.assertEqual(len(ids), len(set(ids)))
        used = set(re.findall(r'(?:href="|url\()#([^")]+)', text)) | {
            attributes["aria-labelledby"] for _, attributes in parsed.elements if "aria-labelledby" in attributes}
        self.assertGreater(len(used), 20)
        self.assertLessEqual(used, set(ids))

    def test_the_same_results_give_the_same_bytes(self):
        document = made_up.Run(3).usual()
        del document["scenarios"][0]
        (self.work / "results-0.json").write_text(json.dumps(document))
        subprocess.run([sys.executable, PERF / "page", self.work / "results-0.json", "-o", self.work / "other.html"],
                       check=True, timeout=120)
        self.assertEqual(self.made(document), (self.work / "other.html").read_text())

    def test_all_figures_are_in_the_tables(self):
        document = made_up.Run(1).usual()
        cells = Page(self.usual()).cells
        wanted = []
        for scenario in document["scenarios"]:
            for setting in scenario["settings"]:
                for queue in setting["queues"]:
                    wanted += [page.interval_text(entry) for entry in [*queue["summary"].values(), queue["ratio"]]]
        wanted += [made_up.MACHINE["cpu"], "7 of 8", "123"]
        self.assertEqual([figure for figure in wanted if figure not in cells], [])

    def test_bars_are_told(self):
        run = made_up.Run(4, noise=0, queues={"magring": 4.0, "baseline": 1.0})
        throughput = run.scenario("throughput", [("messages_per_second", "messages/s", True)])
        run.setting(throughput, "1x1", 1)
        run.document["disturbed_by"] = "a <storm>"
        text = self.made(run.document)
        self.assertIn("This run was disturbed: a &lt;storm&gt;.", text)
        cells = Page(text).cells
        self.assertIn("throughput, 1x1: magring, messages per second, in ratio to baseline", cells)
        self.assertIn("at least 5", cells)
        self.assertIn("no", cells)

    def test_charts_follow_from_the_settings(self):
        labels = [svg.get("aria-label", "") for svg in Page(self.usual()).all("svg")]
        for wanted in ("Line chart: throughput, 1 at once, capacity 1,024; messages per second (more is better) by senders",
                       "Line chart: throughput, 16 at once", "Line chart: latency: 1x1, slow; ns by percentile",
                       "Bar chart: unheard of: just so; things", "Bar chart: unheard of: just so; peak rss, MB",
                       "Bar chart: throughput: 4x4, 16 at once; times better than each",
                       "Bar chart: throughput: 1x1, 1 at once; % of the lines per second one way"):
            self.assertEqual(len([label for label in labels if label.startswith(wanted)]), 1, (wanted, labels))
        self.assertEqual([label for label in labels if not label], [])

    def test_busy_processes_are_the_places_of_a_line(self):
        run = made_up.Run(5)
        stream = run.scenario("busy stream", [("messages_per_second", "messages/s", True)])
        for processors in (1, 2):
            for busy in (0, 1, 2):
                run.setting(stream, f"on {processors}, {busy} busy", 1)
                stream["settings"][-1] |= {"processors": processors, "busy": busy}
        run.document["left_out"] = [{"name": "busy deadline", "why": "not <permitted>"}]
        text = self.made(run.document)
        labels = [svg.get("aria-label", "") for svg in Page(text).all("svg")]
        for processors in (1, 2):
            wanted = (f"Line chart: busy stream, 1x1, 1 at once, capacity 1,024, on CPUs: {processors}; messages per second "
                      "(more is better) by busy processes beside them")
            self.assertEqual(len([label for label in labels if label.startswith(wanted)]), 1, (wanted, labels))
        self.assertEqual([label for label in labels if "lines per second" in label], [], "threads that share CPUs have no limit")
        self.assertIn("Left out here: busy deadline (not &lt;permitted&gt;).", text)

    def test_texts_are_texts_and_names_do_no_harm(self):
        document = made_up.Run(7).usual()
        del document["scenarios"][:2]
        document["scenarios"][0]["what"] = "<b>bold</b>"
        text = self.made(document)
        parsed = Page(text)
        for name in ("magring", 'mutex <ring> & "more"'):
            self.assertIn(name, parsed.labels)
            self.assertIn(name, parsed.cells)
        self.assertNotIn("<b>", text)
        self.assertNotIn(made_up.NOTHING, parsed.labels)
        self.assertIn(made_up.NOTHING, parsed.cells)

    def test_colours_are_the_page_s_in_light_and_in_dark(self):
        text = self.made(made_up.Run(8, queues={f"queue {n}": n + 1.0 for n in range(20)}).usual())
        style = re.search(r"<style>.*?</style>", text, re.DOTALL).group()
        light, dark = style.split("prefers-color-scheme: dark")
        used = set(re.findall(r"var\((--[a-z0-9-]+)\)", text))
        self.assertGreater(len(used), 8)
        for theme in (light, dark):
            self.assertEqual({name for name in used if f"{name}:" not in theme}, set())
        drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
        self.assertEqual(set(re.findall(r"#[0-9a-f]{6}\b", drawn)) - {"#000000"}, set())

    def test_what_could_not_be_measured_is_a_dash(self):
        document = made_up.Run(9).usual()
        del document["scenarios"][:2]
        for setting in document["scenarios"][0]["settings"]:
            for queue in setting["queues"]:
                queue["summary"]["things"] = {"median": None, "low": None, "high": None}
                queue["ratio"], queue["counters"] = None, None
            setting["queues"][1]["summary"]["peak_rss_mb"] = {"median": 0.0, "low": 0.0, "high": 0.0}
        labels = [svg["aria-label"] for svg in Page(self.made(document)).all("svg")]
        self.assertFalse([label for label in labels if "unheard of: just so; things" in label])
        self.assertTrue([label for label in labels if "peak rss" in label])

    def test_what_is_no_result_is_refused(self):
        good = made_up.Run(10).usual()

        def spoilt(spoil):
            document = copy.deepcopy(good)
            spoil(document)
            return document
        first = lambda document: document["scenarios"][0]["settings"][0]["queues"][0] # noqa: E731
        cases = {
            "no JSON": "{", "no JSON: NaN": '{"scenarios": NaN}', "is not of type 'object'": "[]", "is a required property": {"machine": {}},
            "'machine' is a required": spoilt(lambda d: d.pop("machine")),
            "'summary' is a required": spoilt(lambda d: first(d).pop("summary")),
            "is not of type": spoilt(lambda d: first(d)["rounds"][0]["values"].update(messages_per_second="fast")),
            "is not between": spoilt(lambda d: first(d)["summary"]["messages_per_second"].update(low=1e12)),
            "is there twice": spoilt(lambda d: d["scenarios"].append(d["scenarios"][0])),
            "none of the scenario's values": spoilt(lambda d: first(d)["summary"].update(nonsense=None)),
        }
        for complaint, document in cases.items():
            with self.subTest(complaint):
                status, said, text = self.run_on(document)
                self.assertEqual((status, text), (2, None))
                self.assertRegex(said, r"\Aperf/page: \S+results-0\.json: .*" + re.escape(complaint))
                self.assertEqual(said.count("\n"), 1)

    def test_a_file_that_is_not_there(self):
        done = subprocess.run([sys.executable, PERF / "page", self.work / "none.json", "-o", self.work / "x"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("none.json: No such file", done.stderr)


if __name__ == "__main__":
    unittest.main()
