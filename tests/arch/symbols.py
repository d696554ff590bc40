#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The libraries give out what spull.h declares, and nothing else.

usage: symbols.py NM LIBSPULL.SO LIBSPULL.A
"""
import re
import subprocess
import sys

import source

DECLARED = re.compile(r"\b(spull_\w+)\s*\(")
OURS = re.compile(r"(spull|sp)_[a-z]")


def declared(header):
    """Functions in a header; "(*spull_x_fn)(" declares a type."""
    return set(DECLARED.findall(source.code(header)))


def defined(listing):
    """Names in the output of nm -P; those of the compiler start with __."""
    names = {line.split()[0] for line in listing.split("\n")
             if len(line.split()) >= 2}
    return {name for name in names if not name.startswith("__")}


def check_shared(declared_names, defined_names):
    return [f"libspull.so exports {name}, which spull.h does not declare"
            for name in sorted(defined_names - declared_names)] + \
           [f"spull.h declares {name}, which libspull.so does not export"
            for name in sorted(declared_names - defined_names)]


def check_static(defined_names):
    return [f"libspull.a defines {name}: global names start with spull_ or sp_"
            for name in sorted(defined_names) if not OURS.match(name)]


def nm(tool, *args):
    return subprocess.run([tool, "-P", "--defined-only", *args], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def main():
    tool, shared, static = sys.argv[1:]
    header = source.read(source.ROOT / "lib/include/spull.h")
    source.verdict(
        check_shared(declared(header), defined(nm(tool, "-D", shared)))
        + check_static(defined(nm(tool, "-g", static))))


if __name__ == "__main__":
    main()
