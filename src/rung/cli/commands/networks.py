"""``rung network``."""

from __future__ import annotations

from rung.cli.commands.filters import filters
from rung.cli.commands.several import each
from rung.cli.creation import pairs
from rung.cli.flags import command
from rung.cli.link.engine import Engine, quoted
from rung.cli.output import print_list
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked

COLUMNS = {"NETWORK ID": "ID", "NAME": "Name", "DRIVER": "Driver", "SCOPE": "Scope"}
HEADINGS = {"CreatedAt": "CREATED AT", "IPv6": "IPV6"}


@command(
    "ls [OPTIONS]",
    "List networks",
    "rung network ls --filter driver=bridge",
    """
  -f, --filter filter  only those that fit (name=value)
      --format string  table, table TEMPLATE, json or a Go template
      --json           one JSON array of what the engine says
      --no-trunc       whole IDs
  -q, --quiet          IDs only
""",
)
def ls(asked: Asked) -> int:
    """One line a network."""
    found = Engine(asked.settings).get("/networks", filters=filters(asked["filter"]))
    found.sort(key=lambda one: one["Name"])
    print_list(asked, found, [_row(one, asked["no-trunc"]) for one in found], COLUMNS, headings=HEADINGS)
    return 0


def _row(one: dict[str, Any], whole: bool) -> dict[str, Any]:
    labels = one.get("Labels") or {}
    return {
        "CreatedAt": one["Created"].replace("T", " ").replace("Z", " +0000 UTC"),
        "Driver": one["Driver"],
        "ID": one["Id"] if whole else one["Id"][:12],
        "IPv6": str(bool(one.get("EnableIPv6"))).lower(),
        "Internal": str(bool(one.get("Internal"))).lower(),
        "Labels": ",".join(f"{name}={value}" for name, value in labels.items()),
        "Name": one["Name"],
        "Scope": one["Scope"],
        "Label": lambda name: labels.get(name, ""),
    }


@command(
    "create [OPTIONS] NETWORK",
    "Create a network",
    "rung network create --subnet 10.9.0.0/24 shop",
    """
      --attachable             accepted
      --aux-address map        address that is taken already (name=address)
      --config-from string     network whose configuration is taken
      --config-only            only keep the configuration
  -d, --driver string=bridge   driver
      --gateway list           the gateway of a subnet
      --ingress                accepted
      --internal               no way out of it
      --ip-range list          part of a subnet that addresses are taken from
      --ipam-driver string     who gives addresses
      --ipam-opt map           option of who gives addresses (name=value)
      --ipv6                   with IPv6
      --label list             label (name=value)
  -o, --opt map                option of the driver (name=value)
      --scope string           accepted
      --subnet list            its addresses, as 10.9.0.0/24
""",
)
def create(asked: Asked) -> int:
    """Its ID."""
    body: dict[str, Any] = {"Name": asked.words[0], "Driver": asked["driver"], "CheckDuplicate": True}
    body |= {"Internal": asked["internal"], "Attachable": asked["attachable"], "EnableIPv6": asked["ipv6"]}
    body |= {"Options": pairs(asked["opt"]), "Labels": pairs(asked["label"]), "IPAM": _addresses(asked)}
    if asked["config-only"]:
        body["ConfigOnly"] = True
    if asked["config-from"]:
        body["ConfigFrom"] = {"Network": asked["config-from"]}
    print(Engine(asked.settings).post("/networks/create", body)["Id"])
    return 0


def _addresses(asked: Asked) -> dict[str, Any]:
    """IPAM: gateways, ranges and taken addresses belong to the subnet that they are in. Raises ``RungError``."""
    from ipaddress import ip_address, ip_network

    subnets = [word for given in asked["subnet"] for word in given.split(",")]
    found: list[dict[str, Any]] = [{"Subnet": word} for word in subnets]
    given = [("Gateway", word) for word in asked["gateway"]] + [
        ("IPRange", word) for word in asked["ip-range"]
    ]
    aux = pairs(asked["aux-address"])
    try:
        for name, word in [*given, *((f"aux {name}", word) for name, word in aux.items())]:
            address = ip_address(word.partition("/")[0])
            into = next((one for one in found if address in ip_network(one["Subnet"], strict=False)), None)
            if into is None:
                raise RungError(f"no matching subnet for {name.lower()}", word)
            if name.startswith("aux "):
                into.setdefault("AuxiliaryAddresses", {})[name[4:]] = word
            elif name in into:
                raise RungError(
                    f"cannot configure multiple {name.lower()}s on the same subnet", into["Subnet"]
                )
            else:
                into[name] = word
    except ValueError as error:
        raise RungError("invalid address", "", str(error)) from None
    return {"Driver": asked["ipam-driver"] or "default", "Options": pairs(asked["ipam-opt"]), "Config": found}


@command(
    "rm [OPTIONS] NETWORK [NETWORK...]",
    "Remove networks",
    "rung network rm shop",
    """
  -f, --force  one that is not there is no error
""",
)
def rm(asked: Asked) -> int:
    """Their names."""
    engine = Engine(asked.settings)
    forgiven = (404,) if asked["force"] else ()
    return each(
        asked.words, lambda name: engine.ask("DELETE", f"/networks/{quoted(name)}"), forgiven=forgiven
    )


@command(
    "connect [OPTIONS] NETWORK CONTAINER",
    "Put a container on a network",
    "rung network connect --alias db shop postgres",
    """
      --alias list          another name of it there
      --driver-opt map      option of the driver (name=value)
      --ip string           its IPv4 address there
      --ip6 string          its IPv6 address there
      --link list           name for another container (container:alias)
      --link-local-ip list  link-local address
""",
)
def connect(asked: Asked) -> int:
    """Nothing is said."""
    network, container = asked.words
    endpoint: dict[str, Any] = {}
    addresses = {
        "IPv4Address": asked["ip"],
        "IPv6Address": asked["ip6"],
        "LinkLocalIPs": asked["link-local-ip"],
    }
    if any(addresses.values()):
        endpoint["IPAMConfig"] = {name: value for name, value in addresses.items() if value}
    for flag, field in (("alias", "Aliases"), ("link", "Links")):
        if asked[flag]:
            endpoint[field] = asked[flag]
    if asked["driver-opt"]:
        endpoint["DriverOpts"] = pairs(asked["driver-opt"])
    body = {"Container": container, "EndpointConfig": endpoint}
    Engine(asked.settings).post(f"/networks/{quoted(network)}/connect", body)
    return 0


@command(
    "disconnect [OPTIONS] NETWORK CONTAINER",
    "Take a container off a network",
    "rung network disconnect shop postgres",
    """
  -f, --force  whatever state it is in
""",
)
def disconnect(asked: Asked) -> int:
    """Nothing is said."""
    network, container = asked.words
    body = {"Container": container, "Force": asked["force"]}
    Engine(asked.settings).post(f"/networks/{quoted(network)}/disconnect", body)
    return 0
