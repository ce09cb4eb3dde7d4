"""Whether a package's word for its licence is an SPDX expression, which bills keep apart from free text.

SPDX 2.3, annex D, over the identifiers that packages mostly use: what is not among them is text.
"""

from __future__ import annotations

import re

_KNOWN = frozenset(
    """0BSD AFL-2.1 AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-1.0 Artistic-2.0
    BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause BSD-3-Clause BSD-4-Clause BSL-1.0 CC0-1.0 CC-BY-3.0 CC-BY-4.0
    CC-BY-SA-3.0 CC-BY-SA-4.0 CDDL-1.0 CDDL-1.1 EPL-1.0 EPL-2.0 EUPL-1.2 GPL-1.0-or-later GPL-2.0-only
    GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND ICU IJG ISC LGPL-2.0-only LGPL-2.0-or-later
    LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later libpng-2.0 MIT MIT-0 MPL-1.1 MPL-2.0
    NCSA OFL-1.1 OLDAP-2.8 OpenSSL PostgreSQL PSF-2.0 Python-2.0 Ruby SSH-OpenSSH TCL Unicode-3.0
    Unicode-DFS-2016 Unlicense Vim W3C WTFPL X11 Zlib ZPL-2.1 curl bzip2-1.0.6 blessing""".split()
)
_WORD = re.compile(r"[()]|[^\s()]+")


def is_expression(text: str) -> bool:
    """``MIT``, ``Apache-2.0 OR BSD-2-Clause``, ``(MIT AND ISC)``."""
    depth, operand = 0, False
    for word in _WORD.findall(text):
        if word == "(" and not operand:
            depth += 1
        elif word == ")" and operand and depth:
            depth -= 1
        elif word in ("AND", "OR") and operand:
            operand = False
        elif word in _KNOWN and not operand:
            operand = True
        else:
            return False
    return operand and not depth
