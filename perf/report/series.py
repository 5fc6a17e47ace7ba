# SPDX-License-Identifier: MIT
"""
Results as series of rounds: what perf/compare compares.

A series is a value of one queue in one setting, a figure for each round that was kept. Beside it, where
others were measured in the same rounds, is the same against them: in each round the figure
divided by the geometric mean of the others'. What the machine did to that round it did to all, and
it cancels out.
"""
import dataclasses
import math

from report.read import is_ours


@dataclasses.dataclass
class Series:
    unit: str
    more_is_better: bool
    rounds: dict            # {number of the round: figure}
    others: dict            # {queue: {number of the round: figure}}: none of this library


def _kept(rounds, figure):
    """{number: figure} of the rounds that count and have one."""
    found = {number: figure(a_round) for number, a_round in enumerate(rounds) if a_round["kept"]}
    return {number: value for number, value in found.items() if value is not None}


def _add(series, place, unit, more_is_better, by_queue):
    others = {queue: rounds for queue, rounds in by_queue.items() if not is_ours(queue)}
    for queue, rounds in by_queue.items():
        series[(*place, queue)] = Series(unit, more_is_better, rounds, others if is_ours(queue) else {})


def of(document):
    """{(scenario, setting, value, queue): Series}"""
    series = {}
    nothing = {queue["name"] for queue in document["queues"] if queue.get("carries") == "nothing"}
    for scenario in document["scenarios"]:
        for setting in scenario["settings"]:
            for value in scenario["values"]:
                by_queue = {queue["name"]: _kept(queue["rounds"], lambda r: r["values"].get(value["name"]))
                            for queue in setting["queues"] if queue["name"] not in nothing}
                _add(series, (scenario["name"], setting["name"], value["name"]), value["unit"],
                     value["more_is_better"], by_queue)
    return series


def placement_ns(document):
    """How long a cache line took from core to core."""
    return document["limits"].get("core_to_core_ns")


def usable_others(series):
    """Those that have a figure to divide by in each round: a queue that a stopped thread blocks keeps a share of 0."""
    return [name for name, rounds in series.others.items()
            if all(rounds.get(number) is not None and rounds[number] > 0 for number in series.rounds)]


def against_others(series, names):
    """The series divided by the geometric mean of these others; empty without them."""
    if not names:
        return []
    return [figure / math.exp(sum(math.log(series.others[name][number]) for name in names) / len(names))
            for number, figure in series.rounds.items()]
