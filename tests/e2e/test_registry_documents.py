#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Manifests and lists of tags as they really are, and the names in them."""

import os

from harness import images, registry, servers
from harness.case import Case, main
from harness.engine import REF
from harness.servers import Reply, page, redirect

BOM = b"\xef\xbb\xbf"


class TagLists(Case):
    """4: tag lists hold strangers."""

    LISTS = [
        # what, JSON text of the list, tags, what -v names
        ("plain", '"latest","lolcow","asciiart"',
         ["latest", "lolcow", "asciiart"], []),
        ("a page that is no tag", '"latest","README.md"', ["latest"],
         ["README.md"]),
        ("another container's pages", '"latest","../greetings/x","greet/a"',
         ["latest"], ["../greetings/x", "greet/a"]),
        ("hidden and odd names", '".git","-x","a b","","1.0","v1_2-rc+3~4"',
         ["1.0", "v1_2-rc+3~4"], [".git", "-x", "a b"]),
        ("twice the same", '"a","b","a"', ["a", "b"], ["a"]),
        ("not strings", '"a",1,null,true,{"b":1},["c"]', ["a"], []),
        ("control characters", '"a","\\u001b[2Jb","c\\nd","\\u202eabc"',
         ["a"], ["\\x1b[2Jb"]),
        ("none at all", "", [], []),
        ("only strangers", '"README.md"', [], ["README.md"]),
    ]

    def test_lists(self):
        for what, rows, tags, named in self.LISTS:
            with self.subTest(what):
                scene = self.scene()
                scene.tags("vanessa/greeting", page(
                    '{\n  "name": "vanessa/greeting", \n  "tags": [\n    %s\n'
                    '   ]\n}\n' % rows))
                result = scene.run("tags", "vanessa/greeting")
                self.assertExit(result, 0)
                self.assertEqual(result.lines, tags)
                self.assertEqual(result.err, "")
                result = scene.run("tags", "-v", "vanessa/greeting")
                self.assertEqual(result.lines, tags)
                self.assertSays(result, *named)
                self.assertPrintable(result)

    def test_no_manifest_at_all(self):
        for body in ("-@", "-@\n", "\n\n-@ \n", ""):
            with self.subTest(body):
                scene = self.scene()
                scene.tags("vanessa/greeting", page(body))
                scene.manifest(REF, page(body))
                self.assertFails(scene.run("tags", "vanessa/greeting"), 3)
                self.assertFails(scene.run(REF), 3)
                self.assertFiles(scene)

    def test_phantom_tag_has_no_manifest(self):
        scene = self.scene()
        scene.image()
        self.assertFails(scene.run("vanessa/greeting:README.md"), 3,
                         "404")

    def test_malformed(self):
        for body in ('{"tags": 7}', '{"tags": ["a"', '{"name": "x"}', "[]",
                     '{"tags": {"a": 1}}', '{"tags": ["a"]} trailing'):
            with self.subTest(body):
                scene = self.scene()
                scene.tags("vanessa/greeting", page(body))
                self.assertFails(scene.run("tags", "vanessa/greeting"), 5)


class Documents(Case):
    """5: the documents are web pages."""

    def forms(self, text):
        return {
            "plain": page(text),
            "as JSON": page(text, type="application/json"),
            "without a type": page(text, type=""),
            "blank lines and spaces": page(b" \r\n\n\t\n" + text + b"\n \n\n"),
            "byte order mark": page(BOM + text),
            "byte order mark and blank lines": page(BOM + b"\n\n" + text),
            "CRLF": page(text.replace(b"\n", b"\r\n")),
            "gzip": page(text, gzip=True),
            "gzip and byte order mark": page(BOM + text, gzip=True),
            "chunked": page(text, length="chunked"),
            "no length": page(text, length=None),
            "gzip, chunked": page(text, gzip=True, length="chunked"),
        }

    def test_manifests(self):
        data = images.sif()
        for what in self.forms(b""):
            with self.subTest(what):
                scene = self.scene()
                text = registry.manifest_of(data, [scene.blob(Reply(data))])
                scene.manifest(REF, self.forms(text)[what])
                self.assertPulled(scene, scene.run(REF), data)

    def test_tag_lists(self):
        text = registry.tags_page("vanessa/greeting", ["latest", "lolcow"])
        for what, reply in self.forms(text).items():
            with self.subTest(what):
                scene = self.scene()
                scene.tags("vanessa/greeting", reply)
                result = scene.run("tags", "vanessa/greeting")
                self.assertExit(result, 0)
                self.assertEqual(result.lines, ["latest", "lolcow"])

    def test_redirects(self):
        """A relative blob address counts from where the document was."""
        for what, to in (
                ("absolute", "{base}/moved/here/"),
                ("from the root", "{prefix}/moved/here/"),
                ("relative", "../../../../moved/here/"),
                ("without the scheme",
                 "//127.0.0.1:{port}{prefix}/moved/here/"),
                ("another host",
                 "http://localhost:{port}{prefix}/moved/here/")):
            for status in (301, 302, 303, 307, 308):
                with self.subTest(what, status=status):
                    scene = self.scene()
                    data = images.sif()
                    scene.manifest(REF, redirect(to.format(
                        base=scene.base, prefix=scene.prefix,
                        port=self.server.port), status))
                    scene.on("/moved/here/", page(registry.manifest_of(
                        data, ["../blobs/image.sif"])))
                    scene.on("/moved/blobs/image.sif", Reply(data))
                    self.assertPulled(scene, scene.run(REF), data)

    MISSING = [
        # what the folder answers, what its index.html answers, exit status
        ("404 page", servers.not_found, servers.not_found, 3),
        ("410 page", lambda: servers.html("Gone", 410),
         lambda: servers.html("Gone", 410), 3),
        ("200 page", lambda: servers.html("Not found"),
         servers.not_found, 3),
        ("200 page twice", lambda: servers.html("Not found"),
         lambda: servers.html("Not found"), 3),
        ("XML listing with 200", servers.xml_listing, servers.not_found, 3),
        ("403, then 404", servers.xml_denied, servers.not_found, 3),
        ("403 twice", servers.xml_denied, servers.xml_denied, 6),
        ("401", lambda: servers.html("Unauthorized", 401),
         lambda: servers.html("Unauthorized", 401), 6),
        ("500", lambda: servers.html("Oops", 500), servers.not_found, 4),
    ]

    def test_missing(self):
        for what, folder, index, code in self.MISSING:
            for command in (["pull", REF], ["tags", "vanessa/greeting"],
                            ["manifest", REF], ["resolve", REF]):
                with self.subTest(what, command=command[0]):
                    scene = self.scene()
                    for path in ("/vanessa/greeting/manifests/latest/",
                                 "/vanessa/greeting/tags/"):
                        scene.on(path, folder())
                        scene.on(path + "index.html", index())
                    self.assertFails(scene.run(*command), code)
                    self.assertFiles(scene)

    def test_missing_tag_gets_a_hint(self):
        scene = self.scene()
        self.assertFails(scene.run("vanessa/greeting:nope"), 3, "404",
                         "spull tags vanessa/greeting")

    LISTINGS = {
        "404": servers.not_found,
        "403": servers.xml_denied,
        "XML listing": servers.xml_listing,
        "HTML listing": servers.html_listing,
        "listing as text": lambda: page(
            servers.xml_listing().body, type="text/plain"),
        "empty body": lambda: page(""),
    }

    def test_index_html(self):
        """The second spelling is asked for, and only where the first fails."""
        for what, reply in self.LISTINGS.items():
            with self.subTest(what):
                scene = self.scene()
                data = images.sif()
                text = registry.manifest_of(data, ["../../image.sif"])
                scene.manifest(REF, reply())
                scene.tags("vanessa/greeting", reply())
                scene.on("/vanessa/greeting/manifests/latest/index.html",
                         page(text))
                scene.on("/vanessa/greeting/tags/index.html", page(
                    registry.tags_page("vanessa/greeting", ["latest"])))
                scene.on("/vanessa/greeting/image.sif", Reply(data))
                result = scene.run("tags", "vanessa/greeting")
                self.assertEqual(result.lines, ["latest"], result)
                self.assertPulled(scene, scene.run(REF), data)

    def test_one_request_where_one_is_enough(self):
        scene = self.scene()
        scene.image()
        self.assertExit(scene.run(REF), 0)
        self.assertEqual([request.path for request in scene.requests()],
                         [scene.prefix + "/vanessa/greeting/manifests/latest/",
                          scene.prefix + "/blobs/vanessa/greeting/latest"])

    MALFORMED = [
        ("cut off", '{"layers": ['), ("a list", "[]"), ("a number", "42"),
        ("a word", "hello"), ("two documents", "{}{}"),
        ("layers is no list", '{"layers": {}}'), ("no layers key", "{}"),
        ("a layer is no object", '{"layers": ["x"]}'),
        ("not UTF-8", b'{"layers": "\xff\xfe"}'),
        ("NUL in between", b'{"layers"\0: []}'),
    ]

    def test_malformed(self):
        for what, text in self.MALFORMED:
            for command in ("pull", "manifest", "resolve"):
                with self.subTest(what, command=command):
                    scene = self.scene()
                    scene.manifest(REF, page(text))
                    self.assertFails(scene.run(command, REF), 5)


class Names(Case):
    """8: namespaces are folders."""

    REFS = [
        ("vanessa/greeting:asciiart", "greeting_asciiart.sif"),
        ("a/b:c", "b_c.sif"),
        ("one/two/three:v1", "three_v1.sif"),
        ("a/b/c/d/e/f:x", "f_x.sif"),
        ("quay.io/bio+x/sam~tools:1.9--h_0", "sam~tools_1.9--h_0.sif"),
        ("_x/_y:_z", "_y__z.sif"),
    ]

    def test_refs(self):
        for ref, name in self.REFS:
            with self.subTest(ref):
                scene = self.scene()
                data = scene.image(ref)
                self.assertPulled(scene, scene.run(ref), data, name)

    def test_tag_defaults_to_latest(self):
        scene = self.scene()
        data = scene.image("one/two/three:latest")
        self.assertPulled(scene, scene.run("one/two/three"), data,
                          "three_latest.sif")

    def test_base_url(self):
        scene = self.scene()
        data = scene.image("vanessa/greeting:asciiart")
        result = scene.run(scene.base + "/vanessa/greeting:asciiart",
                           env={"SPULL_REGISTRY": "http://127.0.0.1:1/"})
        self.assertPulled(scene, result, data, "greeting_asciiart.sif")

    BAD = [("/greeting", "/"), ("a//b", "/"), ("a/", "/"), ("a/.b", "."),
           ("a/-b", "-"), ("-a/b", "-"), ("a/b:", ":"), ("a/b:-c", "-"),
           ("a/b c", " "), ("a/b:c d", " "), ("a/b:c:d", ":"),
           ("host:80/a/b", ":"), ("a/b?c", "?"), ("a/b#c", "#"),
           ("a/b%2f", "%"), ("a/b@md5:" + "0" * 32, "@"),
           ("a/b@sha256:123", "sha256"), ("a/../b", "."), ("a/b\\c", "\\")]

    def test_bad_refs(self):
        scene = self.scene()
        for ref, shown in self.BAD:
            for command in ("pull", "resolve", "manifest"):
                with self.subTest(ref, command=command):
                    self.assertFails(scene.run(command, "--", ref), 2, shown)
        self.assertEqual(scene.requests(), [])
        self.assertFiles(scene)

    def test_odd_characters_are_shown_printable(self):
        scene = self.scene()
        for ref, shown in (("a/b\x1bc", "\\x1b"), ("a/b\x7f", "\\x7f"),
                           ("a/b\nc", "\\x0a"), ("a/b\udcffc", "\\xff")):
            with self.subTest(repr(ref)):
                self.assertFails(scene.run(os.fsencode(ref).decode(
                    "utf-8", "surrogateescape")), 2, shown)


if __name__ == "__main__":
    main()
