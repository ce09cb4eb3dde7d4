"""A container's resource usage as containerd's messages: one set for cgroup v1, one for v2.

containerd/cgroups, cgroup1/stats/metrics.proto and cgroup2/stats/metrics.proto. Of v1's memory statistics and v2's the
fields are in the order of their numbers, named as the kernel's memory.stat names them.
"""

from __future__ import annotations

from rung.spec.protobuf import Message, field

V1_URL = "io.containerd.cgroups.v1.Metrics"
V2_URL = "io.containerd.cgroups.v2.Metrics"


def number(at: int) -> int:
    """A counter of the kernel's: 64 bits without a sign."""
    found: int = field(at, unsigned=True)
    return found


class Pids(Message):
    """The same in both."""

    current: int = number(1)
    limit: int = number(2)


# --- cgroup v1 ----------------------------------------------------------------------


class Hugetlb1(Message):
    usage: int = number(1)
    max: int = number(2)
    failcnt: int = number(3)
    pagesize: str = field(4)


class CpuUsage1(Message):
    """Nanoseconds."""

    total: int = number(1)
    kernel: int = number(2)
    user: int = number(3)
    per_cpu: list[int] = field(4)


class Throttle1(Message):
    periods: int = number(1)
    throttled_periods: int = number(2)
    throttled_time: int = number(3)


class Cpu1(Message):
    usage: CpuUsage1 | None = field(1, CpuUsage1)
    throttling: Throttle1 | None = field(2, Throttle1)


class MemoryEntry1(Message):
    limit: int = number(1)
    usage: int = number(2)
    max: int = number(3)
    failcnt: int = number(4)


class Memory1(Message):
    cache: int = number(1)
    rss: int = number(2)
    rss_huge: int = number(3)
    mapped_file: int = number(4)
    dirty: int = number(5)
    writeback: int = number(6)
    pgpgin: int = number(7)
    pgpgout: int = number(8)
    pgfault: int = number(9)
    pgmajfault: int = number(10)
    inactive_anon: int = number(11)
    active_anon: int = number(12)
    inactive_file: int = number(13)
    active_file: int = number(14)
    unevictable: int = number(15)
    hierarchical_memory_limit: int = number(16)
    hierarchical_memsw_limit: int = number(17)
    total_cache: int = number(18)
    total_rss: int = number(19)
    total_rss_huge: int = number(20)
    total_mapped_file: int = number(21)
    total_dirty: int = number(22)
    total_writeback: int = number(23)
    total_pgpgin: int = number(24)
    total_pgpgout: int = number(25)
    total_pgfault: int = number(26)
    total_pgmajfault: int = number(27)
    total_inactive_anon: int = number(28)
    total_active_anon: int = number(29)
    total_inactive_file: int = number(30)
    total_active_file: int = number(31)
    total_unevictable: int = number(32)
    usage: MemoryEntry1 | None = field(33, MemoryEntry1)
    swap: MemoryEntry1 | None = field(34, MemoryEntry1)
    kernel: MemoryEntry1 | None = field(35, MemoryEntry1)
    kernel_tcp: MemoryEntry1 | None = field(36, MemoryEntry1)


class BlkioEntry1(Message):
    op: str = field(1)
    device: str = field(2)
    major: int = number(3)
    minor: int = number(4)
    value: int = number(5)


class Blkio1(Message):
    io_service_bytes_recursive: list[BlkioEntry1] = field(1, BlkioEntry1)
    io_serviced_recursive: list[BlkioEntry1] = field(2, BlkioEntry1)
    io_queued_recursive: list[BlkioEntry1] = field(3, BlkioEntry1)
    io_service_time_recursive: list[BlkioEntry1] = field(4, BlkioEntry1)
    io_wait_time_recursive: list[BlkioEntry1] = field(5, BlkioEntry1)
    io_merged_recursive: list[BlkioEntry1] = field(6, BlkioEntry1)
    io_time_recursive: list[BlkioEntry1] = field(7, BlkioEntry1)
    sectors_recursive: list[BlkioEntry1] = field(8, BlkioEntry1)


class Metrics1(Message):
    """io.containerd.cgroups.v1.Metrics."""

    hugetlb: list[Hugetlb1] = field(1, Hugetlb1)
    pids: Pids | None = field(2, Pids)
    cpu: Cpu1 | None = field(3, Cpu1)
    memory: Memory1 | None = field(4, Memory1)
    blkio: Blkio1 | None = field(5, Blkio1)


# --- cgroup v2 ----------------------------------------------------------------------


class Cpu2(Message):
    """Microseconds."""

    usage_usec: int = number(1)
    user_usec: int = number(2)
    system_usec: int = number(3)
    nr_periods: int = number(4)
    nr_throttled: int = number(5)
    throttled_usec: int = number(6)


class Memory2(Message):
    anon: int = number(1)
    file: int = number(2)
    kernel_stack: int = number(3)
    slab: int = number(4)
    sock: int = number(5)
    shmem: int = number(6)
    file_mapped: int = number(7)
    file_dirty: int = number(8)
    file_writeback: int = number(9)
    anon_thp: int = number(10)
    inactive_anon: int = number(11)
    active_anon: int = number(12)
    inactive_file: int = number(13)
    active_file: int = number(14)
    unevictable: int = number(15)
    slab_reclaimable: int = number(16)
    slab_unreclaimable: int = number(17)
    pgfault: int = number(18)
    pgmajfault: int = number(19)
    workingset_refault: int = number(20)
    workingset_activate: int = number(21)
    workingset_nodereclaim: int = number(22)
    pgrefill: int = number(23)
    pgscan: int = number(24)
    pgsteal: int = number(25)
    pgactivate: int = number(26)
    pgdeactivate: int = number(27)
    pglazyfree: int = number(28)
    pglazyfreed: int = number(29)
    thp_fault_alloc: int = number(30)
    thp_collapse_alloc: int = number(31)
    usage: int = number(32)
    usage_limit: int = number(33)
    swap_usage: int = number(34)
    swap_limit: int = number(35)
    max_usage: int = number(36)


class Io2Entry(Message):
    major: int = number(1)
    minor: int = number(2)
    rbytes: int = number(3)
    wbytes: int = number(4)
    rios: int = number(5)
    wios: int = number(6)


class Io2(Message):
    usage: list[Io2Entry] = field(1, Io2Entry)


class Hugetlb2(Message):
    current: int = number(1)
    max: int = number(2)
    pagesize: str = field(3)
    failcnt: int = number(4)


class Metrics2(Message):
    """io.containerd.cgroups.v2.Metrics."""

    pids: Pids | None = field(1, Pids)
    cpu: Cpu2 | None = field(2, Cpu2)
    memory: Memory2 | None = field(4, Memory2)
    io: Io2 | None = field(6, Io2)
    hugetlb: list[Hugetlb2] = field(7, Hugetlb2)
