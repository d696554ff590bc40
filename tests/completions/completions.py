#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What one shell completes on lines that users type.

usage: SPULL_BIN=FILE completions.py bash|zsh|fish
"""
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import shells

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness.keeper import ground

SKIPPED = 77
KEPT = ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS",
        "TSAN_OPTIONS", "LD_LIBRARY_PATH")
COMMANDS = ["check", "config", "help", "manifest", "mirror", "pull", "resolve",
            "store", "tags", "verify"]
# A server that hangs must not hang the shell: three seconds, and what a slow
# machine adds. With the defaults for tries and timeouts it would be 20 or more.
QUICK = 15

RC = """
registry = home

[registry home]
url = ~/registry

[registry other]
url = ~/the other
"""


def make_registry(root, container, tags):
    """A registry on disk, as far as "spull tags" looks."""
    folder = root / container / "tags"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(
        json.dumps({"name": container, "tags": tags}))


class World:
    """A home with configuration and registries, and a folder to stand in."""

    def __init__(self, root):
        self.home = root / "home"
        self.here = root / "here"
        for name in ("images", "certs"):
            (self.here / name).mkdir(parents=True)
        (self.here / "notes.txt").touch()
        make_registry(self.home / "registry", "lab/cow",
                      ["latest", "1.0", "1.0-gpu"])
        make_registry(self.home / "the other", "lab/cow", ["elsewhere"])
        (self.home / ".spullrc").write_text(RC)
        (root / "bin").mkdir()
        (root / "bin" / "spull").symlink_to(
            os.path.abspath(os.environ["SPULL_BIN"]))
        self.env = {key: os.environ[key] for key in KEPT if key in os.environ}
        self.env.update(HOME=str(self.home), LC_ALL="C.UTF-8",
                        PATH=f"{root / 'bin'}:{os.environ['PATH']}")


class Case(unittest.TestCase):
    Shell = None  # a class of shells.py

    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory(dir=ground())
        root = pathlib.Path(cls.temp.name)
        cls.world = World(root)
        (root / "state").mkdir()
        cls.shell = cls.Shell(cls.world.here, cls.world.env, root / "state")

    @classmethod
    def tearDownClass(cls):
        cls.shell.close()
        cls.temp.cleanup()

    def offers(self, line, expected):
        self.assertEqual(sorted(set(self.shell.candidates(line))),
                         sorted(expected), line)

    def dump(self):
        """The rows of "spull help --dump", by their first word."""
        run = subprocess.run([os.environ["SPULL_BIN"], "help", "--dump"],
                             env=self.world.env, stdout=subprocess.PIPE,
                             text=True, check=True)
        rows = {"command": [], "option": []}
        for line in run.stdout.splitlines():
            word, *rest = line.split("\t")
            rows.setdefault(word, []).append(rest)
        return rows


class Guarded(http.server.ThreadingHTTPServer):
    """A registry that shows its tags to those who send two headers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            known = (self.headers["X-Key"], self.headers["X-Other"])
            body = b'{"name": "lab/cow", "tags": ["secret"]}'
            self.send_response(200 if known == ("a b", "c") else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.shutdown()
        self.server_close()


class Words(Case):
    def test_commands(self):
        self.assertEqual(sorted(row[0] for row in self.dump()["command"]),
                         COMMANDS)
        self.offers("spull ", COMMANDS)
        self.offers("spull -v ", COMMANDS)
        self.offers("spull help ", COMMANDS)
        self.assertEqual(self.shell.typed("spull ta"), "spull tags ")

    def test_what_a_store_is_for(self):
        self.offers("spull store ", ["prune", "verify"])
        self.offers("spull store --store images pr", ["prune"])

    def test_no_command_where_there_is_one(self):
        self.offers("spull pull ta", [])
        self.offers("spull tags ma", [])

    def options(self, command):
        """What the binary says that it takes."""
        options = set()
        for owner, letter, name, value, key, *_ in self.dump()["option"]:
            if owner != command:
                continue
            options |= {name, letter} - {""}
            if key and not value:
                options.add("--no-" + name[2:])
        return options

    def test_every_option(self):
        for command in COMMANDS:
            with self.subTest(command):
                self.offers(f"spull {command} -", self.options(command))

    def test_options_without_command(self):
        self.offers("spull -",
                    self.options("pull") | {"-V", "--version"})
        self.offers("spull lab/cow -", self.options("pull"))

    def test_no_option_after_dashes(self):
        self.offers("spull pull -- --f", [])

    def test_values(self):
        self.offers("spull --ip-version ", ["4", "6"])
        self.offers("spull tags --proxy=", ["--proxy=none"])
        self.offers("spull pull --wait f", ["forever"])
        for option in ("header", "retries", "connections", "limit-rate"):
            self.offers(f"spull pull --{option} ", [])
        self.offers("spull --retries 3 ta", ["tags"])

    def test_arch(self):
        self.offers("spull --arch amd", ["amd64"])
        self.offers("spull pull --arch=riscv", ["--arch=riscv64"])


class Files(Case):
    def test_directories(self):
        for option in ("-d ", "--dir ", "--ca-dir ", "--store "):
            self.offers("spull pull " + option, ["certs", "images"])
        self.offers("spull --dir=im", ["--dir=images"])
        self.offers("spull mirror ", ["certs", "images"])

    def test_files(self):
        for option in ("-o ", "--output ", "--ca-file ", "-Fo ",
                       "--client-cert ", "--client-key ", "--netrc-file "):
            self.offers("spull pull " + option,
                        ["certs", "images", "notes.txt"])

    def test_files_to_verify(self):
        self.offers("spull verify ", ["certs", "images", "notes.txt"])

    def test_no_files_for_operands(self):
        self.offers("spull pull ", [])
        self.offers("spull tags ", [])
        self.offers("spull notes", [])


class Registry(Case):
    def test_names(self):
        for option in ("-r ", "--registry ", "-qr "):
            self.offers("spull tags " + option,
                        ["certs", "home", "images", "other"])
        self.offers("spull -r oth", ["other"])
        self.offers("spull check ", ["certs", "home", "images", "other"])
        self.offers("spull check oth", ["other"])
        self.offers("spull --registry=oth", ["--registry=other"])

    def test_tags(self):
        tags = ["lab/cow:" + tag for tag in ("1.0", "1.0-gpu", "latest")]
        for command in ("", "pull ", "manifest ", "resolve ", "-v pull ",
                        "pull -d images lab/cow:latest ", "pull -- ",
                        "mirror images ", "mirror images --add a/b=c "):
            self.offers(f"spull {command}lab/cow:", tags)
        self.offers("spull lab/cow:1", tags[:2])
        self.offers("spull verify --ref lab/cow:1", tags[:2])

    def test_tag_on_the_line(self):
        self.assertEqual(self.shell.typed("spull pull lab/cow:la"),
                         "spull pull lab/cow:latest ")
        self.assertEqual(self.shell.typed("spull pull 'lab/cow:la"),
                         "spull pull 'lab/cow:latest' ")

    def test_tags_of_the_registry_that_was_typed(self):
        for option in ("-r other", "-rother", "-qr other", "--registry other",
                       "--registry=other", "-r ~/'the other'",
                       r"-r ~/the\ other"):
            self.offers(f"spull {option} lab/cow:", ["lab/cow:elsewhere"])
        self.offers("spull -r ../home/registry lab/cow:la",
                    ["lab/cow:latest"])

    def test_tags_for_those_who_may_see_them(self):
        """What the line says of credentials goes to the registry."""
        with Guarded() as guarded:
            ask = f"spull -r {guarded.address} --no-netrc "
            self.offers(ask + "lab/cow:", [])
            self.offers(ask + "--header 'X-Key: a b' "
                        + "--header=X-Other:\\ c lab/cow:",
                        ["lab/cow:secret"])

    def test_no_tags(self):
        self.offers("spull tags lab/cow:", [])
        self.offers("spull lab/none:", [])
        self.offers("spull -r nowhere lab/cow:", [])
        self.offers("spull lab/cow:latest@sha256:", [])
        self.assertNotIn("spull:", self.shell.shown)

    def test_nothing_on_the_line_is_run(self):
        trap = self.world.here / "trap"
        self.offers("spull -r '$(touch trap)' lab/cow:", [])
        self.offers("spull -r '`touch trap`' lab/cow:", [])
        self.offers("spull 'lab/$(touch trap)':", [])
        self.assertFalse(trap.exists())

    def silent(self, line):
        start = time.monotonic()
        self.offers(line, [])
        self.assertLess(time.monotonic() - start, QUICK)
        self.assertNotIn("spull:", self.shell.shown)
        self.assertEqual(self.shell.typed(line), line)
        self.assertNotIn("spull:", self.shell.shown)

    def test_nobody_listens(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            self.silent(f"spull -r http://127.0.0.1:{port} lab/cow:")

    def test_server_hangs(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            self.silent(f"spull -r http://127.0.0.1:{port}/x lab/cow:")


def suite(shell):
    """Every test in every variant of the shell."""
    tests = unittest.TestSuite()
    for variant in shells.variants(shell):
        for case in (Words, Files, Registry):
            named = type(f"{case.__name__}_{variant.__name__}", (case,),
                         {"Shell": variant, "__module__": __name__})
            tests.addTests(unittest.defaultTestLoader
                           .loadTestsFromTestCase(named))
    return tests


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in ("bash", "zsh", "fish"):
        sys.exit(__doc__)
    if not os.access(os.environ.get("SPULL_BIN", ""), os.X_OK):
        sys.exit("SPULL_BIN must name the spull to test")
    tests = suite(sys.argv[1])
    if tests.countTestCases() == 0:
        print(sys.argv[1], "is not installed")
        sys.exit(SKIPPED)
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
