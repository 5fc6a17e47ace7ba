# SPDX-License-Identifier: MIT
"""Reads a file of results, and refuses what is none."""
import json
import pathlib

import jsonschema


class BadInput(Exception):
    """A file that is not what it should be; the message names it and says why."""


def _refuse_constant(name):
    raise ValueError(f"{name} is no JSON number")


def _check_schema(path, document):
    schema = json.loads(pathlib.Path(__file__).with_name("results.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
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


def _check_rest(path, document):
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


def load(path):
    """The document."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: no JSON: {error}") from error
    _check_schema(path, document)
    _check_rest(path, document)
    return document


def is_ours(name):
    """Whether a queue is this library's, or its ring alone."""
    return name.startswith("magring")
