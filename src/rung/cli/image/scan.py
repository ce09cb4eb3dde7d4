"""``rung image scan``: packages, vulnerabilities, bills of materials."""

from __future__ import annotations

import sys

from rung import posix
from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace

_IGNORE_FILES = (".rungignore", ".trivyignore")


def register(commands: Any, name: str) -> None:
    """Add the command."""
    what = "list an image's packages and their vulnerabilities"
    parser = add_command(commands, name, what, "rung image scan --severity HIGH,CRITICAL --exit-code 1 mine:1", _run)
    parser.add_argument("image", metavar="IMAGE", nargs="?")
    parser.add_argument("-f", "--format", metavar="FORMAT", default="table",
                        help="table, json, sarif, cyclonedx, cyclonedx-1.5 or spdx-json (default: table)")  # fmt: skip
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="as --format json")
    parser.add_argument("-o", "--output", metavar="FILE", help="instead of standard output")
    parser.add_argument("-s", "--severity", metavar="LIST", default="",
                        help="only these: UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL")  # fmt: skip
    parser.add_argument("--ignore-unfixed", action="store_true", help="only what a newer version fixes")
    parser.add_argument("--ignorefile", metavar="FILE", help=f"identifiers to leave out (default: {_IGNORE_FILES[0]})")
    parser.add_argument("--exit-code", metavar="N", type=int, default=0, help="if anything is found (default: 0)")
    parser.add_argument("--packages", action="store_true", help="list packages only; needs no database")
    parser.add_argument("--update", action="store_true", help="read feeds into it, first")
    parser.add_argument("--from", dest="places", metavar="PATH|URL", action="append", default=[],
                          help="a feed for --update, in place of the publishers' own; may be repeated")  # fmt: skip
    parser.add_argument("--db", metavar="FILE", default="", help="(default: DATA-ROOT/scan/vulnerabilities.db)")
    parser.add_argument("--status", action="store_true", help="show what it was built from")


def _run(args: Namespace) -> int:
    if args.places and not args.update:
        raise RungError("--from", args.places[0], "goes with --update")
    if not (args.image or args.update or args.status):
        raise RungError("scan", "", "needs an image", "rung image scan IMAGE")
    store = open_store(args)
    if args.update:
        from rung.cli.progress import watch
        from rung.image import update_database

        with watch(sys.stderr) as progress:
            for feed in update_database(store, args.places, progress, path=args.db):
                said = f"{feed.advisories} advisories ({', '.join(feed.formats)})"
                print(f"{feed.place}: {said}", file=sys.stderr if args.image else sys.stdout)
    if args.status:
        return _status(store, args)
    return _scan(store, args) if args.image else 0


def _scan(store: Any, args: Namespace) -> int:
    from rung.image import BILL_FORMATS, Choice, scan_image, vulnerability_database

    choice = _choice(args)
    wanted = not args.packages
    if args.format in BILL_FORMATS:  # with vulnerabilities where there is a database
        wanted = wanted and not args.format.startswith("spdx") and vulnerability_database(store, args.db).exists()
    scanned = scan_image(store, args.image, vulnerabilities=wanted, database=args.db)
    for note in scanned.notes:
        print(f"rung: warning: {note}", file=sys.stderr)
    if scanned.findings is not None:
        chosen: Choice = choice
        scanned = scanned.replace(findings=chosen.of(scanned.findings))
    text = scanned.render(args.format)
    if args.output:
        from rung.cli.files import replaced

        with replaced(args.output) as file:
            file.write(text.encode())
    else:
        sys.stdout.write(text)
    return args.exit_code if scanned.findings else 0


def _choice(args: Namespace) -> Any:
    from datetime import UTC, datetime

    from rung.image import Choice, parse_ignored, parse_severities

    path = args.ignorefile or next(filter(posix.exists, _IGNORE_FILES), "")
    ignored: frozenset[str] = frozenset()
    if path:
        with open(path, "rb") as file:
            text = file.read(1 << 20).decode("utf-8", "replace")
        ignored = parse_ignored(text, datetime.now(UTC).strftime("%Y-%m-%d"))
    given = {"severities": parse_severities(args.severity)} if args.severity else {}
    return Choice(ignore_unfixed=args.ignore_unfixed, ignored=ignored, **given)


def _status(store: Any, args: Namespace) -> int:
    from rung.cli.output import age, print_rows
    from rung.image import vulnerability_database

    database = vulnerability_database(store, args.db)
    rows = [
        {
            "Place": feed.place,
            "Format": ", ".join(feed.formats),
            "Advisories": feed.advisories,
            "Updated": f"{age(feed.updated)} ago",
        }
        for feed in (database.feeds() if database.exists() else ())
    ]
    print_rows(rows, {name.upper(): name for name in ("Place", "Format", "Advisories", "Updated")})
    return 0
