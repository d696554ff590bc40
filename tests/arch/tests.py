#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No test takes anything from another one: what several need is the harness's,
which knows no test. So each can be read, moved and run alone. And each finding
of spull check is expected by some test."""
import ast
import re

import shape
import source

# A file of tests, as a module.
TEST = re.compile(r"(?:^|\.)test_\w+$")
FINDING = re.compile(r'"([EWN]-[a-z-]+)"')


def imported(tree):
    """(line number, name) of each module, and of all that is taken from one
    since that may be a module, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and \
                re.search(r"\bimport\w*\b|__import__", ast.unparse(node.func)):
            if isinstance(node.args[0], ast.Constant):
                yield node.lineno, str(node.args[0].value)


def check(name, text):
    return [f"{name}:{line}: takes something from {module}: that belongs in "
            "a module of the harness"
            for line, module in imported(ast.parse(text))
            if TEST.search(module)]


def check_head(name, text):
    """A module of the harness says what it owns."""
    return [] if ast.get_docstring(ast.parse(text)) else \
        [f"{name}:1: does not say what it owns"]


def check_findings(header, expected):
    """Codes that no test names."""
    codes = set(FINDING.findall(header))
    return [f"{code}: no test of spull check finds it"
            for code in sorted(codes - set(FINDING.findall(expected)))]


def main():
    complaints = []
    for path in source.files("tests/**/*.py"):
        complaints += check(source.name(path), source.read(path))
    for path in source.files("tests/e2e/**/*.py"):
        complaints += check_head(source.name(path), source.read(path))
        complaints += shape.check_length(source.name(path), source.read(path))
    complaints += check_findings(
        source.read(source.ROOT / "lib/finding.h"), "".join(
            map(source.read, source.files("tests/e2e/test_check*.py"))))
    source.verdict(complaints)


if __name__ == "__main__":
    main()
