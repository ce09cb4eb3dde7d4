"""The options of the daemon: dockerd's names, on the command line and in ``daemon.json``. Pure.

One table, from which the flags are declared and the file is checked.
"""

from __future__ import annotations

from rung.record import Record

TEXT, SWITCH, NUMBER, LIST, MAP, OBJECT, OBJECTS = "text", "switch", "number", "list", "map", "object", "objects"


class Option(Record):
    """``key`` in the file; ``flag`` on the command line, empty where it has none. ``field`` of ``Settings``; empty: it
    is taken, as dockerd's own files have it, and changes nothing here."""

    key: str
    kind: str
    field: str = ""
    flag: str = ""
    help: str = ""
    reloads: bool = False


OPTIONS = (
    Option("hosts", LIST, "hosts", "host", "where to listen: unix://PATH, tcp://ADDRESS:PORT (with --tlsverify), fd://"),
    Option("data-root", TEXT, "data", "data-root", "images, containers and volumes"),
    Option("exec-root", TEXT, "run", "exec-root", "sockets and what is mounted"),
    Option("cgroup-parent", TEXT, "cgroup", "cgroup-parent", "what containers' cgroups are below"),
    Option("pidfile", TEXT, "pidfile", "pidfile", "where to write the process's number"),
    Option("group", TEXT, "group", "group", "whose members may use the unix socket, beside root"),
    Option("debug", SWITCH, "debug", "debug", "show where an error comes from", reloads=True),
    Option("tls", SWITCH, "tls", "tls", "use TLS; implied by --tlsverify"),
    Option("tlsverify", SWITCH, "tlsverify", "tlsverify", "use TLS and let in only whom --tlscacert has signed"),
    Option("tlscacert", TEXT, "tlscacert", "tlscacert", "certificates of whom clients must be signed by"),
    Option("tlscert", TEXT, "tlscert", "tlscert", "the daemon's own certificate"),
    Option("tlskey", TEXT, "tlskey", "tlskey", "its key"),
    Option("labels", LIST, "labels", "label", "KEY=VALUE of this daemon, shown by info", reloads=True),
    Option("log-driver", TEXT, "log_driver", "log-driver", "of containers that name none"),
    Option("log-opts", MAP, "log_opts", "log-opt", "of containers that name no driver: KEY=VALUE"),
    Option("default-runtime", TEXT, "default_runtime", "default-runtime", "of containers that name none", reloads=True),
    Option("runtimes", OBJECT, "runtimes", "add-runtime", "one more OCI runtime: NAME=PATH", reloads=True),
    Option(
        "insecure-registries", LIST, "insecure_registries", "insecure-registry", "may be without TLS", reloads=True
    ),
    Option("registry-mirrors", LIST, "registry_mirrors", "registry-mirror", "asked before Docker Hub", reloads=True),
    Option("bip", TEXT, "bip", "bip", "the default network's gateway and subnet: 172.20.0.1/16"),
    Option("fixed-cidr", TEXT, "fixed_cidr", "fixed-cidr", "the default network's addresses are from there"),
    Option("ipv6", SWITCH, "ipv6", "ipv6", "give the default network IPv6"),
    Option("fixed-cidr-v6", TEXT, "fixed_cidr_v6", "fixed-cidr-v6", "the default network's IPv6 subnet"),
    Option("default-address-pools", OBJECTS, "pools", "default-address-pool", "networks' subnets: base=CIDR,size=BITS"),
    Option("mtu", NUMBER, "mtu", "mtu", "of the default network"),
    Option("dns", LIST, "dns", "dns", "name servers of containers that name none"),
    Option("dns-opts", LIST, "dns_opts", "dns-opt", "resolver options of containers that name none"),
    Option("dns-search", LIST, "dns_search", "dns-search", "search domains of containers that name none"),
    Option("userns-remap", TEXT, "userns_remap", "userns-remap", "containers' root is USER[:GROUP], or default"),
    Option("init", SWITCH, "init", "init", "give containers an init process"),
    Option("no-new-privileges", SWITCH, "no_new_privileges", "no-new-privileges", "for containers that do not say"),
    Option("default-shm-size", TEXT, "shm_size", "default-shm-size", "of containers that do not say"),
    Option("experimental", SWITCH, "experimental", "experimental", "checkpoints, and what else Docker calls so"),
    Option("cdi-spec-dirs", LIST, "cdi_dirs", "cdi-spec-dir", "where specifications of CDI devices are"),
    Option("metrics-addr", TEXT, "metrics_addr", "metrics-addr", "ADDRESS:PORT where anybody may read /metrics"),
    Option("otlp", TEXT, "otlp", "otlp", "export traces as OTLP/JSON: to a file, or to http://HOST:4318"),
    # Containers always live on, ports need no proxy, and rules are nftables': what is said of that changes nothing.
    Option("live-restore", SWITCH, flag="live-restore", reloads=True),
    Option("userland-proxy", SWITCH, flag="userland-proxy"),
    Option("features", OBJECT, reloads=True),
    Option("storage-driver", TEXT, flag="storage-driver"),
    Option("log-level", TEXT, flag="log-level"),
    Option("max-concurrent-downloads", NUMBER, flag="max-concurrent-downloads", reloads=True),
    Option("max-concurrent-uploads", NUMBER, flag="max-concurrent-uploads", reloads=True),
    Option("max-download-attempts", NUMBER, flag="max-download-attempts", reloads=True),
    Option("shutdown-timeout", NUMBER, flag="shutdown-timeout", reloads=True),
)
BY_KEY = {one.key: one for one in OPTIONS}
