# SPDX-License-Identifier: MIT
"""A C library that does not do what spull may expect: those of preload/."""

import os
import subprocess

FOLDER = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "preload")


def preload(folder, name, *flags):
    """The environment in which preload/NAME.c is in force; built in folder."""
    library = os.path.join(folder, name + "".join(flags) + ".so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", *flags,
                    "-o", library, os.path.join(FOLDER, name + ".c")],
                   check=True)
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": library,
            "ASAN_OPTIONS": "verify_asan_link_order=0:" + options}
