"""System endpoints, versions, and requests that make no sense."""

from __future__ import annotations

from .step import SHAPE, STATUS, Step, create, delete, get, post

#: What daemons say of themselves and of their build.
OWN = ("Components", "Platform", "BuildTime", "GitCommit", "GoVersion", "Version", "PythonVersion")
#: Fields of /info by whose presence nothing can be told: what the machine and the build have.
MACHINE = (
    "DriverStatus Plugins Warnings SecurityOptions Runtimes RegistryConfig Containerd FirewallBackend DiscoveredDevices "
    "Builder DefaultAddressPools NRI CDISpecDirs"
).split()
HUGE = "x" * 300_000
JSON = {"Content-Type": "application/json"}

SYSTEM: dict[str, list[Step]] = {
    "ping": [get("/_ping"), Step("HEAD", "/_ping"), get("/v1.24/_ping"), get("/v1.41/_ping")],
    "ping: other methods": [post("/_ping"), delete("/_ping"), Step("OPTIONS", "/_ping", look=STATUS)],
    "version": [get("/version", drop=OWN), get("/v1.24/version", drop=OWN)],
    "info": [get("/info", look=SHAPE, drop=tuple(MACHINE))],
    "info at older versions": [
        get(f"/v{one}/info", look=SHAPE, drop=tuple(MACHINE)) for one in ("1.24", "1.38", "1.40", "1.43")
    ],
    "versions that there are not": [
        get("/v1.23/version"),
        get("/v1.0/version"),
        get("/v1.99/version"),
        get("/v2.0/version"),
        get("/v1/version"),
        get("/vx/version"),
        get("/v1.24.1/version", drop=OWN),
        get("/v/version"),
    ],
    "paths that there are not": [
        get("/"),
        get("/nowhere"),
        get("/v1.41/nowhere"),
        get("/containers"),
        get("/containers/"),
        get("/containers/json/"),
        post("/containers/json"),
        get("/containers/create"),
        delete("/version"),
        Step("PATCH", "/version"),
        Step("PUT", "/containers/x"),
        get("//version"),
        get("/images/"),
        get("/v1.41"),
    ],
    "system df": [get("/system/df"), get("/v1.41/system/df"), get("/v1.24/system/df")],
    "system df by type": [
        get("/system/df?type=container"),
        get("/system/df?type=image"),
        get("/system/df?type=volume&type=build-cache"),
        get("/system/df?type=nothing"),
        get("/v1.41/system/df?type=container"),
    ],
    "a swarm's endpoints": [
        *(
            get(f"/{one}")
            for one in ("swarm", "services", "nodes", "tasks", "secrets", "configs", "swarm/unlockkey")
        ),
        *(get(f"/{one}/x") for one in ("services", "nodes", "tasks", "secrets", "configs")),
        *(delete(f"/{one}/x") for one in ("services", "nodes", "secrets", "configs")),
        post("/services/create", {"Name": "x", "TaskTemplate": {}}),
        post("/secrets/create", {"Name": "x"}),
        post("/configs/create", {"Name": "x"}),
        post("/nodes/x/update?version=1", {}),
        post("/services/x/update?version=1", {}),
        post("/secrets/x/update?version=1", {}),
        post("/configs/x/update?version=1", {}),
        get("/services/x/logs?stdout=1"),
        get("/tasks/x/logs?stdout=1"),
        post("/swarm/leave"),
        post("/swarm/update?version=1", {}),
        post("/swarm/unlock", {"UnlockKey": "x"}),
    ],
    "plugins": [
        get("/plugins"),
        get("/plugins/x/json"),
        post("/plugins/x/enable?timeout=0"),
        post("/plugins/x/disable"),
        delete("/plugins/x"),
        get('/plugins?filters={"enabled":["true"]}'),
    ],
    "events that were": [get("/events?since=1&until=2"), get("/v1.24/events?since=1&until=2")],
    "events of a time": [
        create(),
        Step("DELETE", "/containers/{id}"),
        get(
            '/events?since=2m&until=0s&filters={"type":["container"],"container":["{id}"]}',
            drop=("time", "timeNano"),
        ),
        get('/events?since=-2m&until=-1h&filters={"container":["{id}"]}'),
    ],
    "events: nonsense": [
        get("/events?since=x"),
        get("/events?since=1&until=x"),
        get("/events?since=2&until=1"),
        get("/events?filters=x"),
        get('/events?until=1&filters={"x":["y"]}'),
        get('/events?until=1&filters={"type":"container"}'),
    ],
    "auth": [
        post("/auth", {}, look=STATUS),
        post("/auth", b"{"),
        post("/auth", {"serveraddress": "127.0.0.1:1", "username": "u", "password": "p"}, look=STATUS),
    ],
    "build prune": [post("/build/prune", look=SHAPE)],
    "JSON that is none": [
        post("/containers/create", b"{", headers=JSON),
        post("/containers/create", b"", headers=JSON),
        post("/containers/create", b"[]", headers=JSON),
        post("/containers/create", b"null", headers=JSON),
        post("/containers/create", b'"x"', headers=JSON),
        post("/containers/create", b"{} {}", headers=JSON),
        post("/containers/create", b'{"Image": 1}', headers=JSON),
        post("/containers/create", b'{"Cmd": {"a": 1}}', headers=JSON),
        post("/containers/create", b'{"HostConfig": []}', headers=JSON),
        post("/containers/create", b"{}", headers={"Content-Type": "text/plain"}),
        post("/containers/create", b"{}", headers={"Content-Type": ""}),
        post("/networks/create", b"{", headers=JSON),
        post("/volumes/create", b"{", headers=JSON),
        post("/networks/create", b'{"Name": 1}', headers=JSON),
        post("/volumes/create", b'{"Labels": []}', headers=JSON),
        post("/containers/create", b"\xff\xfe", headers=JSON),
        post("/containers/create", None),
    ],
    "fields: unknown, twice, in other letters": [
        post(
            "/containers/create?name={name}",
            b'{"Image":"busybox:test","Nothing":{"x":[1]}}',
            headers=JSON,
            keep={"id": "Id"},
        ),
        post(
            "/containers/create?name={name}2",
            b'{"Image":"no","Image":"busybox:test","cmd":["true"]}',
            headers=JSON,
            keep={"id": "Id"},
        ),
        get("/containers/{id}/json?nothing=1&size=x", look=SHAPE, drop=("GraphDriver",)),
    ],
    "fields: huge": [
        post(f"/containers/create?name={HUGE[:5000]}", {"Image": "busybox:test"}, look=STATUS),
        create(Env=[f"A={HUGE}"]),
        create("{name}2", Labels={HUGE: "x"}),
    ],
    "filters: nonsense": [
        get("/containers/json?filters=x"),
        get("/containers/json?filters=[]"),
        get('/containers/json?filters={"x":["y"]}'),
        get('/containers/json?filters={"status":["x"]}'),
        get('/containers/json?filters={"exited":["x"]}'),
        get('/containers/json?filters={"health":["x"]}'),
        get('/containers/json?filters={"name":"x"}'),
        get('/containers/json?filters={"name":{"x":true}}'),
        get('/containers/json?filters={"is-task":["x"]}'),
        get('/containers/json?filters={"before":["nothing"]}'),
        get('/images/json?filters={"x":["y"]}'),
        get('/images/json?filters={"dangling":["x"]}'),
        get('/networks?filters={"x":["y"]}'),
        get('/networks?filters={"dangling":["x"]}'),
        get('/networks?filters={"type":["x"]}'),
        get('/volumes?filters={"x":["y"]}'),
        get('/volumes?filters={"dangling":["x"]}'),
    ],
    "prune: filters": [
        post('/containers/prune?filters={"x":["y"]}'),
        post('/containers/prune?filters={"until":["x"]}'),
        post('/images/prune?filters={"x":["y"]}'),
        post('/images/prune?filters={"dangling":["x"]}'),
        post('/networks/prune?filters={"x":["y"]}'),
        post('/networks/prune?filters={"until":["x"]}'),
        post('/volumes/prune?filters={"x":["y"]}'),
        post('/volumes/prune?filters={"all":["x"]}'),
        post("/containers/prune"),
        post("/networks/prune"),
        post("/volumes/prune"),
        post("/images/prune"),
    ],
}
