#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""spull check on a folder: as it is served, and as a generator renders it."""

import os

from harness import images, registry
from harness.case import main
from harness.check import C, Tree
from harness.engine import MIB, REF
from harness.servers import Reply, not_found


class Folders(Tree):
    """What only a directory can show."""

    def test_unlisted(self):
        self.add()
        self.add(C + ":old")
        self.made.write(C + "/tags/index.html",
                        registry.tags_page(C, ["old", "gone"]))
        found = self.assertFinds(self.run_check(), "E-tag-phantom",
                                 "W-tag-unlisted")
        self.assertEqual([finding.place[len(self.root) + 1:]
                          for finding in found],
                         [C + "/tags/index.html",
                          C + "/manifests/latest/index.html"])

    def test_containers_that_are_not_there(self):
        """Each of those that were named is told, and not the first alone."""
        self.add()
        os.makedirs(os.path.join(self.root, "x/y/tags"))
        found = self.assertFinds(self.run_check("a/b", C, "x/y", "c/d:e"),
                                 *["E-tags-missing"] * 3, status=3)
        self.assertEqual([finding.place[len(self.root) + 1:]
                          for finding in found],
                         [name + "/tags/index.html"
                          for name in ("a/b", "x/y", "c/d")])
        self.assertFinds(self.run_check())

    def test_no_list(self):
        self.add()
        os.remove(os.path.join(self.root, C, "tags/index.html"))
        self.assertFinds(self.run_check(), "E-tags-missing")

    def test_broken_list(self):
        """What it does not list is not held against the manifests."""
        self.add()
        self.made.write(C + "/tags/index.html", b"{")
        self.assertFinds(self.run_check(), "E-json")
        self.assertFinds(self.run_check(REF), "E-json")

    def test_names_that_cannot_be(self):
        self.add()
        self.made.write(C + "/manifests/a b/index.html", b"{}")
        self.made.write("alone/tags/index.html", b"{}")
        self.made.write("two words/x/tags/index.html", b"{}")
        found = self.assertFinds(self.run_check(), *["W-name"] * 3)
        self.assertEqual([finding.place[len(self.root) + 1:]
                          for finding in found],
                         ["alone", "two words/x", C + "/manifests/a b"])

    def test_relative_urls(self):
        """Within the registry they are fine, doubled slashes and all."""
        data = images.sif()
        self.made.write("blobs//x.sif", data)
        self.add(urls=["../../../../blobs//x.sif"])
        self.assertFinds(self.run_check("--deep", "--strict"))

    def test_addresses_that_lead_out(self):
        secret = os.path.join(self.folder, "secret")
        data = images.sif(123456, seed=7)
        with open(secret, "wb") as file:
            file.write(data)
        for url in ("../../../../../secret", "file://" + secret):
            self.made.tags.clear()
            self.add(urls=[url])
            result = self.run_check("--deep")
            self.assertIn("E-url-outside", result.out)
            self.assertExit(result, 5)
            self.assertNotIn("123456", result.out)
            self.assertNotIn(images.sha256(data), result.out)
        self.made.write(C + "/manifests/latest/index.html",
                        registry.manifest_of(b"x" * 2 * MIB, ["image.sif"],
                                             "bytes"))
        self.link(secret, C + "/manifests/latest/image.sif")
        self.assertFinds(self.run_check("--deep"), "E-url-outside")

    def test_links_that_lead_out(self):
        self.add()
        outside = os.path.join(self.folder, "outside")
        os.makedirs(outside)
        with open(os.path.join(outside, "index.html"), "w") as file:
            file.write("root:x:0:0")
        self.link(outside, C + "/manifests/out")
        self.link(os.path.join(outside, "index.html"),
                  C + "/manifests/file/index.html")
        result = self.run_check()
        found = self.assertFinds(result, "E-link", "E-link")
        self.assertNotIn("root:x", result.out)
        self.assertEqual([finding.place[len(self.root) + 1:]
                          for finding in found],
                         [C + "/manifests/file/index.html",
                          C + "/manifests/out/index.html"])

    def test_links_within(self):
        self.add(C + ":1.2")
        self.link("1.2", C + "/manifests/latest")
        self.made.write(C + "/tags/index.html",
                        registry.tags_page(C, ["1.2", "latest"]))
        result = self.run_check("--deep")
        self.assertFinds(result)
        self.assertSays(result, "2 manifests")

    def test_circles(self):
        self.add()
        self.link(".", "self")
        self.link("../..", "vanessa/up")
        self.link("loop", "loop")
        self.link("/", "everything")
        self.link(self.root, C + "/manifests/root")
        self.link("circle", C + "/manifests/circle")
        result = self.run_check()
        self.assertFinds(result)
        self.assertSays(result, "1 container,")

    def test_special_files(self):
        self.add()
        for name in ("README.md", "Singularity"):
            os.mkfifo(os.path.join(self.root, C, "manifests/latest", name))
        os.makedirs(os.path.join(self.root, C, "manifests/pipe"))
        os.mkfifo(os.path.join(self.root, C, "manifests/pipe/index.html"))
        self.made.write("x/y/tags/index.html", registry.tags_page("x/y", []))
        self.add("x/y:z", urls=["pipe.sif"])
        os.mkfifo(os.path.join(self.root, "x/y/manifests/z/pipe.sif"))
        found = self.assertFinds(self.run_check("--deep"), "E-blob-missing",
                                 "W-size-unit")
        self.assertEqual(found[0].text.count("pipe.sif"), 1)

    def test_deep_folders(self):
        self.add()
        self.made.write("/".join("d" * 20) + "/x", b"")
        self.assertFinds(self.run_check(), "E-limit")

    def test_files_that_may_not_be_read(self):
        if os.geteuid() == 0:
            self.skipTest("root may read everything")
        self.add()
        os.chmod(os.path.join(self.root, C, "manifests/latest/index.html"), 0)
        self.assertFinds(self.run_check(), "E-document")

    def test_long_document(self):
        self.add()
        self.made.write(C + "/manifests/latest/index.html",
                        b"{" + b" " * (5 * MIB))
        self.assertFinds(self.run_check(), "E-document")

    def test_web_page_in_place_of_a_manifest(self):
        self.add()
        self.made.write(C + "/manifests/latest/index.html", b"<html></html>")
        self.assertFinds(self.run_check(), "E-json")

    def test_nested_namespaces(self):
        self.add("a/b:1")
        self.add("a/b/c:1")
        self.add("a/b/c/d:1")
        self.assertSays(self.run_check(), "3 containers, 3 manifests")

    def test_git_and_other_folders(self):
        self.add()
        self.made.write(".git/x/y/tags/index.html", b"")
        self.made.write("_layouts/manifests/singularity.html", b"{{ page }}")
        self.made.write("assets/js/x.js", b"")
        self.made.write("_site/lab/x/tags/index.html", b"{")
        self.assertFinds(self.run_check("--strict"))


FRONT = """---
layout: manifests/singularity
size: %s
digest: %s
layers:
- size: %s
  digest: "%s"
  url: "%s"
---

# How it was made
"""


class Generator(Tree):
    """The generator's own layout: recipes, and pages with front matter."""

    def source(self, tag, size=2000000, digest="sha256:" + "1" * 64,
               url="image.sif"):
        self.made.write("%s/manifests/%s/README.md" % (C, tag),
                        (FRONT % (size, digest, size, digest, url)).encode())

    def recipe(self, tag):
        self.made.write("%s/manifests/%s/Singularity" % (C, tag),
                        b"Bootstrap: docker\nFrom: debian\n")

    def test_sound(self):
        data = images.sif()
        self.source("latest", len(data), registry.digest_of(data))
        self.recipe("latest")
        self.made.write(C + "/manifests/latest/image.sif", data)
        self.made.write(C + "/README.md", b"---\nlayout: collection\n---\n")
        self.made.write(C + "/manifests/README.md", b"---\nlayout: tags\n---\n")
        self.made.write(C + "/tags/index.html", b"---\nlayout: tags\n---\n")
        self.assertFinds(self.run_check("--deep", "--strict"))

    def test_judged_like_manifests(self):
        md5 = "md5:a1025471b564766d08bdf2cb062c795c"
        for how, codes in (({"size": 54372}, ["W-size-unit"]),
                           ({"digest": md5}, ["E-digest-weak"]),
                           ({"digest": "sha256:1"}, ["E-digest", "W-config"]),
                           ({"url": "http:/x"}, ["E-url"]),
                           ({"size": "2 MB"}, ["E-front-matter"]),
                           ({"digest": "|"}, ["E-front-matter"])):
            with self.subTest(how):
                self.source("latest", **how)
                found = self.assertFinds(self.run_check("--no-blobs"), *codes)
                self.assertTrue(found[0].place.endswith(
                    C + "/manifests/latest/README.md"))

    def test_due_to_be_built(self):
        self.source("latest")
        self.recipe("latest")
        self.recipe("new")
        result = self.run_check("--no-blobs", "--strict")
        found = self.assertFinds(result, "N-recipe-due")
        self.assertTrue(found[0].place.endswith(
            C + "/manifests/new/Singularity"))
        self.assertSays(result, "1 manifest,")

    def test_no_front_matter(self):
        self.made.write(C + "/manifests/latest/README.md", b"# An image\n")
        self.assertFinds(self.run_check(), "E-front-matter")

    def test_beside_what_it_renders(self):
        self.add()
        self.made.write(C + "/manifests/latest/README.md", b"# An image\n")
        self.recipe("latest")
        self.assertFinds(self.run_check())
        self.source("latest", 54372)
        self.assertFinds(self.run_check("--no-blobs"), "W-size-unit",
                         "W-size-unit")

    def test_page_with_front_matter(self):
        self.source("latest", 54372)
        folder = os.path.join(self.root, C, "manifests/latest/")
        os.rename(folder + "README.md", folder + "index.html")
        found = self.assertFinds(self.run_check("--no-blobs"), "W-size-unit")
        self.assertTrue(found[0].place.endswith("latest/index.html"))

    def test_pull_request_that_adds_one_tag(self):
        self.source("latest")
        self.source("new", 54372)
        self.assertFinds(self.run_check("--no-blobs", C + ":new"),
                         "W-size-unit")

    def test_a_tag_that_is_not_there(self):
        """It is an error of the registry that has been asked for it, as it is
        on a server; once in a message, and once among the findings."""
        self.source("latest")
        result = self.run_check("--no-blobs", C + ":newer")
        found = self.assertFinds(result, "E-document", status=3)
        self.assertTrue(found[0].place.endswith(
            C + "/manifests/newer/index.html"))
        self.assertEqual(result.err.count(C + ":newer"), 1)

    def test_blobs_on_a_server(self):
        data = images.sif()
        self.source("latest", len(data), registry.digest_of(data),
                    self.world.blob(Reply(data)))
        self.assertFinds(self.run_check("--deep"))
        self.world.blob(not_found())
        self.assertFinds(self.run_check(), "E-blob-missing", "W-size-unit")


if __name__ == "__main__":
    main()
