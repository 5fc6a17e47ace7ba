# SPDX-License-Identifier: MIT
"""
The report: which charts a scenario gets, and its tables.

Nothing here knows a scenario by name. What its settings vary decides: three values or more
of one quantity, with all others as they are, make a line chart of it; percentiles, a chart of the
distribution; every other setting, bars. A value in megabytes gets bars as well.
"""
import math
import pathlib
import re

import jinja2

from report import bars, charts
from report.read import is_ours

OPEN = 4 # charts of ratios of one scenario that are shown; the others unfold
PERCENTILE = re.compile(r"p(\d+)(?:_(\d+))?_(ns|us)")
PARAMETERS = {
    "threads": ("senders, and as many receivers", lambda setting: f"{setting['senders']}x{setting['receivers']}"),
    "batch": ("messages at once", lambda setting: f"{setting['batch']:,} at once"),
    "capacity": ("capacity, messages", lambda setting: f"capacity {setting['capacity']:,}"),
    "payload": ("payload, bytes", lambda setting: f"payload {setting['payload']:,} bytes" if setting["payload"] else ""),
    "processors": ("CPUs that the threads share",
                   lambda setting: f"on CPUs: {setting['processors']}" if setting.get("processors") else ""),
    "busy": ("busy processes beside them", lambda setting: f"beside {setting['busy']} busy" if setting.get("busy") else ""),
    "rate": ("messages sent a second", lambda setting: f"{charts.number(setting['rate'])}/s" if setting["rate"] else ""),
}


def place_of(parameter, setting):
    if parameter != "threads":
        return setting.get(parameter) or 0
    return setting["senders"] if setting["senders"] == setting["receivers"] else None


def all_else(parameter, setting):
    """What settings must have in common to be on one line."""
    return tuple((setting["senders"], setting["receivers"]) if name == "threads" else setting.get(name) or 0
                 for name in PARAMETERS if name != parameter)


def line_groups(settings):
    """(parameter, settings in its order) for each line chart."""
    for parameter in PARAMETERS:
        groups = {}
        for setting in settings:
            if place_of(parameter, setting) is not None:
                groups.setdefault(all_else(parameter, setting), []).append(setting)
        for group in groups.values():
            places = [place_of(parameter, setting) for setting in group]
            if len(group) >= 3 and len(set(places)) == len(places):
                yield parameter, sorted(group, key=lambda setting: place_of(parameter, setting))


def percentiles_of(scenario):
    """(name of the value, percent), ascending."""
    found = []
    for value in scenario["values"]:
        match = PERCENTILE.fullmatch(value["name"])
        if match:
            found.append((value["name"], float(f"{match[1]}.{match[2] or 0}")))
    return sorted(found, key=lambda pair: pair[1])


def axis_of(value):
    """p99, ns (less is better); a unit that the name says is not said twice."""
    name, unit = value["name"], value["unit"]
    words_of_name = name.split("_")
    if len(words_of_name) > 1 and words_of_name[-1].lower() == unit.lower():
        title = f"{' '.join(words_of_name[:-1])}, {unit}"
    elif not unit or unit in words_of_name or "_per_second" in name:
        title = " ".join(words_of_name)
    else:
        title = f"{' '.join(words_of_name)}, {unit}"
    return f"{title} ({'more' if value['more_is_better'] else 'less'} is better)"


class Drawing:
    """One file, drawn."""

    def __init__(self, document, key):
        self.document, self.key, self.drawn = document, key, 0
        self.nothing = {queue["name"] for queue in document.get("queues", []) if queue.get("carries") == "nothing"}
        names = [queue["name"] for queue in document.get("queues", [])] + [
            queue["name"] for scenario in document["scenarios"] for setting in scenario["settings"]
            for queue in setting["queues"]]
        self.index = {name: index for index, name in enumerate(dict.fromkeys(names), 1)}

    def next_key(self):
        self.drawn += 1
        return f"{self.key}-{self.drawn}"

    def shown(self, setting):
        """The queues that are drawn: not the harness itself, which moves nothing."""
        return [queue for queue in setting["queues"] if queue["name"] not in self.nothing]

    def rows(self, setting, value):
        rows = []
        for queue in self.shown(setting):
            interval = queue["summary"].get(value["name"])
            if interval and interval["median"] is not None:
                rows.append((is_ours(queue["name"]), queue["name"],
                             interval["median"], interval["low"], interval["high"]))
        return sorted(rows, key=lambda row: row[2], reverse=value["more_is_better"])

    def bars(self, scenario, setting, value):
        rows = self.rows(setting, value)
        return [charts.bars(self.next_key(), f"{scenario['name']}: {setting['name']}", axis_of(value), rows)] if rows else []

    def series(self, points):
        """points: (name of the queue, place, interval), those of the queue that all are compared with first."""
        lines = {}
        for name, place, interval in points:
            if interval and interval["median"] is not None and name not in self.nothing:
                lines.setdefault(name, []).append((place, interval["median"], interval["low"], interval["high"]))
        first = next(iter(lines), "")
        return [(0 if name == first and is_ours(name) else self.index[name], name, found)
                for name, found in lines.items()]

    def line(self, scenario, parameter, group, value):
        common = [text(group[0]) for name, (_, text) in PARAMETERS.items() if name != parameter]
        ticks = [(place, charts.number(place_of(parameter, setting))) for place, setting in enumerate(group)]
        series = self.series((queue["name"], place, queue["summary"].get(value["name"]))
                             for place, setting in enumerate(group) for queue in setting["queues"])
        title = ", ".join(filter(None, [scenario["name"], *common]))
        return [charts.lines(self.next_key(), title, PARAMETERS[parameter][0], axis_of(value), ticks, series)] if series else []

    def distribution(self, scenario, setting, percentiles):
        def place(percent):
            return -math.log10(1 - percent / 100)
        ticks = [(place(percent), f"{percent:g}") for _, percent in percentiles]
        series = self.series((queue["name"], place(percent), queue["summary"].get(name))
                             for name, percent in percentiles for queue in setting["queues"])
        unit = next(value["unit"] for value in scenario["values"] if value["name"] == percentiles[0][0])
        return [charts.lines(self.next_key(), f"{scenario['name']}: {setting['name']}", "percentile", unit, ticks,
                             series, wide=True)] if series else []

    def charts(self, scenario):
        first, drawn, on_lines = scenario["values"][0], [], set()
        for parameter, group in line_groups(scenario["settings"]):
            drawn += self.line(scenario, parameter, group, first)
            on_lines.update(setting["name"] for setting in group)
        percentiles = percentiles_of(scenario)
        for setting in scenario["settings"]:
            if len(percentiles) >= 3:
                drawn += self.distribution(scenario, setting, percentiles)
            elif setting["name"] not in on_lines:
                drawn += self.bars(scenario, setting, first)
            for value in scenario["values"][1:]:
                if value["unit"] in ("MB", "MiB"):
                    drawn += self.bars(scenario, setting, value)
        return drawn

    def ratios(self, scenario):
        drawn = []
        for setting in scenario["settings"]:
            rows = [(False, queue["name"], queue["ratio"]["median"], queue["ratio"]["low"], queue["ratio"]["high"])
                    for queue in self.shown(setting)
                    if queue["ratio"] and (queue["ratio"]["median"] or 0) > 0 and queue is not setting["queues"][0]]
            if rows and is_ours(setting["queues"][0]["name"]):
                drawn.append(charts.bars(self.next_key(), f"{scenario['name']}: {setting['name']}",
                                         "times better than each, in the same round",
                                         sorted(rows, key=lambda row: row[2]), base=1))
        return drawn

    def limit_shares(self):
        """Rates of one sender and one receiver, as a share of what the wires allow."""
        drawn = []
        for name, limit in self.document.get("limits", {}).items():
            if "_per_second" not in name or not limit:
                continue
            for scenario in self.document["scenarios"]:
                if scenario["values"][0]["name"] != "messages_per_second":
                    continue
                single = [setting for setting in scenario["settings"] if not setting["payload"] and
                          not setting["rate"] and not setting.get("processors") and
                          setting["senders"] == setting["receivers"] == 1]
                by_batch = {setting["batch"]: setting for setting in reversed(single)} # the first of each
                for _, setting in sorted(by_batch.items()):
                    rows = [(ours, queue, *(figure and 100 * figure / limit for figure in figures))
                            for ours, queue, *figures in self.rows(setting, scenario["values"][0])]
                    if rows:
                        drawn.append(charts.bars(self.next_key(), f"{scenario['name']}: {setting['name']}",
                                                 f"% of the {words(name)}", rows))
        return drawn

    def sections(self):
        for scenario in self.document["scenarios"]:
            ratios = self.ratios(scenario)
            yield {"scenario": scenario, "charts": self.charts(scenario), "ratios": ratios[:OPEN], "more": ratios[OPEN:],
                   "counters": sorted({name for setting in scenario["settings"] for queue in setting["queues"]
                                       for name in queue.get("counters") or {}})}


def interval_text(interval):
    """12.3 M [12.1 M, 12.6 M]"""
    if not interval or interval["median"] is None:
        return "–"
    return f"{charts.number(interval['median'])} [{charts.number(interval['low'])}, {charts.number(interval['high'])}]"


def words(name):
    """A key as a text: core_to_core_ns, core to core (ns)."""
    match = re.fullmatch(r"(.*)_(ns|ms|us|mb|MB|bytes|seconds)", name)
    return (f"{match[1]} ({match[2].replace('mb', 'MB')})" if match else name).replace("_", " ")


def plain(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value in (None, "") else str(value)
    return charts.number(value, 4)


def render(results):
    """The page for [(path, document)]."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent), autoescape=True,
                                     trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(interval=interval_text, words=words, plain=plain, number=charts.number, axis=axis_of)
    files = []
    for number, (path, document) in enumerate(results, 1):
        drawing = Drawing(document, f"c{number}")
        files.append({"name": pathlib.Path(path).name, "document": document, "id": f"file-{number}",
                      "bars": bars.judged(document), "sections": list(drawing.sections()),
                      "limits": drawing.limit_shares(), "nothing": sorted(drawing.nothing)})
    return environment.get_template("page.html").render(files=files, series=range(charts.PALETTE))
