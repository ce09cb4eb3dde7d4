"""``rung image explore``: what an image's layers hold and waste."""

from __future__ import annotations

import sys

from rung import posix
from rung.cli.files import replaced
from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace

_RULES = ("lowestEfficiency", "highestWastedBytes", "highestUserWastedPercent")
_CI_FILE = ".dive-ci"


def register(commands: Any, name: str) -> None:
    """Add the command."""
    what = "show what each layer adds, changes, removes and wastes"
    parser = add_command(commands, name, what, "rung image explore debian:trixie", _run)
    parser.add_argument("image", metavar="IMAGE")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--text", action="store_true", help="print text also on a terminal")
    form.add_argument("--json", action="store_true", help="print JSON with dive's keys, and every file")
    form.add_argument("--html", metavar="FILE", help="write one page with a picture of the files")
    form.add_argument("--ci", action="store_true", help="judge the image by dive's rules; exit with 1 if it fails")
    parser.add_argument("--ci-config", metavar="FILE", help=f"dive's file of rules (default: {_CI_FILE}, if there)")
    parser.add_argument("--lowestEfficiency", "--lowest-efficiency", metavar="RATIO", help="(default: 0.9)")
    parser.add_argument("--highestWastedBytes", "--highest-wasted-bytes", metavar="SIZE", help="(default: disabled)")
    parser.add_argument(
        "--highestUserWastedPercent", "--highest-user-wasted-percent", metavar="RATIO",
        help="of what the layers above the base hold (default: 0.1)",
    )  # fmt: skip


def _run(args: Namespace) -> int:
    from rung.image import explore_image

    rules = _rules(args) if args.ci else None
    explored = explore_image(open_store(args), args.image)
    if args.json:
        import json

        json.dump(explored.document(), sys.stdout, indent=2)
        print()
    elif args.html:
        page = explored.html().encode()
        with replaced(args.html) as file:
            file.write(page)
    elif rules is not None:
        verdict = explored.judge(rules)
        print(explored.text(), verdict.text(), sep="\n", end="")
        return 0 if verdict.passed else 1
    elif args.text or not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.stdout.write(explored.text())
    else:
        explored.browse()
    return 0


def _rules(args: Namespace) -> Any:
    from rung.image import rules_from

    text = ""
    if args.ci_config or posix.exists(_CI_FILE):
        path = args.ci_config or _CI_FILE
        with open(path, "rb") as file:
            try:
                text = file.read(1 << 20).decode()
            except UnicodeDecodeError:
                raise RungError("rules file", path, "is no text") from None
    return rules_from(text, {rule: getattr(args, rule) for rule in _RULES})
