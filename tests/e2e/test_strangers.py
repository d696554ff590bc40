#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What strangers wrote is printable when it is shown, and no secret is."""

import json
import re
import shlex

from harness import images, registry
from harness.case import Case, main
from harness.engine import REF
from harness.servers import Reply, page
from harness.text import HOSTILE


class Strangers(Case):
    """Text from a server is made printable before it is shown."""

    def raw(self):
        return json.dumps(HOSTILE)

    def runs(self, scene):
        for command in ("pull", "manifest", "resolve"):
            for options in ([], ["-v"], ["--json"]):
                yield scene.run(command, *options, REF)

    def test_in_a_manifest(self):
        data = images.sif()
        good = registry.layer_page(len(data), registry.digest_of(data),
                                   ["/x"])
        for what, text in (
                ("digest", '{"layers": [{"size": 1, "digest": %s, "urls": '
                 '["/x"]}]}' % self.raw()),
                ("algorithm", '{"layers": [{"size": 1, "digest": %s, "urls": '
                 '["/x"]}]}' % json.dumps(HOSTILE + ":abc")),
                ("size", '{"layers": [{"size": %s, "digest": "x", "urls": '
                 '["/x"]}]}' % self.raw()),
                ("url", '{"layers": [{"size": 1, "digest": "%s", "urls": '
                 '[%s]}]}' % (registry.digest_of(data), self.raw())),
                ("scheme", '{"layers": [{"size": 1, "digest": "%s", "urls": '
                 '[%s]}]}' % (registry.digest_of(data),
                              json.dumps(HOSTILE + "://x"))),
                ("type", registry.manifest_page([good], None).decode().replace(
                    registry.SCHEMA, json.dumps(HOSTILE)[1:-1])),
                ("another key", '{%s: 1, "layers": [%s]}' % (self.raw(),
                                                             good)),
                ("no JSON", HOSTILE), ("broken JSON", '{"a": ' + HOSTILE)):
            with self.subTest(what):
                scene = self.scene()
                scene.manifest(REF, page(text))
                for result in self.runs(scene):
                    self.assertPrintable(result)

    def test_in_a_tag_list(self):
        for text in ('{"tags": ["a", %s]}' % self.raw(),
                     '{"name": %s, "tags": []}' % self.raw(), HOSTILE):
            with self.subTest(text):
                scene = self.scene()
                scene.tags("vanessa/greeting", page(text))
                for options in ([], ["-v"], ["--json"], ["--json", "-v"]):
                    self.assertPrintable(scene.run("tags", *options,
                                                   "vanessa/greeting"))

    def test_in_a_head(self):
        raw = "\x1b]0;owned\x07\x1b[2J"
        for what, headers, status in (
                ("Location", [("Location", "http://" + raw)], 302),
                ("Location's path", [("Location", "/" + raw)], 302),
                ("ETag", [("ETag", '"%s"' % raw)], 200),
                ("type", [("Content-Type", raw)], 200),
                ("server", [("Server", raw)], 500),
                ("encoding", [("Content-Encoding", raw)], 200),
                ("Retry-After", [("Retry-After", raw)], 503)):
            with self.subTest(what):
                scene = self.scene()
                scene.manifest(REF, page("{}", status, headers=headers))
                for result in self.runs(scene):
                    self.assertPrintable(result)
                scene.image(reply=Reply(b"x", status, headers=headers))
                for result in self.runs(scene):
                    self.assertPrintable(result)

    def test_in_an_argument(self):
        """What somebody was made to paste is shown as what it is."""
        for char in HOSTILE:
            if char.isprintable():
                continue
            scene = self.scene()
            ref = "a/b" + char + "c:1"
            for options in ([], ["manifest", "--json"], ["--" + char]):
                with self.subTest(char=char, options=options):
                    result = scene.run(*options, ref)
                    self.assertExit(result, 2)
                    self.assertPrintable(result)
                    if "--json" in options:
                        self.assertEqual(json.loads(result.out)["reference"],
                                         ref)

    def test_secrets_are_not_shown(self):
        """Neither a password in an address, nor what signs one."""
        scene = self.scene()
        signed = scene.base + "/blobs/x?Signature=s3cret"
        scene.image(urls=[signed])
        result = scene.run("-v", REF)
        self.assertFails(result, 3)
        self.assertNotIn("s3cret", result.err)
        base = scene.base.replace("://", "://me:s3cret@")
        for args in ([REF], ["-v", "vanessa/greeting:nope"],
                     ["tags", "-v", "vanessa/greeting"]):
            with self.subTest(args):
                result = scene.run("-r", base, *args)
                self.assertExit(result, 3)
                self.assertNotIn("s3cret", result.err)


    def test_passwords_of_operands_are_not_shown(self):
        """Not in an error, nor in JSON, progress or a list made of lists."""
        scene = self.scene()
        scene.image("a/b:1")
        scene.tags("a/b", page(registry.tags_page("a/b", ["1"])))
        base = scene.base.replace("://", "://user:secretword@")
        good, bad = base + "/a/b:1", base + "/a/b:2"
        ways = {"list": good + "\n" + bad + "\n", "twice": good + " " + bad,
                "late": "a/c:1 " + good, "same": base + "/c/b:1\n" + good}
        for name, text in ways.items():
            with open(scene.path(name), "w") as file:
                file.write(text)
        progress = ["--progress-fd", "2"]
        for args, code in (
                ([bad], 3), ([good, "--force"], 0), ([good, *progress], 0),
                ([bad, *progress], 3), ([good, base + "/c/b:1"], 2),
                ([good, "-o", base + "/"], 2), ([base + "/a/b:c:d"], 2),
                ([base, "-d", "."], 2), (["-f", "list"], 3),
                (["-f", "same"], 2), (["-f", "twice"], 2),
                (["-f", "late"], 2), (["tags", base + "/a/b"], 0),
                (["tags", base + "/a/c"], 3), (["tags", good], 2),
                (["tags", "a/b", good], 2),
                (["manifest", good], 0), (["manifest", bad], 3),
                (["resolve", good], 0), (["resolve", bad], 3),
                (["resolve", "-f", "list"], 3), (["mirror", "m", good], 0),
                (["mirror", "m", bad], 3), (["mirror", "m", base + "/a/c"], 3),
                (["mirror", "m", good, base + "/x/../a/b:1"], 2),
                (["mirror", "m", "--add", good], 2),
                (["mirror", "m", "--add", bad + "=nope"], 2),
                (["verify", "b_1.sif", "--ref", good], 0),
                (["verify", "b_1.sif", "--ref", bad], 3),
                (["-r", base, "check", base, "a/b"], 2)):
            for json_too in ([], ["--json"]):
                with self.subTest(args, json=json_too):
                    result = scene.run("--retries", "0", *json_too, *args)
                    self.assertExit(result, code)
                    self.assertNotIn("secretword", result.out + result.err)
        found = json.loads(scene.run("--json", "--force", good).out)
        self.assertEqual(found["reference"], scene.base + "/a/b:1")


    def test_password_with_a_slash(self):
        """One that should have been encoded; so it is an error, but nobody
        else's business."""
        for secret in ("secret/word", "123/secret", "secret@secret/word",
                       "1/secret@secret/word"):
            scene = self.scene()
            base = scene.base.replace("://", "://user:%s@" % secret)
            with open(scene.path("list"), "w") as file:
                file.write(base + "/a/b:1\n")
            for args in ([base + "/a/b:1"], [base + "/a/b:1@sha256:1"],
                         ["-r", base, "a/b"], ["-r", base, "config"],
                         ["-f", "list"], ["resolve", "-f", "list"],
                         ["tags", base + "/a/b"],
                         ["mirror", "m", base + "/a/b:1"],
                         ["mirror", "m", "--add", base + "/a/b:1=list"],
                         ["mirror", "m", "--base-url", base, "a/b:1"],
                         ["verify", "list", "--ref", base + "/a/b:1"],
                         ["tags", "a/b", base + "/a/b"],
                         ["check", base, "a/b"]):
                for more in ([], ["--json"], ["-v"]):
                    with self.subTest(args, more=more, secret=secret):
                        result = scene.run(*more, *args)
                        self.assertExit(result, 2)
                        self.assertNotIn("secret", result.out + result.err)
                        self.assertNotIn("word@", result.out + result.err)

    def test_a_hint_works_as_it_is(self):
        """Pasted, it lists the tags of the registry that was asked."""
        scene = self.scene()
        scene.tags("a/b", page(registry.tags_page("a/b", ["1"])))
        here = registry.Registry(scene.path("it's here"))
        here.add("a/b:1", images.sif())
        for args in (["-r", scene.base, "a/b:2"], [scene.base + "/a/b:2"],
                     ["resolve", "--registry=" + scene.base, "a/b:2"],
                     ["mirror", "m", "-r", scene.base, "a/b:2"],
                     ["manifest", "-r", "it's here", "--no-netrc", "a/b:2"],
                     ["-r", "file://" + scene.cwd + "/it's%20here", "a/b:2"]):
            with self.subTest(args):
                env = {"SPULL_REGISTRY": None, "http_proxy": "",
                       "SPULL_PROXY": "none"}
                result = scene.run(*args, env=env)
                self.assertExit(result, 3)
                line = re.search(r'"spull (tags .*)" lists', result.err)
                self.assertIsNotNone(line, result)
                again = scene.run(*shlex.split(line.group(1)), env=env)
                self.assertExit(again, 0)
                self.assertEqual(again.lines, ["1"])

    def test_a_hint_tells_no_secret(self):
        scene = self.scene()
        base = scene.base.replace("://", "://user:secretword@")
        for args in (["-r", base, "a/b"], [base + "/a/b"],
                     ["-r", base, "--header", "A: secretword", "a/b"]):
            result = scene.run("--json", *args)
            self.assertExit(result, 3)
            self.assertNotIn("secretword", result.out + result.err)
            self.assertSays(result, "spull tags")


if __name__ == "__main__":
    main()
