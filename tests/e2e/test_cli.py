#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What people and scripts meet: options, configuration, streams, JSON, and
text from strangers."""

import json
import os
import pty
import re
import select
import shlex
import shutil

from harness import images, registry, spull
from harness.case import Case, main
from harness.servers import Gate, Reply, page

REF = "vanessa/greeting:latest"
NAME = "greeting_latest.sif"
COMMANDS = ["pull", "tags", "manifest", "resolve", "config", "help"]
HOSTILE = ("\x1b]0;owned\x07\x1b[2J\r\b\u202egnp.fis\u200b\u2028\x9b1m"
           "\u00ad\u061c\ufff9\U000e0041")


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


class Configuration(Case):
    def settings(self, scene, *args, **how):
        """What spull config --json says: key to its object."""
        result = scene.run("config", "--json", *args, **how)
        self.assertExit(result, 0)
        rows = [json.loads(line) for line in result.lines]
        return {row["key"]: row for row in rows if "section" not in row}

    def system_file(self, scene):
        """Where the system's spullrc would be, in this build."""
        result = scene.run("config")
        return re.search(r"(?m)^# (?:not there|read): (/.*/spullrc)$",
                         result.out).group(1)

    def with_system_file(self, scene, text, *args, **how):
        """Runs with another system's spullrc: in a mount namespace of its
        own, so that this system never sees it."""
        path = self.system_file(scene)
        source = os.path.join(scene.folder, "system-rc")
        with open(source, "w") as file:
            file.write(text)
        script = ('mount -t tmpfs none "$2" && cp "$1" "$2/spullrc" || '
                  'exit 99; shift 2; exec "$@"')
        if shutil.which("unshare") is None or \
                not os.path.isdir(os.path.dirname(path)):
            self.skipTest("%s can't be put in place" % path)
        result = scene.run(*args, wrap=[
            "unshare", "--mount", "--propagation", "private", "sh", "-c",
            script, "sh", source, os.path.dirname(path)], **how)
        if result.code in (1, 99) and "spull" not in result.err:
            self.skipTest("nothing can be mounted here: " + result.err)
        return result

    def test_precedence(self):
        """Option over variable over ~/.spullrc over built-in."""
        scene = self.scene()
        env = {"SPULL_REGISTRY": None}
        self.assertEqual(
            self.settings(scene, env=env)["registry"]["value"],
            "https://singularityhub.github.io/registry")
        self.assertEqual(
            self.settings(scene, env=env)["registry"]["origin"], "built-in")
        scene.rc("registry = http://127.0.0.1:1/home\n")
        row = self.settings(scene, env=env)["registry"]
        self.assertEqual((row["value"], row["line"]),
                         ("http://127.0.0.1:1/home", 1))
        self.assertTrue(row["file"].endswith("/.spullrc"))
        env["SPULL_REGISTRY"] = "http://127.0.0.1:1/variable"
        row = self.settings(scene, env=env)["registry"]
        self.assertEqual((row["value"], row["origin"]),
                         ("http://127.0.0.1:1/variable", "SPULL_REGISTRY"))
        row = self.settings(scene, "-r", "http://127.0.0.1:1/option",
                            env=env)["registry"]
        self.assertEqual((row["value"], row["origin"]),
                         ("http://127.0.0.1:1/option", "--registry"))

    def test_precedence_in_what_is_asked(self):
        """The same, seen by servers."""
        scene = self.scene()
        bases = {}
        for name in ("option", "variable", "home"):
            bases[name] = scene.base + "/" + name
            scene.on("/%s/vanessa/greeting/tags/" % name, page(
                registry.tags_page("vanessa/greeting", [name])))
        scene.rc("registry = %s\n" % bases["home"])
        for expected, args, env in (
                ("option", ["-r", bases["option"]],
                 {"SPULL_REGISTRY": bases["variable"]}),
                ("variable", [], {"SPULL_REGISTRY": bases["variable"]}),
                ("home", [], {"SPULL_REGISTRY": None}),
                ("home", [], {"SPULL_REGISTRY": ""})):
            with self.subTest(expected):
                result = scene.run("tags", *args, "vanessa/greeting", env=env)
                self.assertEqual(result.lines, [expected], result)

    def test_system_file(self):
        scene = self.scene()
        text = "stall-timeout = 11\nconnect-timeout = 12\n"
        scene.rc("connect-timeout = 13\n")
        result = self.with_system_file(scene, text, "config", "--json")
        self.assertExit(result, 0)
        rows = {row["key"]: row for row in map(json.loads, result.lines)}
        self.assertEqual(rows["stall-timeout"]["value"], 11)
        self.assertEqual(rows["stall-timeout"]["file"],
                         self.system_file(scene))
        self.assertEqual(rows["connect-timeout"]["value"], 13)

    def test_system_file_with_a_mistake(self):
        scene = self.scene()
        result = self.with_system_file(scene, "\n\nnope = 1\n", "tags", "a/b")
        self.assertFails(result, 2, self.system_file(scene) + ":3", "nope")

    MISTAKES = [
        ("registri = x", 1, ["registri", "registry"]),
        ("# comment\n\n  nope = 1\n", 3, ["nope"]),
        ("registry", 1, ["="]),
        ("stall-timeout = soon", 1, ["stall-timeout", "soon"]),
        ("stall-timeout = -1", 1, ["stall-timeout"]),
        ("connections = 0", 1, ["connections", "1 to 16"]),
        ("\nconnections = 99", 2, ["connections", "1 to 16"]),
        ("ip-version = 5", 1, ["ip-version", "'5'"]),
        ("arch = foo\narch = amd64\n", 1, ["arch", "foo"]),
        ("strict-size = maybe", 1, ["strict-size", "maybe"]),
        ("\n[registry]\nurl = /x\n", 2, []),
        ("[nonsense x]\n", 1, ["nonsense"]),
        ("[registry a\n", 1, []),
        ("[registry a]\nnope = 1\n", 2, ["nope"]),
        ("[registry a]\n", 1, ["url"]),
        ("[registry a/b]\nurl = /x\n", 1, ["a/b"]),
        ("registry = \"unclosed\n", 1, []),
        ("registry =\n", 1, ["registry"]),
        ("no\x1b[2Jpe = 1\n", 1, ["\\x1b"]),
    ]

    def test_mistakes_are_found_with_file_and_line(self):
        for text, line, words in self.MISTAKES:
            with self.subTest(text):
                scene = self.scene()
                scene.image()
                scene.rc(text)
                self.assertFails(scene.run(REF), 2, ".spullrc:%d" % line,
                                 *words)
                self.assertEqual(scene.requests(), [])

    def test_config_finds_them_too(self):
        for text, line, words in self.MISTAKES:
            with self.subTest(text):
                scene = self.scene()
                scene.rc(text)
                self.assertFails(scene.run("config"), 2, ".spullrc:%d" % line,
                                 *words)

    def test_files_that_can_not_be_read(self):
        for key in ("ca-file", "ca-dir", "client-cert", "client-key",
                    "netrc-file"):
            with self.subTest(key):
                scene = self.scene()
                scene.rc("\n%s = /nonexistent/x\n" % key)
                self.assertFails(scene.run(REF), 2, ".spullrc:2: " + key,
                                 "/nonexistent/x")
                found = scene.run("config")
                self.assertExit(found, 2)
                self.assertSays(found, ".spullrc:2: " + key, "/nonexistent/x")
                self.assertNotIn("hint", found.err)
                self.assertRegex(found.out, "(?m)^%s += /nonexistent/x" % key)
                self.assertEqual(scene.requests(), [])
                scene.rc("")
                self.assertFails(scene.run("--" + key, "/nonexistent/x", REF),
                                 2, "--" + key, "/nonexistent/x")
        scene.rc("netrc = yes\n")
        self.assertFails(scene.run(REF), 2, "netrc: ")

    def test_config_opens_what_others_would(self):
        """So a script can ask whether all is well before the night."""
        scene = self.scene()
        for args, words in ((["--proxy", "ftp://h"], ["ftp"]),
                            (["-r", "gopher://h/x"], ["gopher"]),
                            (["--client-key", "/nonexistent/key"], ["key"])):
            for json_too in ([], ["--json"]):
                with self.subTest(args, json=json_too):
                    found = scene.run("config", *json_too, *args)
                    self.assertExit(found, 2)
                    self.assertSays(found, *words)
                    self.assertGreater(len(found.lines), 20)
                    self.assertEqual(scene.run("tags", "a/b", *args).code, 2)
        self.assertExit(scene.run("config", "--registries", "--proxy",
                                  "ftp://h"), 0)

    def test_mistakes_in_variables(self):
        scene = self.scene()
        for name, value in (("SPULL_STALL_TIMEOUT", "soon"),
                            ("SPULL_STRICT_SIZE", "maybe"),
                            ("SPULL_ARCH", "z80"),
                            ("SPULL_CONNECTIONS", "17"),
                            ("SPULL_IP_VERSION", "5"),
                            ("SPULL_REGISTRY", "no-such-name")):
            with self.subTest(name):
                self.assertFails(scene.run(REF, env={name: value}), 2, name,
                                 value)
        self.assertEqual(scene.requests(), [])

    SPELLINGS = [
        "registry = {}\n", "registry={}", "  registry   =   {}  \n",
        "\tregistry\t=\t{}\t\n", "registry = {} # comment\n",
        "# registry = /nope\nregistry = {}\n#end", "registry = \"{}\"\n",
        "registry = /nope\nregistry = {}\n", "\n\n\nregistry = {}\r\n",
        "registry = mine\n[registry mine]\nurl = {}\n",
        "registry = mine\n[registry other]\nurl = /nope\n"
        "[registry mine]\nurl = \"{}\" # yes\n",
    ]

    def test_spellings(self):
        for text in self.SPELLINGS:
            with self.subTest(text):
                scene = self.scene()
                data = scene.image()
                scene.rc(text.format(scene.base))
                result = scene.run(REF, env={"SPULL_REGISTRY": None})
                self.assertPulled(scene, result, data)

    def test_section_by_option_and_variable(self):
        scene = self.scene()
        scene.rc("[registry mine]\nurl = %s\n" % scene.base)
        scene.tags("vanessa/greeting", page(registry.tags_page("x", ["a"])))
        for args, env in ((["-r", "mine"], {}),
                          ([], {"SPULL_REGISTRY": "mine"})):
            with self.subTest(args):
                result = scene.run("tags", *args, "vanessa/greeting", env=env)
                self.assertEqual(result.lines, ["a"], result)
        self.assertFails(scene.run("tags", "-r", "yours", "a/b"), 2, "yours",
                         "mine")

    def test_section_with_a_bare_word(self):
        scene = self.scene()
        scene.rc("registry = lab\n[registry lab]\n\nurl = lab2\n"
                 "[registry lab2]\nurl = %s\n" % scene.base)
        for args in (["tags", "a/b"], ["config"]):
            result = scene.run(*args, env={"SPULL_REGISTRY": None})
            self.assertExit(result, 2)
            self.assertIn(".spullrc:4: url: 'lab2' is no address and no "
                          "directory", result.err)
        self.assertExit(scene.run("config"), 0)
        made = registry.Registry(scene.path("lab2"))
        made.add(REF, images.sif())
        result = scene.run(REF, env={"SPULL_REGISTRY": None})
        self.assertExit(result, 0)

    def test_home_in_values(self):
        scene = self.scene()
        made = registry.Registry(os.path.join(scene.home, "images"))
        made.add(REF, images.sif())
        scene.rc("registry = ~/images\n")
        result = scene.run(REF, env={"SPULL_REGISTRY": None})
        self.assertPulled(scene, result, images.sif())

    def test_config_is_a_configuration(self):
        """What it prints, read again, gives the same settings."""
        scene = self.scene()
        scene.rc("registry = mine\nstall-timeout = 7\nallow-md5 = yes\n"
                 "arch = arm64\ndir = \" odd # \\\"dir\\\\ \"\n"
                 "user-agent = some text\n[registry mine]\nurl = %s\n"
                 "[registry two]\nurl = \"/a b#c\"\n" % scene.base)
        env = {"SPULL_REGISTRY": None}
        first = scene.run("config", env=env)
        self.assertExit(first, 0)
        before = self.settings(scene, env=env)
        scene.rc(first.out)
        after = self.settings(scene, env=env)
        self.assertEqual({key: row["value"] for key, row in before.items()},
                         {key: row["value"] for key, row in after.items()})
        self.assertEqual(after["dir"]["value"], ' odd # "dir\\ ')
        result = scene.run("config", "--registries", env=env)
        self.assertEqual(result.lines, ["mine", "two"])

    def test_proxies_are_shown_without_password(self):
        scene = self.scene()
        env = {"https_proxy": "http://me:secret@proxy.invalid:3128"}
        for args in (["config"], ["config", "--json"]):
            with self.subTest(args):
                result = scene.run(*args, env=env)
                self.assertExit(result, 0)
                self.assertIn("proxy.invalid:3128", result.out)
                self.assertNotIn("secret", result.out)

    def test_passwords_are_commented_out(self):
        """Else what config prints would set another password."""
        scene = self.scene()
        secret = "http://me:s3cret@127.0.0.1:1/x"
        scene.rc("registry = %s\nproxy = %s\nmax-time = 3\n[registry lab]\n"
                 "url = %s\nheader = A: b\n[registry two]\nurl = /x\n"
                 % (secret, secret, secret))
        env = {"SPULL_REGISTRY": None}
        result = scene.run("config", env=env)
        self.assertExit(result, 0)
        self.assertNotIn("s3cret", result.out)
        for line in ("registry ", "proxy ", "[registry lab]", "url "):
            self.assertRegex(result.out, r"(?m)^# " + re.escape(line))
        scene.rc(result.out)
        after = self.settings(scene, env=env)
        self.assertEqual(after["registry"]["origin"], "built-in")
        self.assertIsNone(after["proxy"]["value"])
        self.assertEqual(after["max-time"]["value"], 3)
        result = scene.run("config", "--registries", env=env)
        self.assertEqual(result.lines, ["two"])

    def test_no_home(self):
        scene = self.scene()
        data = scene.image()
        result = scene.run(REF, env={"HOME": "/nonexistent"})
        self.assertPulled(scene, result, data)

    def test_configuration_that_can_not_be_read(self):
        scene = self.scene()
        os.mkdir(os.path.join(scene.home, ".spullrc"))
        self.assertFails(scene.run(REF), 2, ".spullrc")


class Json(Case):
    def one(self, scene, *args, code=0):
        """The only line of stdout."""
        result = scene.run(*args)
        self.assertExit(result, code)
        self.assertEqual(len(result.lines), 1, result)
        return json.loads(result.out)

    def test_pull(self):
        scene = self.scene()
        data = scene.image()
        image = self.one(scene, "--json", REF)
        self.assertEqual(image["reference"], REF)
        self.assertEqual(image["path"], NAME)
        self.assertEqual(image["state"], "installed")
        self.assertEqual(image["digest"], "sha256:" + images.sha256(data))
        self.assertEqual(image["size"], len(data))
        self.assertEqual(image["transferred"], len(data))
        self.assertEqual(image["url"], scene.base +
                         "/blobs/vanessa/greeting/latest")
        self.assertIs(image["weak"], False)
        self.assertEqual((image["kind"], image["arch"]), ("SIF", "amd64"))
        self.assertGreaterEqual(image["seconds"], 0)
        again = self.one(scene, REF, "--json")
        self.assertEqual((again["state"], again["transferred"], again["url"]),
                         ("up-to-date", 0, None))
        for key in ("path", "digest", "size", "kind", "arch", "reference"):
            self.assertEqual(again[key], image[key])

    def test_failures(self):
        scene = self.scene()
        scene.image()
        for args, code, word in (
                (["vanessa/greeting:nope"], 3, "not-found"),
                (["resolve", "vanessa/greeting:nope"], 3, "not-found"),
                (["manifest", "vanessa/greeting:nope"], 3, "not-found"),
                (["tags", "vanessa/nope"], 3, "not-found"),
                (["--arch", "arm64", REF], 5, "integrity")):
            with self.subTest(args):
                found = self.one(scene, "--json", *args, code=code)
                self.assertEqual((found["state"], found["error"],
                                  found["status"]), ("failed", word, code))
                self.assertNotEqual(found["message"], "")

    def test_several(self):
        """One object a line, in the order of the references."""
        scene = self.scene()
        scene.image("a/b:1")
        result = scene.run("--json", "a/nope:1", "a/b:1")
        self.assertExit(result, 3)
        self.assertEqual([json.loads(line)["state"] for line in result.lines],
                         ["failed", "installed"])

    def test_tags(self):
        scene = self.scene()
        scene.tags("a/b", page(registry.tags_page("a/b", ["x", "README.md"])))
        self.assertEqual(self.one(scene, "tags", "--json", "a/b"), {
            "container": "a/b", "tags": ["x"], "left_out": ["README.md"]})

    def test_resolve(self):
        scene = self.scene()
        data = scene.image()
        found = self.one(scene, "resolve", "--json", "vanessa/greeting")
        self.assertEqual(found["pinned"], "%s@sha256:%s"
                         % (REF, images.sha256(data)))
        self.assertEqual(found["digest"], "sha256:" + images.sha256(data))
        self.assertEqual(found["urls"], [
            scene.base + "/blobs/vanessa/greeting/latest"])

    def test_manifest(self):
        scene = self.scene()
        data = scene.image()
        found = self.one(scene, "manifest", "--json", REF)
        self.assertEqual(found["manifest"]["layers"][0]["digest"],
                         "sha256:" + images.sha256(data))
        self.assertEqual(found["size"], registry.kib(data))

    def test_config(self):
        result = self.scene().run("config", "--json")
        rows = {row["key"]: row["value"]
                for row in map(json.loads, result.lines)}
        self.assertEqual((rows["jobs"], rows["connections"], rows["wait"],
                          rows["ip-version"]), (8, 16, "forever", 0))
        result = self.scene().run("config", "--json", "--wait", "5")
        self.assertIn('"key":"wait","value":5,', result.out)

    def test_registries(self):
        scene = self.scene()
        scene.rc("[registry lab]\nurl = /x\n")
        row = self.one(scene, "config", "--registries", "--json")
        self.assertEqual((row["section"], row["key"], row["value"],
                          row["line"]), ("lab", "url", "/x", 1))

    def test_weak(self):
        scene = self.scene()
        data = scene.image("a/strong:1")
        scene.image("a/weak:1", data, form="md5")
        pin = "a/weak:1@sha256:" + images.sha256(data)
        for args, weak in ((["resolve", "a/strong:1"], False),
                           (["manifest", "a/strong:1"], False),
                           (["resolve", pin], True), (["manifest", pin], True),
                           (["manifest", "a/weak:1"], True)):
            with self.subTest(args):
                found = self.one(scene, "--json", *args)
                self.assertIs(found["weak"], weak)
                self.assertIs(found["digest"].startswith("md5:"), weak)

    def test_names_that_are_no_utf8(self):
        scene = self.scene()
        data = scene.image()
        name = os.fsdecode(b"a\xffb.sif")
        found = self.one(scene, "--json", "-o", name, REF)
        self.assertEqual(found["path"], "a\ufffdb.sif")
        self.assertImage(scene.path(name), data)


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
