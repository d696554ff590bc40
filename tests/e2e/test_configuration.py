#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Options, variables and files: which one counts, what is said about mistakes,
and what spull config shows."""

import json
import os
import re
import shutil

from harness import images, registry
from harness.case import Case, main
from harness.engine import REF
from harness.servers import page


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


if __name__ == "__main__":
    main()
