#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
What compilers make of the instructions on which the proofs lean. See "What is
checked in the machine code" in docs/memory-model.md.

    machine_code_test.py               check the shipped files
    machine_code_test.py --self-test   break them, and require that a check fails

Every file of lib/ is compiled as for a release, into assembly with line numbers.
A place of the source has its instructions there. The jumps between instructions
make a graph, and most checks are about its paths: whether each path from one
place to another passes a third. So neither the layout of a function matters nor
the registers. The targets are the compiler's own, x86-64 or aarch64, and aarch64
by a cross compiler of the same family, where there is one. Without any the
status is 77.
"""
import argparse
import collections
import functools
import operator
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # not among the sources
import instructions

SKIPPED = 77
BOTH = ("x86_64", "aarch64")
SHOWN = 6  # complaints of one check
CROSS = {"gcc": ["aarch64-linux-gnu-gcc"], "clang": ["clang", "--target=aarch64-linux-gnu"]}  # for aarch64
HEADERS = "#include <ck_stack.h>\n#include <pthread.h>\n#include <sys/syscall.h>\n#include <urcu/list.h>\n"
NO_RETURN = {"abort", "__stack_chk_fail", "_Unwind_Resume"}
MEMBARRIER = {"x86_64": 324, "aarch64": 283}  # numbers of the system call

# ------------------------------------------------------- instructions --


class Instruction:
    """One line of assembly, as far as the checks ask about it."""

    def __init__(self, arch, text, place):
        self.text, self.place = text, place
        words = text.split(None, 1)
        self.locked = words[0] == "lock"
        if self.locked:
            words = words[1].split(None, 1)
        self.name = words[0]
        rest = words[1] if len(words) > 1 else ""
        self.operands = [operand.strip() for operand in re.split(r",(?![^(\[]*[)\]])", rest)]
        self.call = self.jump = None
        self.load = self.store = self.change = self.fence = self.ends = self.conditional = False
        # As the instruction's name says; on aarch64. Exclusive: the load of a pair.
        self.acquire = self.release = self.exclusive = False
        (self.read_x86 if arch == "x86_64" else self.read_aarch64)()

    def read_x86(self):
        name, last = self.name, self.operands[-1]
        if name in ("notrack", "rep", "repz", "bnd"):
            name, last = last.split()[0], last.split()[-1]
        if name.startswith("call"):
            self.call = re.split(r"[@(]", last.lstrip("*"))[0] if not re.match(r"\*(%|\d|\()", last) else "*"
        elif name.startswith("j"):
            self.jump, self.conditional = last, not name.startswith("jmp")
        elif name.startswith("ret") or name in ("ud2", "hlt"):
            self.ends = True
        elif not name.startswith(("lea", "prefetch", "nop")):
            memory = [bool(re.search(r"\([%\w,]+\)$", operand)) for operand in self.operands]
            compares = name.startswith(("cmp", "test", "bt")) and not name.startswith("cmpxchg")
            moves = name.startswith(("mov", "set"))
            self.locked |= name.startswith("xchg") and any(memory)
            self.store = memory[-1] and not compares and not name.startswith("push")
            self.load = any(memory[:-1]) or memory[-1] and (not moves or len(memory) == 1 and name.startswith("push"))
            self.change = self.locked
            self.fence = self.locked or name == "mfence"

    def read_aarch64(self):
        name = self.name
        if name in ("bl", "blr"):
            self.call = self.operands[0] if name == "bl" else "*"
            helper = re.fullmatch(r"__aarch64_(?:cas|swp|ldadd|ldset|ldclr|ldeor)\d+_(\w+)", self.call)
            if helper:
                self.load = self.store = self.change = True
                self.acquire, self.release = "acq" in helper.group(1), helper.group(1) in ("rel", "acq_rel")
        elif name in ("ret", "brk"):
            self.ends = True
        elif name in ("b", "br"):
            self.jump = self.operands[0] if name == "b" else "*"
        elif re.fullmatch(r"b\.?(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|hs|lo|any|none)|cbn?z|tbn?z", name):
            self.jump, self.conditional = self.operands[-1], True
        elif name == "dmb":
            self.fence = self.operands[0] in ("ish", "sy")
            self.acquire = True  # ishld is enough
        elif re.fullmatch(r"(cas|casp|swp|ld(add|clr|eor|set|smax|smin|umax|umin))a?l?[bh]?", name):
            self.load = self.store = self.change = True
            order = re.fullmatch(r"(?:casp?|swp|ld(?:add|clr|eor|set|[su]max|[su]min))(a?)(l?)[bh]?", name)
            self.acquire, self.release = bool(order.group(1)), bool(order.group(2))
        elif re.fullmatch(r"stl?x[rp][bh]?", name):
            self.store = self.change = True
            self.release = name.startswith("stl")
        elif re.match(r"ld(r|p|ur|ar|apr|apur|xr|xp|axr|axp|np|trb?$)", name):
            self.load, self.acquire, self.exclusive = True, name.startswith("lda"), "x" in name
            self.change = self.exclusive  # of a pair that fails it may be all that is executed
        elif re.match(r"st(r|p|ur|lr|lur|np)", name):
            self.store, self.release = True, name.startswith("stl")


class Unit:
    """The assembly of one file: a graph of instructions."""

    def __init__(self, arch, text, lib, source):
        self.arch, self.lib, self.source = arch, lib, source
        self.code, self.functions = [], {}
        self.labels = collections.defaultdict(list)
        self.breaks = set()  # where the code before does not go on
        place, files, declared = (None, 0), {}, set()
        for line in text.splitlines():
            line = re.sub(r"^\s*#.*|\s#[^\d].*|\s# .*" if arch == "x86_64" else r"//.*", "", line).strip()
            for part in filter(None, map(str.strip, line.split(";") if '"' not in line else [line])):
                label = re.match(r"([\w.$]+):\s*", part)
                if label:
                    self.labels[label.group(1)].append(len(self.code))
                    if label.group(1) in declared:
                        self.functions[label.group(1)] = len(self.code)
                    part = part[label.end():]
                file = re.match(r'\.file\s+(\d+)\s+(?:"([^"]*)"\s+)?"([^"]*)"', part)
                loc = re.match(r"\.loc\s+(\d+)\s+(\d+)", part)
                function = re.match(r"\.type\s+([\w.$]+),\s*[@%]function", part)
                if file:
                    path = os.path.abspath(os.path.join(file.group(2) or "", file.group(3)))
                    files[file.group(1)] = os.path.relpath(path, lib) if path.startswith(f"{lib}/") else path
                elif loc:
                    place = files[loc.group(1)], int(loc.group(2))
                elif function:
                    declared.add(function.group(1))
                elif part.startswith(".cfi_endproc"):
                    self.breaks.add(len(self.code))
                elif part and not part.startswith("."):
                    self.code.append(Instruction(arch, part, place))
        self.next = [self.successors(i) for i in range(len(self.code))]

    def successors(self, i):
        """Where the code goes on, and whether it leaves the function there."""
        instruction = self.code[i]
        after = set() if i + 1 in self.breaks or i + 1 == len(self.code) else {i + 1}
        if instruction.ends:
            return set(), True
        if instruction.call in NO_RETURN:
            return set(), False
        if instruction.jump is None:
            return after, False
        target = instruction.jump
        number = re.fullmatch(r"(\d+)([bf])", target)
        if number:
            places = [at for at in self.labels[number.group(1)] if (at > i) == (number.group(2) == "f")]
            to = min(places) if number.group(2) == "f" else max(places)
        elif target in self.labels and (target not in self.functions or ".cold" in target):
            to = self.labels[target][0]
        else:  # another function, or what cannot be known
            return (after if instruction.conditional else set()), True
        return (after if instruction.conditional else set()) | {to}, False

    def reach(self, start, avoid=()):
        """What is executed after these instructions, before any of `avoid`."""
        seen, rest = set(), [j for i in start for j in self.next[i][0]]
        while rest:
            i = rest.pop()
            if i not in seen:
                seen.add(i)
                if i not in avoid:
                    rest += self.next[i][0]
        return seen

    @functools.lru_cache(None)
    def function(self, name):
        if name not in self.functions:
            raise Missing(f"no function {name}")
        return Function(self, name, self.functions[name])

    def containing(self, pick):
        """The functions in which there is something of that kind."""
        found = [f for f in (self.function(name) for name in self.functions if ".cold" not in name) if pick(f)]
        if not found:
            raise Missing("nothing of the kind in any function")
        return found


class Missing(Exception):
    """A place has no instruction of the kind."""


def releases(i):
    """A read-modify-write: in an exclusive pair the store decides."""
    return i.release or i.exclusive


is_fence, is_change, is_load, is_store = map(operator.attrgetter, ("fence", "change", "load", "store"))


class Function:
    def __init__(self, unit, name, entry):
        self.unit, self.name, self.entry = unit, name, entry
        self.body = {entry} | unit.reach([entry])
        self.exits = {i for i in self.body if unit.next[i][1]}
        self.by_place = collections.defaultdict(list)
        for i in self.body:
            self.by_place[unit.code[i].place].append(i)

    def where(self, pick):
        return {i for i in self.body if pick(self.unit.code[i])}

    def at(self, lines, pick=lambda i: i.load or i.store or i.change):
        return {i for line in lines for i in self.by_place.get(line, ()) if pick(self.unit.code[i])}

    def calls(self, *names):
        return self.where(lambda i: i.call in names)

    def path(self, start, to, avoid):
        """An instruction of `to` that is reached without one of `avoid`."""
        if start is None:
            first = {self.entry}
            found = (first | (self.unit.reach(first, avoid) if self.entry not in avoid else set())) & to
        else:
            found = self.unit.reach(start, avoid) & to
        return found - set(avoid)

    def passes(self, start, via, to):
        """Complains about a path from start (None: the entry) to `to` beside `via`."""
        for what, some in ("start", start), ("between", via), ("end", to):
            if some is not None and not some:
                raise Missing(f"{self.name}: nothing at the {what} of the path")
        for i in sorted(self.path(start, to, via)):
            yield f"{self.name}: a path to `{self.unit.code[i].text}`, line {self.unit.code[i].place[1]}, passes it by"

    def none(self, pick):
        for i in sorted(self.where(pick)):
            yield f"{self.name}: `{self.unit.code[i].text}`, line {self.unit.code[i].place[1]}"

    def each(self, some, good):
        if not some:
            raise Missing(f"{self.name}: no such instruction")
        for i in sorted(some):
            if not good(self.unit.code[i]):
                yield f"{self.name}: `{self.unit.code[i].text}`, line {self.unit.code[i].place[1]}"


# -------------------------------------------------------------- places --


@functools.lru_cache(None)
def text_of(path):
    return path.read_text()


def lines_of(lib, file, function, snippet=""):
    """The lines of the function, or of statements in it that contain the snippet."""
    text = text_of(lib / file)
    for match in re.finditer(rf"^[^\s/*#][^;{{}}]*\b{function}\([^;{{}}]*\)\s*\{{.*?^\}}", text, re.M | re.S):
        whole = match.group()
        first = text.count("\n", 0, match.start()) + 1
        if not snippet:
            return {(file, first + n) for n in range(whole.count("\n") + 1)}
        found = set()
        for statement in re.finditer(r"(?:/\*.*?\*/\s*)*([^;]*;)", whole, re.S):
            if snippet in statement.group(1):
                begin = first + whole.count("\n", 0, statement.start(1))
                found |= {(file, begin + n) for n in range(statement.group(1).count("\n") + 1)}
        if found:
            return found
        raise Missing(f"{function}() has no `{snippet}`")
    raise Missing(f"{file} has no {function}()")


def atomic_accesses(lib):
    """(file, lines, operation, order) of each access that states its order."""
    for path in sorted(lib.rglob("*.[ch]")):
        text = path.read_text()
        for match in re.finditer(r"\batomic_(load|store|exchange|compare_exchange|fetch)(?:_\w+)?_explicit\s*\(", text):
            depth, end = 0, match.end() - 1
            while True:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
                if depth == 0:
                    break
            call = text[match.start():end]
            orders = re.findall(r"memory_order_(\w+)", call)
            order = orders[0] if match.group(1) == "compare_exchange" else orders[-1]
            # An access that gcc alone is spared, by assembly, stands there.
            above = text[:match.start()]
            if re.findall(r"^#(\w+)", above, re.M)[-1:] == ["else"]:
                begin = above.rfind("\n#if")
                call = text[begin + 1:end]
            first = text.count("\n", 0, end - len(call)) + 1
            file = str(path.relative_to(lib))
            yield file, {(file, first + n) for n in range(call.count("\n") + 1)}, match.group(1), order


# -------------------------------------------------------------- checks --

CHECKS = {}  # name: (file, generator of complaints)


def check(file):
    def put(function):
        CHECKS[function.__name__] = file, function
        return function
    return put


FULL = ("base/fence.h", "fence_full")
RING_CALLS = ["push_shared", "push_fetching", "push_exclusive", "pop_shared", "pop_fetching", "pop_exclusive"]
PUSHES, POPS = RING_CALLS[:3], RING_CALLS[3:]
BATCHES = ["push_batch_shared", "push_batch_exclusive", "pop_batch_shared", "pop_batch_exclusive"]


def place(unit, file, function, snippet=""):
    return lines_of(unit.lib, file, function, snippet)


def looks(unit):
    """Where `challenges` is read again, after a light fence."""
    return place(unit, "queue/recovery.h", "challenges") | place(unit, "queue/recovery.h", "challenged_since")


def light(f, before, after):
    """A light fence between the two: a question, and a full fence on one way alone."""
    asks = f.where(lambda i: "fence_asymmetric" in i.text)
    yield from f.passes(None, asks, after)
    fences = f.at(place(f.unit, *FULL), is_fence)
    if not f.unit.reach(before, after) & fences:
        yield f"{f.name}: no full fence where fences are not asymmetric"
    if not f.unit.reach(before, f.where(is_fence)) & after:
        yield f"{f.name}: the light fence costs a full one"


def claims(unit, f):
    return (f.at(place(unit, "queue/claim.h", "claim_shared"), is_change) |
            f.at(place(unit, "queue/claim.h", "claim_exclusive"), is_store))


def ends(f):
    """Stores that give a cell away."""
    name = "publish" if "push" in f.name else "recycle"
    return f.at(place(f.unit, "queue/claim.h", name), is_store)


@check("base/fence.c")
def full_fence(unit):
    """fence_full() is a full fence"""
    f = unit.function("fence_heavy")
    yield from f.passes(None, f.at(place(unit, *FULL), is_fence) | f.calls("syscall"), f.exits)


@check("base/fence.c")
def heavy_fence(unit):
    """fence_heavy() calls membarrier, or is a full fence"""
    f = unit.function("fence_heavy")
    number = re.compile(rf"(?<![\w.])[$#]?{MEMBARRIER[unit.arch]}\b")
    sets = f.where(lambda i: number.search(i.text) and not i.store)
    yield from f.passes(None, sets | f.where(is_fence), f.exits)
    yield from f.passes(None, f.calls("syscall") | f.where(is_fence), f.exits)


@check("queue/ring.c")
def claim_of_shared(unit):
    """[order] a shared position is claimed by one read-modify-write that releases"""
    for name in PUSHES[:2] + POPS[:2]:
        f = unit.function(name)
        claim = f.at(place(unit, "queue/claim.h", "claim_shared"), is_change)
        yield from f.each(claim, lambda i: releases(i) if unit.arch == "aarch64" else i.name.startswith("cmpxchg"))
        yield from f.passes(None, claim, ends(f))


@check("queue/ring.c")
def claim_of_exclusive(unit):
    """an exclusive side has no locked instruction and no fence"""
    for name in ("push_exclusive", "pop_exclusive"):
        f = unit.function(name)
        yield from f.none(lambda i: i.change or i.fence)
        yield from f.passes(None, f.at(place(unit, "queue/claim.h", "claim_exclusive"), is_store), ends(f))


@check("queue/ring.c")
def one_claim(unit):
    """a call on a shared side has one locked instruction and no other fence"""
    for name in PUSHES[:2] + POPS[:2]:
        f = unit.function(name)
        claim = f.at(place(unit, "queue/claim.h", "claim_shared"), is_change)
        yield from f.none(lambda i: i.fence and i.place not in place(unit, "queue/claim.h", "claim_shared"))
        if unit.arch == "x86_64" and f.unit.reach(claim) & claim:
            yield f"{name}: claims twice"


def gives_away(unit, name, what):
    f = unit.function(name)
    stores = ends(f)
    yield from f.each(stores, lambda i: i.release if unit.arch == "aarch64" else not i.locked)
    copies = f.at(place(unit, "queue/claim.h", "copy_message"), lambda i: what(i) or i.call in ("memcpy", "memmove"))
    yield from f.passes(copies, stores, f.exits)


@check("queue/ring.c")
def published(unit):
    """[publish] the state is stored, plainly and releasing, after all of the message"""
    for name in PUSHES + ["push_closing"]:
        yield from gives_away(unit, name, is_store)


@check("queue/ring.c")
def recycled(unit):
    """[recycle] the state is stored, plainly and releasing, after the message is read"""
    for name in POPS:
        yield from gives_away(unit, name, is_load)


@check("queue/ring_batch.c")
def batches_given_away(unit):
    """[publish] and [recycle] in a batch: each message is followed by its state"""
    for name in BATCHES:
        yield from gives_away(unit, name, is_store if "push" in name else is_load)


def decided(unit, names):
    for name in names:
        f = unit.function(name)
        looked = f.at(looks(unit), is_load)
        states = f.at(place(unit, "queue/ring_layout.h", "read_state"), is_load)
        yield from f.passes(None, f.at(place(unit, "queue/recovery.h", "resolved"), is_load), states)
        yield from f.passes(None, states, claims(unit, f))
        yield from f.passes(states, looked | f.calls("recovery_claimable"), claims(unit, f))
        yield from f.passes(ends(f), looked, f.exits)


@check("queue/ring.c")
def decision(unit):
    """[decision] `challenges` is read between the state and the claim, and after the store"""
    yield from decided(unit, RING_CALLS)


@check("queue/ring_batch.c")
def decision_of_batches(unit):
    """[decision] the same in a batch"""
    for name in BATCHES:
        f = unit.function(name)
        looked = f.at(looks(unit) | place(unit, "queue/claim.h", "count_claimable"), is_load)
        states = f.at(place(unit, "queue/ring_layout.h", "read_state"), is_load)
        yield from f.passes(states, looked | f.calls("recovery_claimable"), claims(unit, f))
        yield from f.passes(ends(f), looked, f.exits)


@check("queue/ring.c")
def closed(unit):
    """[close] an exclusive sender reads `end` between its claim and its message"""
    f = unit.function("push_exclusive")
    claim = f.at(place(unit, "queue/claim.h", "claim_exclusive"), is_store)
    end = f.at(place(unit, "queue/close.h", "closing") | place(unit, "queue/claim.h", "close_since"), is_load)
    yield from f.passes(claim, end, ends(f))
    yield from f.passes(claim, end, f.at(place(unit, "queue/claim.h", "copy_message"), is_store))


@check("queue/close.c")
def close_decided(unit):
    """[close] heavy side: the fence, then tail, then the end"""
    f = unit.function("close_end")
    tail = f.at(place(unit, "queue/close.c", "close_end", "&ring->tail"), is_load)
    yield from f.passes(None, f.calls("fence_heavy"), tail)
    yield from f.passes(f.calls("fence_heavy"), tail,
                        f.exits | f.at(place(unit, "queue/close.c", "decide_end"), is_change))


@check("queue/recovery.c")
def announced(unit):
    """[decision] heavy side: `challenges`, the fence, then the states"""
    lines = place(unit, "queue/recovery.c", "announce")
    for f in unit.containing(lambda f: f.at(lines, is_change)):
        counted = f.at(lines, is_change)
        yield from f.each(counted, lambda i: releases(i) or unit.arch == "x86_64")
        yield from f.passes(counted, f.calls("fence_heavy"),
                            f.exits | f.at(place(unit, "queue/ring_layout.h", "read_state"), is_load))


@check("queue/ring_batch.c")
def seen(unit):
    """[seen] a full fence, then the other end"""
    for name in BATCHES:
        f = unit.function(name)
        end = place(unit, "queue/scan.h", "free_end") if "push" in name else \
            place(unit, "queue/close.h", "closing") | place(unit, "queue/ring_batch.c", "claimed_end")
        yield from f.passes(f.at(place(unit, *FULL), is_fence), f.at(end, is_load), f.exits)


def peeks(unit, f):
    return f.at(place(unit, "base/eventcount.h", "eventcount_peek"), is_load)


@check("queue/send_recv.c")
def notified(unit):
    """[sleep] light side: the eventcounts are read after the ring was changed, without a fence"""
    for name, call in ("magring_send", "ring_try_push"), ("magring_recv", "ring_try_pop"):
        f = unit.function(name)
        calls = f.at(place(unit, "queue/ring.h", call), lambda i: i.call is not None)
        looked = peeks(unit, f)
        yield from f.passes(None, calls, looked)
        if not f.path(None, looked, f.where(lambda i: i.change or i.fence)):
            yield f"{name}: no way without a locked instruction, beside the ring's"
        yield from light(f, calls, looked)


@check("queue/send_recv.c")
def sent_then_notified(unit):
    """[sleep] light side: no send that went ends without a look at the eventcounts"""
    f = unit.function("magring_send")
    yield from f.passes(f.at(place(unit, "queue/send_recv.c", "magring_send", "message->private_header = 0"), is_store),
                        peeks(unit, f), f.exits)


@check("pool/alloc.c")
def freed_then_notified(unit):
    """[sleep] light side: a slab was freed, then the eventcount is read"""
    for f in unit.containing(lambda f: peeks(unit, f)):
        yield from light(f, f.where(is_store), peeks(unit, f))


@check("base/eventcount.c")
def prepared(unit):
    """[sleep] heavy side: the sleeper is counted, then a fence"""
    f = unit.function("eventcount_prepare_wait")
    counted = f.at(place(unit, "base/eventcount.c", "eventcount_prepare_wait", "entered(word) | fenced"), is_change)
    yield from f.each(counted, lambda i: releases(i) or unit.arch == "x86_64")
    fences = f.at(place(unit, *FULL), is_fence) | f.calls("fence_heavy")
    yield from f.passes(counted, fences, f.exits)
    yield from f.passes(None, counted, f.calls("fence_heavy"))
    yield from f.passes(None, f.calls("fence_heavy"),
                        f.at(place(unit, "base/eventcount.c", "eventcount_prepare_wait", "EVENTCOUNT_SEEN,"), is_change))


@check("base/eventcount.c")
def fenced(unit):
    """[sleep] a waker that finds FENCED reads again after a full fence"""
    f = unit.function("eventcount_has_waiters_fenced")
    fences = f.at(place(unit, *FULL), is_fence)
    again = f.at(place(unit, "base/eventcount.c", "eventcount_has_waiters_fenced", "&eventcount->word"), is_load)
    yield from f.passes(fences, again, f.exits)
    yield from f.passes(None, fences, f.where(is_change) - fences)


@check("base/eventcount_fd.c")
def armed(unit):
    """[sleep] heavy side: ARMED, the fence, then the condition"""
    f = unit.function("eventcount_arm")
    change = f.at(place(unit, "base/eventcount_fd.c", "eventcount_arm", "armed, "), is_change)
    condition = f.at(place(unit, "base/eventcount_fd.c", "eventcount_arm", "ready(context)"),
                     lambda i: i.call == "*")
    fences = f.at(place(unit, *FULL), is_fence) | f.calls("fence_heavy")
    yield from f.passes(change, fences, condition)
    yield from f.passes(None, change, condition)
    yield from f.passes(None, f.calls("fence_heavy"),
                        f.at(place(unit, "base/eventcount_fd.c", "fence_armed", "&eventcount->word, &word"), is_change))


@check("base/eventcount.c")
def wake(unit):
    """[wake] what eventcount_notify() reads first is in its place among the word's changes"""
    f = unit.function("eventcount_notify")
    own = place(unit, "base/eventcount.c", "eventcount_notify")
    if unit.arch == "x86_64":  # a load after a full fence has its place, too
        first = f.at(own, is_fence)
    else:
        first = f.at(own, lambda i: i.change and releases(i))
    yield from f.passes(None, first, f.exits | f.at(own, lambda i: i.load and not i.change))


@check("base/eventcount.c")
def left(unit):
    """[wake] a sleeper leaves by a read-modify-write that acquires and releases"""
    f = unit.function("eventcount_cancel_wait")
    change = f.at(place(unit, "base/eventcount.c", "eventcount_cancel_wait"), is_change)
    yield from f.passes(None, change, f.exits)
    yield from f.each(change, lambda i: releases(i) or unit.arch == "x86_64")


@check("pool/alloc.c")
def entered(unit):
    """[revoked] light side: busy is stored, then revoked read, without a fence"""
    whole = place(unit, "pool/thread_cache.h", "cache_enter")
    for f in unit.containing(lambda f: f.at(whole, is_store)):
        busy = f.at(place(unit, "pool/thread_cache.h", "cache_enter", "&cache->busy, 1"), is_store)
        revoked = f.at(place(unit, "pool/thread_cache.h", "cache_enter", "&cache->revoked"), is_load)
        yield from f.passes(None, busy, revoked)
        yield from f.each(revoked, lambda i: i.acquire or unit.arch == "x86_64")
        yield from f.each(busy, lambda i: not i.locked)
        yield from light(f, busy, revoked)


@check("pool/message.c")
def entered_fast(unit):
    """[revoked] light side: the same in the common paths, which never have a fence"""
    whole = place(unit, "pool/thread_cache.h", "cache_enter_fast")
    for f in unit.containing(lambda f: f.at(whole, is_store)):
        busy = f.at(place(unit, "pool/thread_cache.h", "cache_enter_fast", "&cache->busy, 1"), is_store)
        revoked = f.at(place(unit, "pool/thread_cache.h", "cache_enter_fast", "&cache->revoked"), is_load)
        yield from f.passes(None, busy, revoked)
        yield from f.each(revoked, lambda i: i.acquire or unit.arch == "x86_64")
        yield from f.none(is_fence)


@check("pool/message.c")
def freed_fast(unit):
    """[sleep] light side: the common path of a free puts the slab back, then reads the eventcount"""
    hot = place(unit, "pool/message.c", "magring_private_give", "pair->hot = address")
    for name, where in {"magring_private_give": hot, "free_loaded": place(unit, "pool/magazine.h", "magazine_put")}.items():
        f = unit.function(name)
        yield from f.passes(None, f.at(where, is_store), peeks(unit, f))


@check("pool/reclaim.c")
def revoked(unit):
    """[revoked] heavy side: revoked, the fence, then busy"""
    busy = place(unit, "pool/reclaim.c", "empty_revoked", "&cache->busy")
    for f in unit.containing(lambda f: f.at(busy, is_load)):
        yield from f.passes(None, f.calls("fence_heavy"), f.at(busy, is_load))


@check("pool/table.c")
def section(unit):
    """[section] a section is counted before it is over, and readers are waited for after a fence"""
    f = unit.function("thread_section_begin")
    counted = f.at(place(unit, "pool/table.c", "thread_section_begin", "atomic_fetch_add"), is_change)
    asks = f.where(lambda i: "fence_asymmetric" in i.text)
    yield from f.passes(counted, asks, f.exits)
    yield from f.passes(None, counted, f.at(place(unit, *FULL), is_fence))
    for f in unit.containing(lambda f: f.calls("fence_heavy")):
        yield from f.passes(None, f.calls("fence_heavy"), f.at(place(unit, "pool/table.c", "is_busy"), is_load))


@check("pool/depot.c")
def popped(unit):
    """[depot] a pop is a CAS of two words, and acquires"""
    name = r"cmpxchg16b" if unit.arch == "x86_64" else r"stl?xp|caspa?l?"
    f = unit.function("depot_take_empty")
    wide = f.where(lambda i: re.fullmatch(name, i.name) and i.change)
    # What takes the popped magazine follows a CAS, and "empty" an empty stack.
    other = f.at(place(unit, "pool/depot.c", "depot_take_empty", "magazine->count = 0"), is_store)
    yield from f.passes(None, f.where(is_load), wide)
    yield from f.each(wide, lambda i: True)
    if unit.arch == "aarch64":
        acquired = f.at(place(unit, "base/tagged_stack.h", "tagged_stack_pop", "edge_acquire"),
                        lambda i: i.fence or i.acquire)
        yield from f.passes(wide, acquired | other | f.calls("chunk_take_metadata"), f.exits)


@check("pool/depot.c")
def pushed(unit):
    """[depot] a push releases, stores the link, and then is a CAS"""
    f = unit.function("depot_put")
    change = f.where(is_change)
    links = f.where(lambda i: i.store and not i.change and "ck_pr" in str(i.place[0]))
    yield from f.passes(None, change, f.exits)
    yield from f.passes(None, links, change)
    if unit.arch == "aarch64":
        released = f.at(place(unit, "base/tagged_stack.h", "tagged_stack_push", "edge_release"), is_fence)
        yield from f.passes(None, released, links)


def orders(units, accesses, whole=True):
    """each access of lib/ that acquires or releases, and each read-modify-write, is such an instruction"""
    for file, lines, operation, order in accesses:
        if order == "relaxed" and operation in ("load", "store"):
            continue
        met = False
        for unit in units:
            for name in unit.functions:
                f = unit.function(name)
                here = f.at(lines, lambda i: i.load or i.store or i.change or i.fence)
                if not here:
                    continue
                met = True
                some = [unit.code[i] for i in here]
                acquires, releases = order in ("acquire", "acq_rel"), order in ("release", "acq_rel")
                arm = unit.arch == "aarch64"
                if operation == "load":
                    good = any(i.load and (i.acquire or not acquires or not arm) for i in some)
                elif operation == "store":
                    good = any(i.store and (i.release or not releases or not arm) for i in some)
                elif arm:
                    changes = [i for i in some if i.change]
                    good = bool(changes) and any(i.release or not releases for i in changes) and \
                        any(i.acquire or not acquires for i in some)
                else:
                    good = any(i.change or i.fence for i in some)
                if not good:
                    yield (f"{file}:{min(lines)[1]}: {operation}, {order}, is "
                           f"{'; '.join(i.text for i in some)} in {name}()")
        # Stores that were merged are on line 0. What is relaxed may be for a debug build.
        merged = operation == "store" and any(
            i.store and i.place[1] == 0 and (i.release or unit.arch != "aarch64") for unit in units for i in unit.code)
        if whole and not met and not merged and order != "relaxed":
            yield f"{file}:{min(lines)[1]}: {operation}, {order}, is nowhere in the code"


# ------------------------------------------------------------- targets --


class Target:
    def __init__(self, name, cc, work):
        self.cc = cc
        self.arch = instructions.run([*cc, "-dumpmachine"]).split("-")[0]
        self.name = f"{name}, {self.arch}"
        self.flags = [*instructions.OPTIONS, "-g1"]
        if self.arch == platform.machine():
            self.flags += instructions.run(["pkg-config", "--cflags", "ck", "liburcu-cds"]).split()
        else:
            self.flags += ["-isystem", str(self.borrow(work))]
        probe = work / "probe.c"
        probe.write_text(HEADERS + "int main(void) { return 0; }\n")
        self.assembly(probe, work)

    def borrow(self, work):
        """The headers of ck and liburcu, which are there for all architectures."""
        directory = work / "headers"
        if not directory.exists():
            directory.mkdir()
            flags = instructions.run(["pkg-config", "--cflags", "ck", "liburcu-cds"]).split()
            probe = work / "headers.c"
            probe.write_text("#include <ck_stack.h>\n#include <urcu/list.h>\n")
            known = instructions.run(["cc", *flags, "-M", probe]).split()
            for name in "ck_pr.h", "urcu/list.h":
                root = pathlib.Path(next(path for path in known if path.endswith("/" + name))[:-len(name)])
                for path in [*root.glob("ck_*.h"), root / "gcc", *root.glob("urcu*")]:
                    link = directory / path.name
                    if path.exists() and not link.exists():
                        link.symlink_to(path)
        return directory

    def assembly(self, source, lib):
        return instructions.run([*self.cc, *self.flags, "-I", lib, "-I", lib.parent / "include", "-S", source, "-o", "-"])

    def unit(self, lib, file):
        return Unit(self.arch, self.assembly(lib / file, lib), lib, file)


def find_targets(compilers, work):
    """The compilers' own architecture, which must work, and the other one, which may be missing."""
    targets = []
    for cc in compilers:
        family = "clang" if "clang" in instructions.run([*cc, "--version"]) else "gcc"
        arch = instructions.run([*cc, "-dumpmachine"]).split("-")[0]
        if arch in BOTH:
            targets.append(Target(family, cc, work))
        if arch == "aarch64":
            continue
        try:
            if shutil.which(CROSS[family][0]) is None:
                raise RuntimeError(f"no {CROSS[family][0]}")
            targets.append(Target(family, CROSS[family], work))
        except RuntimeError as reason:
            print(f"not checked: {' '.join(CROSS[family])}: {str(reason).splitlines()[0]}")
    return targets


def complaints_of(name, unit):
    try:
        return list(CHECKS[name][1](unit))
    except Missing as reason:
        return [str(reason)]


def check_all(target, lib):
    files = [str(path.relative_to(lib)) for path in sorted(lib.rglob("*.c"))]
    checked = {file for file, _ in CHECKS.values()}
    units = {file: target.unit(lib, file) for file in files if file in checked or "_explicit(" in text_of(lib / file)}
    failed = 0
    found = {function.__doc__: complaints_of(name, units[file]) for name, (file, function) in CHECKS.items()}
    found[orders.__doc__] = list(orders(units.values(), list(atomic_accesses(lib))))
    for what, complaints in found.items():
        failed += bool(complaints)
        print(f"{'NOT OK' if complaints else 'ok'}: {target.name}: {what}")
        for complaint in complaints[:SHOWN]:
            print(f"\t{complaint}")
    return failed


# ----------------------------------------------------------- self-test --

ARM = ("aarch64",)
X86 = ("x86_64",)
CLAIM = ("\tbool claimed = atomic_compare_exchange_strong_explicit(end, position, next,\n"
         "\t\tmemory_order_release, memory_order_relaxed);\n")
FILL = "\tcopy_message(&cell->message, message);\n"
EMPTY = "\tcopy_message(ret_message, &cell->message);\n"
PUBLISH = "\tatomic_store_explicit(&cell->state, full, memory_order_release);\n"
RECYCLE = "\tatomic_store_explicit(&cell->state, free, memory_order_release);\n"
BUSY = "\tatomic_store_explicit(&cache->busy, 1, memory_order_relaxed);\n"
LIGHT = "\tfence_light();\n"
FAST_LIGHT = "\tfence_light_asymmetric();\n"
HOT = "\tpair->hot = address;\n"
END_FREE = "\tpool_end_free(pool, cache, pair, kind - MESSAGE_SLAB, message_payload_size(&was));\n"
HEAVY = "\tfence_heavy();\n"
OTHER = "\tother();\n"  # holds a place while two lines change theirs
ANNOUNCE = "\tatomic_fetch_add_explicit(&ring->challenges, pending->count, memory_order_release);\n"
ARMED = "\tword = atomic_fetch_or_explicit(&eventcount->word, armed, memory_order_acq_rel);\n"
FENCE_ARMED = "\tfence_armed(eventcount, word);\n"
RELEASED = "~((uint64_t)1 << index % 64),\n\t\tmemory_order_release);"
NOTIFY = "atomic_fetch_add_explicit(&eventcount->word, 0, memory_order_acq_rel)"


def relaxed(text):
    return re.sub("memory_order_(release|acquire|acq_rel)", "memory_order_relaxed", text, count=1)


# The check that must complain, where, and what is changed in which file: text that is there
# once, and what it is replaced by. Several changes are made in a row. The first fault of
# each check, and what an architecture alone shows, is for both; the others save the time.
FAULTS = [
    ("full_fence", BOTH, "base/fence.h", "\tatomic_thread_fence(", "\tatomic_signal_fence("),
    ("heavy_fence", BOTH, "base/fence.c", "result = syscall(SYS_membarrier, command", "result = syscall(SYS_getpid, command"),
    ("heavy_fence", X86, "base/fence.c", "\t\tfence_full();\n\t\treturn;\n", "\t\treturn;\n"),
    ("claim_of_shared", BOTH, "queue/claim.h", CLAIM,
     "\tbool claimed = atomic_load_explicit(end, memory_order_relaxed) == *position;\n"
     "\tif (claimed)\n\t\tatomic_store_explicit(end, next, memory_order_release);\n"),
    ("claim_of_shared", ARM, "queue/claim.h", CLAIM, relaxed(CLAIM)),
    ("claim_of_exclusive", BOTH, "queue/claim.h", "\tatomic_store_explicit(end, advance(",
     "\tatomic_exchange_explicit(end, advance("),
    ("claim_of_exclusive", X86, "queue/claim.h", "\tfence_light_asymmetric();\n", "\tfence_full();\n"),
    ("one_claim", BOTH, "queue/claim.h", PUBLISH, "\tfence_full();\n" + PUBLISH),
    ("one_claim", X86, "queue/claim.h", RECYCLE, "\tfence_full();\n" + RECYCLE),
    ("published", BOTH, "queue/claim.h", FILL, PUBLISH + FILL, PUBLISH + "}", "}"),
    ("published", ARM, "queue/claim.h", PUBLISH, relaxed(PUBLISH)),
    ("published", X86, "queue/claim.h", PUBLISH, PUBLISH.replace("release", "seq_cst")),
    ("recycled", BOTH, "queue/claim.h", EMPTY, RECYCLE + EMPTY, RECYCLE + "}", "}"),
    ("recycled", ARM, "queue/claim.h", RECYCLE, relaxed(RECYCLE)),
    ("batches_given_away", BOTH, "queue/claim.h", FILL, PUBLISH + FILL, PUBLISH + "}", "}"),
    ("batches_given_away", X86, "queue/claim.h", EMPTY, RECYCLE + EMPTY, RECYCLE + "}", "}"),
    ("decision", BOTH, "queue/ring.c", "return challenged_since(ring, known) ? push_challenged(", "return 0 ? push_challenged("),
    ("decision", X86, "queue/ring.c", "return challenged_since(ring, known) ? recovery_after_pop(", "return 0 ? recovery_after_pop("),
    ("decision", X86, "queue/ring.c", "!= free, 0) || challenged_since(ring, known) ||", "!= free, 0) ||"),
    ("decision", X86, "queue/ring.c", "__builtin_expect(read_state(cell) != full, 0) || challenged_since(ring, known) ||",
     "challenged_since(ring, known) || __builtin_expect(read_state(cell) != full, 0) ||"),
    ("decision_of_batches", BOTH, "queue/claim.h", "if (n > 0 && challenged_since(ring, known))", "if (0)"),
    ("decision_of_batches", X86, "queue/ring_batch.c", "!challenged_since(ring, claimed.known) ||", "true ||"),
    ("decision_of_batches", X86, "queue/ring_batch.c", "\tif (challenged_since(ring, claimed.known))\n", "\tif (0)\n"),
    ("closed", BOTH, "queue/ring.c", "\tif (exclusive) {\n\t\tclaim_exclusive(&ring->tail, position, 1);\n\t\tif (close_since(ring))",
     "\tif (exclusive) {\n\t\tbool over = close_since(ring);\n\t\tclaim_exclusive(&ring->tail, position, 1);\n\t\tif (over)"),
    ("close_decided", BOTH, "queue/close.c", HEAVY, ""),
    ("close_decided", X86, "queue/close.c", HEAVY + "\t/* [order] acquire: as in moved_on(). */\n"
     "\treturn decide_end(ring, atomic_load_explicit(&ring->tail, memory_order_acquire));",
     "\tend = atomic_load_explicit(&ring->tail, memory_order_acquire);\n" + HEAVY + "\treturn decide_end(ring, end);"),
    ("announced", BOTH, "queue/recovery.c", HEAVY, ""),
    ("announced", X86, "queue/recovery.c", ANNOUNCE, OTHER, HEAVY, ANNOUNCE, OTHER, HEAVY),
    ("announced", ARM, "queue/recovery.c", ANNOUNCE, relaxed(ANNOUNCE)),
    ("seen", BOTH, "queue/ring_batch.c", "\tfence_full();\n", ""),
    ("seen", X86, "queue/ring_batch.c", "\tshow_earlier_calls(*tries);\n\tint64_t room = ahead(free_end(ring), *position);\n",
     "\tint64_t room = ahead(free_end(ring), *position);\n\tshow_earlier_calls(*tries);\n"),
    ("notified", BOTH, "queue/notify.h", LIGHT, ""),
    ("notified", X86, "queue/notify.h", LIGHT, "\tfence_full();\n"),
    ("notified", X86, "queue/notify.h", LIGHT, "\tfence_light_asymmetric();\n"),
    ("notified", X86, "queue/send_recv.c", "\tint result = ring_try_pop(", "\tfence_full();\n\tint result = ring_try_pop("),
    ("sent_then_notified", BOTH, "queue/send_recv.c", "\tTRACEPOINT3(send, queue, queue->ring.name, 1);\n\tnotify_waiters(queue, SENDER);\n", ""),
    ("freed_then_notified", BOTH, "pool/pool.h", LIGHT, "\tfence_full();\n"),
    ("freed_then_notified", X86, "pool/pool.h", LIGHT, ""),
    ("prepared", BOTH, "base/eventcount.c", "\t\tfence_full();\n", ""),
    ("prepared", X86, "base/eventcount.c", "\t\tfence_heavy();\n", ""),
    ("fenced", BOTH, "base/eventcount.c", "\tfence_full();\n\tword =", "\tword ="),
    ("armed", BOTH, "base/eventcount_fd.c", HEAVY, ""),
    ("armed", X86, "base/eventcount_fd.c", "\t\tfence_full();\n", ""),
    ("armed", X86, "base/eventcount_fd.c", ARMED, OTHER, FENCE_ARMED, ARMED, OTHER, FENCE_ARMED),
    ("wake", BOTH, "base/eventcount.c", NOTIFY, "atomic_load_explicit(&eventcount->word, memory_order_acquire)"),
    ("wake", ARM, "base/eventcount.c", "uint64_t word = " + NOTIFY,
     "fence_full(); uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_acquire)"),
    ("wake", ARM, "base/eventcount.c", NOTIFY, relaxed(NOTIFY)),
    ("left", BOTH, "base/eventcount.c", "while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word, left(word),\n"
     "\t\tmemory_order_acq_rel, memory_order_relaxed))\n\t\t;",
     "atomic_store_explicit(&eventcount->word, left(word), memory_order_release);"),
    ("left", ARM, "base/eventcount.c", "left(word),\n\t\tmemory_order_acq_rel", "left(word),\n\t\tmemory_order_relaxed"),
    ("entered", BOTH, "pool/thread_cache.h", LIGHT, ""),
    ("entered", X86, "pool/thread_cache.h", LIGHT, "\tfence_full();\n"),
    ("entered", X86, "pool/thread_cache.h", LIGHT, "\tfence_light_asymmetric();\n"),
    ("entered", X86, "pool/thread_cache.h", BUSY + LIGHT, "\tuint64_t taken = atomic_load_explicit(&cache->revoked, memory_order_acquire);\n"
     + BUSY + LIGHT, "__builtin_expect(atomic_load_explicit(&cache->revoked, memory_order_acquire) == 0, 1)", "taken == 0"),
    ("entered_fast", BOTH, "pool/thread_cache.h", "\tfence_light_asymmetric();\n\t/* [returned]", "\tfence_full();\n\t/* [returned]"),
    ("entered_fast", X86, "pool/thread_cache.h", BUSY + FAST_LIGHT, "\tuint64_t taken = atomic_load_explicit(&cache->revoked, memory_order_acquire);\n"
     + BUSY + FAST_LIGHT, "__builtin_expect(reclaimer == 0, 1)", "taken == 0"),
    ("freed_fast", BOTH, "pool/message.c", HOT + END_FREE, END_FREE + HOT),
    ("revoked", BOTH, "pool/reclaim.c", HEAVY, ""),
    ("section", BOTH, "pool/table.c", LIGHT, ""),
    ("section", X86, "pool/table.c", HEAVY, ""),
    ("popped", BOTH, "base/tagged_stack.h", "ck_pr_cas_ptr_2(stack, &top, &rest)", "ck_pr_cas_ptr(&stack->head, top.head, rest.head)"),
    ("popped", ARM, "base/tagged_stack.h", "\tedge_acquire(top.head);\n", ""),
    ("pushed", BOTH, "base/tagged_stack.h", "\t\tck_pr_store_ptr(&entry->next, head);\n", ""),
    ("pushed", ARM, "base/tagged_stack.h", "\tedge_release(entry);\n", ""),
    ("orders", X86, "queue/recovery_word.h", "atomic_fetch_add_explicit(&ring->resolved, 1, memory_order_release);",
     "atomic_store_explicit(&ring->resolved, ring->resolved + 1, memory_order_release);"),
    ("orders", ARM, "queue/recovery_word.h", "atomic_fetch_add_explicit(&ring->resolved, 1, memory_order_release);",
     "atomic_fetch_add_explicit(&ring->resolved, 1, memory_order_relaxed);"),
    ("orders", ARM, "pool/thread_registry.c", RELEASED, relaxed(RELEASED)),
    ("orders", ARM, "queue/close.h", "&ring->end, memory_order_acquire", "&ring->end, memory_order_relaxed"),
]
# In which file the accesses of a header are compiled, for the check of orders.
USERS = {"queue/recovery_word.h": "queue/recovery_return.c", "queue/close.h": "queue/ring.c"}


def self_test(targets, root, work):
    failed = 0
    shutil.copytree(root / "include", work / "include")
    shutil.copytree(root / "lib", work / "lib")
    lib, accesses = work / "lib", list(atomic_accesses(root / "lib"))
    for name, archs, file, *edits in FAULTS:
        whole = broken = (lib / file).read_text()
        for old, new in zip(edits[::2], edits[1::2]):
            if broken.count(old) != 1:
                raise RuntimeError(f"{file} has `{old}` {broken.count(old)} times")
            broken = broken.replace(old, new)
        (lib / file).write_text(broken)
        text_of.cache_clear()
        for target in targets:
            if target.arch not in archs:
                continue
            if name == "orders":
                complaints = list(orders([target.unit(lib, USERS.get(file, file))], [a for a in accesses if a[0] == file], False))
            else:
                complaints = complaints_of(name, target.unit(lib, CHECKS[name][0]))
            failed += not complaints
            print(f"{'ok' if complaints else 'NOT OK'}: {target.name}: {name}: {file}: "
                  f"{complaints[0] if complaints else edits[0]}")
        (lib / file).write_text(whole)
    text_of.cache_clear()
    for name in [*CHECKS, "orders"]:
        for arch in BOTH:
            if not any(fault[0] == name and arch in fault[1] for fault in FAULTS):
                failed += 1
                print(f"NOT OK: no fault for {name} on {arch}")
    return failed


def main():
    parser = argparse.ArgumentParser(description="what compilers make of the instructions on which proofs lean")
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
    parser.add_argument("--cc", action="append")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    root = arguments.source.resolve()
    compilers = [shlex.split(cc) for cc in arguments.cc or filter(shutil.which, ["gcc", "clang"])]
    with tempfile.TemporaryDirectory(prefix="magring-machine-") as directory:
        work = pathlib.Path(directory)
        targets = find_targets(compilers, work)
        if not targets:
            print("skipped: no compiler for x86-64 or aarch64")
            return SKIPPED
        if arguments.self_test:
            failed = self_test(targets, root, work)
        else:
            failed = sum(check_all(target, root / "lib") for target in targets)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
