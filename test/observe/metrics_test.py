# SPDX-License-Identifier: MIT
"""metrics_test.py PROGRAM [ARGUMENT...]: have a strict OpenMetrics parser read what it prints."""
import subprocess
import sys

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    print("the Python module prometheus_client is missing")
    sys.exit(77)

POOL = 'a "b" \\c\nd, {e}=1 # \\n'
QUEUES = ["orders", '"\\\n', "öß"]

output = subprocess.run(sys.argv[1:], check=True, stdout=subprocess.PIPE).stdout.decode()
families = {family.name: family for family in text_string_to_metric_families(output)}
failures = 0


def check(name, labels, wanted):
    """The one sample with these labels has this value."""
    global failures
    family = families.get(name.removesuffix("_total"))
    samples = family.samples if family else []
    values = [s.value for s in samples if s.name == name and s.labels == dict(labels, pool=POOL)]
    if values != [wanted]:
        failures += 1
        print(f"{name} {labels} is {values}, not {wanted}")


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

for family in families.values():
    if not family.name.startswith("magring_") or not family.documentation:
        failures += 1
        print(f"{family.name} has a foreign name or no help")
    if family.type not in ("counter", "gauge"):
        failures += 1
        print(f"{family.name} is a {family.type}")
    if any(sample.value < 0 for sample in family.samples):
        failures += 1
        print(f"{family.name} is negative")
print(f"{len(families)} families, {failures} failures")
sys.exit(1 if failures else 0)
