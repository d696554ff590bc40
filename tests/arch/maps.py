#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The maps for readers name what is there: functions and files in lib/README.md
and cli/README.md, and each file of a room in its ROOM_internal.h."""
import re

import source

PLACED = re.compile(r"`(\w+)\(\)`(?: and `(\w+)\(\)`)? in `(\w+\.c)`")


def defined(texts):
    """File name -> the functions that it defines."""
    return {name: {function for function, _, _ in source.functions(text)}
            for name, text in texts.items()}


def check(name, text, functions):
    """Complaints about one map; functions as of defined()."""
    known = set().union(*functions.values())
    tests = {path.name for path in source.files("tests/unit*/*.c")}
    found = [(m.start(), f"there is no {m[1]}()")
             for m in re.finditer(r"`(\w+)\(\)`", text) if m[1] not in known]
    found += [(m.start(), f"there is no {m[1]}")
              for m in re.finditer(r"`([a-z_]+\.c)`", text)
              if m[1] not in functions and m[1] not in tests]
    found += [(m.start(), f"{function}() is not in {m[3]}")
              for m in PLACED.finditer(text)
              for function in filter(None, m.group(1, 2))
              if function in known and
              function not in functions.get(m[3], {function})]
    return [f"{name}:{source.line_of(text, at)}: {what}"
            for at, what in sorted(found)]


def check_room(name, text, files):
    """Complaints about a ROOM_internal.h; files: names of the folder's .c."""
    room = name.rpartition("/")[2].replace("_internal.h", "")
    mine = [file for file in files
            if file == room + ".c" or file.startswith(room + "_")]
    return [f"{name}: does not say what {file} is for"
            for file in sorted(mine) if file not in text]


def main():
    complaints = []
    for folder in ("lib", "cli"):
        texts = {path.name: source.read(path)
                 for path in source.files(f"{folder}/*.c")}
        path = source.ROOT / folder / "README.md"
        complaints += check(source.name(path), source.read(path),
                            defined(texts))
        for path in source.files(f"{folder}/*_internal.h"):
            complaints += check_room(source.name(path), source.read(path),
                                     texts)
    source.verdict(complaints)


if __name__ == "__main__":
    main()
