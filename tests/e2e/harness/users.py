# SPDX-License-Identifier: MIT
"""Commands that another user than this one is to run."""

import os
import shutil

NOBODY = 65534
# setpriv keeps root's rights until the command runs: so that may lie where
# nobody else can look, as below /root.
CAN_CHANGE = os.geteuid() == 0 and shutil.which("setpriv") is not None
IS_ALMIGHTY = os.geteuid() == 0 and not CAN_CHANGE


def as_user(user, group=None):
    """What is put before the command; group: one that it has beside."""
    more = "--clear-groups" if group is None else "--groups=%d" % group
    return ["setpriv", "--reuid=%d" % user, "--regid=%d" % user, more,
            "--inh-caps=-all"]


def as_nobody():
    return as_user(NOBODY)


def as_anybody_but_root():
    """What is put before a command that permissions are to hold for."""
    return as_nobody() if os.geteuid() == 0 else []
