#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Static registries as they really are: a table for each thing that was found
in public ones (sizes, digests, tag lists, documents, blob addresses, types,
names)."""

import os
import platform
import unittest

from harness import images, registry, servers
from harness.case import Case, main
from harness.servers import Reply, page, redirect

REF = "vanessa/greeting:latest"
HOST_ARCH = images.UNAME.get(platform.machine(), "")
OTHER_ARCH = "arm64" if HOST_ARCH != "arm64" else "amd64"
BOM = b"\xef\xbb\xbf"


class Sizes(Case):
    """1: size is bytes, or KiB of disk usage."""

    PULLS = [
        # what, bytes of the blob, stated size, options
        ("bytes", 40960, 40960, []),
        ("bytes, not a multiple of a block", 40961, 40961, []),
        ("du -k of whole blocks", 40960, 40, []),
        ("du -k rounds up", 40961, 44, []),
        ("one KiB of usage for a little file", 1000, 1, []),
        ("excess of exactly 64 KiB", 40960, 40 + 64, []),
        ("strict, bytes", 40960, 40960, ["--strict-size"]),
    ]
    REFUSED = [
        ("excess of 64 KiB and one byte", 40959, 40 + 64, []),
        ("one byte more than so many KiB", 40961, 40, []),
        ("one byte too few for bytes", 200000, 200001, []),
        ("one byte too many for bytes", 200000, 199999, []),
        ("strict, KiB", 40960, 40, ["--strict-size"]),
        ("strict, one byte too few", 40960, 40961, ["--strict-size"]),
        ("strict, one byte too many", 40960, 40959, ["--strict-size"]),
        ("nothing at all", 40960, 0, []),
        ("eight exabytes", 40960, 1 << 63, []),
        ("more than 64 bits", 40960, 1 << 70, []),
    ]
    MALFORMED = [("negative", -40960), ("a fraction", 40.5),
                 ("a text", '"some"'), ("null", "null"), ("a list", "[40]"),
                 ("absent", None)]

    def test_pulls(self):
        for what, count, stated, options in self.PULLS:
            for length in (True, None, "chunked"):
                with self.subTest(what, length=length):
                    scene = self.scene()
                    data = images.sif(count)
                    scene.image(data=data, size=stated,
                                reply=Reply(data, length=length))
                    self.assertPulled(scene, scene.run(*options, REF), data)

    def test_refused(self):
        for what, count, stated, options in self.REFUSED:
            for length in (True, None, "chunked"):
                with self.subTest(what, length=length):
                    scene = self.scene()
                    data = images.sif(count)
                    scene.image(data=data, size=stated,
                                reply=Reply(data, length=length))
                    self.assertFails(scene.run(*options, REF), 5)
                    self.assertFiles(scene)

    def test_refusal_names_both_sizes(self):
        scene = self.scene()
        scene.image(data=images.sif(40961), size=77777)
        self.assertFails(scene.run(REF), 5, "77777", "40961")

    def test_malformed(self):
        for what, stated in self.MALFORMED:
            with self.subTest(what):
                scene = self.scene()
                scene.image(size=stated)
                self.assertFails(scene.run(REF), 5, "size")
                self.assertEqual(scene.blobs(), [])
                self.assertFiles(scene)


class Digests(Case):
    """2: sha256 in either case, md5 in hex and base64, others, pins."""

    WEAK = ["md5", "MD5", "md5-base64"]
    MALFORMED = [("short", "sha256:" + "a" * 63),
                 ("long", "sha256:" + "a" * 65),
                 ("not hex", "sha256:" + "g" * 64),
                 ("no algorithm", "a" * 64), ("no value", "sha256:"),
                 ("empty", ""), ("short md5", "md5:abc"),
                 ("base64 of 15 bytes", "md5:" + "A" * 20)]

    def unknown(self, scene, data, digest):
        url = scene.blob(Reply(data))
        layer = registry.layer_page(len(data), digest, [url])
        scene.manifest(REF, page(registry.manifest_page([layer])))

    def test_sha256(self):
        for form in ("sha256", "SHA256"):
            with self.subTest(form):
                scene = self.scene()
                data = scene.image(form=form)
                result = scene.run(REF)
                self.assertPulled(scene, result, data)
                self.assertNotIn("weak", result.err)

    def test_md5_is_refused(self):
        for form in self.WEAK:
            with self.subTest(form):
                scene = self.scene()
                scene.image(form=form)
                self.assertFails(scene.run(REF), 5, "md5", "--allow-md5")
                self.assertEqual(scene.blobs(), [])
                self.assertFiles(scene)

    def test_md5_is_allowed(self):
        for form in self.WEAK:
            with self.subTest(form):
                scene = self.scene()
                data = scene.image(form=form)
                result = scene.run("--allow-md5", REF)
                self.assertPulled(scene, result, data)
                self.assertSays(result, "weak")

    def test_md5_is_checked(self):
        for form in self.WEAK:
            with self.subTest(form):
                scene = self.scene()
                data = images.sif(seed=1)
                scene.image(data=data, form=form,
                            reply=Reply(images.sif(seed=2)))
                self.assertFails(scene.run("--allow-md5", REF), 5,
                                 images.md5(data))
                self.assertFiles(scene)

    def test_every_output_says_weak(self):
        scene = self.scene()
        scene.image(form="md5")
        for again in ("installed", "up to date"):
            with self.subTest(again):
                result = scene.run("--allow-md5", "--json", REF)
                self.assertExit(result, 0)
                self.assertSays(result, "weak")
                self.assertIn('"weak": true', result.out.replace(
                    '":true', '": true'))

    def test_md5_with_pin(self):
        for form in self.WEAK:
            with self.subTest(form):
                scene = self.scene()
                data = scene.image(form=form)
                result = scene.run(REF + "@sha256:" + images.sha256(data))
                self.assertPulled(scene, result, data)
                self.assertNotIn("weak", result.err.lower())

    def test_md5_with_wrong_pin(self):
        scene = self.scene()
        data = scene.image(form="md5")
        pin = images.sha256(b"something else")
        self.assertFails(scene.run(REF + "@sha256:" + pin), 5, pin,
                         images.sha256(data))
        self.assertFiles(scene)

    def test_unknown_algorithm(self):
        for digest in ("sha512:" + "0" * 128, "crc32c:AAAAAA=="):
            for options in ([], ["--allow-md5"]):
                with self.subTest(digest, options=options):
                    scene = self.scene()
                    self.unknown(scene, images.sif(), digest)
                    self.assertFails(scene.run(*options, REF), 5,
                                     digest.split(":")[0])
                    self.assertEqual(scene.blobs(), [])
                    self.assertFiles(scene)

    def test_unknown_algorithm_with_pin(self):
        scene = self.scene()
        data = images.sif()
        self.unknown(scene, data, "sha512:" + "0" * 128)
        result = scene.run(REF + "@sha256:" + images.sha256(data))
        self.assertPulled(scene, result, data)

    def test_malformed(self):
        for what, digest in self.MALFORMED:
            with self.subTest(what):
                scene = self.scene()
                self.unknown(scene, images.sif(), digest)
                self.assertFails(scene.run("--allow-md5", REF), 5, "digest")
                self.assertEqual(scene.blobs(), [])
                self.assertFiles(scene)

    def test_digest_that_is_no_string(self):
        scene = self.scene()
        scene.manifest(REF, page(registry.manifest_page(
            ['{"size": 1, "digest": 7, "urls": ["x"]}'])))
        self.assertFails(scene.run(REF), 5, "digest")

    def test_pin(self):
        scene = self.scene()
        data = scene.image()
        for pin in (images.sha256(data), images.sha256(data).upper()):
            result = scene.run("--force", REF + "@sha256:" + pin)
            self.assertPulled(scene, result, data)

    def test_pin_without_tag_means_latest(self):
        scene = self.scene()
        data = scene.image()
        result = scene.run("vanessa/greeting@sha256:" + images.sha256(data))
        self.assertPulled(scene, result, data)

    def test_tag_has_moved(self):
        for command in ("pull", "resolve", "manifest"):
            with self.subTest(command):
                scene = self.scene()
                data = scene.image()
                pin = images.sha256(b"the old one")
                self.assertFails(
                    scene.run(command, REF + "@sha256:" + pin), 5,
                    "moved", pin, images.sha256(data))
                self.assertEqual(scene.blobs(), [])
                self.assertFiles(scene)


class ConfigAndLayer(Case):
    """3: where they disagree, the layer describes the blob."""

    CONFIGS = {
        "another size and digest": registry.layer_page(
            5539, "sha256:" + "8" * 64, None, registry.CONFIG),
        "size only": '{"size": 1}',
        "md5": '{"digest": "md5:a1025471b564766d08bdf2cb062c795c"}',
        "empty": "{}",
        "null": "null",
    }

    def test_the_layer_counts(self):
        for what, config in self.CONFIGS.items():
            with self.subTest(what):
                scene = self.scene()
                data = images.sif()
                layer = registry.layer_page(
                    registry.kib(data), registry.digest_of(data),
                    [scene.blob(Reply(data))])
                scene.manifest(REF, page(registry.manifest_page([layer],
                                                                config)))
                self.assertPulled(scene, scene.run(REF), data)

    def test_config_does_not_vouch_for_a_weak_layer(self):
        scene = self.scene()
        data = images.sif()
        layer = registry.layer_page(len(data), registry.digest_of(data, "md5"),
                                    [scene.blob(Reply(data))])
        config = registry.layer_page(len(data), registry.digest_of(data), None)
        scene.manifest(REF, page(registry.manifest_page([layer], config)))
        self.assertFails(scene.run(REF), 5, "md5")

    def test_no_config(self):
        scene = self.scene()
        data = images.sif()
        layer = registry.layer_page(registry.kib(data),
                                    registry.digest_of(data),
                                    [scene.blob(Reply(data))])
        scene.manifest(REF, page('{"layers": [%s]}' % layer))
        self.assertPulled(scene, scene.run(REF), data)


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


class BlobAddresses(Case):
    """6: blob URLs carry whatever servers take."""

    TARGETS = [
        # after the scene's base in the manifest, as the server must see it
        ("/blobs/a?generation=15&alt=media",
         "/blobs/a?generation=15&alt=media"),
        ("/blobs/a?x=a%2Fb%3D&y=%C3%BC", "/blobs/a?x=a%2Fb%3D&y=%C3%BC"),
        ("/blobs//b//c.sif", "/blobs//b//c.sif"),
        ("//blobs/d.sif", "//blobs/d.sif"),
        ("/blobs/user@host/e.sif", "/blobs/user@host/e.sif"),
        ("/blobs/f%2Fg%2Fh.sif", "/blobs/f%2Fg%2Fh.sif"),
        ("/blobs/f%2fg.sif", "/blobs/f%2fg.sif"),
        ("/blobs/100%25.sif", "/blobs/100%25.sif"),
        ("/blobs/a+b,c;d=e:f!g$h'(i)*.sif", "/blobs/a+b,c;d=e:f!g$h'(i)*.sif"),
        ("/blobs/~me/image.sif", "/blobs/~me/image.sif"),
        ("/blobs/two words.sif", "/blobs/two%20words.sif"),
        ("/blobs/\\u00fcmlaut.sif", "/blobs/%C3%BCmlaut.sif"),
        ("/blobs/x.sif#fragment", "/blobs/x.sif"),
        ("\\/blobs\\/escaped.sif", "/blobs/escaped.sif"),
    ]

    def test_targets(self):
        for written, target in self.TARGETS:
            with self.subTest(written):
                scene = self.scene()
                data = images.sif()
                scene.on(target, Reply(data))
                scene.image(data=data, urls=[scene.base + written])
                self.assertPulled(scene, scene.run(REF), data)
                self.assertEqual(scene.requests()[-1].target,
                                 scene.prefix + target)

    def test_redirects(self):
        for status in (301, 302, 303, 307, 308):
            for host in ("127.0.0.1", "localhost"):
                with self.subTest(status=status, host=host):
                    scene = self.scene()
                    data = images.sif()
                    scene.on("/signed", Reply(data))
                    scene.image(data=data, reply=redirect(
                        self.server.url(scene.prefix + "/signed?Expires=1&Sig"
                                        "nature=a%2Bb%3D", host), status))
                    self.assertPulled(scene, scene.run(REF), data)
                    self.assertEqual(
                        scene.requests()[-1].target, scene.prefix +
                        "/signed?Expires=1&Signature=a%2Bb%3D")

    def test_chain_of_redirects(self):
        scene = self.scene()
        data = images.sif()
        for step in range(5):
            scene.on("/hop%d" % step, redirect("hop%d" % (step + 1)))
        scene.on("/hop5", Reply(data))
        scene.image(data=data, urls=[scene.base + "/hop0"])
        self.assertPulled(scene, scene.run(REF), data)

    def test_no_method_but_get(self):
        """Signed addresses refuse HEAD."""
        scene = self.scene()
        data = scene.image()
        self.assertPulled(scene, scene.run(REF), data)
        self.assertEqual({request.method for request in scene.requests()},
                         {"GET"})

    def test_expired(self):
        for status in (404, 410):
            with self.subTest(status):
                scene = self.scene()
                scene.image(reply=servers.html("Expired", status))
                self.assertFails(scene.run(REF), 3, str(status))
                self.assertFiles(scene)

    def test_lengths(self):
        data = images.sif()
        for length in (True, None, "chunked"):
            for ranges in ("honour", "ignore"):
                with self.subTest(length=length, ranges=ranges):
                    scene = self.scene()
                    scene.image(data=data, reply=Reply(data, length=length,
                                                       ranges=ranges))
                    self.assertPulled(scene, scene.run(REF), data)

    def test_broken_manifests(self):
        data = images.sif()
        digest = registry.digest_of(data)
        good = registry.layer_page(len(data), digest, ["/x"])
        for what, layers in (
                ("no urls", [registry.layer_page(len(data), digest, None)]),
                ("urls empty", [registry.layer_page(len(data), digest, [])]),
                ("urls is text", [registry.layer_page(len(data), digest,
                                                      '"http://x/"')]),
                ("urls holds a number", [registry.layer_page(
                    len(data), digest, "[7]")]),
                ("several layers", [good, good]),
                ("no layer", []),
                ("no digest", [registry.layer_page(len(data), None, ["/x"])])):
            with self.subTest(what):
                scene = self.scene()
                scene.manifest(REF, page(registry.manifest_page(layers)))
                self.assertFails(scene.run(REF), 5)
                self.assertFiles(scene)

    RELATIVE = [
        # as written, the path below the base that it means
        ("image.sif", "/vanessa/greeting/manifests/latest/image.sif"),
        ("./image.sif", "/vanessa/greeting/manifests/latest/image.sif"),
        ("../image.sif", "/vanessa/greeting/manifests/image.sif"),
        ("../../../../blobs/image.sif", "/blobs/image.sif"),
        ("{prefix}/blobs/image.sif", "/blobs/image.sif"),
        ("//127.0.0.1:{port}{prefix}/blobs/image.sif", "/blobs/image.sif"),
        ("image.sif?a=b", "/vanessa/greeting/manifests/latest/image.sif?a=b"),
    ]

    def test_relative(self):
        for index in ("", "index.html"):
            for written, target in self.RELATIVE:
                with self.subTest(written, index=index):
                    scene = self.scene()
                    data = images.sif()
                    url = written.format(prefix=scene.prefix,
                                         port=self.server.port)
                    scene.on("/vanessa/greeting/manifests/latest/" + index,
                             page(registry.manifest_of(data, [url])))
                    scene.on(target, Reply(data))
                    self.assertPulled(scene, scene.run(REF), data)

    def failing(self, data):
        port, holder = servers.unused_port()
        self.addCleanup(holder.close)
        return {
            "404": servers.not_found(),
            "403": servers.xml_denied(),
            "500": servers.html("Oops", 500),
            "refused": "http://127.0.0.1:%d/image.sif" % port,
            "cut off": Reply(data, cut=1000),
            "reset": Reply(data, cut=1000, reset=True),
            "too long by its head": Reply(data * 40),
            "too long": Reply(data * 40, length=None),
            "too short": Reply(data[:1000]),
            "a web page": servers.html("This file has expired"),
            "to a file": redirect("file:///etc/passwd"),
            "an address of another kind": "ftp://127.0.0.1/image.sif",
        }

    def test_next_url_only_when_the_first_fails(self):
        data = images.sif()
        for what, first in self.failing(data).items():
            with self.subTest(what):
                scene = self.scene()
                if isinstance(first, Reply):
                    first = scene.on("/blobs/first", first)
                second = scene.on("/blobs/second", Reply(data))
                scene.image(data=data, urls=[first, second])
                self.assertPulled(scene, scene.run(REF), data)
        scene = self.scene()
        urls = [scene.on("/blobs/first", Reply(data)),
                scene.on("/blobs/second", Reply(data))]
        scene.image(data=data, urls=urls)
        self.assertPulled(scene, scene.run(REF), data)
        self.assertEqual([request.path for request in scene.blobs()],
                         [scene.prefix + "/blobs/first"])

    def test_all_urls_fail(self):
        scene = self.scene()
        urls = [scene.on("/blobs/%d" % number, servers.not_found())
                for number in range(3)]
        scene.image(urls=urls)
        self.assertFails(scene.run(REF), 3, "404")
        self.assertEqual(len(scene.blobs()), 3)
        self.assertFiles(scene)


class Kinds(Case):
    """7: look at the first bytes, not at the type."""

    def test_media_type_means_nothing(self):
        for media_type in ("application/octet-stream", "text/html", "", "x"):
            with self.subTest(media_type):
                scene = self.scene()
                data = images.sif(arch=HOST_ARCH)
                url = scene.blob(Reply(data, type=media_type))
                layer = registry.layer_page(registry.kib(data),
                                            registry.digest_of(data), [url],
                                            media_type)
                scene.manifest(REF, page(registry.manifest_page([layer])))
                result = scene.run("-q", REF)
                self.assertPulled(scene, result, data)
                self.assertEqual(result.err, "")

    def test_images_need_no_warning(self):
        for what, data in (
                ("SIF", images.sif(arch=HOST_ARCH)),
                ("SIF made by a library", images.sif(arch=HOST_ARCH,
                                                     launch=False)),
                ("SIF that names no architecture", images.sif(arch="")),
                ("squashfs", images.squashfs())):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=data)
                result = scene.run(REF)
                self.assertPulled(scene, result, data)
                self.assertNotIn("warning", result.err.lower())

    def test_archives_that_are_kept(self):
        inside = images.sif()
        for word, data in (
                ("gzip", images.gzipped(inside)),
                ("zip", images.zipped(inside)),
                ("tar", images.tarred(inside))):
            with self.subTest(word):
                scene = self.scene()
                scene.image(data=data)
                result = scene.run("--no-unpack", REF)
                self.assertPulled(scene, result, data)
                self.assertSays(result, "warning", word)

    def test_strangers_are_installed_with_a_warning(self):
        for word, data in (
                ("web page", servers.html("Expired").body),
                ("", images.noise(5000)),
                ("", b"SIF_MAGIC"),
                ("", b"x")):
            with self.subTest(word, size=len(data)):
                scene = self.scene()
                scene.image(data=data)
                result = scene.run(REF)
                self.assertPulled(scene, result, data)
                self.assertSays(result, "warning", word)

    def test_foreign_architecture(self):
        scene = self.scene()
        data = scene.image(data=images.sif(arch=OTHER_ARCH))
        result = scene.run(REF)
        self.assertPulled(scene, result, data)
        self.assertSays(result, "warning", OTHER_ARCH)

    @unittest.skipIf(HOST_ARCH == "", "SIF knows no such machine")
    def test_foreign_architecture_names_both(self):
        scene = self.scene()
        scene.image(data=images.sif(arch=OTHER_ARCH))
        self.assertSays(scene.run(REF), OTHER_ARCH, HOST_ARCH)

    def test_arch_matches(self):
        for arch in sorted(set(images.ARCH_CODES) - {""}):
            with self.subTest(arch):
                scene = self.scene()
                data = scene.image(data=images.sif(arch=arch))
                result = scene.run("--arch", arch, REF)
                self.assertPulled(scene, result, data)
                self.assertNotIn("warning", result.err.lower())

    def test_arch_as_uname_says_it(self):
        for uname, arch in images.UNAME.items():
            with self.subTest(uname):
                scene = self.scene()
                data = scene.image(data=images.sif(arch=arch))
                self.assertPulled(scene, scene.run("--arch=" + uname, REF),
                                  data)

    def test_arch_does_not_match(self):
        for what, data in (
                ("other SIF", images.sif(arch="arm64")),
                ("SIF that names none", images.sif(arch="")),
                ("squashfs", images.squashfs()),
                ("gzip", images.gzipped(images.sif(arch="arm64")))):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=data)
                self.assertFails(scene.run("--arch", "amd64", REF), 5,
                                 "amd64")
                self.assertFiles(scene)


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
