# SPDX-License-Identifier: MIT
"""Grafana's dashboard docs/monitoring/magring.json: what its tests read out of it."""
import json
import re

# What Grafana puts in place of a variable, when all is chosen.
VARIABLES = {"$__rate_interval": "10s", "$job": ".*", "$instance": ".*", "$pool": ".*", "$queue": ".*"}
# Words of PromQL that are followed by labels, and its other names.
LABELS_IN = r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)"
# Labels that Prometheus adds to those of the library.
TARGET_LABELS = {"job", "instance"}


def load(source):
    return json.loads((source / "docs/monitoring/magring.json").read_text())


def targets(dashboard):
    """Title of the panel, and target, of each query."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target


def expression(target):
    """As Prometheus gets it."""
    text = target["expr"]
    for variable, value in VARIABLES.items():
        text = text.replace(variable, value)
    return text


def metrics_in(text):
    """Names of the library's metrics."""
    return set(re.findall(r"\bmagring_\w+", text))


def labels_in(text):
    """Labels that a query, a legend or a template names."""
    groups = re.findall(LABELS_IN, text)
    result = {label.strip() for group in groups for label in group.split(",")}
    result |= {label for group in re.findall(r"\{([^{}]*)\}", text)
               for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", group)}
    result |= set(re.findall(r"\$labels\.(\w+)", text))
    result |= set(re.findall(r"\{\{\s*(\w+)\s*\}\}", text))
    return result
