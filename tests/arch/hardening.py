#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Release build carries the protections that it was asked for.

usage: hardening.py READELF SPULL LIBSPULL.SO
"""
import re
import subprocess
import sys

import source


def check(name, listing, program):
    """listing: what "readelf -hldsW" says about a file."""
    wanted = {
        "position-independent": r"Type:\s+DYN",
        "full RELRO: the segment": r"GNU_RELRO",
        "full RELRO: bound at the start": r"BIND_NOW|FLAGS_1.*\bNOW\b",
        "a stack protector": r"\b__stack_chk_fail\b",
        "_FORTIFY_SOURCE": r"\b__(?:mem|str|v?sn?printf|read)\w*_chk\b",
        "a stack that can't be executed": r"GNU_STACK(?:\s+0x\w+){5} RW ",
    }
    if program:
        wanted["made to be a PIE"] = r"FLAGS_1.*\bPIE\b"
    return [f"{name}: not {what}" if what.startswith(("pos", "made"))
            else f"{name}: no sign of {what}"
            for what, sign in wanted.items() if not re.search(sign, listing)]


def main():
    readelf, program, library = sys.argv[1:]
    complaints = []
    for path in (program, library):
        listing = subprocess.run([readelf, "-hldsW", path], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
        complaints += check(path.rsplit("/", 1)[-1], listing, path == program)
    source.verdict(complaints)


if __name__ == "__main__":
    main()
