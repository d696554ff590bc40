# SPDX-License-Identifier: MIT
"""Reads C the way the checks need it: without comments, strings, bodies.

No parser: clang-format has made sure that a function opens and closes with a
brace in column one, and nothing else does.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/|//[^\n]*)"
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<char>'(?:\\.|[^'\\\n])*')", re.S)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]",
                     re.M)


def blank(match):
    """Keeps line breaks, so that line numbers stay true."""
    if match["comment"]:
        return re.sub(r"[^\n]", " ", match[0])
    quote = '"' if match["string"] else "'"
    return quote + " " * (len(match[0]) - 2) + quote


def code(text):
    """The text with comments and the content of strings blanked out."""
    return TOKEN.sub(blank, text)


def comments_out(text):
    """The text with comments blanked out and strings as they are."""
    return TOKEN.sub(lambda m: blank(m) if m["comment"] else m[0], text)


def includes(text):
    """(line number, '<' or '"', name) of each #include."""
    text = comments_out(text)
    return [(line_of(text, m.start()), m[1], m[2])
            for m in INCLUDE.finditer(text)]


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def functions(text):
    """(name, first line, number of lines) of each function defined."""
    lines = code(text).split("\n")
    found = []
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
            while start > 0 and signature_line(lines[start - 1]):
                start -= 1
        elif line == "}" and start is not None:
            head = " ".join(lines[start:number])
            name = re.search(r"(\w+)\s*\(", head)
            found.append((name[1] if name else "?", start + 1,
                          number - start + 1))
            start = None
    return found


def signature_line(line):
    return line.strip() != "" and not line.startswith(("#", "}")) \
        and not line.rstrip().endswith(";")


def files(*patterns):
    return sorted({p for pattern in patterns for p in ROOT.glob(pattern)})


def read(path):
    return path.read_text(encoding="utf-8")


def name(path):
    return str(path.relative_to(ROOT))


def verdict(complaints):
    """Ends a check: prints what is wrong, or nothing."""
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)
