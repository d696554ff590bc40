# SPDX-License-Identifier: MIT
"""Text from strangers that would move a cursor, or turn what follows around."""

HOSTILE = ("\x1b]0;owned\x07\x1b[2J\r\b\u202egnp.fis\u200b\u2028\x9b1m"
           "\u00ad\u061c\ufff9\U000e0041")
