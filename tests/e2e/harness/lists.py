# SPDX-License-Identifier: MIT
"""Many references in one call: where they come from, what becomes of them."""

from . import images
from .case import Case


def name_of(ref):
    container, tag = ref.rsplit(":", 1)
    return "%s_%s.sif" % (container.split("/")[-1], tag)


class Lists(Case):
    def publish(self, scene, count, container="lab/tool", **how):
        """So many images; their references and bytes, in order."""
        found = {}
        for number in range(count):
            ref = "%s:%d" % (container, number)
            data = images.sif(images.DATA + 4096 + number, seed=number)
            found[ref] = scene.image(ref, data, **how)
        return found

    def list_of(self, scene, text, name="images.txt"):
        scene.put(name, text.encode())
        return name

    def assertAll(self, scene, found, *others):
        for ref, data in found.items():
            self.assertImage(scene.path(name_of(ref)), data)
        self.assertFiles(scene, *[name_of(ref) for ref in found], *others)
