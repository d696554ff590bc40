# SPDX-License-Identifier: MIT
"""A static registry on disk as a mirror makes it: is what it serves sound?"""

import json
import os
import posixpath

from . import images

INDEX = "index.html"


class Unsound(AssertionError):
    """The tree promises something that is not there."""


def read(path):
    with open(path, "rb") as file:
        return file.read()


def document(*parts):
    return json.loads(read(os.path.join(*parts, INDEX)))


def containers(root):
    """Those that have a list of tags."""
    for where, folders, names in os.walk(root):
        folders.sort()
        if os.path.basename(where) == "tags" and INDEX in names:
            yield os.path.relpath(os.path.dirname(where), root)


def tags(root, container):
    return document(root, container, "tags")["tags"]


def layer(root, container, tag):
    manifest = document(root, container, "manifests", tag)
    if len(manifest["layers"]) != 1:
        raise Unsound("%s:%s: %r" % (container, tag, manifest))
    return manifest["layers"][0]


def blob_path(root, container, tag, url):
    """Where a relative URL leads on disk; it must not leave the tree."""
    base = "/%s/manifests/%s/" % (container, tag)
    path = posixpath.normpath(posixpath.join(base, url))
    if url.count("../") != base.count("/") - 1:
        raise Unsound("%s of %s" % (url, base))
    return root + path


def check_image(root, container, tag, known):
    one = layer(root, container, tag)
    path = blob_path(root, container, tag, one["urls"][0])
    state = os.stat(path)
    key = (path, state.st_ino, state.st_mtime_ns, state.st_size)
    if key not in known:
        known[key] = images.sha256(read(path))
    if one["size"] != state.st_size or \
            one["digest"] != "sha256:" + known[key] or \
            os.path.basename(path) != known[key]:
        raise Unsound("%s:%s: %r, but %s has %d bytes of %s" % (
            container, tag, one, path, state.st_size, known[key]))


def check(root, known=None):
    """Every tag that is listed has a sound manifest, and its blob is there.
    Returns what is listed: container -> tags."""
    known = {} if known is None else known
    found = {}
    for container in containers(root):
        found[container] = tags(root, container)
        for tag in found[container]:
            check_image(root, container, tag, known)
    return found


def snapshot(root):
    """All that a run that changes nothing must leave as it was."""
    found = {}
    for where, folders, names in os.walk(root):
        for name in [""] + names:
            path = os.path.join(where, name)
            state = os.lstat(path)
            found[os.path.relpath(path, root)] = (
                state.st_ino, state.st_mtime_ns, state.st_size,
                images.sha256(read(path))
                if name and not os.path.islink(path) else None)
    return found


def files(root):
    """The same without folders."""
    return {name: state for name, state in snapshot(root).items()
            if state[3] is not None}


def blobs(root):
    """The names of all blobs, and of what else lies there."""
    folder = os.path.join(root, "blobs", "sha256")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []
