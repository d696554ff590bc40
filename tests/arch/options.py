#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Commands, options, keys and codes: what there is is what is written down.

usage: options.py SPULL: holds "spull help --dump" against the manual pages
and the completions. (tests/completions asks the shells themselves.)
"""
import re
import subprocess
import sys

import source

ITEM = re.compile(r"^\.It (.*)$", re.M)
FLAG = re.compile(r"\bFl (-?[\w-]+)")
COMMAND = re.compile(r"\bCm (\w+)")
VARIABLE = re.compile(r"\bEv (SPULL_\w+)")
# ".It Cm name Pq kind" and what is said below it.
KEY = re.compile(r"^\.It Cm ([a-z0-9-]+) Pq (\w+)\n(.*?)(?=^\.(?:It|El))",
                 re.M | re.S)
LONG = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]+)")
# ".It Li E-json", ".It Li W-config-size , Li W-config-digest"
CODE = re.compile(r"\bLi ([NWE]-[a-z-]+)")
# In fish, "complete -l name" is what makes an option.
FISH_LONG = re.compile(r"(?:^|\s)-l ([a-z][a-z0-9-]+)")


class Dump:
    """The table that the binary prints for programs."""

    def __init__(self, text):
        self.commands = set()
        self.options = set()  # "-r", "--registry"
        self.keys = {}        # name -> (kind, default)
        for line in text.splitlines():
            kind, *fields = line.split("\t")
            if kind == "command":
                self.commands.add(fields[0])
            elif kind == "option":
                _, letter, name, value, key, *_ = fields
                self.options |= {letter, name} - {""}
                if key and not value:
                    self.options.add("--no-" + name[2:])
            elif kind == "key":
                name, kind, default = fields
                self.keys[name] = (kind, default)


def compare(where, what, wanted, found):
    return [f"{where}: {what} {name} is not there"
            for name in sorted(wanted - found)] + \
           [f"{where}: {what} {name} is not the binary's"
            for name in sorted(found - wanted)]


def check_manual(dump, page):
    """spull(1): options, commands and variables are items of lists."""
    items = ITEM.findall(page)
    flags = {"-" + flag for item in items for flag in FLAG.findall(item)}
    commands = {name for item in items for name in COMMAND.findall(item)}
    found = {name for item in items for name in VARIABLE.findall(item)}
    wanted = {"SPULL_" + key.upper().replace("-", "_") for key in dump.keys}
    return compare("spull.1", "option", dump.options, flags) + \
        compare("spull.1", "command", dump.commands, commands) + \
        compare("spull.1", "variable", wanted, found)


def check_keys(dump, page):
    """spullrc(5): each key is an item of a list, with kind and default."""
    found = {name: (kind, text) for name, kind, text in KEY.findall(page)}
    complaints = compare("spullrc.5", "key", set(dump.keys), set(found))
    for name in sorted(set(dump.keys) & set(found)):
        kind, default = dump.keys[name]
        if kind != found[name][0]:
            complaints.append(f"spullrc.5: {name} is a {kind}")
        if default and not re.search(
                r"Default:\s+(?:\.(?:Ql|Lk) )?" + re.escape(default)
                + r"(?![\w/])", found[name][1]):
            complaints.append(f"spullrc.5: {name}'s default is {default}")
    return complaints


def check_codes(table, page):
    """spull(1): each code of a finding is an item of a list, once."""
    found = [code for item in ITEM.findall(page) for code in CODE.findall(item)]
    wanted = re.findall(r'"([NWE]-[a-z-]+)"', table)
    return compare("spull.1", "code", set(wanted), set(found)) + \
        [f"spull.1: code {code} is there twice"
         for code in sorted(set(found)) if found.count(code) > 1]


def check_completion(dump, name, text):
    """A completion offers each long option, and no other."""
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    found = set(LONG.findall(text))
    if name.endswith(".fish"):
        found = set(FISH_LONG.findall(text))
    wanted = {o[2:] for o in dump.options if o.startswith("--")}
    return compare(name, "option", wanted, found)


def main():
    run = subprocess.run([sys.argv[1], "help", "--dump"], check=True,
                         stdout=subprocess.PIPE, text=True)
    dump = Dump(run.stdout)
    root = source.ROOT
    complaints = check_manual(dump, source.read(root / "man/spull.1"))
    complaints += check_codes(source.read(root / "lib/finding.h"),
                              source.read(root / "man/spull.1"))
    complaints += check_keys(dump, source.read(root / "man/spullrc.5"))
    for name in ("spull.bash", "_spull", "spull.fish"):
        complaints += check_completion(dump, name,
                                       source.read(root / "completions" / name))
    source.verdict(complaints)


if __name__ == "__main__":
    main()
