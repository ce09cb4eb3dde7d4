"""The Task service: requests become operations of tasks, outcomes become answers.

Rule: one method a call of the service, named as it is; each parses, asks the task, answers. Errors that are raised
are answered by the server, later ones by ``_then``.
"""

from __future__ import annotations

from rung import __version__, posix
from rung.shim.bundle import document, read_config, shares_pids
from rung.shim.errors import AlreadyExists, BadRequest, NotFound, ShimError
from rung.shim.process import CREATED, CREATING, DELETED, SHOWN
from rung.shim.runtimes import Checkpoint, runtime
from rung.shim.stdio.hub import SCHEME
from rung.shim.stdio.streams import Asked
from rung.shim.story import Story, sent
from rung.shim.task import Task
from rung.spec.shim import events, ttrpc
from rung.spec.shim import task as messages
from rung.spec.shim.bootstrap import CheckpointOptions, Options
from rung.spec.shim.common import Anything, DeleteResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.shim.loop import Loop
    from rung.shim.memory import Watch
    from rung.shim.runtimes import Runtime, Settings
    from rung.shim.server import Reply
    from rung.shim.task import Publish
    from rung.spec.protobuf import Message


class Service:
    """All tasks of one shim. ``settings`` turns a request's options and bundle into the runtime's settings;
    ``shut_down`` is called when the last task is gone and the caller wants no more. ``watch`` knows of lack of memory;
    without it nobody is told."""

    def __init__(
        self,
        loop: Loop,
        namespace: str,
        settings: Callable[[Options, str], Settings],
        publish: Publish,
        shut_down: Callable[[], None],
        story: Story | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._loop, self._namespace, self._settings = loop, namespace, settings
        self._publish, self._shut_down = publish, shut_down
        self._story = story or Story()
        self._watch = watch
        self._sent = ""  # the ``traceparent`` of the call that is being handled
        self.tasks: dict[str, Task] = {}
        #: Called when a task has come so far that it runs.
        self.has_started: Callable[[], None] = lambda: None
        self._specs: dict[tuple[str, str], dict[str, Any]] = {}
        self._callers: dict[tuple[str, str], object] = {}  # of the engine's execs

    def handle(self, request: ttrpc.Request, reply: Reply) -> None:
        """One call: what ``Server`` is given. Another shim, where one is a task's runtime, tells its events here:
        nobody needs them, for it is asked."""
        if (request.service, request.method) == (events.SERVICE, events.METHOD):
            reply.send(messages.Empty())
            return
        if request.service not in messages.SERVICES or request.method not in messages.METHODS:
            raise _Unimplemented("method", f"{request.service}/{request.method}", "is not served here")
        kind, _ = messages.METHODS[request.method]
        self._sent = sent(request.metadata)
        getattr(self, f"_{request.method.lower()}")(kind.decode(request.payload), reply)

    def _task(self, task_id: str) -> Task:
        found = self.tasks.get(task_id)
        if found is None:
            raise NotFound("task", f'"{task_id}"', "does not exist: not found")
        return found

    def _then(
        self, reply: Reply, answer: Callable[[], Message] = messages.Empty
    ) -> Callable[[BaseException | None], None]:
        def done(error: BaseException | None) -> None:
            if error is None:
                reply.send(answer())
            else:
                reply.fail(error)

        return done

    # --- life -------------------------------------------------------------------------

    def _create(self, request: messages.CreateTaskRequest, reply: Reply) -> None:
        if request.id in self.tasks:
            raise AlreadyExists("task", f'"{request.id}"', "exists already")
        options = _options(request.options)
        config = read_config(request.bundle)
        asked = Asked(
            request.stdin, request.stdout, request.stderr, request.terminal, options.io_uid, options.io_gid
        )
        box = runtime(request.id, self._settings(options, request.bundle))
        span = self._story.span("make the task", request.id, self._sent)
        box.parent = span.header
        task = Task(self._loop, box, self._publish, request.id, self._namespace, request.bundle, asked)
        task.watch = self._watch
        self.tasks[request.id] = task

        def done(error: BaseException | None) -> None:
            span.end(error)
            if error is not None:
                self._story.save()
                del self.tasks[request.id]
                reply.fail(error)
            else:
                reply.send(messages.PidResponse(pid=task.init.pid))

        try:
            task.create(request.rootfs, request.checkpoint, shares_pids(config), done)
        except BaseException:
            del self.tasks[request.id]
            raise

    def _start(self, request: messages.OfProcess, reply: Reply) -> None:
        task = self._task(request.id)
        process = task.process(request.exec_id)
        what = "start a process of the task" if request.exec_id else "start the task"
        span = self._story.span(what, request.exec_id or request.id, self._sent)
        answer = self._then(reply, lambda: messages.PidResponse(pid=process.pid))

        def done(error: BaseException | None) -> None:
            answer(error)
            span.end(error)
            self._story.save()
            if error is None:
                self.has_started()

        if not request.exec_id:
            task.parent = span.header
        if request.exec_id:
            task.start_exec(process, self._specs[request.id, request.exec_id], done)
        else:
            task.start(done)

    def _exec(self, request: messages.ExecProcessRequest, reply: Reply) -> None:
        task = self._task(request.id)
        if not request.exec_id:
            raise BadRequest("exec in", f'"{request.id}"', "the process has no id")
        spec = _document(request.spec, "process")
        spec["terminal"] = request.terminal
        asked = Asked(
            request.stdin, request.stdout, request.stderr, request.terminal, task.init.asked.uid, task.init.asked.gid
        )
        task.add_exec(request.exec_id, asked)
        self._specs[request.id, request.exec_id] = spec
        if asked.stdout.startswith(SCHEME):
            self._callers[request.id, request.exec_id] = reply.caller
        reply.send(messages.Empty())

    def gone(self, caller: object) -> None:
        """Execs of an engine that was killed: nobody else will start them, or delete them after their end, and clients
        that have joined one already would wait for ever. (Not containerd's, which names its execs again.)"""
        for (task_id, exec_id), whose in list(self._callers.items()):
            if whose is not caller:
                continue
            del self._callers[task_id, exec_id], self._specs[task_id, exec_id]
            task = self.tasks.get(task_id)
            process = task.execs.get(exec_id) if task is not None else None
            if task is not None and process is not None:
                task.disown(process)

    def _delete(self, request: messages.OfProcess, reply: Reply) -> None:
        task = self._task(request.id)
        process = task.process(request.exec_id)
        span = self._story.span("delete the task", request.id, "" if request.exec_id else self._sent)
        if not request.exec_id:
            task.story = self._story.directory

        def done(error: BaseException | None) -> None:
            if error is not None:
                reply.fail(error)
                return
            self._specs.pop((request.id, request.exec_id), None)
            self._callers.pop((request.id, request.exec_id), None)
            if not request.exec_id:
                self.tasks.pop(request.id, None)
            reply.send(
                DeleteResponse(
                    pid=process.pid, exit_status=process.exit_status, exited_at=process.exited_at
                )
            )
            span.end(None)
            self._story.save()

        task.delete(process, done)

    def _wait(self, request: messages.OfProcess, reply: Reply) -> None:
        process = self._task(request.id).process(request.exec_id)
        process.when_over(
            lambda: reply.send(messages.WaitResponse(exit_status=process.exit_status, exited_at=process.exited_at))
        )

    def _kill(self, request: messages.KillRequest, reply: Reply) -> None:
        task = self._task(request.id)
        task.kill(task.process(request.exec_id), request.signal, request.all, self._then(reply))

    def _pause(self, request: messages.OfTask, reply: Reply) -> None:
        self._task(request.id).pause(self._then(reply))

    def _resume(self, request: messages.OfTask, reply: Reply) -> None:
        self._task(request.id).resume(self._then(reply))

    def _checkpoint(self, request: messages.CheckpointTaskRequest, reply: Reply) -> None:
        task = self._task(request.id)
        given = request.options
        options = CheckpointOptions.decode(given.value) if given is not None else CheckpointOptions()
        wanted = Checkpoint(
            options.image_path or request.path,
            work_path=options.work_path,
            leave_running=not options.exit,
            open_tcp=options.open_tcp,
            unix_sockets=options.external_unix_sockets,
            terminal=options.terminal,
            file_locks=options.file_locks,
            cgroups_mode=options.cgroups_mode,
        )
        task.checkpoint(wanted, self._then(reply))

    def _update(self, request: messages.UpdateTaskRequest, reply: Reply) -> None:
        self._task(request.id).update(_document(request.resources, "resources"), self._then(reply))

    # --- streams ----------------------------------------------------------------------

    def _resizepty(self, request: messages.ResizePtyRequest, reply: Reply) -> None:
        task = self._task(request.id)
        process = task.process(request.exec_id)
        if process.streams is None or process.ended:
            reply.send(messages.Empty())
        else:
            task.resize(process, request.width, request.height, self._then(reply))

    def _closeio(self, request: messages.CloseIORequest, reply: Reply) -> None:
        process = self._task(request.id).process(request.exec_id)
        if request.stdin and process.streams is not None:
            process.streams.close_stdin()
        reply.send(messages.Empty())

    # --- looking ----------------------------------------------------------------------

    def _state(self, request: messages.OfProcess, reply: Reply) -> None:
        task = self._task(request.id)
        process = task.process(request.exec_id)
        asked = process.asked
        paused = task.paused and not request.exec_id and not process.ended
        reply.send(
            messages.StateResponse(
                id=request.exec_id or task.id,
                bundle=task.bundle,
                pid=process.pid,
                status=messages.PAUSED if paused else SHOWN[process.state],
                stdin=asked.stdin,
                stdout=asked.stdout,
                stderr=asked.stderr,
                terminal=asked.terminal,
                exit_status=process.exit_status,
                exited_at=process.exited_at,
                exec_id=request.exec_id,
            )
        )

    def _pids(self, request: messages.OfTask, reply: Reply) -> None:
        task = self._task(request.id)

        def done(pids: list[int], error: BaseException | None) -> None:
            if error is not None:
                reply.fail(error)
            else:
                reply.send(messages.PidsResponse(processes=[_info(task, pid) for pid in pids]))

        task.ask(lambda box: box.pids(), done)

    def _stats(self, request: messages.OfTask, reply: Reply) -> None:
        def done(found: Anything | None, error: BaseException | None) -> None:
            if error is not None:
                reply.fail(error)
            else:
                reply.send(messages.StatsResponse(stats=found))

        def look(box: Runtime) -> Anything | None:
            from rung.shim.metrics import metrics

            found = box.stats()
            return metrics(found) if isinstance(found, dict) else found

        self._task(request.id).ask(look, done)

    def _connect(self, request: messages.OfTask, reply: Reply) -> None:
        task = self.tasks.get(request.id)
        pid = task.init.pid if task is not None else 0
        reply.send(messages.ConnectResponse(shim_pid=posix.getpid(), task_pid=pid, version=__version__))

    def _shutdown(self, request: messages.ShutdownRequest, reply: Reply) -> None:
        """The place where it listens is free when it answers: the container's next shim may be begun there."""
        if not self.tasks or request.now:
            self._shut_down()
        reply.send(messages.Empty())


class _Unimplemented(ShimError):
    code = ttrpc.UNIMPLEMENTED


def _info(task: Task, pid: int) -> messages.ProcessInfo:
    """An exec's first process is named with its id (ProcessDetails)."""
    for process in task.execs.values():
        if process.pid == pid and process.state not in (CREATING, CREATED, DELETED):
            details = messages.ProcessDetails(exec_id=process.id)
            return messages.ProcessInfo(pid=pid, info=Anything(type_url=messages.DETAILS_URL, value=details.encode()))
    return messages.ProcessInfo(pid=pid)


def _options(given: Anything | None) -> Options:
    from rung.spec.shim.bootstrap import read_options

    return read_options(given.encode()) if given is not None else Options()


def _document(given: Anything | None, what: str) -> dict[str, Any]:
    """A JSON document in an ``Anything``."""
    if given is None:
        raise BadRequest(what, "", "is missing")
    return document(given.value, what)
