#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What people meet: options, help, streams, and a terminal."""

import json
import os
import pty
import re
import select

from harness import images, registry, spull
from harness.case import Case, main
from harness.engine import NAME, REF
from harness.servers import Gate, Reply, page
from harness.text import HOSTILE

COMMANDS = ["pull", "tags", "manifest", "resolve", "config", "help"]


class Options(Case):
    def test_placement(self):
        for args in (["pull", "-o", "x.sif", REF],
                     ["pull", REF, "-o", "x.sif"],
                     ["-o", "x.sif", "pull", REF], ["-o", "x.sif", REF],
                     [REF, "-o", "x.sif"], [REF, "-ox.sif"],
                     [REF, "--output=x.sif"], ["-qFo", "x.sif", REF],
                     ["-o", "x.sif", "--", REF],
                     ["pull", "-o", "x.sif", "--", REF],
                     ["-o", "y.sif", REF, "-o", "x.sif"]):
            with self.subTest(args):
                scene = self.scene()
                data = scene.image()
                self.assertPulled(scene, scene.run(*args), data, "x.sif")

    def test_double_dash_ends_options(self):
        scene = self.scene()
        scene.image()
        for args in (["--", "-o"], ["pull", "--", "--force", REF],
                     ["tags", "--", "-v"]):
            with self.subTest(args):
                self.assertExit(scene.run(*args), 2)
        self.assertEqual(scene.requests(), [])
        self.assertFiles(scene)

    def test_no_abbreviations(self):
        """They would break scripts when an option is added."""
        self.assertFails(self.scene().run("--forc", REF), 2, "--force")

    def test_did_you_mean(self):
        for args, word in ((["--regsitry", "x", REF], "--registry"),
                           (["tgas", "a/b"], "tags"),
                           (["manifst", "a/b"], "manifest")):
            with self.subTest(args):
                self.assertFails(self.scene().run(*args), 2, word)

    def test_option_of_another_command(self):
        self.assertFails(self.scene().run("tags", "--force", "a/b"), 2,
                         "--force")

    def test_flags_can_be_taken_back(self):
        scene = self.scene()
        scene.image(form="md5")
        result = scene.run("--no-allow-md5", REF, env={"SPULL_ALLOW_MD5": "1"})
        self.assertFails(result, 5, "md5")

    def test_options_without_a_reference(self):
        """They are there; the reference is not."""
        for args in (["-r", "http://127.0.0.1:1"], ["-F"], ["-o", "x.sif"],
                     ["--json"], ["--jobs", "2", "-v"], ["--force", "-q"]):
            with self.subTest(args):
                result = self.scene().run(*args)
                self.assertFails(result, 2, "pull: REF... is missing")
                self.assertNotIn("no such option", result.err)
        self.assertFails(self.scene().run("--registries"), 2, "no such option")
        self.assertIn("usage", self.scene().run("-v").err)

    def test_quiet_and_verbose(self):
        """The last one counts."""
        scene = self.scene()
        scene.image()
        for args, talks in ((["-q", "-v"], True), (["-qv"], True),
                            (["-v", "-q"], False), (["-vq"], False),
                            (["--verbose", "--quiet"], False)):
            with self.subTest(args):
                result = scene.run(*args, REF)
                self.assertExit(result, 0)
                self.assertEqual(result.err != "", talks, result)

    def test_help(self):
        for command in COMMANDS:
            for args in (["help", command], [command, "--help"],
                         [command, "-h"]):
                with self.subTest(args):
                    result = self.scene().run(*args)
                    self.assertExit(result, 0)
                    self.assertIn("usage: spull", result.out)
                    self.assertIn(command, result.out)
                    self.assertEqual(result.err, "")
                    for line in result.lines:
                        self.assertLess(len(line), 80)

    def test_help_names_all_commands(self):
        result = self.scene().run("--help")
        for command in COMMANDS:
            self.assertRegex(result.out, r"(?m)^ +%s\b" % command)

    def test_overview_is_short(self):
        """What most calls need, and no more than a screen of it."""
        result = self.scene().run("--help")
        for option in ("-d, --dir", "-o, --output", "-F, --force", "-f, --file",
                       "-r, --registry", "-q, --quiet", "-V, --version"):
            self.assertIn("  %s" % option, result.out)
        self.assertLess(len(result.lines), 50)

    def test_help_says_defaults(self):
        out = re.sub(r"\s+", " ", self.scene().run("pull", "--help").out)
        for option, default in (("connections N", 16), ("retries N", 5),
                                ("keep-days DAYS", 7), ("jobs N", 8),
                                ("wait SECONDS|forever", "forever"),
                                ("connect-timeout SECONDS", 30)):
            self.assertRegex(out, r"--%s [^\]]*\[default: %s\]"
                             % (re.escape(option), default))

    def test_check_takes_no_option_for_its_operand(self):
        scene = self.scene()
        self.assertNotIn("--registry", scene.run("check", "--help").out)
        result = scene.run("check")
        self.assertExit(result, 2)
        self.assertSays(result, "check: REGISTRY is missing")

    def test_help_needs_no_configuration(self):
        scene = self.scene()
        scene.rc("broken")
        for args in (["--help"], ["help", "pull"], ["--version"]):
            with self.subTest(args):
                self.assertExit(scene.run(*args), 0)


class Collisions(Case):
    PAIRS = [
        (["a/greeting:1", "b/greeting:1"], []),
        (["a/b_c:d", "a/b:c_d"], []),
        (["a/b:1", "a/b:1@sha256:" + "0" * 64], []),
        (["a/b", "a/b:latest@sha256:" + "0" * 64], []),
        (["a/x:1", "a/y:1", "b/x:1"], []),
        (["a/b:1", "c/b:1"], ["-d", "sub"]),
        (["a/b:1", "a/c:1"], ["-o", "x.sif"]),
    ]

    def test_refused_before_any_request(self):
        for refs, options in self.PAIRS:
            with self.subTest(refs):
                scene = self.scene()
                os.mkdir(scene.path("sub"))
                for ref in ("a/b:1", "c/b:1", "a/x:1", "a/y:1", "b/x:1"):
                    scene.image(ref)
                self.assertFails(scene.run(*options, *refs), 2)
                self.assertEqual(scene.requests(), [])
                self.assertFiles(scene, "sub")

    def test_one_bad_reference_spoils_the_call(self):
        scene = self.scene()
        scene.image()
        self.assertFails(scene.run(REF, "a/b:c:d"), 2)
        self.assertEqual(scene.requests(), [])
        self.assertFiles(scene)

    def test_the_same_twice_is_pulled_once(self):
        scene = self.scene()
        data = scene.image()
        self.assertPulled(scene, scene.run(REF, REF), data)
        self.assertEqual(len(scene.requests()), 2)


class Outputs(Case):
    def test_resolve(self):
        scene = self.scene()
        first = scene.image("a/b:1")
        second = scene.image("c/d/e:latest", images.sif(seed=2))
        result = scene.run("resolve", "a/b:1", "c/d/e")
        self.assertExit(result, 0)
        self.assertEqual(result.lines, [
            "a/b:1@sha256:" + images.sha256(first),
            "c/d/e:latest@sha256:" + images.sha256(second)])
        self.assertEqual(result.err, "")
        self.assertEqual(scene.blobs(), [])

    def test_what_resolve_prints_can_be_pulled(self):
        scene = self.scene()
        data = scene.image()
        pinned = scene.run("resolve", "vanessa/greeting").out.strip()
        self.assertPulled(scene, scene.run(pinned), data)

    def test_resolve_with_base_url(self):
        scene = self.scene()
        data = scene.image()
        pinned = scene.run("resolve", scene.base + "/" + REF,
                           env={"SPULL_REGISTRY": None}).out.strip()
        result = scene.run(pinned, env={"SPULL_REGISTRY": None})
        self.assertPulled(scene, result, data)

    def test_resolve_upper_case(self):
        scene = self.scene()
        data = scene.image(form="SHA256")
        self.assertEqual(scene.run("resolve", REF).out.strip(),
                         "%s@sha256:%s" % (REF, images.sha256(data)))

    def test_resolve_weak(self):
        scene = self.scene()
        scene.image(form="md5")
        self.assertFails(scene.run("resolve", REF), 5, "md5", "sha256")

    def test_manifest(self):
        """All of the document, also what spull itself has no use for."""
        scene = self.scene()
        text = registry.manifest_of(images.sif(), ["/x"]).replace(
            b'"schemaVersion": 2,',
            b'"schemaVersion": 2, "note": "k\xc3\xa4se", '
            b'"large": 9007199254740993, "exact": 0.10,')
        scene.manifest(REF, page(text))
        result = scene.run("manifest", REF)
        self.assertEqual(self.assertJson(result), json.loads(text))
        self.assertIn("0.10", result.out)
        self.assertEqual(result.err, "")
        result = scene.run("manifest", "--json", REF)
        self.assertEqual(self.assertJson(result)["manifest"],
                         json.loads(text))
        self.assertEqual(len(result.lines), 1)

    def test_manifest_of_a_weak_image(self):
        scene = self.scene()
        scene.image(form="md5")
        self.assertJson(scene.run("manifest", REF))

    def test_only_results_on_stdout(self):
        scene = self.scene()
        data = scene.image(form="md5")
        for options in ([], ["-v"], ["-q"]):
            with self.subTest(options):
                result = scene.run("--allow-md5", "--force", *options, REF)
                self.assertPulled(scene, result, data)
                if options != ["-q"]:
                    self.assertNotEqual(result.err, "")

    def test_quiet(self):
        scene = self.scene()
        data = scene.image(data=images.sif(arch=""))
        for _ in range(2):
            result = scene.run("-q", REF)
            self.assertPulled(scene, result, data)
            self.assertEqual(result.err, "")
        self.assertFails(scene.run("-q", "vanessa/greeting:nope"), 3, "404")

    def test_a_line_at_the_start_and_at_the_end(self):
        scene = self.scene()
        scene.image(data=images.sif(arch=""))
        result = scene.run(REF)
        self.assertEqual(len(result.err.splitlines()), 2, result)
        self.assertPrintable(result)
        result = scene.run(REF)
        self.assertEqual(len(result.err.splitlines()), 1, result)

    def test_closed_streams(self):
        """What is printed must not land in the image."""
        for closed in ((1,), (2,), (0, 1, 2)):
            with self.subTest(closed):
                scene = self.scene()
                data = scene.image()
                process = scene.start(REF, wrap=[
                    "sh", "-c", 'exec "$@" %s' % " ".join(
                        "%d>&-" % fd for fd in closed), "sh"])
                code = spull.finish(process).code
                self.assertEqual(code, 7 if 1 in closed else 0)
                self.assertImage(scene.path(NAME), data)

    def test_reader_that_went_away(self):
        """spull tags | head -1 says nothing."""
        scene = self.scene()
        scene.tags("a/b", page(registry.tags_page(
            "a/b", ["t%05d" % number for number in range(50000)])))
        read, write = os.pipe()
        process = scene.start("tags", "a/b", stdout=write)
        os.close(write)
        os.read(read, 10)
        os.close(read)
        _, err = process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assertEqual(err, b"")


class Terminal(Case):
    """On a terminal there is a bar; still no stranger moves the cursor."""

    # What term and say may send: colours, carriage return, clear to the end.
    OURS = re.compile(r"\x1b\[[0-9;]*m|\x1b\[K|\r")

    def on_terminal(self, scene, *args, env=None, gate=None, wanted=b""):
        """Exit status and all that came out of the terminal; the gate is
        opened when wanted is there, or never will be."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = scene.start(*args, stdout=theirs, stderr=theirs,
                              env=dict({"TERM": "xterm"}, **(env or {})))
        os.close(theirs)
        out = b""
        if gate is not None:
            gate.wait_reached()
            # The bar is drawn again and again while the server waits.
            for _ in range(40):
                if re.search(wanted, out) or \
                        not select.select([ours], [], [], 5)[0]:
                    break
                out += os.read(ours, 65536)
            gate.open()
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # EIO: the other end is closed
                break
            if not more:
                break
            out += more
        spull.finish(process)
        return process.returncode, out.decode("utf-8", "backslashreplace")

    def test_bar(self):
        """Half of the bytes is about 50 %, whatever the manifest counts in:
        less what waits to be written as one chunk."""
        data = images.sif(8 << 20, payload=images.pattern)
        for size in ("kib", "bytes"):
            with self.subTest(size):
                scene, gate = self.scene(), Gate(len(data) * 535 // 1000)
                scene.image(data=data, size=size, reply=Reply(
                    data, gate=gate, ranges="ignore"))
                code, out = self.on_terminal(scene, REF, gate=gate,
                                             wanted=rb" 5[0-3]%")
                self.assertEqual(code, 0, out)
                self.assertIn("\r", out)
                self.assertIn(NAME, out)
                self.assertRegex(out, " 5[0-3]%")
                self.assertNotIn("\x1b", self.OURS.sub("", out))

    def test_no_color(self):
        scene = self.scene()
        scene.image()
        code, out = self.on_terminal(scene, REF, "a/b:nope",
                                     env={"NO_COLOR": "1"})
        self.assertEqual(code, 3, out)
        self.assertNotRegex(out, r"\x1b\[[0-9;]*m")

    def test_dumb_terminal(self):
        scene = self.scene()
        scene.image()
        code, out = self.on_terminal(scene, REF, env={"TERM": "dumb"})
        self.assertEqual(code, 0, out)
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\r", out.replace("\r\n", "\n"))

    def test_quiet(self):
        scene = self.scene()
        scene.image(data=images.sif(arch=""))
        code, out = self.on_terminal(scene, "-q", REF)
        self.assertEqual((code, out), (0, NAME + "\r\n"))

    def test_strangers(self):
        scene = self.scene()
        scene.manifest(REF, page('{"layers": [{"size": 1, "digest": %s}]}'
                                 % json.dumps(HOSTILE)))
        scene.tags("vanessa/greeting", page('{"tags": ["a", %s]}'
                                            % json.dumps(HOSTILE)))
        for args in ([REF], ["manifest", REF],
                     ["tags", "-v", "vanessa/greeting"]):
            with self.subTest(args):
                _, out = self.on_terminal(scene, *args)
                rest = self.OURS.sub("", out)
                for char in HOSTILE:
                    if not char.isprintable():
                        self.assertNotIn(char, rest.replace("\r\n", "\n"))


if __name__ == "__main__":
    main()
