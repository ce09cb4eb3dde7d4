"""``rung completion SHELL``, and what its script asks: ``rung __complete WORDS...`` prints what may come next.

The scripts know nothing: commands, groups and flags are asked of the tables at the moment of the key press, names of
containers, images, networks and volumes of the engine, which is not started for it. So a script never is out of date.
"""

from __future__ import annotations

import sys

from rung.cli.flags import Asked, Flag, command
from rung.cli.summaries import SUMMARIES
from rung.cli.table import COMMANDS, GROUPS, load
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rung.cli.flags import Command

#: A word of a usage line -> what stands for it; ``file`` lets the shell complete files.
ARGUMENTS = {
    "CONTAINER": "containers",
    "IMAGE": "images",
    "NETWORK": "networks",
    "VOLUME": "volumes",
    "LEASE": "leases",
    "NAME|ID": "containers",
    "SOURCE": "containers:",
    "DESTINATION": "containers:",
}
#: Flags whose value is one of these, or the name of something.
VALUES: dict[str, str | tuple[str, ...]] = {
    "network": "networks",
    "volumes-from": "containers",
    "pull": ("always", "missing", "never"),
    "restart": ("no", "always", "unless-stopped", "on-failure"),
    "cgroupns": ("host", "private"),
    "log-driver": ("json-file", "local", "none"),
    "health-on-failure": ("none", "restart", "stop", "kill"),
    "type": ("container", "image", "network", "volume"),
    "attach": ("stdin", "stdout", "stderr"),
}
SCRIPTS = {
    "bash": """_rung() {
    local IFS=$'\\n' words
    words=$(rung __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [ "$words" = :file ]; then
        compopt -o default; COMPREPLY=()
    else
        COMPREPLY=($(printf '%s\\n' "$words" | cut -f1))
    fi
}
complete -F _rung rung
""",
    "zsh": """#compdef rung
_rung() {
    local -a found shown
    local line name about tab=$'\\t'
    found=("${(@f)$(rung __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ "$found[1]" == :file ]]; then
        _files
        return
    fi
    for line in $found; do
        name=${line%%$tab*} about=${line#*$tab}
        name=${name//:/\\\\:}
        [[ "$about" == "$line" ]] || name+=":$about"
        [[ -n $name ]] && shown+=("$name")
    done
    _describe rung shown
}
compdef _rung rung
""",
    "fish": """function __rung_complete
    set -l words (commandline -opc) (commandline -ct)
    rung __complete $words[2..-1] 2>/dev/null | string match -v :file
end
complete -c rung -f -a '(__rung_complete)'
complete -c rung -n 'test (rung __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)[1] = :file' -F
""",
}


@command(
    "completion SHELL",
    "Print a script with which a shell completes rung's words: bash, zsh or fish",
    "rung completion bash > /etc/bash_completion.d/rung",
)
def completion(asked: Asked) -> int:
    """To be evaluated, or put where the shell looks."""
    shell = asked.words[0]
    if shell not in SCRIPTS:
        raise RungError("completion", shell, "there is none for this shell", "bash, zsh or fish")
    sys.stdout.write(SCRIPTS[shell])
    return 0


@command("__complete [ARG...]", "Print what may come next", "rung __complete ps --f")
def complete(asked: Asked) -> int:
    """A word a line, with what it is for behind a tab."""
    from rung.cli.main import settings_of

    *before, last = asked.words or [""]
    settings, words = settings_of(before)
    for word in candidates(words, last, {**asked.settings, **settings}):
        print(word)
    return 0


def candidates(words: Sequence[str], last: str, settings: dict[str, str]) -> Iterator[str]:
    """What may stand where ``last`` is being typed."""
    if not words:
        yield from _beginning(last, SUMMARIES[""].items())
        return
    if len(words) == 1 and words[0] in SUMMARIES:
        yield from _beginning(last, SUMMARIES[words[0]].items())
        return
    table, rest = (GROUPS[words[0]], words[1:]) if words[0] in GROUPS else (COMMANDS, words)
    if rest[0] in table:
        yield from _of_command(load(table[rest[0]]), rest[1:], last, settings)
    elif words[0] in SUMMARIES[""] and words[0] not in GROUPS:
        yield ":file"


def _beginning(last: str, known: Iterable[tuple[str, str]]) -> Iterator[str]:
    for word, about in known:
        if word.startswith(last):
            yield f"{word}\t{about}" if about else word


def _of_command(command: Command, words: Sequence[str], last: str, settings: dict[str, str]) -> Iterator[str]:
    flags = {name: flag for flag in command.flags() for name in (f"--{flag.name}", f"-{flag.short}")}
    given, awaited = _given(command, words, flags)
    if awaited is not None:
        yield from _value(awaited, last, settings)
    elif last[:1] == "-" and not (command.stops and given):
        known = {f"--{flag.name}": flag.about for flag in flags.values()}
        yield from _beginning(last, [*known.items(), ("--help", "show what there is")])
    else:
        yield from _argument(command, given, last, settings)


def _given(command: Command, words: Sequence[str], flags: dict[str, Flag]) -> tuple[int, Flag | None]:
    """How many arguments there are, and the flag that waits for its value."""
    given, awaited = 0, None
    for word in words:
        if awaited is not None:
            awaited = None
        elif word[:1] == "-" and not (command.stops and given):
            flag = flags.get(word)
            awaited = flag if flag is not None and flag.takes_value else None
        else:
            given += 1
    return given, awaited


def _value(flag: Flag, last: str, settings: dict[str, str]) -> Iterator[str]:
    values = VALUES.get(flag.name, ":file")
    if isinstance(values, tuple):
        yield from _beginning(last, [(word, "") for word in values])
    elif values == ":file":
        yield values
    else:
        yield from _beginning(last, [(word, "") for word in names(values, settings)])


def _argument(command: Command, given: int, last: str, settings: dict[str, str]) -> Iterator[str]:
    kinds = [word.strip("[].") for word in command.arguments]
    if not kinds:
        return
    kind = ARGUMENTS.get(kinds[min(given, len(kinds) - 1)], "")
    if kind == "containers:":
        found = [f"{name}:" for name in names("containers", settings)]
        fitting = [word for word in found if last and word.startswith(last)]
        yield from fitting or [":file"]
    elif kind:
        yield from _beginning(last, [(word, "") for word in names(kind, settings)])
    elif kinds[min(given, len(kinds) - 1)] == "SHELL":
        yield from _beginning(last, [(word, "") for word in SCRIPTS])
    else:
        yield ":file"


def names(kind: str, settings: dict[str, str]) -> list[str]:
    """What the engine has of a kind; nothing where none runs."""
    from rung.cli.link.address import socket_path
    from rung.cli.link.engine import Engine

    try:
        engine = Engine({**settings, "host": f"unix://{socket_path(settings)}"})  # named: it is not started
        if kind == "containers":
            return [one["Names"][0].lstrip("/") for one in engine.get("/containers/json", all=1)]
        if kind == "images":
            return [name for one in engine.get("/images/json") for name in one.get("RepoTags") or ()]
        if kind == "networks":
            return [one["Name"] for one in engine.get("/networks")]
        if kind == "leases":
            return [one["Id"][:12] for one in engine.get("/rung/leases")]
        return [one["Name"] for one in engine.get("/volumes")["Volumes"] or ()]
    except RungError:
        return []
