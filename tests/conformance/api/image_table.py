"""Images, networks and volumes."""

from __future__ import annotations

from .container_table import OWN, READY
from .step import IMAGE, SHAPE, STATUS, Step, create, delete, get, post

#: What differs because one daemon keeps images as it got them, and the other takes them apart.
IMAGE_OWN = ("GraphDriver", "Container", "ContainerConfig", "DockerVersion", "Descriptor", "RootFS", "Metadata", "Variant")
IMAGES: dict[str, list[Step]] = {
    "images": [
        get("/images/json"),
        get("/v1.43/images/json"),
        get("/images/json?shared-size=1", look=SHAPE),
        get('/images/json?filters={"reference":["busy*"]}'),
        get('/images/json?filters={"reference":["x"]}'),
        get('/images/json?filters={"dangling":["true"]}'),
        get('/images/json?filters={"label":["x"]}'),
        get('/images/json?filters={"before":["nothing"]}'),
        get('/images/json?filters={"since":["busybox:test"]}'),
        get("/images/busybox:test/json", drop=IMAGE_OWN),
        get("/v1.43/images/busybox:test/json", drop=IMAGE_OWN),
        get("/images/busybox:test/history"),
    ],
    "images that there are not": [
        get("/images/nothing/json"),
        get("/images/nothing:tag/json"),
        get("/images/a/b/c:tag/json"),
        get("/images/UPPER/json"),
        get("/images/sha256:" + "0" * 64 + "/json"),
        get("/images/" + "0" * 64 + "/json"),
        get("/images/abcdef/json"),
        get("/images/nothing/history"),
        get("/images/nothing/get"),
        get("/images/get?names=nothing"),
        post("/images/nothing/tag?repo=x&tag=y"),
        delete("/images/nothing"),
        delete("/images/UPPER"),
    ],
    "tags": [
        post("/images/busybox:test/tag?repo=other&tag=one"),
        post("/images/busybox:test/tag?repo=other"),
        post("/images/busybox:test/tag?repo=UPPER"),
        post("/images/busybox:test/tag?repo=a%20b"),
        post("/images/busybox:test/tag?repo=x&tag=a:b"),
        post("/images/busybox:test/tag?repo=" + "0" * 64),
        get('/images/json?filters={"reference":["other"]}'),
        get("/images/other/json", drop=IMAGE_OWN),
        delete("/images/other:one"),
        delete("/images/other:one"),
        delete("/images/other"),
    ],
    "images in use": [
        create(),
        delete("/images/busybox:test"),
        delete("/images/busybox"),
        post("/images/busybox:test/tag?repo=other&tag=one"),
        delete("/images/other:one"),
        post("/images/prune"),
    ],
    "pulled and pushed: nonsense": [
        post("/images/create", look=STATUS),
        post("/images/create?fromImage=UPPER"),
        post("/images/create?fromImage=a%20b"),
        post("/images/create?fromImage=x&tag=a%20b"),
        post("/images/create?fromImage=x&platform=a/b/c/d"),
        get("/distribution/UPPER/json"),
        get("/distribution/127.0.0.1:1/x/json", look=STATUS),
        get("/images/search?term=x&limit=1000"),
        get("/images/search?term=x&limit=x"),
        get('/images/search?term=x&filters={"x":["y"]}'),
    ],
    "loaded: nonsense": [
        post("/images/load", b"no archive", headers={"Content-Type": "application/x-tar"}, look=STATUS),
        post("/images/load", b"", headers={"Content-Type": "application/x-tar"}, look=STATUS),
        post("/images/create?fromSrc=-&repo=UPPER", b"", look=STATUS),
    ],
    "committed": [
        create(),
        post("/commit?container={id}&repo={name}&tag=x&comment=c&author=a", {"Cmd": ["made"]}, keep={"image": "Id"}),
        get("/images/{name}:x/json", drop=(*IMAGE_OWN, "Hostname", "Env", "Image", "Parent", "Labels")),
        post("/commit?container={id}&repo=UPPER", {}),
        post("/commit?container={id}&repo={name}&changes=NONSENSE%20x", {}, look=STATUS),
        post("/commit?container={id}&changes=CMD%20x", {}),
        post("/commit", {}),
    ],
}
#: What networks have of their host.
NET_OWN = ("com.docker.network.bridge.name", "Subnet", "Gateway", "com.docker.network.bridge.enable_ip_masquerade")
NETWORKS: dict[str, list[Step]] = {
    "networks": [
        get('/networks?filters={"name":["bridge"]}', drop=("com.docker.network.driver.mtu", *NET_OWN)),
        get('/networks?filters={"type":["custom"]}'),
        get('/networks?filters={"driver":["host"]}'),
        get('/networks?filters={"scope":["swarm"]}'),
        get("/networks/none"),
        get("/networks/host?verbose=1"),
        get("/networks/host?scope=local"),
        get("/networks/nothing"),
        delete("/networks/nothing"),
        delete("/networks/bridge"),
        delete("/networks/host"),
    ],
    "networks: made": [
        post("/networks/create", {"Name": "{name}", "Labels": {"a": "b"}, "Options": {"x": "y"}}, keep={"net": "Id"}),
        get("/networks/{net}", drop=NET_OWN),
        get("/networks/{name}?verbose=true", drop=NET_OWN),
        get('/networks?filters={"label":["a=b"]}', drop=NET_OWN),
        get('/networks?filters={"dangling":["true"]}', drop=NET_OWN),
        post("/networks/create", {"Name": "{name}"}),
        post("/networks/create", {"Name": "{name}", "CheckDuplicate": True}),
        post("/networks/create", {"Name": "{name}i", "Internal": True, "Attachable": True}, keep={"net": "Id"}),
        get("/networks/{net}", drop=NET_OWN),
        delete("/networks/{name}"),
        delete("/networks/{name}"),
        post("/networks/prune"),
    ],
    "networks: nonsense": [
        post("/networks/create", {"Name": ""}),
        post("/networks/create", {"Name": " "}),
        post("/networks/create", {"Name": "a b"}, look=STATUS),
        post("/networks/create", {"Name": "bridge"}),
        post("/networks/create", {"Name": "host"}),
        post("/networks/create", {"Name": "x", "Driver": "host"}),
        post("/networks/create", {"Name": "x", "Driver": "null"}),
        post("/networks/create", {"Name": "x", "IPAM": {"Config": [{"Subnet": "x"}]}}),
        post("/networks/create", {"Name": "x", "IPAM": {"Config": [{"Subnet": "10.1.0.5/16"}]}}),
        post("/networks/create", {"Name": "x", "IPAM": {"Config": [{"Gateway": "10.1.0.1"}]}}),
        post("/networks/create", {"Name": "x", "IPAM": {"Config": [{"Subnet": "10.1.0.0/16", "Gateway": "10.2.0.1"}]}}),
        post("/networks/create", {"Name": "x", "IPAM": {"Config": [{"Subnet": "10.1.0.0/16", "Gateway": "x"}]}}),
        post("/networks/create", {"Name": "x", "IPAM": {"Config": [{"Subnet": "10.1.0.0/16", "IPRange": "10.2.0.0/24"}]}}),
    ],
    "networks: overlapping": [
        post("/networks/create", {"Name": "{name}a", "IPAM": {"Config": [{"Subnet": "10.77.0.0/16"}]}}, keep={"net": "Id"}),
        get("/networks/{net}", drop=("Gateway",)),
        post("/networks/create", {"Name": "{name}b", "IPAM": {"Config": [{"Subnet": "10.77.5.0/24"}]}}),
    ],
    "networks: joined": [
        post("/networks/create", {"Name": "{name}", "IPAM": {"Config": [{"Subnet": "10.78.0.0/16"}]}}, keep={"net": "Id"}),
        create(HostConfig={"NetworkMode": "{name}"}),
        get("/containers/{id}/json", drop=(*OWN, "NetworkID", "MacAddress", "EndpointID")),
        READY,
        get("/containers/{id}/json", drop=(*OWN, "MacAddress")),
        get("/networks/{net}", drop=("Gateway",)),
        delete("/networks/{net}", look=STATUS),
        post("/networks/{net}/connect", {"Container": "{id}"}),
        post("/networks/{net}/disconnect", {"Container": "{id}"}),
        post(
            "/networks/{net}/connect",
            {"Container": "{id}", "EndpointConfig": {"Aliases": ["a"], "IPAMConfig": {"IPv4Address": "10.78.9.9"}}},
        ),
        get("/containers/{id}/json", drop=(*OWN, "MacAddress", "NetworkMode")),
        post("/networks/{net}/disconnect", {"Container": "{id}", "Force": True}),
    ],
    "networks: at once": [
        post("/networks/create", {"Name": "{name}", "IPAM": {"Config": [{"Subnet": "10.79.0.0/16"}]}}, keep={"net": "Id"}),
        post(
            "/containers/create?name={name}",
            {
                "Image": IMAGE,
                "Cmd": ["sleep", "1000"],
                "HostConfig": {"NetworkMode": "{name}"},
                "NetworkingConfig": {
                    "EndpointsConfig": {"{name}": {"Aliases": ["x"], "IPAMConfig": {"IPv4Address": "10.79.1.1"}}}
                },
            },
            keep={"id": "Id"},
        ),
        READY,
        get("/containers/{id}/json", drop=(*OWN, "MacAddress")),
        get("/networks/{net}", drop=("Gateway",)),
    ],
    "ports": [
        create(
            ExposedPorts={"80/tcp": {}, "90/tcp": {}},
            HostConfig={"NetworkMode": "bridge", "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18080"}]}},
        ),
        READY,
        get("/containers/{id}/json", look=SHAPE, drop=OWN),
        get('/containers/json?filters={"publish":["18080"]}', drop=("Status", "NetworkSettings", "Ports")),
        get('/containers/json?filters={"expose":["80/tcp"]}', look=SHAPE, drop=("Ports",)),
        get('/containers/json?filters={"publish":["1"]}'),
        create("{name}2", HostConfig={"NetworkMode": "bridge", "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18080"}]}}),
    ],
}


def _part(name: str, path: str) -> Step:
    """A container that shows a file of a part of the volume."""
    mount = {"Type": "volume", "Source": "{name}", "Target": "/p", "VolumeOptions": {"Subpath": path}}
    return create(name, "cat", "/p/file", HostConfig={"Mounts": [mount]})


VOLUMES: dict[str, list[Step]] = {
    "volumes": [
        get("/volumes"),
        post("/volumes/create", {"Name": "{name}", "Labels": {"a": "b"}}),
        post("/volumes/create", {"Name": "{name}"}),
        get("/volumes/{name}"),
        get('/volumes?filters={"label":["a=b"]}'),
        get('/volumes?filters={"name":["{name}"]}'),
        get('/volumes?filters={"driver":["x"]}'),
        post("/volumes/create", {"Name": "{name}o", "DriverOpts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}}),
        get("/volumes/{name}o"),
        delete("/volumes/{name}"),
        delete("/volumes/{name}"),
        delete("/volumes/{name}?force=1"),
        post("/volumes/prune"),
        post('/volumes/prune?filters={"all":["true"]}'),
        post("/v1.41/volumes/prune"),
    ],
    "volumes: nonsense": [
        get("/volumes/nothing"),
        post("/volumes/create", {"Name": "a b"}),
        post("/volumes/create", {"Name": "x"}),
        post("/volumes/create", {"Name": "../x"}),
        post("/volumes/create", {"Name": "xx", "DriverOpts": {"x": "y"}}),
        post("/volumes/create", {"Name": "xx", "DriverOpts": {"device": "/tmp"}}),
        post("/volumes/create", {"Name": "xx", "DriverOpts": {"type": "tmpfs"}}),
        Step("PUT", "/volumes/nothing?version=1", {}),
    ],
    "part of a volume": [
        create("{name}a", "sh", "-c", "mkdir /v/part; echo inside > /v/part/file", HostConfig={"Binds": ["{name}:/v"]}),
        READY,
        post("/containers/{id}/wait"),
        _part("{name}b", "part"),
        READY,
        post("/containers/{id}/wait"),
        get("/containers/{id}/logs?stdout=1"),
        _part("{name}c", "nothing"),
        post("/containers/{id}/start", look=STATUS),
    ],
    "volumes in use": [
        create(HostConfig={"Binds": ["{name}:/v"]}),
        delete("/volumes/{name}"),
        get('/volumes?filters={"dangling":["true"]}'),
        get('/volumes?filters={"dangling":["false"]}'),
        get("/system/df?type=volume", look=SHAPE),
        get('/containers/json?all=1&filters={"volume":["{name}"]}', look=SHAPE),
        delete("/volumes/{name}?force=1"),
    ],
}
