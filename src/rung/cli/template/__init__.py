"""Go's text/template, the part of it that people write after docker's ``--format``.

Fields, pipelines, variables, ``if``, ``with``, ``range``, trimming, Go's functions and docker's
(``json``, ``join``, ``split``, ``upper`` ...). Rule: a template is parsed once and executed over
plain values (dicts, lists, text, numbers); ``define``, ``template`` and ``block`` are refused.

    Template('{{.Repository}}:{{.Tag}}').execute({"Repository": "debian", "Tag": "trixie"})
"""

from rung.cli.template.execute import Template

__all__ = ["Template"]
