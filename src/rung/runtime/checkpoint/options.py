"""What the caller of checkpoint and of restore chooses; most of it is handed to CRIU as it is."""

from __future__ import annotations

from rung.record import Record
from rung.runtime.spawn import Stdio


class Options(Record):
    """What both take. Paths are absolute; ``work_path`` "": the log goes beside the images."""

    image_path: str
    work_path: str = ""
    tcp_established: bool = False
    ext_unix_sk: bool = False
    shell_job: bool = False
    file_locks: bool = False
    lazy_pages: bool = False
    auto_dedup: bool = False
    manage_cgroups_mode: str = ""  # rpc.CGROUP_MODES
    network_lock: str = ""  # rpc.NETWORK_LOCKS

    @property
    def log_directory(self) -> str:
        return self.work_path or self.image_path


class CheckpointOptions(Options):
    """``parent_path``: images of a pre-dump, relative to ``image_path``. ``page_server``: where pages
    go instead. ``status_fd`` gets a zero byte once lazy pages can be fetched."""

    parent_path: str = ""
    pre_dump: bool = False
    leave_running: bool = False
    tcp_skip_in_flight: bool = False
    link_remap: bool = False
    page_server: tuple[str, int] = ("", 0)
    status_fd: int = -1


class RestoreOptions(Options):
    """What create takes for the new container too: see ``CreateOptions``."""

    tcp_close: bool = False
    lsm_profile: str = ""
    lsm_mount_context: str = ""
    stdio: Stdio = Stdio()
    console_socket: str = ""
    console_fd: int = -1
    pid_file: str = ""
    cgroup_manager: str = "cgroupfs"
