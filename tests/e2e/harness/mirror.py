# SPDX-License-Identifier: MIT
"""Scenes whose working directory has a tree that spull mirrors into, and what
must be in it."""

import os

from . import images, registry, spull, tree
from .case import Case
from .servers import page

OLD = 8 * 86400


class Mirror(Case):
    """The tree of each test is scene.path("tree")."""

    def mirror(self, scene, *args, code=0, **more):
        result = scene.run("mirror", "tree", *args, **more)
        self.assertExit(result, code)
        return result

    def tree(self, scene):
        return scene.path("tree")

    def publish(self, scene, container, seeds, **how):
        """seeds: tag -> seed of an image. Returns tag -> bytes."""
        found = {}
        for tag, seed in seeds.items():
            found[tag] = scene.image("%s:%s" % (container, tag),
                                     images.sif(seed=seed), **how)
        scene.tags(container, page(registry.tags_page(container,
                                                      list(seeds))))
        return found

    def blob(self, scene, data):
        return os.path.join(self.tree(scene), "blobs", "sha256",
                            images.sha256(data))

    def assertPinned(self, result, expected):
        """expected: COLLECTION/NAME:TAG -> bytes."""
        self.assertEqual(sorted(result.lines), sorted(
            "%s@sha256:%s" % (ref, images.sha256(data))
            for ref, data in expected.items()), result)

    def assertTree(self, scene, expected, also=()):
        """Exactly these images, and not a file more but what also names."""
        root = self.tree(scene)
        found = tree.check(root)
        self.assertEqual({(container, tag) for container, tags in found.items()
                          for tag in tags},
                         {tuple(ref.rsplit(":", 1)) for ref in expected})
        files = set(also)
        for ref, data in expected.items():
            container, tag = ref.rsplit(":", 1)
            files |= {"%s/manifests/%s/index.html" % (container, tag),
                      "%s/tags/index.html" % container,
                      "blobs/sha256/" + images.sha256(data)}
            with open(self.blob(scene, data), "rb") as file:
                self.assertEqual(file.read(), data)
        self.assertEqual({name for name in spull.files(root)
                          if not os.path.isdir(os.path.join(root, name))},
                         files)
