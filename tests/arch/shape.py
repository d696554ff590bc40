#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What each file looks like: licence line, head, width, length."""
import re

import source

COLUMNS = 80
FUNCTION_LINES = 60
FILE_LINES = 500
LICENCE = "SPDX-License-Identifier: MIT"


def check_head(path, text):
    """A C file says in a comment what its room owns; a command's its name."""
    head = re.match(r"/\* " + LICENCE + r" \*/\n/\*\n \* (.*)", text)
    if not head:
        return [f"{path}:1: starts with the licence line and then a comment "
                "that says what it owns"]
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    names = {stem, f"{stem}.h", stem.replace("cmd_", "spull ")}
    if head[1].split(": ")[0] not in names:
        return [f'{path}:3: starts with "{stem}: "']
    return []


def check_length(path, text):
    count = text.count("\n")
    return [] if count <= FILE_LINES else \
        [f"{path}: {count} lines; a file has {FILE_LINES} at most"]


def check_functions(path, text):
    return [f"{path}:{line}: {name}() has {count} lines; a function has "
            f"{FUNCTION_LINES} at most"
            for name, line, count in source.functions(text)
            if count > FUNCTION_LINES]


def check_lines(path, text):
    complaints = []
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS:
            complaints.append(f"{path}:{number}: {len(line)} columns")
        if line != line.rstrip():
            complaints.append(f"{path}:{number}: white space at the end")
    if not text.endswith("\n") or text.endswith("\n\n"):
        complaints.append(f"{path}: ends with one line break")
    return complaints


def check_licence(path, text):
    """A script or build file says it in one of its first three lines."""
    if LICENCE not in "\n".join(text.split("\n")[:3]):
        return [f"{path}:1: no {LICENCE}"]
    return []


def main():
    complaints = []
    for path in source.files("lib/*.[ch]", "cli/*.[ch]"):
        text = source.read(path)
        name = source.name(path)
        complaints += check_head(name, text) + check_functions(name, text)
        complaints += check_length(name, text) + check_lines(name, text)
    for path in source.files("lib/include/*.h", "tests/**/*.[ch]"):
        text = source.read(path)
        name = source.name(path)
        complaints += check_licence(name, text) + check_length(name, text)
        complaints += check_lines(name, text)
    # Not "**": in build/, tests that run meanwhile make and remove folders.
    for path in source.files("CMakeLists.txt", "*/CMakeLists.txt",
                             "tests/**/CMakeLists.txt", "tests/**/*.py"):
        complaints += check_licence(source.name(path), source.read(path))
    source.verdict(complaints)


if __name__ == "__main__":
    main()
