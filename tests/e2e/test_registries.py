#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Registries of all kinds (http, https, file, directories, a web server that
answers as GitHub Pages does) and what must never lead from one to another."""

import os

from harness import images, registry, servers
from harness.case import Case, main
from harness.nginx import Nginx
from harness.servers import FaultServer, Reply, page, redirect

REF = "vanessa/greeting:asciiart"
NAME = "greeting_asciiart.sif"


class OnDisk(Case):
    """A directory, by any of its names."""

    FOLDERS = ["registry", "with space", "per%20cent", "per%cent", "hash#tag",
               "question?mark", "plus+and&", "k\u00e4se", "quo'te\"s",
               "semi;colon", "at@sign", "[registry]", "deep/er/one",
               "back\\slash", "colon:80", "~tilde"]

    def make(self, scene, folder):
        where = registry.Registry(os.path.join(scene.folder, folder))
        where.add("vanessa/greeting:latest", images.sif(seed=1))
        where.add(REF, images.sif())
        return where.folder

    def check(self, scene, name, **how):
        """One registry, asked everything."""
        how.setdefault("env", {"SPULL_REGISTRY": None})
        result = scene.run("tags", "-r", name, "vanessa/greeting", **how)
        self.assertEqual(result.lines, ["latest", "asciiart"], result)
        result = scene.run("resolve", "-r", name, REF, **how)
        self.assertEqual(result.lines, [
            "%s@sha256:%s" % (REF, images.sha256(images.sif()))], result)
        result = scene.run("-r", name, REF, **how)
        self.assertPulled(scene, result, images.sif(), NAME)

    def test_directories(self):
        for folder in self.FOLDERS:
            with self.subTest(folder):
                scene = self.scene()
                self.check(scene, self.make(scene, folder))

    def test_bytes_that_are_no_utf8(self):
        scene = self.scene()
        self.check(scene, self.make(scene, os.fsdecode(b"bytes-\xff\xfe")))

    def test_relative_directories(self):
        for relative in ("../registry", "../registry/", "./../registry",
                         "../registry//"):
            with self.subTest(relative):
                scene = self.scene()
                self.make(scene, "registry")
                self.check(scene, relative)

    def test_directory_in_the_working_directory(self):
        for name in ("mine", "./mine", "."):
            with self.subTest(name):
                scene = self.scene()
                folder = self.make(scene, "mine")
                result = scene.run("-r", name, "-d", scene.cwd, REF,
                                   cwd=folder if name == "." else scene.folder)
                self.assertExit(result, 0)
                self.assertImage(scene.path(NAME), images.sif())

    def test_file_urls(self):
        for form in ("file://{}", "file://{}/", "file://localhost{}"):
            with self.subTest(form):
                scene = self.scene()
                self.check(scene, form.format(self.make(scene, "registry")))

    def test_file_url_is_percent_encoded(self):
        scene = self.scene()
        folder = self.make(scene, "with space")
        self.check(scene, "file://" + folder.replace(" ", "%20"))

    def test_file_url_of_another_host(self):
        scene = self.scene()
        folder = self.make(scene, "registry")
        self.assertFails(scene.run("-r", "file://elsewhere" + folder, REF), 2)

    def test_absolute_file_urls_in_a_manifest_on_disk(self):
        scene = self.scene()
        where = registry.Registry(os.path.join(scene.folder, "registry"))
        path = where.write("blobs/image.sif", images.sif())
        where.add(REF, images.sif(), urls=["file://" + path])
        result = scene.run("-r", where.folder, REF)
        self.assertPulled(scene, result, images.sif(), NAME)

    def test_manifest_on_disk_may_lead_to_http(self):
        scene = self.scene()
        where = registry.Registry(os.path.join(scene.folder, "registry"))
        url = scene.blob(Reply(images.sif()))
        where.add(REF, images.sif(), urls=[url])
        result = scene.run("-r", where.folder, REF)
        self.assertPulled(scene, result, images.sif(), NAME)

    def test_nothing_there(self):
        scene = self.scene()
        folder = self.make(scene, "registry")
        for what, args, code in (
                ("no directory", ["-r", folder + "-not", REF], 3),
                ("no container", ["-r", folder, "vanessa/nope"], 3),
                ("no tag", ["-r", folder, "vanessa/greeting:nope"], 3),
                ("no tags", ["tags", "-r", folder, "vanessa/nope"], 3)):
            with self.subTest(what):
                self.assertFails(scene.run(*args), code)
        os.unlink(os.path.join(
            folder, "vanessa/greeting/manifests/asciiart/image.sif"))
        self.assertFails(scene.run("-r", folder, REF), 3, "image.sif")
        self.assertFiles(scene)

    def test_odd_things_on_disk(self):
        """A folder or pipe where a document or blob should be: no hang."""
        scene = self.scene()
        folder = self.make(scene, "registry")
        manifest = os.path.join(folder, "vanessa/greeting/manifests")
        blob = os.path.join(manifest, "asciiart/image.sif")
        os.unlink(blob)
        os.mkdir(blob)
        self.assertNotIn(scene.run("-r", folder, REF).code, (0, 1))
        os.rmdir(blob)
        os.mkfifo(blob)
        self.assertNotIn(scene.run("-r", folder, REF).code, (0, 1))
        self.assertFiles(scene)


class Web(Case):
    """nginx, as GitHub Pages and as an object store."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.class_folder()
        cls.registry = registry.Registry(os.path.join(folder, "registry"))
        cls.registry.add("vanessa/greeting:latest", images.sif(seed=1))
        cls.registry.add(REF, images.sif())
        cls.registry.add("bare/fs:1", images.squashfs(), size="bytes")
        cls.nginx = Nginx(cls.registry.folder, os.path.join(folder, "nginx"))
        cls.addClassCleanup(cls.nginx.stop)

    def test_pages(self):
        for base in (self.nginx.base, self.nginx.base + "/",
                     "http://localhost:%d" % self.nginx.port):
            with self.subTest(base):
                scene = self.scene()
                result = scene.run("tags", "-r", base, "vanessa/greeting")
                self.assertEqual(result.lines, ["latest", "asciiart"], result)
                self.assertPulled(scene, scene.run("-r", base, REF),
                                  images.sif(), NAME)
                self.assertFails(
                    scene.run("-r", base, "vanessa/greeting:nope"), 3, "404")
                self.assertFails(
                    scene.run("tags", "-r", base, "vanessa/nope"), 3, "404")

    def test_without_index(self):
        """Folders are 403, as in a plain object store."""
        folder = self.class_folder()
        with Nginx(self.registry.folder, os.path.join(folder, "nginx"),
                   extra="index none;") as nginx:
            scene = self.scene()
            result = scene.run("tags", "-r", nginx.base, "vanessa/greeting")
            self.assertEqual(result.lines, ["latest", "asciiart"], result)
            self.assertPulled(scene, scene.run("-r", nginx.base, REF),
                              images.sif(), NAME)

    def test_with_listings(self):
        folder = self.class_folder()
        with Nginx(self.registry.folder, os.path.join(folder, "nginx"),
                   extra="index none; autoindex on;") as nginx:
            scene = self.scene()
            result = scene.run("tags", "-r", nginx.base, "vanessa/greeting")
            self.assertEqual(result.lines, ["latest", "asciiart"], result)
            self.assertPulled(scene, scene.run("-r", nginx.base, REF),
                              images.sif(), NAME)

    def test_modes(self):
        """0777 less the umask, whatever the registry's file has."""
        for umask in (0o000, 0o022, 0o027, 0o077):
            with self.subTest("%03o" % umask):
                scene = self.scene()
                result = scene.run(
                    "-r", self.nginx.base, REF,
                    preexec_fn=lambda umask=umask: os.umask(umask))
                self.assertExit(result, 0)
                self.assertImage(scene.path(NAME), images.sif(), umask)

    def test_several_images(self):
        scene = self.scene()
        result = scene.run("-r", self.nginx.base, REF, "vanessa/greeting",
                           "bare/fs:1")
        self.assertExit(result, 0)
        self.assertEqual(result.lines, [NAME, "greeting_latest.sif",
                                        "fs_1.sif"])
        self.assertImage(scene.path("fs_1.sif"), images.squashfs())
        self.assertFiles(scene, *result.lines)


class Secure(Case):
    """https with a private authority, and no way out of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ca = cls.authority()
        cls.secure = FaultServer(cls.ca.issue()).start()
        cls.addClassCleanup(cls.secure.stop)

    def secure_scene(self):
        scene = self.scene(self.secure)
        scene.env["SSL_CERT_FILE"] = self.ca.ca_file
        return scene

    def test_ca_file(self):
        bare = {"SSL_CERT_FILE": None}
        rc = "ca-file = %s\n" % self.ca.ca_file
        for what, args, env, file in (
                ("--ca-file", ["--ca-file", self.ca.ca_file], {}, ""),
                ("SSL_CERT_FILE", [], {"SSL_CERT_FILE": self.ca.ca_file}, ""),
                ("CURL_CA_BUNDLE", [], {"CURL_CA_BUNDLE": self.ca.ca_file},
                 ""),
                ("SPULL_CA_FILE", [], {"SPULL_CA_FILE": self.ca.ca_file}, ""),
                ("~/.spullrc", [], {}, rc)):
            with self.subTest(what):
                scene = self.secure_scene()
                data = scene.image()
                scene.rc(file)
                result = scene.run(*args, "vanessa/greeting",
                                   env=dict(bare, **env))
                self.assertPulled(scene, result, data)

    def test_unknown_authority(self):
        scene = self.secure_scene()
        scene.image()
        result = scene.run("vanessa/greeting", env={"SSL_CERT_FILE": None})
        self.assertFails(result, 4, "certificate", "--ca-file", "127.0.0.1")
        self.assertEqual(scene.requests(), [])
        self.assertFiles(scene)

    def test_ca_file_that_is_not_there(self):
        scene = self.secure_scene()
        scene.image()
        result = scene.run("--ca-file", "/nope/ca.pem", "vanessa/greeting")
        self.assertExit(result, 2)
        self.assertSays(result, "/nope/ca.pem")
        self.assertEqual(scene.requests(), [])

    def test_certificate_of_another_host(self):
        server = FaultServer(self.ca.issue("DNS:elsewhere.invalid")).start()
        self.addCleanup(server.stop)
        scene = self.scene(server)
        scene.image()
        self.assertFails(scene.run("--ca-file", self.ca.ca_file,
                                   "vanessa/greeting"), 4, "127.0.0.1")
        self.assertEqual(scene.requests(), [])

    def test_redirect_to_http(self):
        """https never falls back to http: nothing is asked there."""
        plain = self.scene()
        target = plain.blob(Reply(images.sif()))
        for what, status in (("moved", 301), ("found", 302), ("other", 307)):
            with self.subTest(what):
                scene = self.secure_scene()
                scene.image(reply=redirect(target, status))
                self.assertFails(scene.run("vanessa/greeting"), 5, "https")
                self.assertFiles(scene)
        self.assertEqual(plain.requests(), [])

    def test_document_redirected_to_http(self):
        plain = self.scene()
        plain.image()
        for command in (["vanessa/greeting"], ["tags", "vanessa/greeting"]):
            with self.subTest(command):
                scene = self.secure_scene()
                scene.manifest("vanessa/greeting:latest", redirect(
                    plain.base + "/vanessa/greeting/manifests/latest/"))
                scene.tags("vanessa/greeting", redirect(
                    plain.base + "/vanessa/greeting/tags/"))
                self.assertFails(scene.run(*command), 5, "https")
        self.assertEqual(plain.requests(), [])

    def test_manifest_that_names_http(self):
        plain = self.scene()
        url = plain.blob(Reply(images.sif()))
        scene = self.secure_scene()
        scene.image(urls=[url])
        self.assertFails(scene.run("vanessa/greeting"), 5, "https")
        self.assertEqual(plain.requests(), [])
        self.assertFiles(scene)

    def test_redirect_within_https(self):
        scene = self.secure_scene()
        data = images.sif()
        scene.on("/signed", Reply(data))
        scene.image(data=data, reply=redirect(
            self.secure.url(scene.prefix + "/signed?x=1", "localhost")))
        self.assertPulled(scene, scene.run("vanessa/greeting"), data)

    def test_http_may_lead_to_https(self):
        secure = self.secure_scene()
        data = images.sif()
        url = secure.blob(Reply(data))
        for what, how in (("url", {"urls": [url]}),
                          ("redirect", {"reply": redirect(url)})):
            with self.subTest(what):
                scene = self.scene()
                scene.image(data=data, **how)
                self.assertPulled(scene, scene.run(
                    "--ca-file", self.ca.ca_file, "vanessa/greeting"), data)

    def test_nginx(self):
        folder = self.class_folder()
        where = registry.Registry(os.path.join(folder, "registry"))
        where.add(REF, images.sif(300000))
        with Nginx(where.folder, os.path.join(folder, "nginx"),
                   self.ca.issue()) as nginx:
            scene = self.scene()
            result = scene.run("-r", nginx.base, "--ca-file", self.ca.ca_file,
                               REF)
            self.assertPulled(scene, result, images.sif(300000), NAME)


class NeverToFiles(Case):
    """A document from http or https never leads to a file."""

    def secret(self, scene):
        path = os.path.join(scene.folder, "secret.sif")
        with open(path, "wb") as file:
            file.write(images.sif())
        return "file://" + path

    def test_urls(self):
        for form in ("{}", "{}?x"):
            with self.subTest(form):
                scene = self.scene()
                scene.image(urls=[form.format(self.secret(scene))])
                self.assertFails(scene.run("vanessa/greeting"), 5, "file")
                self.assertFiles(scene)

    def test_upper_case(self):
        scene = self.scene()
        url = self.secret(scene).replace("file:", "FILE:")
        scene.image(urls=[url])
        self.assertFails(scene.run("vanessa/greeting"), 5)
        self.assertFiles(scene)

    def test_redirects(self):
        scene = self.scene()
        scene.image(reply=redirect(self.secret(scene)))
        self.assertFails(scene.run("vanessa/greeting"), 5, "file")
        self.assertFiles(scene)

    def test_document_redirects(self):
        scene = self.scene()
        where = registry.Registry(os.path.join(scene.folder, "registry"))
        where.add("vanessa/greeting:latest", images.sif())
        scene.manifest("vanessa/greeting:latest", redirect(
            "file://%s/vanessa/greeting/manifests/latest/index.html"
            % where.folder))
        self.assertFails(scene.run("vanessa/greeting"), 5, "file")

    def test_other_schemes(self):
        for url in ("ftp://127.0.0.1/x", "gopher://127.0.0.1/x",
                    "dict://127.0.0.1/x", "data:,x", "javascript:x",
                    "ldap://127.0.0.1/x", "scp://127.0.0.1/x"):
            with self.subTest(url):
                scene = self.scene()
                scene.image(urls=[url])
                self.assertFails(scene.run("vanessa/greeting"), 5)
                scene.image(reply=redirect(url))
                self.assertFails(scene.run("vanessa/greeting"), 5)
                self.assertFiles(scene)


class Proxies(Case):
    """They come from the variables that curl's users know."""

    def test_http_proxy(self):
        scene = self.scene()
        data = images.sif()
        port, holder = servers.unused_port()
        self.addCleanup(holder.close)
        # A proxy gets the whole address as the request's target.
        base = "http://registry.invalid:%d" % port
        text = registry.manifest_of(data, ["image.sif"])
        self.server.on(base + "/vanessa/greeting/manifests/latest/",
                       page(text))
        self.server.on(base + "/vanessa/greeting/manifests/latest/image.sif",
                       Reply(data))
        result = scene.run("-r", base, "vanessa/greeting",
                           env={"http_proxy": self.server.url()})
        self.assertPulled(scene, result, data)

    def test_no_proxy(self):
        scene = self.scene()
        data = scene.image()
        port, holder = servers.unused_port()
        self.addCleanup(holder.close)
        proxy = "http://127.0.0.1:%d" % port
        result = scene.run("vanessa/greeting", env={
            "http_proxy": proxy, "no_proxy": "127.0.0.1"})
        self.assertPulled(scene, result, data)
        self.assertExit(scene.run("vanessa/greeting:other",
                                  env={"http_proxy": proxy}), 4)


if __name__ == "__main__":
    main()
