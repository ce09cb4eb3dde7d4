"""Rung: the whole container stack as one package, a ladder of open standards.

Each subpackage is one rung; imports go down the ladder only:
``cli`` > ``image`` > ``runtime`` > ``trace`` > ``kernel``, ``spec`` > the leaves
in this folder (``record``, ``errors``, ``jsonc``), which import nothing of Rung.
"""

__version__ = "0.1.0"
