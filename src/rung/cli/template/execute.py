"""Carrying out a template over a value."""

from __future__ import annotations

from rung.cli.template.functions import FUNCTIONS, is_true, shown
from rung.cli.template.parse import Branch, Jump, Operand, Pipeline, Text, broken, parse
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


class Template:
    """A parsed template. ``\\t`` and ``\\n`` stand for themselves, as people type them for docker."""

    def __init__(self, text: str) -> None:
        try:
            self.nodes = parse(text)
            _check(self.nodes)
        except RecursionError:
            raise broken("is nested too deeply") from None

    def execute(self, value: Any) -> str:
        """The text for ``value``; raises ``RungError`` for a field that it does not have."""
        run = _Run(value)
        run.nodes(self.nodes, value)
        return "".join(run.out)


def _check(nodes: Sequence[Any]) -> None:
    """Functions that there are not are an error of the template, whatever it is executed over."""
    for node in nodes:
        if isinstance(node, Branch):
            _check_pipeline(node.pipeline)
            _check(node.body)
            _check(node.otherwise)
        elif isinstance(node, Pipeline):
            _check_pipeline(node)


def _check_pipeline(pipeline: Pipeline) -> None:
    for command in pipeline.commands:
        for operand in command:
            if operand.kind == "function" and operand.value not in FUNCTIONS and operand.value not in ("and", "or"):
                raise broken(f'function "{operand.value}" not defined')
            if operand.kind == "pipeline":
                _check_pipeline(operand.value)


class _Jumped(Exception):
    """A loop is left or gone on with."""


class _Run:
    def __init__(self, value: Any) -> None:
        self.out: list[str] = []
        self.variables: list[tuple[str, Any]] = [("$", value)]

    def nodes(self, nodes: Sequence[Any], dot: Any) -> None:
        for node in nodes:
            if isinstance(node, Text):
                self.out.append(node.text)
            elif isinstance(node, Jump):
                raise _Jumped(node.word)
            elif isinstance(node, Branch):
                self._branch(node, dot)
            else:
                value = self._pipeline(node, dot)
                if not node.variables:
                    self.out.append(shown(value))

    def _branch(self, node: Branch, dot: Any) -> None:
        depth = len(self.variables)
        try:
            if node.word == "range":
                self._range(node, dot)
                return
            value = self._pipeline(node.pipeline, dot)
            inner = value if node.word == "with" else dot
            if is_true(value):
                self.nodes(node.body, inner)
            else:
                self.nodes(node.otherwise, dot)
        finally:
            del self.variables[depth:]

    def _range(self, node: Branch, dot: Any) -> None:
        value = self._pipeline(node.pipeline.replace(variables=()), dot)
        if isinstance(value, dict):
            pairs = [(key, value[key]) for key in sorted(value)]
        elif isinstance(value, int) and not isinstance(value, bool):
            pairs = [(at, at) for at in range(value)]
        elif isinstance(value, list | tuple) or value is None:
            pairs = list(enumerate(value or ()))
        else:
            raise _failed(node.pipeline.source, f"range can't iterate over {shown(value)}")
        names = node.pipeline.variables
        depth = len(self.variables)
        for key, item in pairs:
            del self.variables[depth:]
            self.variables += zip(names, (key, item) if len(names) > 1 else (item,))
            try:
                self.nodes(node.body, item)
            except _Jumped as jumped:
                if jumped.args[0] == "break":
                    break
        if not pairs:
            self.nodes(node.otherwise, dot)

    def _pipeline(self, pipeline: Pipeline, dot: Any) -> Any:
        piped: tuple[Any, ...] = ()
        for command in pipeline.commands:
            piped = (self._command(command, dot, piped, pipeline.source),)
        for name in pipeline.variables:
            self._assign(name, piped[0], declares=pipeline.declares)
        return piped[0]

    def _assign(self, name: str, value: Any, *, declares: bool) -> None:
        if not declares:
            for at in range(len(self.variables) - 1, -1, -1):
                if self.variables[at][0] == name:
                    self.variables[at] = (name, value)
                    return
            raise broken(f'undefined variable "{name}"')
        self.variables.append((name, value))

    def _command(self, command: Sequence[Operand], dot: Any, piped: tuple[Any, ...], source: str) -> Any:
        first, *rest = command
        if first.kind != "function":
            value = self._operand(first, dot, source)
            if callable(value):  # a method, as docker's {{.Label "name"}}
                return value(*(self._operand(one, dot, source) for one in rest), *piped)
            if rest or piped:
                raise _failed(source, "can't give argument to non-function")
            return value
        if first.value in ("and", "or"):
            return self._short_circuit(first.value, rest, dot, piped, source)
        arguments = [self._operand(one, dot, source) for one in rest]
        try:
            return FUNCTIONS[first.value](*arguments, *piped)
        except (TypeError, AttributeError) as error:
            raise _failed(source, f"error calling {first.value}: {error}") from None

    def _short_circuit(
        self, word: str, rest: Sequence[Operand], dot: Any, piped: tuple[Any, ...], source: str
    ) -> Any:
        value: Any = None
        for one in rest:
            value = self._operand(one, dot, source)
            if is_true(value) == (word == "or"):
                return value
        return piped[0] if piped else value

    def _operand(self, operand: Operand, dot: Any, source: str) -> Any:
        if operand.kind == "value":
            return operand.value
        if operand.kind == "function":
            return self._command((operand,), dot, (), source)
        if operand.kind == "pipeline":
            value = self._pipeline(operand.value, dot)
        elif operand.kind == "variable":
            value = self._variable(operand.value)
        else:
            value = dot
        for name in operand.path:
            value = _field(value, name, operand.path)
        return value

    def _variable(self, name: str) -> Any:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise broken(f'undefined variable "{name}"')


def _field(value: Any, name: str, path: Sequence[str]) -> Any:
    at = "." + ".".join(path)
    if value is None:
        raise _failed(at, f"nil pointer evaluating interface {{}}.{name}")
    if not hasattr(value, "keys"):
        raise _failed(at, f"can't evaluate field {name} in type {type(value).__name__}")
    fields: Mapping[str, Any] = value
    if name not in fields:
        raise _failed(at, f'map has no entry for key "{name}"')
    return fields[name]


def _failed(source: str, reason: str) -> RungError:
    return RungError("template parsing error", "", f'template: :1:2: executing "" at <{source}>: {reason}')
