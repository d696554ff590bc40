#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No file of the project names a place on the machine it was written on."""
import re

import source

# Where people and machines keep trees; in brackets so as not to find itself.
PLACE = re.compile(r"(?<![\w.}/~-])"
                   r"/(?:[h]ome/\w|[r]oot/|[U]sers/\w|[w]ork/|[t]mp/\w)")


def check(name, text):
    return [f"{name}:{number}: names {match[0]}..."
            for number, line in enumerate(text.split("\n"), 1)
            for match in PLACE.finditer(line)]


def project_files():
    """What is the project's, and not a build's or git's."""
    for path in sorted(source.ROOT.iterdir()):
        # In a worktree, .git is a file that says where the rest is.
        if re.match(r"build|out$|\.git$", path.name):
            continue
        if path.is_file():
            yield path
        else:
            yield from sorted(p for p in path.rglob("*") if p.is_file())


def main():
    complaints = []
    for path in project_files():
        try:
            complaints += check(source.name(path), source.read(path))
        except UnicodeDecodeError:
            continue  # not text
    source.verdict(complaints)


if __name__ == "__main__":
    main()
