"""Every broken document is one sentence that names the field; every good one passes."""

import copy

import pytest

from rung.errors import RungError
from rung.spec.errors import SpecError
from rung.spec.runtime.validate import (
    validate,
    validate_process,
    validate_resources,
    validate_seccomp,
)
from rung.spec.runtime.warnings import warnings

GOOD = {
    "ociVersion": "1.2.0",
    "process": {
        "user": {"uid": 0, "gid": 0, "additionalGids": [5]},
        "args": ["sh"],
        "env": ["PATH=/bin", "EMPTY="],
        "cwd": "/",
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
    },
    "root": {"path": "rootfs"},
    "hostname": "rung",
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]}],
    "hooks": {"prestart": [{"path": "/bin/true", "timeout": 1}]},
    "annotations": {"a": ""},
    "linux": {
        "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
        "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
        "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount", "user", "time")],
        "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}],
        "maskedPaths": ["/proc/kcore"],
        "sysctl": {"net.ipv4.ip_forward": "1"},
        "timeOffsets": {"monotonic": {"secs": -5}},
        "resources": {"devices": [{"allow": False, "access": "rwm"}], "memory": {"limit": -1}},
        "seccomp": {
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": 1,
            "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}],
        },
    },
}


def edited(edit):
    document = copy.deepcopy(GOOD)
    exec(
        edit,
        {
            "c": document,
            "p": document["process"],
            "DEADLINE": "SCHED_DEADLINE",
            "l": document["linux"],
            "r": document["linux"]["resources"],
            "s": document["linux"]["seccomp"],
        },
    )
    return document


def error_of(document, check=validate):
    with pytest.raises(SpecError) as caught:
        check(document)
    return str(caught.value)


def test_a_good_document_comes_back_as_it_is():
    assert validate(GOOD) is GOOD


@pytest.mark.parametrize(
    "edit",
    [
        "del c['process']",
        "del c['linux']; del c['hostname']",
        "c['unknown'] = {'deep': [1, None]}",
        "c['hooks']['later'] = [1]",
        "p['capabilities'] = {'later': [[]]}",
        "c['windows'] = {'layerFolders': 3}",
        "c['solaris'] = c['vm'] = c['zos'] = c['freebsd'] = {}",
        "c['ociVersion'] = '1.0.0-rc5-dev'",
        "c['ociVersion'] = '1.99.0+x'",
        "c['hostname'] = ''",
        "del p['user']",
        "c['linux']['namespaces'][0]['path'] = ''",
        "c['linux']['namespaces'][0]['path'] = '/proc/1/ns/pid'",
        "l['namespaces'][5]['path'] = '/proc/1/ns/user'",
        "l['namespaces'][5]['path'] = '/n'; del l['uidMappings'], l['gidMappings']",
        "l['rootfsPropagation'] = 'rslave'",
        "l['seccomp'] = {}",
        "c['mounts'][0]['destination'] = '/a/.././b/..c'",
        "r['pids'] = {}",
        "r['unified'] = {'memory.high': 'max'}",
        "r['hugepageLimits'] = [{'pageSize': '2MB', 'limit': 18446744073709551615}]",
        "l['sysctl'] = {'net/ipv4/conf/eno2.100/rp_filter': '1', 'kernel.domainname': 'x'}",
        "l['devices'] = [{'path': '/f', 'type': 'p'}]",
        "l['intelRdt'] = {'closID': '/'}",
        "l['memoryPolicy'] = {'mode': 'MPOL_BIND', 'nodes': '0-3,7', 'flags': ['MPOL_F_STATIC_NODES']}",
        "l['memoryPolicy'] = {'mode': 'MPOL_PREFERRED'}",
        "p['execCPUAffinity'] = {'initial': '0', 'final': ''}",
        "s['syscalls'][0]['action'] = 'SCMP_ACT_NOTIFY'; s['listenerPath'] = '/a'; s['listenerMetadata'] = 'x'",
        "s['syscalls'][0]['action'] = 'SCMP_ACT_NOTIFY'; c['annotations'] = {'run.oci.seccomp.receiver': '/a'}",
        "p['scheduler'] = {'policy': 'SCHED_OTHER', 'nice': 19}",
        "p['capabilities'] = {'bounding': ['CAP_MADE_UP']}",
    ],
)
def test_accepted(edit):
    validate(edited(edit))


@pytest.mark.parametrize(
    ("edit", "field", "says"),
    [
        ("del c['ociVersion']", "ociVersion", "missing"),
        ("c['ociVersion'] = '1.2'", "ociVersion", '"1.2" is not a version'),
        ("c['ociVersion'] = '01.2.0'", "ociVersion", "is not a version"),
        ("c['ociVersion'] = '1.2.0-'", "ociVersion", "is not a version"),
        ("c['ociVersion'] = '2.0.0'", "ociVersion", "not known"),
        ("c['ociVersion'] = 1", "ociVersion", "1 is not a string"),
        ("del c['root']", "root", "missing"),
        ("c['root'] = None", "root", "missing"),
        ("c['root'] = []", "root", "a list is not an object"),
        ("del c['root']['path']", "root.path", "missing"),
        ("c['root']['path'] = ''", "root.path", "empty"),
        ("c['root']['path'] = 'a\\0b'", "root.path", "NUL"),
        ("c['root']['readonly'] = 1", "root.readonly", "1 is not true or false"),
        ("del p['args']", "process.args", "missing (give the program to run)"),
        ("p['args'] = None", "process.args", "missing"),
        ("p['args'] = []", "process.args", "empty"),
        ("p['args'] = ['']", "process.args[0]", "empty"),
        ("p['args'] = 'sh'", "process.args", '"sh" is not a list'),
        ("p['args'] = ['sh', 1]", "process.args[1]", "1 is not a string"),
        ("p['args'] = ['sh', None]", "process.args[1]", "null is not a string"),
        ("p['args'] = ['\\ud800']", "process.args[0]", "surrogate"),
        ("del p['cwd']", "process.cwd", "missing"),
        ("p['Cwd'] = 'x' + p.pop('cwd')", "process.cwd", "is not an absolute path"),
        ("p['Cwd'] = p.pop('cwd') == ''", "process.Cwd", "false is not a string"),
        ("p['cwd'] = ''", "process.cwd", "empty"),
        ("p['cwd'] = 'tmp'", "process.cwd", '"tmp" is not an absolute path'),
        ("p['env'] = ['A=1', 'B']", "process.env[1]", '"B" has no name'),
        ("p['env'] = ['=B']", "process.env[0]", "write NAME=value"),
        ("p['user']['uid'] = -1", "process.user.uid", "-1 is outside 0 to 4294967295"),
        ("p['user']['uid'] = 4294967295", "process.user.uid", "past the last id"),
        ("p['user']['gid'] = True", "process.user.gid", "true is not an integer"),
        ("p['user']['gid'] = 1.0", "process.user.gid", "1.0 is not an integer"),
        ("p['user']['additionalGids'] = [1, '2']", "process.user.additionalGids[1]", '"2" is not'),
        ("p['rlimits'][0]['type'] = 'RLIMIT_X'", "process.rlimits[0].type", 'invalid resource limit "RLIMIT_X"'),
        ("p['rlimits'] *= 2", "process.rlimits[1].type", "twice"),
        ("p['rlimits'][0]['soft'] = 2000", "process.rlimits[0].soft", "more than hard"),
        ("del p['rlimits'][0]['hard']", "process.rlimits[0].hard", "missing"),
        ("p['oomScoreAdj'] = 1001", "process.oomScoreAdj", "outside -1000 to 1000"),
        ("p['consoleSize'] = {'height': 1}", "process.consoleSize.width", "missing"),
        ("p['scheduler'] = {}", "process.scheduler.policy", "missing"),
        ("p['scheduler'] = {'policy': 'SCHED_RR', 'runtime': 1}", "process.scheduler.runtime", "SCHED_RR"),
        ("p['scheduler'] = {'policy': DEADLINE, 'deadline': 9}", "process.scheduler.runtime", "requires"),
        ("p['scheduler'] = {'policy': DEADLINE, 'runtime': 0, 'deadline': 9}", "process.scheduler.runtime", "greater than 0"),
        ("p['scheduler'] = {'policy': DEADLINE, 'runtime': 5000}", "process.scheduler.deadline", "requires"),
        ("p['scheduler'] = {'policy': DEADLINE, 'runtime': 1023, 'deadline': 5000}", "process.scheduler.runtime", "must be between 1024"),
        ("p['scheduler'] = {'policy': DEADLINE, 'runtime': 5000, 'deadline': 1 << 63}", "process.scheduler.deadline", "must be between"),
        ("p['scheduler'] = {'policy': DEADLINE, 'runtime': 5001, 'deadline': 5000}", "process.scheduler.runtime", "<= deadline"),
        ("p['scheduler'] = {'policy': DEADLINE, 'runtime': 5000, 'deadline': 9000, 'period': 8999}", "process.scheduler.deadline", "<= period"),
        ("p['scheduler'] = {'policy': 'SCHED_OTHER', 'priority': 1}", "process.scheduler.priority", "only"),
        ("p['scheduler'] = {'policy': 'SCHED_OTHER', 'nice': 20}", "process.scheduler.nice", "outside"),
        ("p['ioPriority'] = {'class': 'IOPRIO_CLASS_RT', 'priority': 8}", "process.ioPriority.priority", "8"),
        ("p['ioPriority'] = {'class': 'x'}", "process.ioPriority.class", "one of IOPRIO_CLASS_BE"),
        ("p['execCPUAffinity'] = {'initial': 'a'}", "process.execCPUAffinity.initial", "list of CPUs"),
        ("c['mounts'][0]['destination'] = ''", "mounts[0].destination", "empty"),
        (
            "c['mounts'][0]['destination'] = '/a/../../etc'",
            "mounts[0].destination",
            "above the container's root",
        ),
        ("c['mounts'][0]['destination'] = '../etc'", "mounts[0].destination", "above the container's root"),
        ("del c['mounts'][0]['destination']", "mounts[0].destination", "missing"),
        ("c['mounts'][0]['options'] = ['a\\0']", "mounts[0].options[0]", "NUL"),
        ("c['mounts'][0]['uidMappings'] = l['uidMappings']", "mounts[0].gidMappings", "missing"),
        (
            "c['mounts'][0].update(uidMappings=[{'containerID': 0, 'hostID': 0, 'size': 0}], gidMappings=l['gidMappings'])",
            "mounts[0].uidMappings[0].size",
            "0 maps nothing",
        ),
        (
            "l.update(namespaces=[{'type': 'mount'}], uidMappings=[], gidMappings=[]); c['mounts'][0]['options'] = ['ridmap']",
            "mounts[0].uidMappings",
            "there is none",
        ),
        ("c['hooks']['poststop'] = [{'path': 'true'}]", "hooks.poststop[0].path", "not an absolute path"),
        ("del c['hooks']['prestart'][0]['path']", "hooks.prestart[0].path", "missing"),
        ("c['hooks']['prestart'][0]['timeout'] = 0", "hooks.prestart[0].timeout", "more than zero"),
        ("c['annotations'] = {'': 'x'}", "annotations", "empty"),
        ("c['annotations'] = {'k': 1}", 'annotations["k"]', "1 is not a string"),
        ("l['namespaces'][2]['type'] = 'pidd'", "linux.namespaces[2].type", 'invalid namespace "pidd"'),
        ("l['namespaces'][2]['type'] = 'PID'", "linux.namespaces[2].type", "one of cgroup, ipc, mount"),
        ("l['namespaces'].append({'type': 'pid'})", "linux.namespaces[7].type", "twice"),
        ("l['namespaces'][0]['path'] = 'ns/pid'", "linux.namespaces[0].path", "not an absolute path"),
        ("del l['namespaces'][3]", "hostname", "add a uts namespace"),
        ("del l['namespaces'][3], c['hostname']; c['domainname'] = 'x'", "domainname", "uts"),
        ("c['hostname'] = 'ü' * 33", "hostname", "longer than 64 bytes"),
        ("del l['namespaces'][4]", "linux.maskedPaths", "add a mount namespace"),
        (
            "del l['namespaces'][4], l['maskedPaths']; l['readonlyPaths'] = ['/x']",
            "linux.readonlyPaths",
            "mount",
        ),
        ("del l['namespaces'][5]", "linux.uidMappings", "add a user namespace"),
        ("del l['uidMappings']", "linux.uidMappings", "missing"),
        ("l['gidMappings'] = []", "linux.gidMappings", "missing"),
        ("l['uidMappings'][0]['size'] = 0", "linux.uidMappings[0].size", "maps nothing"),
        ("l['uidMappings'] *= 2", "linux.uidMappings[1].containerID", "overlaps"),
        ("l['uidMappings'][0]['hostID'] = 4294967290", "linux.uidMappings[0].hostID", "past the last id"),
        ("del l['namespaces'][6]", "linux.timeOffsets", "add a time namespace"),
        ("l['namespaces'][6]['path'] = '/n'", "linux.timeOffsets", "keeps its own"),
        ("l['timeOffsets'] = {'realtime': {}}", "linux.timeOffsets", '"realtime" is not a clock'),
        (
            "l['timeOffsets']['monotonic']['nanosecs'] = 10**9",
            "linux.timeOffsets.monotonic.nanosecs",
            "second",
        ),
        ("del l['devices'][0]['major']", "linux.devices[0].major", "missing"),
        ("l['devices'][0]['type'] = 'z'", "linux.devices[0].type", "one of b, c, p, u"),
        ("l['devices'][0]['path'] = 'dev/x'", "linux.devices[0].path", "not an absolute path"),
        ("l['devices'][0]['minor'] = -1", "linux.devices[0].minor", "not a device number"),
        ("l['rootfsPropagation'] = 'x'", "linux.rootfsPropagation", "invalid propagation"),
        ("l['sysctl'] = {'kernel.panic': '1'}", 'linux.sysctl["kernel.panic"]', "belongs to the host"),
        ("l['sysctl'] = {'kernel.hostname': '1'}", 'linux.sysctl["kernel.hostname"]', '"hostname"'),
        ("l['sysctl'] = {'net/../kernel/panic': '1'}", 'linux.sysctl["net/../kernel/panic"]', "not the name"),
        ("l['sysctl'] = {'net..x': '1'}", 'linux.sysctl["net..x"]', "not the name"),
        ("del l['namespaces'][1]", 'linux.sysctl["net.ipv4.ip_forward"]', "host's network namespace"),
        (
            "del l['namespaces'][2]; l['sysctl'] = {'kernel.shmmax': '1'}",
            'linux.sysctl["kernel.shmmax"]',
            "ipc",
        ),
        ("l['netDevices'] = {'a/b': {}}", "linux.netDevices", '"a/b" is not the name of an interface'),
        ("del l['namespaces'][1], l['sysctl']; l['netDevices'] = {'e': {}}", "linux.netDevices", "network"),
        ("r['devices'][0]['access'] = 'x'", "linux.resources.devices[0].access", '"x"'),
        ("r['devices'][0]['type'] = 'p'", "linux.resources.devices[0].type", "one of a, b, c"),
        ("del r['devices'][0]['allow']", "linux.resources.devices[0].allow", "missing"),
        ("r['memory'] = {'limit': 100, 'swap': 99}", "linux.resources.memory.swap", "less than limit"),
        ("r['memory'] = {'limit': 1 << 63}", "linux.resources.memory.limit", "outside"),
        ("r['memory'] = {'limit': -2}", "linux.resources.memory.limit", "-1 means no limit"),
        ("r['memory'] = {'swappiness': 101}", "linux.resources.memory.swappiness", "0 to 100"),
        ("r['cpu'] = {'quota': 5, 'burst': 6}", "linux.resources.cpu.burst", "more than quota"),
        ("r['cpu'] = {'cpus': '0-x'}", "linux.resources.cpu.cpus", "list of numbers"),
        ("r['blockIO'] = {'weight': 65536}", "linux.resources.blockIO.weight", "outside"),
        (
            "r['blockIO'] = {'weightDevice': [{'major': 8, 'minor': 0}]}",
            "linux.resources.blockIO.weightDevice[0]",
            "neither",
        ),
        (
            "r['hugepageLimits'] = [{'pageSize': '2MiB', 'limit': 1}]",
            "linux.resources.hugepageLimits[0].pageSize",
            "page size",
        ),
        ("r['rdma'] = {'mlx': {}}", 'linux.resources.rdma["mlx"]', "neither"),
        ("r['unified'] = {'../x.y': '1'}", "linux.resources.unified", "not the form CONTROLLER.VALUE `../x.y`"),
        (
            "r['network'] = {'priorities': [{'name': 'e'}]}",
            "linux.resources.network.priorities[0].priority",
            "mi",
        ),
        ("c['hooks'] = {'poststop': [{'path': '/a', 'args': ['']}]}", "hooks.poststop[0].args[0]", "empty"),
        ("c['hooks'] = {'prestart': [{'path': '/a', 'env': ['A=', 'A']}]}", "hooks.prestart[0].env[1]", "no name"),
        ("r['unified'] = {'cgroup.procs': '1'}", "linux.resources.unified", "acts on processes"),
        ("r['unified'] = {'cgroup.freeze': '1'}", "linux.resources.unified", "acts on processes"),
        ("p['execCPUAffinity'] = {'final': ','}", "process.execCPUAffinity.final", "not a list of CPUs"),
        ("p['execCPUAffinity'] = {'initial': '0-'}", "process.execCPUAffinity.initial", "not a list of CPUs"),
        ("p['scheduler'] = {'policy': 'SCHED_FIFO', 'priority': 100}", "process.scheduler.priority", "0 to 99"),
        ("l['memoryPolicy'] = {}", "linux.memoryPolicy.mode", "missing (no mode is an invalid memory policy mode"),
        (
            "l['memoryPolicy'] = {'mode': 'MPOL_DEFAULT', 'nodes': '0-7'}",
            "linux.memoryPolicy.nodes",
            "mode requires 0 nodes but got 8",
        ),
        ("l['memoryPolicy'] = {'mode': 'MPOL_BIND'}", "linux.memoryPolicy.nodes", "at least one node"),
        (
            "l['memoryPolicy'] = {'mode': 'MPOL_BIND', 'nodes': '0-9876543210'}",
            "linux.memoryPolicy.nodes",
            "invalid memory policy node",
        ),
        (
            "l['memoryPolicy'] = {'mode': 'MPOL_DEFAULT', 'flags': ['MPOL_F_STATIC_NODES']}",
            "linux.memoryPolicy.flags",
            "takes none",
        ),
        ("del s['defaultAction']", "linux.seccomp.defaultAction", "missing"),
        ("s['defaultAction'] = 'SCMP_ACT_X'", "linux.seccomp.defaultAction", "invalid seccomp action"),
        ("s['defaultAction'] = 'SCMP_ACT_KILL'", "linux.seccomp.defaultErrnoRet", "returns no number"),
        ("s['defaultErrnoRet'] = 65536", "linux.seccomp.defaultErrnoRet", "outside 0 to 65535"),
        ("s['syscalls'][0]['errnoRet'] = 1", "linux.seccomp.syscalls[0].errnoRet", "returns no number"),
        ("del s['syscalls'][0]['names']", "linux.seccomp.syscalls[0].names", "missing"),
        (
            "del s['defaultErrnoRet']; s['defaultAction'] = 'SCMP_ACT_NOTIFY'",
            "linux.seccomp.defaultAction",
            "SCMP_ACT_NOTIFY cannot be used as default action",
        ),
        (
            "s['syscalls'][0] = {'names': ['read', 'write'], 'action': 'SCMP_ACT_NOTIFY'}; s['listenerPath'] = '/a'",
            "linux.seccomp.syscalls[0].names",
            "SCMP_ACT_NOTIFY cannot be used for the write syscall",
        ),
        ("s['syscalls'][0]['action'] = 'SCMP_ACT_NOTIFY'", "linux.seccomp.listenerPath", "syscalls[0]"),
        ("s['listenerMetadata'] = 'x'", "linux.seccomp.listenerMetadata", "for nobody"),
        ("s['listenerPath'] = 'a/socket'", "linux.seccomp.listenerPath", "absolute"),
        ("s['listenerPath'] = '/' * 108", "linux.seccomp.listenerPath", "107 bytes"),
        ("s['architectures'] = ['amd64']", "linux.seccomp.architectures[0]", "SCMP_ARCH_X86_64"),
        (
            "s['syscalls'][0]['args'] = [{'index': 6, 'value': 0, 'op': 'SCMP_CMP_EQ'}]",
            "linux.seccomp.syscalls[0].args[0].index",
            "past the last argument",
        ),
        (
            "s['syscalls'][0]['args'] = [{'index': 0, 'value': 1 << 64, 'op': 'SCMP_CMP_EQ'}]",
            "linux.seccomp.syscalls[0].args[0].value",
            "outside",
        ),
        ("l['intelRdt'] = {'closID': '..'}", "linux.intelRdt.closID", "not the name of a directory"),
        ("l['intelRdt'] = {'memBwSchema': 'L3:0=f'}", "linux.intelRdt.memBwSchema", 'begin with "MB:"'),
        ("l['intelRdt'] = {'schemata': ['a', 'b\\nc']}", "linux.intelRdt.schemata[1]", "line break"),
        ("l['personality'] = {'domain': 'LINUX64'}", "linux.personality.domain", "invalid personality"),
    ],
)
def test_refused(edit, field, says):
    sentence = error_of(edited(edit))
    assert sentence.startswith(f"config.json: {field}: "), sentence
    assert says in sentence


@pytest.mark.parametrize("document", [None, [], "x", 3, True])
def test_a_document_that_is_no_object(document):
    assert "is not an object" in error_of(document)


def test_a_name_in_another_case_is_the_field_as_go_reads_it():
    given = edited("l['resources'] = {'hugepageLimits': [{'pagesize': '2MB', 'limit': 1, 'note': [None]}]}")
    del given["annotations"]
    given["Annotations"] = {"A": "1", "a": "2"}
    given["process"]["nonewprivileges"] = True
    given["process"]["CWD"] = "/etc"  # the field is there by its own name: this one is nothing's
    validated = validate(given)
    assert validated["linux"]["resources"]["hugepageLimits"] == [{"pageSize": "2MB", "limit": 1, "note": [None]}]
    assert validated["annotations"] == {"A": "1", "a": "2"}
    assert validated["process"]["noNewPrivileges"] is True
    assert validated["process"]["cwd"] == "/"
    assert "pagesize" in given["linux"]["resources"]["hugepageLimits"][0]


def test_null_is_absent_and_the_callers_document_stays():
    document = edited("p['env'] = None; c['mounts'][0]['type'] = None; c['annotations']['k'] = None")
    before = copy.deepcopy(document)
    made = validate(document)
    assert document == before
    assert "env" not in made["process"]
    assert "type" not in made["mounts"][0]
    assert made["annotations"] == {"a": ""}


def test_a_relative_mount_point_lies_below_the_root():
    document = edited("c['mounts'][0]['destination'] = 'data/x'")
    assert validate(document)["mounts"][0]["destination"] == "/data/x"
    assert document["mounts"][0]["destination"] == "data/x"


def test_parts_name_their_own_document():
    assert error_of({"args": ["a"], "cwd": "x"}, validate_process).startswith("process.json: cwd: ")
    assert error_of({"memory": {"swappiness": 200}}, validate_resources).startswith(
        "resources.json: memory.swappiness: "
    )
    assert error_of({"syscalls": [{"names": []}]}, validate_seccomp).startswith(
        "seccomp profile: syscalls[0].action: missing"
    )
    assert validate_resources({"pids": {"limit": 5}}) == {"pids": {"limit": 5}}


def test_an_error_is_a_rung_error_with_its_parts():
    with pytest.raises(RungError) as caught:
        validate(edited("p['cwd'] = 'x'"))
    assert (caught.value.field, caught.value.document) == ("process.cwd", "config.json")


def test_strange_values_are_shown_short_and_printable():
    sentence = error_of(edited("c['ociVersion'] = '\\x1b[2J' + 'x' * 500"))
    assert "\x1b" not in sentence
    assert len(sentence) < 200
    assert "a huge number" in error_of(edited("p['oomScoreAdj'] = 10 ** 5000"))


def test_what_is_passed_over_is_said():
    said = warnings(
        validate(
            edited(
                "p['capabilities'] = {'bounding': ['CAP_KILL', 'CAP_NEW'], 'ambient': ['KILL']};"
                "l['personality'] = {'domain': 'LINUX', 'flags': ['X']}; r['memory'] = {'kernel': 1}"
            )
        )
    )
    assert [line.split(":")[0] for line in said] == [
        "process.capabilities",
        "linux.personality.flags",
        "linux.resources.memory.kernel",
    ]
    assert '"CAP_NEW", "KILL"' in said[0]
    sets = {"permitted": ["CAP_KILL", "CAP_CHOWN"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL", "CAP_CHOWN"]}
    said = warnings(validate(edited(f"p['capabilities'] = {sets}")))
    assert said == ["can't raise ambient capability CAP_CHOWN: it is not both permitted and inheritable"]
    said = warnings(validate(edited("r['devices'][0]['access'] = 'rwa'")))
    assert said == ['linux.resources.devices[0].access: "a" ignored, not r, w or m']
    assert warnings(GOOD) == []
