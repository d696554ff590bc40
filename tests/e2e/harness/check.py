# SPDX-License-Identifier: MIT
"""What spull check prints, line by line, and registries for it to look at: on a
server, and in a folder."""

import os
import re

from . import images, registry
from .case import Case
from .engine import REF
from .servers import Reply, page

C = "vanessa/greeting"
LINE = re.compile(r"(.+?): (note|warning|error) ([NWE]-[a-z-]+): (.+)")
SEVERITY = {"N": "note", "W": "warning", "E": "error"}


class Finding:
    def __init__(self, place, severity, code, text):
        self.place, self.severity = place, severity
        self.code, self.text = code, text
        assert severity == SEVERITY[code[0]], code


def layer(size, digest, urls, **more):
    return registry.layer_page(size, digest, urls, **more)


class Check(Case):
    def findings(self, result):
        """Each line of stdout is one."""
        self.assertPrintable(result)
        matches = [LINE.fullmatch(line) for line in result.lines]
        self.assertNotIn(None, matches, result)
        return [Finding(*match.groups()) for match in matches]

    def assertFinds(self, result, *codes, status=None):
        """These codes in this order, and the exit status that they mean."""
        found = self.findings(result)
        self.assertEqual([finding.code for finding in found], list(codes),
                         result)
        if status is None:
            status = 5 if any(code[0] == "E" for code in codes) else 0
        self.assertExit(result, status)
        return found

    def publish(self, scene, layers, config=None, tags=("latest",)):
        """A tag list, and the same manifest for all tags."""
        scene.tags(C, page(registry.tags_page(C, tags)))
        for tag in tags:
            scene.manifest("%s:%s" % (C, tag), page(registry.manifest_page(
                layers, config or registry.layer_page(
                    None, None, None, registry.CONFIG))))

    def image(self, scene, reply=None, size="bytes", data=None, **more):
        """One image as it should be, but for what is said."""
        data = images.sif() if data is None else data
        url = scene.blob(reply or Reply(data), path="/blobs/%d" % len(data))
        stated = {"bytes": len(data), "kib": registry.kib(data)}.get(size, size)
        digest = more.pop("digest", registry.digest_of(data))
        self.publish(scene, [layer(stated, digest, more.pop("urls", [url]))],
                     **more)
        return data

    def check(self, scene, *args, names=(C,), **more):
        return scene.run("check", scene.base, *names, *args, **more)


class Tree(Check):
    """A registry in a directory."""

    def setUp(self):
        super().setUp()
        self.made = registry.Registry(os.path.join(self.folder, "registry"))
        self.root = self.made.folder
        self.world = self.scene()

    def run_check(self, *args):
        return self.world.run("check", self.root, *args)

    def add(self, ref=REF, **more):
        self.made.add(ref, images.sif(), size="bytes", **more)

    def link(self, to, name):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(to, path)
