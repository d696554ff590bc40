#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names that may not appear in lib/ and cli/, or only in one room.

Some overrun buffers, some guess, some make the library print, exit or look
around where only the command may.
"""
import re

import source

# What is wrong -> the names. Calls only: a name followed by "(".
NOWHERE = {
    "writes without a bound": "strcpy strcat sprintf vsprintf gets stpcpy",
    "keeps hidden state": "strtok",
    "can't report an error": "atoi atol atoll atof",
    "grows the stack by data": "alloca",
    "runs a shell": "system popen",
    "races with others for the name": "tmpnam tempnam mktemp",
    "declares what a header should": "extern",
}
NOT_IN_LIB = {
    "prints": "printf fprintf vprintf vfprintf dprintf puts putchar perror "
              "psignal",
    "ends the program": "exit _exit _Exit quick_exit abort assert raise",
    "handles signals": "signal sigaction",
    "reads the environment": "getenv secure_getenv setenv putenv",
}
# Name, called or not -> the only files that may say it.
ONLY_IN = {
    "getenv": {"cli/rc.c"},
    "secure_getenv": {"cli/rc.c"},
    "environ": {"cli/rc.c"},
    "stderr": {"cli/say.c"},
    "perror": {"cli/say.c"},
    "STDERR_FILENO": {"cli/main.c", "cli/say.c", "cli/term.c"},
    "signal": {"cli/stop.c"},
    "sigaction": {"cli/stop.c"},
}
NEVER_IN_LIB = {"stderr", "stdout"}


def calls(text, name):
    after = r"\b" if name == "extern" else r"\s*\("
    return re.finditer(r"(?<![\w.>])" + name + after, text)


def uses(text, name):
    return re.finditer(r"(?<![\w.>\"])" + name + r"\b(?!\s*\.)", text)


def check(path, text):
    text = re.sub(r"^\s*#\s*include.*$", "", source.code(text), flags=re.M)
    rules = dict(NOWHERE)
    if path.startswith("lib/"):
        rules.update(NOT_IN_LIB)
    # extern "C" and the like stand in headers.
    if path.endswith(".h"):
        rules = {why: names for why, names in rules.items()
                 if names != "extern"}
    found = []
    for why, names in rules.items():
        for name in names.split():
            found += [(m.start(), f"{name} {why}") for m in calls(text, name)]
    for name, rooms in ONLY_IN.items():
        if path not in rooms:
            found += [(m.start(), f"{name} belongs in "
                       + " and ".join(sorted(rooms)))
                      for m in uses(text, name)]
    if path.startswith("lib/"):
        for name in NEVER_IN_LIB:
            found += [(m.start(), f"the library has no {name}")
                      for m in uses(text, name)]
    return [f"{path}:{source.line_of(text, at)}: {what}"
            for at, what in sorted(found)]


def main():
    complaints = []
    for path in source.files("lib/*.[ch]", "lib/include/*.h", "cli/*.[ch]"):
        complaints += check(source.name(path), source.read(path))
    source.verdict(complaints)


if __name__ == "__main__":
    main()
