#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""house_test.py --source DIRECTORY [--only RULE,...] [--count] | --self-test

The rules of the house: how the sources in lib/ and include/ are laid out and
written. A rule has a letter and a name, and --only takes either. --count prints
numbers by rule and file instead of complaints.

a wings      Includes lead from a wing of lib/ to itself or to a lower one. They
             name a file by its path below lib/.
b circles    Modules do not include one another in a circle. The files x.c and
             x.h are one module.
c words      Retired words do not appear. The table RETIRED has substitutes.
d lengths    Files, functions, lines and comments stay within LIMITS.
e sentences  A sentence in a comment has at most LIMITS["words"] words.
f constants  A number has a name and a comment in lib/tuning.h, or a reason in
             CONSTANTS.
g names      Names in public headers begin with magring_ or MAGRING_.
h guide      The files and functions that lib/README.md names exist in lib/. It
             has at most LIMITS["guide"] lines.
"""
import argparse
import collections
import pathlib
import re
import sys
import tempfile

# The wings, lowest first. A wing includes itself and those before it.
WINGS = ["base", "pool", "queue", "observe"]

LIMITS = {
    "columns": 100,  # of any line
    "comment columns": 80,  # of a line with nothing but a comment
    "file": 300,  # lines of a file in lib/
    "tuning": 350,  # lines of lib/tuning.h: one list, which nobody reads as a whole, with a reason for each line
    "function": 40,  # lines between the braces of a function
    "words": 25,  # of a sentence
    "guide": 60,  # lines of lib/README.md
}

# Numbers that are allowed outside lib/tuning.h. The value is the reason, for
# example: "PAGE": "layout of the address space".
CONSTANTS = {
    "CHECKED_FREE_BYTE": "what no program writes by chance: no small number, no text",
    "CHECKED_ID_KEPT": "layout: two records fill a cache line",
    "CHECKED_MARGIN_BYTE": "as CHECKED_FREE_BYTE, and not the same",
    "CHECKED_SAMPLED": "layout: a bit beside 7 of the size class",
    "CHUNK_RECORDS": "layout: eight records are as large as a magazine",
    "EVENTCOUNT_WAKING_MAX": "what two bits of the word and the proof in eventcount.c allow",
    "LINE": "bytes of a cache line, on which layouts depend",
    "MAGAZINE_ROUNDS": "layout: a magazine has four cache lines",
    "MESSAGE_ID_ALIGNMENT": "layout: payloads behind an id are aligned for any type",
    "SHARE_KIND_SHIFT": "layout: of the word that counts messages with one slab",
    "MESSAGE_ID_BESIDE_SLAB": "layout: what the body of a message has beside a pointer",
    "MESSAGE_POINTER_BITS": "layout: addresses of x86-64 and aarch64",
    "REGION_PAGE": "layout of the address space",
    "SLAB_CLASSES_MAX": "layout: the largest payload with an id needs so many",
    "SLAB_UNIT": "layout: rounds count in cache lines",
}

# Retired words and their substitutes. A key is a regular expression for a whole
# word or for a part of an identifier, in any case. A space in a key stands for
# white space, a line break of a comment, or an underscore.
RETIRED = {
    r"who(?:ever)?": "a noun, such as the thread or the caller",
    r"gates?": "eventcount",
    r"verdicts?": "recovery",
    r"shel(?:f|ves)": "cooling",
    r"loose": "overflow",
    r"settl(?:e|es|ed|ing)": "notify or resolved",
    r"apart": "spacing",
    r"patience": "limit",
    # The macros of <sys/sdt.h> are not ours to name.
    r"(?<!DTRACE_)prob(?:e\d?|es|ed|ing)": "tracepoint",
    r"look(?:s|ed|ing)? away": "back off",
    r"(?:passed|gone) over": "skipped",
    r"checkers?": "sanitizer",
    r"bunch(?:es)?": "group",
}
# Keys of RETIRED that strings must not have either.
EVERYWHERE = {r"who(?:ever)?"}

TOKEN = re.compile(
    r"(?P<comment>//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z))"
    r'|R"(?P<mark>[^(\s"]*)\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>)', re.M)
DEFINE = re.compile(r"#\s*define\s+(\w+)(\(?)(.*)", re.S)


def blank(text):
    """White space in place of a text, so that positions stay."""
    return re.sub(r"[^\n]", " ", text)


class Source:
    """A file and its views, all with the same positions.

    code         without comments and the insides of strings
    uncommented  without comments
    words        without strings, and without the stars at the left of comments
    """

    def __init__(self, root, path):
        self.name = path.relative_to(root).as_posix()
        self.below = self.name.split("/", 1)[1]  # the name in an include
        self.in_lib = self.name.startswith("lib/")
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.split("\n")
        self.comments = []
        code, uncommented, words, last = [], [], [], 0
        for match in TOKEN.finditer(self.text):
            token, between = match.group(), self.text[last:match.start()]
            last = match.end()
            if match.group("comment"):
                self.comments.append((match.start(), token))
                views = blank(token), blank(token), re.sub(
                    r"(?m)^[ \t]*\*(?!/)", lambda star: blank(star.group()), token)
            else:
                inside = token[0] + blank(token[1:-1]) + token[-1]
                views = inside, token, inside
            for view, piece in zip((code, uncommented, words), views):
                view += [between, piece]
        self.code, self.uncommented, self.words = (
            "".join(view) + self.text[last:] for view in (code, uncommented, words))
        self.code_lines = self.code.split("\n")

    def line_of(self, position):
        return self.text.count("\n", 0, position) + 1

    def includes(self):
        """Line and name of each include, and if it is in quotation marks."""
        for match in INCLUDE.finditer(self.uncommented):
            yield (self.line_of(match.start()), match.group(1) or match.group(2) or "",
                   match.group(1) is not None)

    def directives(self):
        """Line and text of each directive, its continuation lines joined."""
        for match in DIRECTIVE.finditer(self.code):
            yield self.line_of(match.start()), match.group().replace("\\\n", " ").strip()

    def only_comment(self, line):
        """Whether a line, counted from 1, has a comment and nothing else."""
        return bool(self.lines[line - 1].strip()) and not self.code_lines[line - 1].strip()


class Tree:
    def __init__(self, root):
        self.root = root
        self.sources = []
        for top, suffixes in (("lib", (".c", ".h")), ("include", (".h", ".hpp"))):
            for path in sorted((root / top).rglob("*")):
                if path.suffix in suffixes:
                    self.sources.append(Source(root, path))
        self.lib = {source.below: source for source in self.sources if source.in_lib}
        self.public = {source.below: source for source in self.sources if not source.in_lib}

    def included(self, source, name):
        """The file of lib/ that an include means, rightly or wrongly named."""
        beside = (pathlib.PurePosixPath(source.below).parent / name).as_posix()
        return next((below for below in (name, beside) if below in self.lib), None)


# ---------------------------------------------------------------- a wings --

def wing_of(below):
    first, slash, _ = below.partition("/")
    return first if slash and first in WINGS else None


def misnamed(tree, source, name):
    """The fault of an include's name, or None."""
    if name in tree.public or (name in tree.lib and (wing_of(name) or name == "tuning.h")):
        return None
    if name in tree.lib:
        return f'"{name}" is in no wing'
    meant = tree.included(source, name)
    return f'"{name}" is to be "{meant}"' if meant else f'"{name}" is not there'


def check_wings(tree):
    for source in tree.sources:
        wing = wing_of(source.below)
        if source.in_lib and not wing and source.below != "tuning.h":
            yield source.name, 1, "the file is in no wing"
        for line, name, quoted in source.includes():
            fault = misnamed(tree, source, name) if quoted and source.in_lib else None
            meant = tree.included(source, name)
            if fault:
                yield source.name, line, fault
            elif meant and not source.in_lib and name not in tree.public:
                yield source.name, line, f"a public header includes {meant} of lib/"
            elif meant and source.below == "tuning.h":
                yield source.name, line, f"tuning.h includes {meant}"
            elif meant and not quoted and source.in_lib:
                yield source.name, line, f'<{name}> is to be "{meant}"'
            if wing and meant and wing_of(meant) and \
                    WINGS.index(wing_of(meant)) > WINGS.index(wing):
                yield source.name, line, f"{wing} includes {meant} of {wing_of(meant)}"


# -------------------------------------------------------------- b circles --

def module_of(below):
    return below.rsplit(".", 1)[0]


def shortest(graph, start, end):
    """The modules of a shortest way over at least one edge, or None."""
    ways = collections.deque([start, after] for after in sorted(graph[start]))
    seen = set()
    while ways:
        way = ways.popleft()
        if way[-1] == end:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways.extend(way + [after] for after in sorted(graph.get(way[-1], ())))
    return None


def check_circles(tree):
    """Each module's shortest circle, and each circle once."""
    graph = {}
    for below, source in tree.lib.items():
        edges = graph.setdefault(module_of(below), {})
        for line, name, _ in source.includes():
            meant = tree.included(source, name)
            if meant and module_of(meant) != module_of(below):
                edges.setdefault(module_of(meant), (source.name, line))
    told = set()
    for module in sorted(graph):
        way = shortest(graph, module, module)
        if way and frozenset(way) not in told:
            told.add(frozenset(way))
            yield *graph[module][way[1]], "a circle: " + " -> ".join(way)


# ---------------------------------------------------------------- c words --

def pattern_of(key):
    key = key.replace(" ", r"[_\s]+")
    return re.compile(rf"(?<![A-Za-z0-9])(?:{key})(?![A-Za-z0-9])", re.I)


def check_words(tree):
    for key, instead in RETIRED.items():
        pattern = pattern_of(key)
        for source in tree.sources:
            name = pattern.search(source.name)
            if name:
                yield source.name, 1, f'the name of the file has "{name.group()}": say {instead}'
            text = source.text if key in EVERYWHERE else re.sub(
                r"(?m)^[ \t]*#[ \t]*include[^\n]*", lambda m: blank(m.group()), source.words)
            for match in pattern.finditer(text):
                found = " ".join(match.group().split())
                yield source.name, source.line_of(match.start()), f'"{found}": say {instead}'


# -------------------------------------------------------------- d lengths --

def functions(source):
    """Line of the brace, lines of the body, and name of each function."""
    begin = None
    for number, line in enumerate(source.code_lines, 1):
        if line.startswith("{"):
            before = re.split(r"[;}]", "\n".join(source.code_lines[:number - 1]))[-1]
            before = DIRECTIVE.sub("", before)
            begin = None
            if not re.match(r"\s*(?:class|struct|union|enum|namespace)\s+\w*\s*$", before):
                names = [name for name in re.findall(r"(\w+)\s*\(", outermost(before))
                         if not name.startswith("__")]
                begin = number, names[0] if names else "a function"
        elif line.startswith("}") and begin:
            yield begin[0], number - begin[0] - 1, begin[1]
            begin = None


def check_lengths(tree):
    for source in tree.sources:
        count = len(source.lines) - (source.lines[-1] == "")
        if source.in_lib and count > LIMITS["tuning" if source.name == "lib/tuning.h" else "file"]:
            yield source.name, count, f"{count} lines in the file"
        for line, lines, name in functions(source):
            if lines > LIMITS["function"]:
                yield source.name, line, f"{lines} lines in {name}()"
        for number, line in enumerate(source.lines, 1):
            columns = len(line.expandtabs(8))
            if columns > LIMITS["columns"]:
                yield source.name, number, f"{columns} columns"
            elif columns > LIMITS["comment columns"] and source.only_comment(number):
                yield source.name, number, f"{columns} columns of comment"


# ------------------------------------------------------------ e sentences --

def comment_blocks(source):
    """Each comment as a list of (line, text), without its decoration.

    Lines of // comments in a row are one block, unless code is before them.
    """
    row = []
    for start, comment in source.comments:
        first = source.line_of(start)
        if comment.startswith("//"):
            continues = row and row[-1][0] == first - 1 and source.only_comment(first) and \
                source.only_comment(first - 1)
            if row and not continues:
                yield row
                row = []
            row.append((first, comment.lstrip("/")))
            continue
        lines = re.sub(r"\*+/$", "", comment)[2:].lstrip("*!").split("\n")
        lines = [lines[0].lstrip()] + [re.sub(r"^[ \t]*\*", "", line) if re.match(r"[ \t]*\*", line)
                                       else line.strip() for line in lines[1:]]
        yield list(enumerate(lines, first))
    if row:
        yield row


def paragraphs(block):
    """Each paragraph of a comment as a list of (line, text).

    Lines that begin with a tab or four spaces are code, a diagram or a table,
    and left out. Such lines directly below prose are prose: the section below a
    heading, or the rest of a labelled item. Columns make them a table.
    """
    prose, at = [], 0
    while at < len(block):
        text = block[at][1]
        end = at + 1
        if re.match(r"\t| {4}", text):
            while end < len(block) and re.match(r"(?:\t| {4})\s*\S", block[end][1]):
                end += 1
            hanging = bool(prose) and not any(
                re.search(r"\S {3}|\S\t", line) for _, line in block[at:end])
            if prose and not (hanging and text.startswith(" ")):
                yield prose
                prose = []
            if hanging:
                prose = prose + block[at:end]
        elif not text.strip() or "SPDX-License-Identifier" in text:
            if prose:
                yield prose
            prose = []
        else:
            if prose and re.match(r"\s*(?:- [a-z\[(`]|[A-Z][\w, ]*:\s{2})", text):
                yield prose
                prose = []
            prose = prose + [block[at]]
        at = end
    if prose:
        yield prose


def sentences(paragraph):
    """Each sentence as a list of (line, token)."""
    sentence = []
    for line, text in paragraph:
        for token in text.split():
            sentence.append((line, token))
            if re.search(r"[.!?:;][)\]}\"'`]*$", token):
                yield sentence
                sentence = []
    if sentence:
        yield sentence


def check_sentences(tree):
    for source in tree.sources:
        for block in comment_blocks(source):
            for paragraph in paragraphs(block):
                for sentence in sentences(paragraph):
                    words = [word for _, word in sentence if re.search(r"[^\W\d_]", word)]
                    if len(words) > LIMITS["words"]:
                        beginning = " ".join(word for _, word in sentence[:6])
                        yield source.name, sentence[0][0], f'{len(words)} words: "{beginning} ..."'


# ------------------------------------------------------------ f constants --

NUMBER = r"(?<![\w.])(?:0[xX][0-9A-Fa-f]+|\d[\d.]*(?:[eE][-+]?\d+)?)[uUlLfF]*(?![\w.])"
# One bit, or the bits below it, or none: ((uint64_t)1 << 62) - 1.
BITS = re.compile(r"(?:(?:u?int\d*_t|UINT(?:32|64)_C|unsigned(?: int)?)?[ ()]*[01]|"
                  r"[01][uU][lL]*)[ ()]*(?:<< *\w+[ ()]*)?(?:- *1[ ()]*)?")
TYPES = r"\b(?:u?int\d*_t|size_t|unsigned|int|long|short|char|double|float|sizeof|struct \w+|" \
        r"U?INT(?:32|64|MAX)_C)\b"


def is_bits(value):
    """Whether a value is a mask or a flag: hexadecimal, or one bit."""
    numbers = re.findall(NUMBER, value)
    if all(number[:2] in ("0x", "0X") for number in numbers):
        return True
    return bool(re.search(r"<<|int\d+_t|_C\b", value)) and "size_t" not in value and \
        bool(BITS.fullmatch(value.strip(" ()")))


def is_number(value):
    """Whether a value is made of literals, types, macros and operators."""
    rest = re.sub(TYPES, "", re.sub(NUMBER, "", value))
    return bool(re.search(NUMBER, value)) and not is_bits(value) and \
        not re.search(r"[a-z\"'{}#]", rest)


def defines(source):
    """Line, name and value of each object-like macro but the guard.

    Switches are left out: 0 or 1, defined under a condition.
    """
    depth, guard, previous = 0, None, ""
    for index, (line, text) in enumerate(source.directives()):
        word = re.match(r"#\s*(\w*)", text).group(1)
        if word in ("if", "ifdef", "ifndef"):
            depth += 1
        elif word == "endif":
            depth -= 1
        match = DEFINE.match(text)
        if match:
            name, function_like, value = match.groups()
            value = value.strip()
            if index == 1 and re.match(rf"#\s*ifndef\s+{name}$", previous) and not value:
                guard = name
            elif not function_like and not (
                    re.fullmatch(r"\(?[01]\)?", value) and depth > bool(guard)):
                yield line, name, value
        previous = text


def check_constants(tree):
    seen = set()
    for below, source in tree.lib.items():
        for line, name, value in defines(source):
            if below == "tuning.h":
                above = line - 1
                if re.fullmatch(rf"\s*#\s*ifndef\s+{name}\s*", source.code_lines[above - 1]):
                    above -= 1
                if above < 1 or not source.only_comment(above):
                    yield source.name, line, f"{name} has no comment above it"
            elif name in CONSTANTS:
                seen.add(name)
            elif is_number(value) and not name.startswith("_"):
                yield source.name, line, f"{name} {value} belongs into tuning.h"
    for name in sorted(set(CONSTANTS) - seen):
        yield "lib", 1, f"{name} is allowed as a constant, but not there"


# ---------------------------------------------------------------- g names --

KEYWORDS = set("int char void long short unsigned signed double float const return "
               "static_assert alignas defined sizeof".split())


def outermost(text):
    """A text with blanks between its outermost parentheses."""
    depth, result = 0, []
    for char in text:
        depth -= char == ")"
        result.append(char if depth <= 0 or char == "\n" else " ")
        depth += char == "("
    return "".join(result)


def declarations(code):
    """Position, head, body and tail of each declaration at the top level.

    Braces of extern "C" are blanked, and one that is left over is passed by.
    """
    code = re.sub(r'extern\s*"[^"]*"\s*\{', lambda m: blank(m.group()), DIRECTIVE.sub(
        lambda m: blank(m.group()), code))
    depth, start, opened, closed = 0, 0, None, None

    def declaration(end):
        head = code[start:end if opened is None else opened]
        position = start + len(head) - len(head.lstrip())
        inside = "" if opened is None else code[opened + 1:closed]
        tail = "" if opened is None else code[closed + 1:end]
        return position, head.strip(), inside, tail.strip()

    for index, char in enumerate(code):
        if char == "{":
            if depth == 0:
                opened = index
            depth += 1
        elif char == "}" and depth > 0:
            depth -= 1
            closed = index
            head = code[start:opened]
            if depth == 0 and ("(" in outermost(re.sub(r"__\w+\s*\(.*?\)\)", "", head)) or
                               re.match(r"\s*(?:inline\s+)?namespace\b", head)):
                yield declaration(index + 1)
                start, opened = index + 1, None
        elif char == "}":
            start, opened = index + 1, None
        elif char == ";" and depth == 0:
            yield declaration(index)
            start, opened = index + 1, None


def names_in(head, body, tail):
    """Kind and name of everything that a declaration in C declares."""
    flat = re.sub(r"__\w+__\s*\(\s*\)", "", outermost(head))
    tagged = re.search(r"\b(struct|union|enum)\b([^(]*)$", flat)
    if tagged and (body or re.fullmatch(r"(?:struct|union|enum)\s+\w+", flat)):
        tag = re.findall(r"\w+", tagged.group(2))
        if tag:
            yield tagged.group(1), tag[-1]
        if tagged.group(1) == "enum":
            for enumerator in outermost(body).split(","):
                for name in re.findall(r"^\s*(\w+)", enumerator):
                    yield "enumerator", name
        else:
            for kind, name in re.findall(r"\b(struct|union|enum)\s+(\w+)\s*\{", body):
                yield kind, name
    if flat.startswith("typedef"):
        pointer = re.match(r"typedef\b[^(]*\(\s*\*\s*(\w+)", head)
        last = re.findall(r"\w+", outermost(tail) if body else flat)
        for name in [pointer.group(1)] if pointer else last[-1:]:
            yield "type", name
    elif "(" in flat:
        for name in re.findall(r"(\w+)\s*\(", flat):
            if name not in KEYWORDS and not name.startswith("_"):
                yield "function", name
    elif flat and not tagged or flat.startswith("extern"):
        last = re.findall(r"\w+", re.split(r"[\[=]", flat)[0])
        yield "variable", last[-1] if last else flat


def check_names(tree):
    for source in tree.public.values():
        for line, text in source.directives():
            match = DEFINE.match(text)
            if match and not re.match(r"magring_|MAGRING_", match.group(1)):
                yield source.name, line, f"macro {match.group(1)}"
        for position, head, body, tail in declarations(source.code):
            line = source.line_of(position)
            if source.name.endswith(".hpp"):
                inside = re.match(
                    r"(?:inline\s+)?namespace\s+(?:magring|std)\b|static_assert\b|$", head)
                if not inside and not re.search(r"\bstd::\w+\s*<", head):
                    yield source.name, line, f"outside namespace magring: {head.split(chr(10))[0]}"
                continue
            for kind, name in names_in(head, body, tail):
                wanted = r"magring_|MAGRING_" if kind == "enumerator" else "magring_"
                if not re.match(rf"{wanted}", name) and not (
                        kind == "function" and name.startswith("MAGRING_")):
                    yield source.name, line, f"{kind} {name}"


# ---------------------------------------------------------------- h guide --

def check_guide(tree):
    path, name = tree.root / "lib/README.md", "lib/README.md"
    if not path.exists():
        yield name, 1, "the file is not there"
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) > LIMITS["guide"]:
        yield name, len(lines), f"{len(lines)} lines in the file"
    for number, text in enumerate(lines, 1):
        for file in re.findall(r"[\w/]+\.[ch]\b", text):
            if not any(f"/{below}".endswith(f"/{file}") for below in tree.lib):
                yield name, number, f"no file {file}"
        for function in re.findall(r"\b(\w+)\(\)", text):
            if not any(re.search(rf"^(?:[a-z_].*[ *])?{function}\(", source.code, re.M)
                       for source in tree.lib.values()):
                yield name, number, f"no function {function}()"


RULES = {
    "a": ("wings", check_wings),
    "b": ("circles", check_circles),
    "c": ("words", check_words),
    "d": ("lengths", check_lengths),
    "e": ("sentences", check_sentences),
    "f": ("constants", check_constants),
    "g": ("names", check_names),
    "h": ("guide", check_guide),
}


# -------------------------------------------------------------- self-test --

def words(count):
    return " ".join(["word"] * count)


def body(lines, name="f"):
    return f"int {name}(void)\n{{\n" + "\tg();\n" * lines + "}\n"


GUARDED = "#ifndef MAGRING_X_H\n#define MAGRING_X_H\n%s#endif\n"
# Rule, name of the case, files, and a part of the complaint. None stands for
# a tree without complaints.
CASES = [
    ("h", "names that exist", {
        "lib/README.md": "`base/a.c` and `a.h` have `one()`, `two()` and `three()`.\n",
        "lib/base/a.c": "static int *one(void)\n{\n}\nlong\nthree(int a)\n{\n}\n",
        "lib/base/a.h": "int two(void);\n"}, None),
    ("h", "a file that is not there", {
        "lib/README.md": "\n`base/b.c`\n", "lib/base/a.c": "", "lib/pool/b.c": ""}, "2: no file base/b.c"),
    ("h", "a function that is only called", {
        "lib/README.md": "`one()`\n", "lib/base/a.c": "int f(void)\n{\n\tone();\n}\n/*\none() */\n"},
     "no function one()"),
    ("h", "no guide", {"lib/base/a.c": ""}, "not there"),
    ("h", "a long guide", {"lib/README.md": "\n" * 61, "lib/base/a.c": ""}, "61 lines"),
    ("a", "a tree in order", {
        "lib/tuning.h": "#include <stdint.h>\n", "lib/base/a.h": '#include "tuning.h"\n',
        "lib/pool/b.h": '#include "base/a.h"\n', "lib/queue/c.c": '#include "pool/b.h"\n',
        "lib/observe/d.c": '#include "pool/b.h"\n#include "magring.h"\n',
        "include/magring.h": '#include "magring/inline.h"\n', "include/magring/inline.h": ""}, None),
    ("a", "base above itself", {"lib/base/a.h": '#include "pool/b.h"\n', "lib/pool/b.h": ""},
     "base includes pool/b.h of pool"),
    ("a", "pool above itself", {"lib/pool/a.c": '#include "observe/b.h"\n', "lib/observe/b.h": ""},
     "pool includes observe/b.h of observe"),
    ("a", "queue above itself", {"lib/queue/a.c": '#include "observe/b.h"\n', "lib/observe/b.h": ""},
     "queue includes observe/b.h of observe"),
    ("a", "an include in angles", {"lib/base/a.h": "#include <pool/b.h>\n", "lib/pool/b.h": ""},
     "base includes pool/b.h of pool"),
    ("a", "an include without its wing", {"lib/base/a.c": '#include "a.h"\n', "lib/base/a.h": ""},
     '"a.h" is to be "base/a.h"'),
    ("a", "an include by way of ..", {"lib/pool/a.c": '#include "../base/a.h"\n', "lib/base/a.h": ""},
     "is not there"),
    ("a", "an include of nothing", {"lib/base/a.c": '#include "base/b.h"\n'}, "is not there"),
    ("a", "an include in a comment", {"lib/base/a.c": '/*\n#include "base/b.h"\n*/\n'}, None),
    ("a", "a file in no wing", {"lib/a.c": ""}, "the file is in no wing"),
    ("a", "an include in no wing", {"lib/base/a.c": '#include "b.h"\n', "lib/b.h": ""},
     '"b.h" is in no wing'),
    ("a", "tuning.h with an include", {"lib/tuning.h": '#include "base/a.h"\n', "lib/base/a.h": ""},
     "tuning.h includes base/a.h"),
    ("a", "a public header with an include of lib", {
        "include/magring.h": '#include "base/a.h"\n', "lib/base/a.h": ""}, "a public header includes"),
    ("b", "a chain", {"lib/base/a.c": '#include "base/a.h"\n#include "base/b.h"\n', "lib/base/a.h": "",
                      "lib/base/b.h": '#include "base/c.h"\n', "lib/base/c.h": ""}, None),
    ("b", "a circle of headers", {"lib/base/a.h": '#include "base/b.h"\n',
                                  "lib/base/b.h": '#include "base/a.h"\n'},
     "a circle: base/a -> base/b -> base/a"),
    ("b", "a circle through a .c file", {
        "lib/base/a.c": '#include "base/b.h"\n', "lib/base/a.h": "",
        "lib/base/b.h": '#include "base/c.h"\n', "lib/base/c.h": "",
        "lib/base/c.c": '#include "base/a.h"\n'}, "a circle: base/a -> base/b -> base/c -> base/a"),
    ("b", "names alike in two wings", {
        "lib/base/a.h": "", "lib/pool/a.c": '#include "base/a.h"\n'}, None),
    ("c", "words that only look alike", {
        "lib/base/a.c": "/* Navigate the whole aggregate, those whose shelfmark is problematic. */\n"
                        'int x; // closed\nconst char *s = "gate";\n#include <gate.h>\n'}, None),
    ("c", "a macro of the system", {"lib/base/a.c": "DTRACE_PROBE1(a, b, c)\n"}, None),
    ("c", "who", {"lib/base/a.c": "/* Who waits. */\n"}, '"Who": say a noun'),
    ("c", "whoever in a string", {"include/magring.h": 'char *s = "for whoever";\n'}, '"whoever": say'),
    ("c", "a part of an identifier", {"lib/base/a.c": "int gate_wait;\n"}, '"gate": say eventcount'),
    ("c", "a part in capitals", {"lib/base/a.c": "int IN_GATES;\n"}, '"GATES": say eventcount'),
    ("c", "a macro with a number", {"lib/base/a.c": "PROBE2(a, b)\n"}, "say tracepoint"),
    ("c", "two words in two lines", {"lib/base/a.c": "int x;\n/* A thread that is passed\n * over. */\n"},
     '2: "passed over": say skipped'),
    ("c", "two words of an identifier", {"lib/base/a.c": "look_away();\n"}, '"look_away": say'),
    ("c", "the name of a file", {"lib/base/verdict.h": ""}, "the name of the file"),
    ("d", "everything as long as allowed", {
        "lib/base/a.c": "\n" * (300 - 43 - 2) + body(40) + "/* " + "x" * 74 + " */\n"
                        + "x" * 60 + "; /* " + "x" * 32 + " */\n"}, None),
    ("d", "a long comment", {"lib/base/a.c": "/* " + "x" * 75 + " */\n"}, "81 columns of comment"),
    ("d", "a long line of a block", {"include/magring.h": "/*\n *\t" + "x" * 73 + "\n */\n"},
     "2: 81 columns of comment"),
    ("d", "a long line after a string like a comment", {
        "lib/base/a.c": 'f("/*");' + "x" * 80 + '\nf("*/");\n'}, None),
    ("d", "a long line", {"lib/base/a.c": "\t" + "x" * 93 + "\n"}, "101 columns"),
    ("d", "a long file", {"lib/base/a.c": "\n" * 301}, "301 lines in the file"),
    ("d", "a long public header", {"include/magring.h": "\n" * 301}, None),
    ("d", "a long function", {"lib/base/a.c": body(3) + "int x[] = {\n};\n" + body(41, "long_one")},
     "10: 41 lines in long_one()"),
    ("d", "a brace in a comment", {"lib/base/a.c": "/*\n{\n*/\n" + "\n" * 50 + "/*\n}\n*/\n"}, None),
    ("e", "sentences as long as allowed", {
        "lib/base/a.c": f"/*\n * {words(25)}. {words(25)}; {words(20)}\n * {words(5)}: {words(25)}\n"
                        f" *\n * {words(25)} 1 2 + 3\n */\n"}, None),
    ("e", "a long sentence", {"lib/base/a.c": f"\n/*\n * First. Second {words(20)}\n * {words(5)}. */\n"},
     '3: 26 words: "Second word'),
    ("e", "a stop in the midst of a token", {"lib/base/a.c": f"/* {words(13)} a.b {words(12)} */\n"},
     "26 words"),
    ("e", "a stop within parentheses", {"lib/base/a.c": f"/* ({words(20)}.) {words(20)}. */\n"}, None),
    ("e", "a string that is no comment", {"lib/base/a.c": f'f("/* {words(40)} */ // {words(40)}");\n'},
     None),
    ("e", "an apostrophe in a directive", {"lib/base/a.c": f"#error can't\n/* {words(26)} */\n"}, "2: 26"),
    ("e", "a row of // comments", {"lib/base/a.c": f"// {words(13)}\n// {words(13)}\n"}, "1: 26 words"),
    ("e", "comments of members", {
        "lib/base/a.c": f"int a; /* {words(15)} */\nint b; /* {words(15)} */\nint c; // {words(15)}\n"
                        f"int d; // {words(15)}\n"}, None),
    ("e", "a diagram, a table and the licence", {
        "lib/base/a.c": f"/* SPDX-License-Identifier: {words(30)} */\n/* Diagram\n *\n *\t{words(20)}\n"
                        f" *     {words(20)}\n * rest\n *\ta     {words(15)}\n *\tb     {words(15)}\n"
                        f" *\n *\t{words(30)}\n */\n"}, None),
    ("e", "a section below a heading", {
        "include/magring.h": f"/* Text.\n *\n * Heading\n *\t{words(13)}\n *\t{words(13)}.\n */\n"},
     "4: 26 words"),
    ("e", "the rest of a labelled item", {
        "include/magring.h": f"/*\n * Threads:   {words(15)}\n * Returns:   {words(13)}\n"
                             f" *            {words(13)}.\n */\n"}, "3: 26 words"),
    ("e", "labelled items", {
        "include/magring.h": f"/*\n * Threads:   {words(15)}\n * Returns:   {words(15)}\n */\n"}, None),
    ("e", "items of a list", {"lib/base/a.c": f"/*\n * - {words(15)}\n * - {words(15)}\n */\n"}, None),
    ("f", "what is no constant", {
        "lib/base/x.h": GUARDED % (
            "#define CLOSED ((uint64_t)1 << 63)\n#define POSITION (((uint64_t)1 << 62) - 1)\n"
            "#define FLAG (1u << 3)\n#define NONE ((uint64_t)0)\n#define BYTE 0xffu\n"
            "#define PER_PAGE (CHUNK_PAGE / sizeof(struct magazine))\n#define EPOCH UINT32_MAX\n"
            "#define ADD(a) ((a) + 1)\n#define _GNU_SOURCE 1\n#define CUT __attribute__((aligned(8)))\n"
            "#ifdef DEBUG\n#define CHECKS 1\n#else\n#define CHECKS 0\n#endif\n#define EMPTY\n"),
        "lib/tuning.h": GUARDED % (
            "/* A number. */\n#define A 3\n/*\n * Another.\n */\n#ifndef B\n#define B (2 * \\\n\tA)\n#endif\n")},
     None),
    ("f", "a number", {"lib/base/a.c": "#define YIELDS 16 /* times */\n"}, "YIELDS 16 belongs"),
    ("f", "a size", {"lib/base/a.c": "#define CHUNK ((size_t)1 << 20)\n"}, "CHUNK ((size_t)1 << 20)"),
    ("f", "a product", {"lib/base/a.c": "#define MIN ((size_t)8 * \\\n\tCLOSE)\n"}, "MIN ((size_t)8"),
    ("f", "one, without a condition", {"lib/base/x.h": GUARDED % "#define ONE 1\n"}, "ONE 1"),
    ("f", "a number under a condition", {"lib/base/a.c": "#ifndef N\n#define N 64\n#endif\n"}, "N 64"),
    ("f", "a negative number", {"lib/base/a.c": "#define N (-12L)\n"}, "N (-12L)"),
    ("f", "a number without a comment", {"lib/tuning.h": "/* A. */\n#define A 3\n#define B 4\n"},
     "3: B has no comment"),
    ("f", "a comment at some distance", {"lib/tuning.h": "/* A. */\n\n#define A 3\n"}, "A has no comment"),
    ("f", "a comment behind", {"lib/tuning.h": "#define A 3 /* A. */\n"}, "A has no comment"),
    ("g", "names in order", {
        "include/magring.h": GUARDED % (
            '#ifdef __cplusplus\nextern "C" {\n#endif\n#define MAGRING_PUBLIC __attribute__((x("d")))\n'
            "struct magring_pool;\nstruct magring_a {\n\tsize_t size;\n\tint (*call)(int);\n};\n"
            "enum magring_e {\n\tMAGRING_ONE = (1, 2),\n\tMAGRING_TWO,\n};\n"
            "typedef void (*magring_hook)(void *data);\ntypedef struct magring_a magring_b;\n"
            "MAGRING_PUBLIC MAGRING_CHECK int magring_f(\n\tstruct timespec *t, int (*compare)(int));\n"
            "extern const int magring_x[3];\nMAGRING_OLD(\"a\") void *magring_g(void);\n"
            "static inline __attribute__((always_inline)) int magring_h(int a)\n{\n\treturn f(a);\n}\n"
            "_Static_assert(sizeof(int) == 4, \"int\");\n#ifdef __cplusplus\n}\n#endif\n"),
        "include/magring.hpp": "#define MAGRING_HPP\nnamespace magring {\nint f();\nclass pool { int x; };\n}\n"},
     None),
    ("g", "a macro", {"include/magring.h": "#define PRIVATE_MAGRING_KIND(a) (a)\n"},
     "macro PRIVATE_MAGRING_KIND"),
    ("g", "a function", {"include/magring/inline.h": "int\nring_send(int a);\n"}, "function ring_send"),
    ("g", "an inline function after another one", {
        "include/magring.h": "inline int magring_a(void)\n{\n\tif (1) { f(); }\n}\n"
                             "inline int bytes(int x)\n{\n\treturn x;\n}\n"}, "5: function bytes"),
    ("g", "a structure", {"include/magring.h": "struct pool {\n\tint a;\n};\n"}, "struct pool"),
    ("g", "a declared structure", {"include/magring.h": "struct pool;\n"}, "struct pool"),
    ("g", "a structure in another one", {
        "include/magring.h": "struct magring_a {\n\tstruct inner { int a; } b;\n};\n"}, "struct inner"),
    ("g", "an enumerator", {"include/magring.h": "enum { MAGRING_A, FULL };\n"}, "enumerator FULL"),
    ("g", "a type", {"include/magring.h": "typedef struct magring_a pool_t;\n"}, "type pool_t"),
    ("g", "a type of functions", {"include/magring.h": "typedef int (*hook)(int);\n"}, "type hook"),
    ("g", "a variable", {"include/magring.h": "extern int version[2];\n"}, "variable version"),
    ("g", "a class outside", {"include/magring.hpp": "namespace magring {\n}\nclass pool {};\n"},
     "3: outside namespace magring: class pool"),
]


def complaints_about(files, letter):
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        if letter == "a":
            files = {"include/magring.h": "", **files}
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return [f"{name}:{line}: {message}" for name, line, message in RULES[letter][1](Tree(root))]


def self_test():
    failures = 0
    allowed = dict(CONSTANTS)
    CONSTANTS.clear()
    for letter, name, files, wanted in CASES:
        found = complaints_about(files, letter)
        if found if wanted is None else not any(wanted in complaint for complaint in found):
            failures += 1
            print(f"{letter}, {name}: wanted {wanted!r}, found {found}")
    # The table of constants, both ways.
    CONSTANTS["N"] = "a test"
    for text, count in (("#define N 64\n", 0), ("#define M 64\n", 2)):
        found = complaints_about({"lib/base/a.c": text}, "f")
        if len(found) != count:
            failures += 1
            print(f"f, the table: wanted {count} complaints, found {found}")
    CONSTANTS.clear()
    CONSTANTS.update(allowed)
    for letter in RULES:
        if {wanted is None for case, _, _, wanted in CASES if case == letter} != {True, False}:
            failures += 1
            print(f"{letter}: a case is missing")
    print(f"{len(CASES) + 2} cases, {failures} failures")
    return failures


def chosen(only):
    """The letters of rules that are named by letter or by name."""
    letters = {name: letter for letter, (name, _) in RULES.items()}
    wanted = [letters.get(rule, rule) for rule in only.split(",")] if only else list(RULES)
    for rule in wanted:
        if rule not in RULES:
            sys.exit(f"no such rule: {rule}")
    return wanted


def print_counts(found, wanted):
    for letter in wanted:
        counts = collections.Counter(name for rule, name, _, _ in found if rule == letter)
        print(f"{letter} {RULES[letter][0]}: {sum(counts.values())}")
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            print(f"{count:8} {name}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--only", metavar="RULE[,RULE]")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        sys.exit(1 if self_test() else 0)
    if not options.source:
        parser.error("--source or --self-test is needed")
    wanted = chosen(options.only)
    tree = Tree(options.source)
    found = [(letter, *complaint) for letter in wanted
             for complaint in sorted(RULES[letter][1](tree))]
    if options.count:
        print_counts(found, wanted)
    else:
        for letter, name, line, message in found:
            print(f"{name}:{line}: {message} [{RULES[letter][0]}]")
    print(f"{len(tree.sources)} files, {len(found)} complaints")
    sys.exit(1 if found or not tree.lib or not tree.public else 0)


if __name__ == "__main__":
    main()
