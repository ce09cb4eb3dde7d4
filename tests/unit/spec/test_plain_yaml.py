"""YAML as generators write it; what else there is is refused, not misread."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.spec import plain_yaml
from rung.spec.errors import SpecError

NVIDIA = """---
# written by a tool
cdiVersion: 0.5.0
kind: nvidia.com/gpu
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
    args:
    - nvidia-cdi-hook
    - --link   # a comment
    - 'it''s::/x'
  mounts:
    - containerPath: "/run/x \\u0041"
      hostPath: /run/x
      options: [ro, nosuid, 'bind']
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
      fileMode: 0o666
      permissions: rw
      major: 195
-
  name: all
  containerEdits: {deviceNodes: [{path: /dev/nvidia0, gid: 0x1f}], env: []}
empty:
"""


def test_a_specification_as_a_tool_writes_it() -> None:
    assert plain_yaml.loads(NVIDIA) == {
        "cdiVersion": "0.5.0",
        "kind": "nvidia.com/gpu",
        "containerEdits": {
            "env": ["NVIDIA_VISIBLE_DEVICES=void"],
            "hooks": [
                {"hookName": "createContainer", "path": "/usr/bin/nvidia-cdi-hook", "args": ["nvidia-cdi-hook", "--link", "it's::/x"]}
            ],
            "mounts": [{"containerPath": "/run/x A", "hostPath": "/run/x", "options": ["ro", "nosuid", "bind"]}],
        },
        "devices": [
            {
                "name": "0",
                "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia0", "fileMode": 0o666, "permissions": "rw", "major": 195}]},
            },
            {"name": "all", "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia0", "gid": 31}], "env": []}},
        ],
        "empty": None,
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [("", None), ("a", "a"), ("- 1\n- -2\n- 1.5\n- true\n- ~\n- 1.2.3\n- --0", [1, -2, 1.5, True, None, "1.2.3", "--0"]), ("a: http://x#y", {"a": "http://x#y"})],
)
def test_scalars(text: str, value: object) -> None:
    assert plain_yaml.loads(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1", "line 1: & is not read here"),
        ("a: |\n  x", "line 1: | is not read here"),
        ("a: 1\na: 2", "line 2: a is there twice"),
        ("a: 1\n  b: 2", "line 2: is indented"),
        ("\ta: 1", "line 1: is indented with a tab"),
        ("a: [1", "line 1: has no ]"),
        ("a: 'x", "line 1: has no closing '"),
        ('a: "\\q"', "escape that is not known"),
        ("a: [1] 2", "goes on behind its value"),
        ("a: {b}", "without a colon"),
    ],
)
def test_what_is_not_read_is_refused_by_line(text: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        plain_yaml.loads(text)
    assert said in str(caught.value)


@settings(deadline=None)
@given(st.text(alphabet="ab:-[]{}'\"\\#, \n01", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        plain_yaml.loads(text)
    except SpecError:
        pass
