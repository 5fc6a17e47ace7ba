# SPDX-License-Identifier: MIT
"""Reads a file of results, of either program, and refuses what is none of theirs."""
import json
import pathlib

import jsonschema

ARENA, PERF = "arena", "perf"


class BadInput(Exception):
    """A file that is not what it should be; the message names it and says why."""


def _refuse_constant(name):
    raise ValueError(f"{name} is no JSON number")


def _schema(kind):
    return json.loads(pathlib.Path(__file__).with_name(f"{kind}.schema.json").read_text())


def _check_schema(path, kind, document):
    validator = jsonschema.Draft202012Validator(_schema(kind))
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is not None:
        place = "/".join(map(str, error.absolute_path)) or "the document"
        raise BadInput(f"{path}: {place}: {error.message[:300]}")


def _check_names(path, what, entries):
    names = [entry["name"] for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"{path}: {what}: \"{name}\" is there twice")


def _check_interval(path, place, interval):
    figures = [interval[key] for key in ("low", "median", "high")]
    if None not in figures and figures != sorted(figures):
        raise BadInput(f"{path}: {place}: the median {figures[1]} is not between {figures[0]} and {figures[2]}")


def _check_arena(path, document):
    """What a schema cannot say."""
    _check_names(path, "scenarios", document["scenarios"])
    for scenario in document["scenarios"]:
        _check_names(path, scenario["name"], scenario["settings"])
        known = [value["name"] for value in scenario["values"]]
        for setting in scenario["settings"]:
            where = f"{scenario['name']}, {setting['name']}"
            _check_names(path, where, setting["queues"])
            for queue in setting["queues"]:
                place = f"{where}, {queue['name']}"
                unknown = [name for name in queue["summary"] if name not in known]
                if unknown:
                    raise BadInput(f"{path}: {place}: \"{unknown[0]}\" is none of the scenario's values")
                for name, interval in [*queue["summary"].items(), ("ratio", queue["ratio"])]:
                    if interval is not None:
                        _check_interval(path, f"{place}, {name}", interval)


def _check_perf(path, document):
    """Samples lie beside the conditions of their round, under the peers' names: no schema says which those are."""
    schema = {"type": "object", "required": ["seconds", "received"], "additionalProperties": {"type": ["number", "null"]},
              "properties": {"seconds": {"type": "number"}, "received": {"type": "number"}}}
    for group in document["groups"]:
        for number, measured in enumerate(group["rounds"]):
            for peer in group["peers"]:
                if not jsonschema.Draft202012Validator(schema).is_valid(measured.get(peer)):
                    raise BadInput(f"{path}: {group['workload']}, round {number}: no sample of \"{peer}\"")


def load(path):
    """(ARENA or PERF, the document)"""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: no JSON: {error}") from error
    if not isinstance(document, dict) or ("scenarios" in document) == ("groups" in document):
        raise BadInput(f"{path}: neither magring-arena's results (\"scenarios\") nor magring-perf's (\"groups\")")
    kind = ARENA if "scenarios" in document else PERF
    _check_schema(path, kind, document)
    (_check_arena if kind == ARENA else _check_perf)(path, document)
    return kind, document


def is_ours(name):
    """Whether a queue is this library's, or its ring alone as magring-perf calls that."""
    return name.startswith("magring") or name == "ring"
