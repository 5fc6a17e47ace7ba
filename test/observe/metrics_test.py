# SPDX-License-Identifier: MIT
"""metrics_test.py MONITORING.MD PROGRAM [ARGUMENT...]: have a strict OpenMetrics parser read what it prints,
and in Prometheus' text format that parser and promtool, which has nothing to say.
The table of docs/monitoring.md has the same names, types, labels and help."""
import pathlib
import re
import shutil
import subprocess
import sys

try:
    from prometheus_client import parser as text_parser
    from prometheus_client.openmetrics import parser as openmetrics_parser
except ImportError:
    print("the Python module prometheus_client is missing")
    sys.exit(77)

POOL = 'a "b" \\c\nd, {e}=1 # \\n'
QUEUES = ["orders", '"\\\n', "öß"]

families = {}
failures = 0


def report(what):
    global failures
    failures += 1
    print(what)


def read(what):
    """The families of one exposition, each of which stands there once."""
    run = subprocess.run([*sys.argv[2:], what], check=True, stdout=subprocess.PIPE)
    output = run.stdout.decode()
    families.clear()
    parser = text_parser if what == "text" else openmetrics_parser
    for family in parser.text_string_to_metric_families(output):
        if family.name in families:
            report(f"{family.name} stands there twice")
        families[family.name] = family
    if output.count("# EOF\n") != (what != "text"):
        report(f"# EOF stands there {output.count('# EOF')} times")
    if what == "text" and shutil.which("promtool"):
        run = subprocess.run(["promtool", "check", "metrics"], input=run.stdout, capture_output=True)
        if run.returncode != 0 or run.stdout or run.stderr:
            report(f"promtool: {run.returncode} {run.stdout} {run.stderr}")


def check(name, labels, wanted, pool=POOL):
    """The one sample with these labels has this value, or None: there is none."""
    family = families.get(name.removesuffix("_total"))
    samples = family.samples if family else []
    values = [s.value for s in samples if s.name == name and s.labels == dict(labels, pool=pool)]
    if values != ([] if wanted is None else [wanted]):
        report(f"{name} {labels} of {pool} is {values}, not {wanted}")


def check_one():
    check("magring_pool_slabs_in_use", {}, 2)
    check("magring_pool_payload_in_use_bytes", {}, 2000)
    check("magring_pool_slab_in_use_bytes", {}, 2048)
    check("magring_pool_slab_carved_bytes", {}, 65536)
    check("magring_pool_slab_cached_bytes", {}, 65536 - 2048)
    check("magring_pool_memory_limit_bytes", {}, 2 << 20)
    check("magring_pool_threads", {}, 1)
    check("magring_class_allocated_slabs_total", {"slab_size": "1024"}, 3)
    check("magring_class_freed_slabs_total", {"slab_size": "1024"}, 1)
    check("magring_pool_payload_in_use_high_bytes", {}, 2000)
    check("magring_pool_trims_total", {}, 0)
    check("magring_pool_trimmed_bytes_total", {}, 0)
    check("magring_class_carved_slabs_total", {"slab_size": "1024"}, 64)
    check("magring_class_trimmed_slabs_total", {"slab_size": "1024"}, 0)
    check("magring_class_efficiency_ratio", {"slab_size": "1024"}, 0.030518)
    check("magring_class_magazine_exchanges_total", {"slab_size": "1024"}, 1)
    for queue, sent, received, full, closed in zip(QUEUES, [4, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0]):
        check("magring_queue_sent_messages_total", {"queue": queue}, sent)
        check("magring_queue_received_messages_total", {"queue": queue}, received)
        check("magring_queue_returned_messages_total", {"queue": queue}, 0)
        check("magring_queue_full_total", {"queue": queue}, full)
        check("magring_queue_empty_total", {"queue": queue}, 0)
        check("magring_queue_capacity_messages", {"queue": queue}, 2)
        check("magring_queue_closed", {"queue": queue}, closed)


def check_memory():
    """A queue of capacity 2 has four cells, of a line and a word each, and little else."""
    family = families["magring_queue_memory_bytes"]
    queues = {s.labels["queue"]: s.value for s in family.samples if s.labels["pool"] == POOL}
    if sorted(queues) != sorted(QUEUES) or not all(4 * 72 < value < 1700 for value in queues.values()):
        report(f"the queues take {queues}")
    check("magring_pool_queue_bytes", {}, sum(queues.values()))


def check_rest(whole):
    """The other pool and the queue without one are there, or are not."""
    there = lambda value: value if whole else None
    check("magring_pool_slabs_in_use", {}, there(1), "other")
    check("magring_pool_efficiency_ratio", {}, None, "")
    check("magring_class_allocated_slabs_total", {"slab_size": "1024"}, there(1), "other")
    check("magring_queue_capacity_messages", {"queue": "replies"}, there(2), "")
    check("magring_queue_sent_messages_total", {"queue": "replies"}, there(0), "")
    check("magring_queue_closed", {"queue": "replies"}, there(0), "")
    pools = {s.labels["pool"] for f in families.values() for s in f.samples if "pool" in s.labels}
    if pools != ({POOL, "other", ""} if whole else {POOL}):
        report(f"the pools are {pools}")


def check_families():
    for family in families.values():
        if not family.name.startswith("magring_") or not family.documentation:
            report(f"{family.name} has a foreign name or no help")
        if family.type not in ("counter", "gauge"):
            report(f"{family.name} is a {family.type}")
        if any(sample.value < 0 for sample in family.samples):
            report(f"{family.name} is negative")


def check_table(page):
    """The table has a line for each family, and no other."""
    found = set(re.findall(r"^\| `magring_.*\|$", page.read_text(), re.MULTILINE))
    wanted = set()
    for family in families.values():
        labels = {", ".join(sorted(sample.labels)) for sample in family.samples}
        if len(labels) != 1:
            report(f"{family.name} has labels {labels}")
        name = family.name + ("_total" if family.type == "counter" else "")
        wanted.add(f"| `{name}` | {family.type} | {', '.join(labels)} | {family.documentation} |")
    for line in sorted(found ^ wanted):
        report(f"docs/monitoring.md {'has no need of' if line in found else 'lacks'}: {line}")


for what in ["one", "all", "joined", "text"]:
    read(what)
    check_one()
    check_memory()
    check_rest(what != "one")
    own = families.pop("own_seconds", None)
    if (own is not None) != (what == "joined") or (own and own.samples[0].value != 1.5):
        report(f"the program's own family is {own}")
    check_families()
check_table(pathlib.Path(sys.argv[1]))
print(f"{len(families)} families, {failures} failures")
sys.exit(1 if failures else 0)
