#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dashboard_test.py SOURCE: the dashboard is one that Grafana loads, and the alerts fire when
they should, as promtool finds with alerts.yml; each has a section in docs/monitoring.md.

77: no promtool (Debian: prometheus) or no jsonschema."""
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True  # the source directory stays as it is
import dashboard as board

try:
    import jsonschema
except ImportError:
    jsonschema = None

DATASOURCE = {"const": {"type": "prometheus", "uid": "${datasource}"}}
TEXT = {"type": "string", "minLength": 1}


def object_of(**properties):
    """With at least these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def list_of(items, least=1):
    return {"type": "array", "items": items, "minItems": least}


TARGET = object_of(refId={"pattern": "^[A-Z]$"}, datasource=DATASOURCE, expr=TEXT, legendFormat=TEXT)
WIDTH = {"type": "integer", "minimum": 1, "maximum": 24}
PLACE = object_of(h=WIDTH, w=WIDTH, x={"type": "integer", "minimum": 0}, y={"type": "integer", "minimum": 0})
PANEL = object_of(id={"type": "integer"}, type={"enum": ["row", "timeseries"]}, title=TEXT, gridPos=PLACE)
PANEL.update({
    "if": {"properties": {"type": {"const": "timeseries"}}},
    "then": object_of(
        description=TEXT, datasource=DATASOURCE, targets=list_of(TARGET), options={"type": "object"},
        fieldConfig=object_of(defaults=object_of(unit=TEXT), overrides=list_of({}, 0)))})
VARIABLE = object_of(name=TEXT, type={"enum": ["datasource", "query"]}, label=TEXT, query={})
VARIABLE.update({
    "if": {"properties": {"type": {"const": "query"}}},
    "then": object_of(datasource=DATASOURCE, definition={"pattern": r"^label_values\(.*, \w+\)$"},
                      query=object_of(query=TEXT, refId=TEXT), includeAll={"const": True},
                      # Queues without a pool have no such label.
                      allValue={"const": ".*"})})
SCHEMA = object_of(uid=TEXT, title=TEXT, schemaVersion={"type": "integer", "minimum": 36},
                   time=object_of(**{"from": TEXT, "to": TEXT}), panels=list_of(PANEL),
                   templating=object_of(list=list_of(VARIABLE)))


def check_places(panels):
    taken = {}
    if len({panel["id"] for panel in panels}) != len(panels):
        yield "two panels have the same id"
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            yield f"{panel['title']} is beyond the edge"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if taken.setdefault((x, y), panel["title"]) != panel["title"]:
                    yield f"{panel['title']} lies on {taken[x, y]}"


def check_dashboard(dashboard):
    for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(dashboard):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
    yield from check_places(dashboard["panels"])
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    if not {"datasource", "pool", "queue"} <= names:
        yield f"the variables are {names}"
    for title, target in board.targets(dashboard):
        used = set(re.findall(r"\$(?!__)\{?(\w+)", target["expr"]))
        if not used <= names:
            yield f"{title}: no variable {used - names}"


def check_alerts(source):
    rules = source / "docs/monitoring/magring.rules.yml"
    cases = source / "test/observe/alerts.yml"
    for arguments in (["check", "rules", "--lint=all", "--lint-fatal", rules], ["test", "rules", cases]):
        run = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
        if run.returncode != 0:
            yield f"promtool {arguments[0]}: {run.stdout}{run.stderr}"
    page = (source / "docs/monitoring.md").read_text()
    sections = {title.lower() for title in re.findall(r"^#+ (\w+)$", page, re.MULTILINE)}
    expected = re.findall(r"alertname: (\w+)\n.*\n +exp_alerts:(.*)", cases.read_text())
    for name, alert in re.findall(r"- alert: (\w+)\n(.*?)(?=\n\n|\Z)", rules.read_text(), re.DOTALL):
        link = re.search(r"runbook_url: docs/monitoring.md#(\w+)", alert)
        if link is None or link.group(1) != name.lower() or link.group(1) not in sections:
            yield f"{name} has no section in docs/monitoring.md, or does not name it"
        if {rest for case, rest in expected if case == name} != {"", " []"}:
            yield f"alerts.yml does not show {name} both firing and not"


def main():
    if jsonschema is None or shutil.which("promtool") is None:
        print("jsonschema or promtool is missing")
        return 77
    source = pathlib.Path(sys.argv[1])
    dashboard = board.load(source)
    complaints = [*check_dashboard(dashboard), *check_alerts(source)]
    print("\n".join(complaints + [f"{len(dashboard['panels'])} panels, {len(complaints)} complaints"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
