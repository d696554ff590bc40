#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Addresses of blobs as they really are."""

from harness import images, registry, servers
from harness.case import Case, main
from harness.engine import REF
from harness.servers import Reply, page, redirect


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


if __name__ == "__main__":
    main()
