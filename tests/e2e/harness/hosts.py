# SPDX-License-Identifier: MIT
"""A second host on this one: another pid namespace, whose processes can't be
seen to live or die."""

import shutil
import subprocess

SPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def why_no_space():
    """"", or why there are no pid namespaces here."""
    if shutil.which("unshare") is None:
        return "there is no unshare"
    probe = subprocess.run(SPACE + ["true"], check=False,
                           stderr=subprocess.PIPE, text=True)
    return "" if probe.returncode == 0 else probe.stderr.strip()


WHY_NO_SPACE = why_no_space()


def child_of(process):
    """The process that unshare started, as it is numbered out here."""
    path = "/proc/%d/task/%d/children" % (process.pid, process.pid)
    with open(path) as file:
        return int(file.read())
