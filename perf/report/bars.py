# SPDX-License-Identifier: MIT
"""
What the project set itself, judged: perf/bars.json.

A bar names a scenario, one or more settings, a value and a queue. With "to" it is about the ratio to
another queue, or to what one did in another setting: the median of the ratios in the same rounds, or
where the settings differ the ratio of the medians. "least" and "most" are the limits. A bar of
what was not measured is left out; one without a figure that counts is missed.
"""
import json
import pathlib
import statistics

FILE = pathlib.Path(__file__).resolve().parent.parent / "bars.json"


def _rounds(document, scenario, setting, queue, value):
    """{number: figure} of the rounds that count; None: not measured."""
    for found in document["scenarios"]:
        for group in found["settings"] if found["name"] == scenario else []:
            for entry in group["queues"] if group["name"] == setting else []:
                if entry["name"] == queue:
                    rounds = {number: a_round["values"].get(value)
                              for number, a_round in enumerate(entry["rounds"]) if a_round["kept"]}
                    return {number: figure for number, figure in rounds.items() if figure is not None}
    return None


def _median(figures):
    return statistics.median(figures) if figures else None


def _ratio(ours, theirs, same_rounds):
    if same_rounds:
        return _median([ours[number] / theirs[number] for number in ours.keys() & theirs.keys() if theirs[number]])
    a, b = _median(ours.values()), _median(theirs.values())
    return a / b if a is not None and b else None


def _judge(document, bar, setting):
    """The bar in a setting, or None if that was not measured."""
    to = bar.get("to")
    ours = _rounds(document, bar["scenario"], setting, bar["queue"], bar["value"])
    if ours is None:
        return None
    what = f"{bar['scenario']}, {setting}: {bar['queue']}, {bar['value'].replace('_', ' ')}"
    measured = _median(ours.values())
    if to:
        other = to.get("settings", {}).get(setting, setting)
        theirs = _rounds(document, bar["scenario"], other, to["queue"], bar["value"])
        if theirs is None:
            return None
        measured = _ratio(ours, theirs, other == setting)
        what += f", in ratio to {to['queue']}" + (f" in {other}" if other != setting else "")
    least, most = bar.get("least", float("-inf")), bar.get("most", float("inf"))
    wanted = f"at least {bar['least']:g}" if "least" in bar else f"at most {bar['most']:g}"
    return {"what": what, "wanted": wanted, "measured": measured,
            "met": measured is not None and least <= measured <= most}


def judged(document, path=None):
    """A list of bars with what, wanted, measured and met."""
    file = json.loads(pathlib.Path(path or FILE).read_text(encoding="utf-8"))
    found = [_judge(document, bar, setting) for bar in file["bars"] for setting in bar["settings"]]
    return [bar for bar in found if bar is not None]
