"""Go's templates, the part of them that docker's ``--format`` is used with."""

from __future__ import annotations

import pytest

from rung.cli.template import Template
from rung.errors import RungError

VALUE = {
    "Name": "web",
    "Size": 12,
    "Ratio": 1.5,
    "Done": True,
    "None": None,
    "Empty": "",
    "Tags": ["b", "a"],
    "Config": {"Env": ["A=1"], "Labels": {"z": "1", "a": "2"}, "Deep": {"Er": {"X": "y"}}},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{.Name}}-{{ .Size }}", "web-12"),
        ("{{.Ratio}} {{.Done}} {{.None}}", "1.5 true <no value>"),
        ("{{.Tags}} {{.Config.Labels}}", "[b a] map[a:2 z:1]"),
        ("{{.Config.Deep.Er.X}} {{(index .Tags 0)}} {{(.Config).Env}}", "y b [A=1]"),
        ("{{json .Tags}} {{json .Config.Labels}} {{json .Name}}", '["b","a"] {"z":"1","a":"2"} "web"'),
        ("{{.Name | upper | printf \"%s!\"}}", "WEB!"),
        ("{{if .Empty}}a{{else if .Done}}b{{else}}c{{end}}", "b"),
        ("{{if and .Done (eq .Name \"x\" \"web\")}}yes{{end}}{{if not .Done}}no{{end}}", "yes"),
        ("{{or .Empty \"other\"}} {{and .Name .Size}}", "other 12"),
        ("{{range .Tags}}<{{.}}>{{end}}{{range .None}}x{{else}}nothing{{end}}", "<b><a>nothing"),
        ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a=2;z=1;"),
        ("{{range $i, $e := .Tags}}{{if $i}},{{end}}{{$e}}{{$.Name}}{{end}}", "bweb,aweb"),
        ("{{range .Tags}}{{break}}{{end}}{{range .Tags}}{{continue}}x{{end}}", ""),
        ("{{with .Config}}{{.Env}}{{else}}no{{end}}{{with $x := .Name}}{{$x}}{{end}}", "[A=1]web"),
        ("{{$n := .Size}}{{$n = 3}}{{$n}}", "3"),
        ("a  {{- .Name -}}  b", "awebb"),
        ("{{/* a remark */}}{{`{{raw}}`}}", "{{raw}}"),
        ("{{len .Tags}}{{slice .Name 1}}{{slice .Name 0 1}}{{index .Config.Labels \"a\"}}", "2ebw2"),
        ("{{join .Tags \"+\"}} {{split \"a b\" \" \"}} {{title \"ab cd\"}}", "b+a [a b] Ab Cd"),
        ("{{printf \"%-5s|%5d|%05d|%q|%v|%t|%x\" .Name .Size .Size .Name .Tags .Done 255}}", 'web  |   12|00012|"web"|[b a]|true|ff'),
        ("{{println 1 \"a\"}}{{print 1 2 \"a\" 3}}", "1 a\n1 2a3"),
        ("{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 1 2}} {{ne 1 2}}", "true true false false true"),
        ("{{pad \"x\" 1 2}}|{{truncate \"abc\" 2}}|{{'a'}}|{{-3}}|{{0x10}}", " x  |ab|97|-3|16"),
        ("{{\"a\\tb\\u00e9\\\"\"}}", 'a\tbé"'),
    ],
)  # fmt: skip
def test_means_what_it_means_in_go(template: str, text: str) -> None:
    assert Template(template).execute(VALUE) == text


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{.Name", "unclosed action"),
        ("{{if .Name}}", "unexpected EOF"),
        ("{{end}}", "unexpected {{end}}"),
        ("{{.Nope}}", 'map has no entry for key "Nope"'),
        ("{{.Name.Nope}}", "can't evaluate field Nope in type str"),
        ("{{.None.Nope}}", "nil pointer"),
        ("{{nope .Name}}", 'function "nope" not defined'),
        ("{{.Name .Size}}", "can't give argument to non-function"),
        ("{{}}", "missing value for command"),
        ("{{(.Name}}", "unclosed left paren"),
        ("{{.Name)}}", "unexpected"),
        ("{{$x}}", 'undefined variable "$x"'),
        ("{{range .Name}}{{end}}", "can't iterate over"),
        ("{{index .Tags 7}}", "out of range"),
        ("{{len .Size}}", "error calling len"),
        ("{{lt 1 \"a\"}}", "incompatible types"),
        ("{{upper .Size}}", "error calling upper"),
        ("{{template \"x\"}}", "not supported"),
        ("{{%}}", "unexpected"),
        ("{{.Name | }}", "missing value for command"),
    ],
)
def test_refuses(template: str, reason: str) -> None:
    with pytest.raises(RungError, match="template parsing error") as raised:
        Template(template).execute(VALUE)
    assert reason in str(raised.value)
