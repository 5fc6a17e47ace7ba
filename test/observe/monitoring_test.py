#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""monitoring_test.py MONITORED SOURCE: Debian's prometheus scrapes the program MONITORED, in
OpenMetrics and in the text format, and answers every query of the dashboard. It loads the
alerts, and both name only metrics and labels that the program has.

77: no prometheus."""
import contextlib
import http.server
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True  # the source directory stays as it is
import dashboard as board

SECONDS = 20  # until series are there, at most
ATTEMPTS = 4  # a second apart: on a busy machine a scrape may be late
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
MAGRING_METRICS_TEXT = 2
# Of each of the two jobs.
VALUES = {
    'magring_queue_capacity_messages{queue="orders"}': 8,
    'magring_queue_capacity_messages{queue="replies", pool=""}': 8,
    'magring_queue_closed{queue="closed", pool="server"}': 1,
    'magring_queue_closed{queue="orders", pool="server"}': 0,
    'magring_queue_sent_messages_total{queue="orders"} - magring_queue_received_messages_total': 5,
    'magring_queue_sent_messages_total{queue="closed"}': 1,
    'magring_queue_empty_total{queue="replies"}': 1,
    'magring_pool_memory_limit_bytes{pool="server"}': 1 << 20,
    'magring_pool_slabs_in_use{pool="server"}': 2,
    'magring_class_payload_in_use_bytes{pool="server", slab_size="1024"}': 2000,
}


class Monitored:
    """The program, which answers one line at a time."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lock = threading.Lock()

    def ask(self, flags):
        with self.lock:
            self.process.stdin.write(b"%d\n" % flags)
            self.process.stdin.flush()
            return self.process.stdout.read(int(self.process.stdout.readline()))

    def end(self):
        self.process.stdin.close()
        if self.process.wait(timeout=5) != 0:
            raise RuntimeError(f"the program ended with {self.process.returncode}")


def handler_for(monitored):
    """A handler of GET requests, as docs/monitoring.md tells: the client's Accept decides."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wants = "application/openmetrics-text" in self.headers.get("Accept", "")
            wants = wants and self.path == "/metrics"
            body = monitored.ask(0 if wants else MAGRING_METRICS_TEXT)
            self.send_response(200)
            self.send_header("Content-Type", OPENMETRICS if wants else TEXT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


def configuration(port, rules):
    jobs = [{"job_name": job, "metrics_path": path, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for job, path in (("openmetrics", "/metrics"), ("text", "/text"))]
    return json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                       "rule_files": [str(rules)], "scrape_configs": jobs})


@contextlib.contextmanager
def running(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


class Prometheus:
    def __init__(self, port, process):
        self.url, self.process = f"http://127.0.0.1:{port}/api/v1/", process

    def get(self, path, **parameters):
        url = self.url + path + "?" + urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """[(labels, value)]"""
        result = self.get("query", query=expression)["result"]
        return [(sample["metric"], float(sample["value"][1])) for sample in result]

    def await_data(self):
        """Until each target was scraped three times, and the rules were evaluated."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"prometheus: {self.process.stderr.read()}")
            with contextlib.suppress(OSError):
                counts = self.query("count_over_time(magring_pool_memory_limit_bytes[1m]) >= 3")
                if len(counts) == 2 and all(rule["health"] != "unknown" for rule in self.rules()):
                    return
            time.sleep(0.2)
        raise RuntimeError(f"no series after {SECONDS} s: {self.get('targets')}")

    def rules(self):
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]


def check_targets(prometheus):
    for target in prometheus.get("targets")["activeTargets"]:
        if target["health"] != "up":
            yield f"{target['labels']['job']} is {target['health']}: {target['lastError']}"


def check_values(prometheus):
    for expression, wanted in VALUES.items():
        answer = prometheus.query(expression)
        if sorted((labels["job"], value) for labels, value in answer) != [("openmetrics", wanted), ("text", wanted)]:
            yield f"{expression}: {answer}, not {wanted}"


def check_metadata(prometheus):
    """The same types and help, whatever the format. (OpenMetrics' families have no _total.)"""
    of_job = {}
    for entry in prometheus.get("targets/metadata"):
        if entry["metric"].startswith("magring_"):
            name = entry["metric"].removesuffix("_total")
            of_job.setdefault(entry["target"]["job"], {})[name] = (entry["type"], entry["help"])
    if set(of_job) != {"openmetrics", "text"} or of_job["openmetrics"] != of_job["text"]:
        yield f"the formats differ in their metadata: {of_job}"


def check_names(where, text, metrics, labels):
    if not board.metrics_in(text) <= metrics:
        yield f"{where}: no metric {board.metrics_in(text) - metrics}"
    if not board.labels_in(text) <= labels:
        yield f"{where}: no label {board.labels_in(text) - labels}"


def check_dashboard(prometheus, dashboard, metrics, labels):
    for title, target in board.targets(dashboard):
        text = board.expression(target)
        yield from check_names(title, text + target["legendFormat"], metrics, labels)
        if not prometheus.query(text):
            yield f"{title}: {text} has no answer"
    for variable in dashboard["templating"]["list"]:
        text = variable.get("definition", "")
        yield from check_names(variable["name"], text, metrics, labels | {variable["name"]})
        if text and not prometheus.get(f"label/{variable['name']}/values"):
            yield f"{variable['name']} has no values"


def check_rules(prometheus, metrics, labels):
    rules = prometheus.rules()
    if not rules:
        yield "there are no alerts"
    for rule in rules:
        text = " ".join([rule["query"], *rule["annotations"].values()])
        yield from check_names(rule["name"], text, metrics, labels)
        if rule["health"] != "ok":
            yield f"{rule['name']}: {rule['health']}, {rule.get('lastError')}"
    pending = {alert["labels"]["queue"] for rule in rules if rule["name"] == "MagringClosedQueueNotDrained"
               for alert in rule["alerts"]}
    if pending != {"closed"}:
        yield f"closed and not drained are {pending}, not the queue \"closed\""


def check(prometheus, source):
    metrics = {name for name in prometheus.get("label/__name__/values") if name.startswith("magring_")}
    labels = set(prometheus.get("labels")) - {"__name__"}
    if labels - board.TARGET_LABELS - {"alertname", "alertstate", "severity"} != {"pool", "queue", "slab_size"}:
        yield f"the labels are {labels}"
    yield from check_targets(prometheus)
    yield from check_values(prometheus)
    yield from check_metadata(prometheus)
    yield from check_dashboard(prometheus, board.load(source), metrics, labels)
    yield from check_rules(prometheus, metrics, labels)


def check_in_time(prometheus, source):
    prometheus.await_data()
    for _ in range(ATTEMPTS):
        complaints = list(check(prometheus, source))
        if not complaints:
            break
        time.sleep(1)
    return complaints


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def main():
    if shutil.which("prometheus") is None:
        print("prometheus is missing")
        return 77
    program, source = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    monitored = Monitored(program)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_for(monitored))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        directory, port = pathlib.Path(name), free_port()
        file = directory / "prometheus.yml"
        file.write_text(configuration(server.server_address[1], source / "docs/monitoring/magring.rules.yml"))
        with running(["prometheus", f"--config.file={file}", f"--storage.tsdb.path={directory / 'data'}",
                      f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]) as process:
            complaints = check_in_time(Prometheus(port, process), source)
    server.shutdown()
    monitored.end()
    print("\n".join(complaints + [f"{len(complaints)} complaints"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
