# SPDX-License-Identifier: MIT
"""edges_test.py SOURCE | --self-test: every ordering in lib/ has a name and an explanation.

An edge is a name in brackets in a comment of lib/ that is followed by what its side is:
`[publish] release:` pairs with `[publish] acquire:`, `[sleep] light side` with
`[sleep] heavy side`; acq_rel is both. Checked:

- every access with acquire, release or acq_rel has a comment with an edge just above
  it that names the order used;
- every edge has both sides in lib/, and a row in the table of docs/memory-model.md;
- every row of that table has an edge in lib/;
- every atomic access states its order, and none is seq_cst, except in lib/base/fence.*.
"""
import pathlib
import re
import sys
import tempfile

ABOVE = 7  # lines between an access and the end of its comment, at most
ORDER = r"(?:memory_order_)(acquire|release|acq_rel)\b"
SIDE = r"\[([a-z][a-z0-9_-]*)\]\s+(acquire|release|acq_rel|light side|heavy side)\b"
ACCESS = r"\batomic_\w+_explicit\s*\(|\bedge_(?:acquire|release)\s*\("
IMPLICIT = (r"\batomic_(?:load|store|exchange|compare_exchange_(?:weak|strong)|fetch_(?:add|sub|or|xor|and)"
            r"|flag_(?:test_and_set|clear))\s*\(")
# Which sides make an edge whole.
BOTH = [{"acquire", "release"}, {"light side", "heavy side"}, {"acq_rel"}]


def blank(text, pattern):
    """Blank out what matches, so that positions stay."""
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S | re.M)


def call_at(text, start):
    """The text of the call whose name begins here, to its closing parenthesis."""
    depth = 0
    for end in range(text.index("(", start), len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return text[start:end + 1]
    return text[start:]


def orders_of(call):
    orders = re.findall(ORDER, call)
    return orders + re.findall(r"^edge_(acquire|release)", call)


def inner_calls_blanked(call):
    """Without accesses among its arguments, which are looked at on their own."""
    inner = [m.start() for m in re.finditer(ACCESS, call)][1:]
    for start in inner:
        nested = call_at(call, start)
        call = call[:start] + " " * len(nested) + call[start + len(nested):]
    return call


def check_file(path, edges, complaints):
    text = path.read_text()
    comments = [(m.start(), m.end(), re.sub(r"\s*\n\s*(\*(?!/))?\s*", " ", m.group()))
                for m in re.finditer(r"/\*.*?\*/|//[^\n]*", text, re.S)]
    code = blank(blank(text, r"/\*.*?\*/|//[^\n]*"), r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*")
    line_of = lambda position: text.count("\n", 0, position) + 1
    fence = path.name in ("fence.c", "fence.h")

    for _, _, comment in comments:
        for name, side in re.findall(SIDE, comment):
            edges.setdefault(name, {}).setdefault(side, []).append(path.name)
    for match in re.finditer(ACCESS, code):
        call = inner_calls_blanked(call_at(code, match.start()))
        orders = orders_of(call)
        if not orders:
            continue
        line = line_of(match.start())
        near = [comment for start, end, comment in comments
                if end <= match.start() and line - line_of(end) <= ABOVE
                # Not one that belongs to an earlier function.
                and "\n}" not in code[end:match.start()]]
        sides = [side for comment in near for _, side in re.findall(SIDE, comment)]
        fits = set(sides) & ({"acquire", "release", "acq_rel"} if "acq_rel" in orders else set(orders))
        if not sides:
            complaints.append(f"{path.name}:{line}: {orders[0]} without an [edge] above it")
        elif not fits:
            complaints.append(f"{path.name}:{line}: {orders[0]}, but the comment says {sides[-1]}")
    if fence:
        return
    for match in re.finditer(IMPLICIT, code):
        complaints.append(f"{path.name}:{line_of(match.start())}: an atomic access without its order")
    for match in re.finditer(r"\bmemory_order_seq_cst\b", code):
        complaints.append(f"{path.name}:{line_of(match.start())}: seq_cst")


def rows_of(path):
    """The edges in the first column of the document's tables."""
    rows = set()
    for line in path.read_text().splitlines():
        match = re.match(r"\|\s*(?:`\[?|\[)([a-z][a-z0-9_-]*)(?:\]?`|\])\s*\|", line)
        if match:
            rows.add(match.group(1))
    return rows


def check(source):
    edges, complaints = {}, []
    files = sorted(path for path in (source / "lib").rglob("*") if path.suffix in (".c", ".h"))
    for path in files:
        check_file(path, edges, complaints)
    document = source / "docs" / "memory-model.md"
    rows = rows_of(document) if document.exists() else set()
    if not document.exists():
        complaints.append("docs/memory-model.md is missing")
    for name, sides in sorted(edges.items()):
        if not any(both <= set(sides) for both in BOTH):
            complaints.append(f"[{name}] has only one side: {', '.join(sorted(sides))}")
        elif set(sides) == {"acq_rel"} and len(sides["acq_rel"]) < 2:
            complaints.append(f"[{name}] has only one site")
        if name not in rows:
            complaints.append(f"[{name}] has no row in docs/memory-model.md")
    for name in sorted(rows - set(edges)):
        complaints.append(f"docs/memory-model.md has a row for [{name}], which lib/ does not have")
    return files, edges, complaints


GOOD = """
/* [publish] release: what was written before is visible after. */
atomic_store_explicit(&x, 1, memory_order_release);

/* [publish] acquire: pairs with
 * the above. */
y = atomic_load_explicit(&x, memory_order_acquire);
/* Relaxed: a number. */
z = atomic_load_explicit(&x, memory_order_relaxed);
/* [sleep] light side: a. [sleep] heavy side: b. */
"""
ROWS = "| edge | sites |\n| --- | --- |\n| `[publish]` | two |\n| `sleep` | two |\n"
# What is wrong, how to make it so, and what the complaint must say.
FAULTS = [
    ("no comment at a release", lambda c, r: (c.replace("[publish] release: w", "w"), r), "without an [edge]"),
    ("the acquire side is gone", lambda c, r: (re.sub(r"/\* \[publish\] acquire.*?y = [^\n]*", "", c, flags=re.S), r),
     "[publish] has only one side"),
    ("a side of a fence is gone", lambda c, r: (c.replace("[sleep] heavy side", "b"), r), "[sleep] has only one side"),
    ("the wrong order is named", lambda c, r: (c.replace("memory_order_release", "memory_order_acq_rel").replace(
        "[publish] release", "[publish] light side"), r), "but the comment says"),
    ("an acquire weakened in the comment only", lambda c, r: (c.replace("1, memory_order_release", "1, memory_order_acquire"), r),
     "but the comment says"),
    ("an edge without a row", lambda c, r: (c, r.replace("| `sleep` | two |\n", "")), "[sleep] has no row"),
    ("a row without an edge", lambda c, r: (c, r + "| [gone] | none |\n"), "a row for [gone]"),
    ("an access without an order", lambda c, r: (c + "atomic_store(&x, 1);\n", r), "without its order"),
    ("a read-modify-write without an order", lambda c, r: (c + "atomic_fetch_add(&x, 1);\n", r), "without its order"),
    ("seq_cst", lambda c, r: (c + "atomic_store_explicit(&x, 1, memory_order_seq_cst);\n", r), "seq_cst"),
    ("a comment too far above", lambda c, r: (c.replace("after. */", "after. */" + "\n" * (ABOVE + 1)), r),
     "without an [edge]"),
    ("an order in a call over two lines", lambda c, r: (c + "}\natomic_exchange_explicit(&x,\n\t1, memory_order_acq_rel);\n", r),
     "without an [edge]"),
    ("no document", lambda c, r: (c, None), "memory-model.md is missing"),
]


def complaints_about(code, rows):
    with tempfile.TemporaryDirectory() as directory:
        source = pathlib.Path(directory)
        (source / "lib").mkdir()
        (source / "docs").mkdir()
        (source / "lib" / "small.c").write_text(code)
        if rows is not None:
            (source / "docs" / "memory-model.md").write_text(rows)
        return check(source)[2]


def self_test():
    failures = 0
    found = complaints_about(GOOD, ROWS)
    if found:
        failures += 1
        print("complains about what is right:", *found, sep="\n\t")
    for name, spoil, wanted in FAULTS:
        code, rows = spoil(GOOD, ROWS)
        if (code, rows) == (GOOD, ROWS):
            failures += 1
            print(f"{name}: nothing was spoilt")
        found = complaints_about(code, rows)
        if not any(wanted in complaint for complaint in found):
            failures += 1
            print(f"{name}: not found; it says {found}")
    print(f"{len(FAULTS)} faults, {failures} not found")
    return failures


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--self-test":
        sys.exit(1 if self_test() else 0)
    files, edges, complaints = check(pathlib.Path(sys.argv[1]))
    for complaint in complaints:
        print(complaint)
    print(f"{len(files)} files, {len(edges)} edges, {len(complaints)} complaints")
    sys.exit(1 if complaints or not edges else 0)


main()
