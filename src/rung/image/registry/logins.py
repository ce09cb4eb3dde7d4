"""Logins as docker keeps them: ``config.json`` and credential helpers.

docker's cli/config/configfile (``auths``, ``credsStore``, ``credHelpers``) and the protocol
of docker-credential-helpers. Rule: the file is docker's as well; what Rung does not know
of in it stays, and a new one replaces it in one step.
"""

from __future__ import annotations

import binascii
import os
from base64 import b64decode, b64encode

from rung import jsonc
from rung.image.errors import RegistryError
from rung.image.registry import credential_program
from rung.image.registry.auth import TOKEN_USER, Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: What docker calls its hub where logins are kept.
HUB = "https://index.docker.io/v1/"
_HUB_NAMES = (HUB, "index.docker.io", "docker.io", "registry-1.docker.io")


def config_path(environment: Mapping[str, str] = os.environ) -> str:
    """Where docker's configuration is."""
    directory = environment.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    return os.path.join(directory, "config.json")


def login_key(domain: str) -> str:
    """What a registry's login is called."""
    return HUB if domain in _HUB_NAMES else domain


def find(domain: str) -> Credentials | None:
    """The stored login for a registry; None where there is none."""
    config = _load(config_path())
    if program := _program(config, domain):
        return credential_program.get(program, login_key(domain))
    return credentials_in(config, domain)


def store(domain: str, credentials: Credentials) -> str:
    """Keep a login; where: a program's name, or the path of the file that now holds it unencrypted."""
    path = config_path()
    config = _load(path)
    key = login_key(domain)
    if program := _program(config, domain):
        credential_program.store(program, key, credentials)
        entry: dict[str, str] = {}  # as docker: the key says that the program has it
    else:
        entry = _to_entry(credentials)
    auths = config.setdefault("auths", {})
    if not isinstance(auths, dict):
        raise RegistryError("read", path, "auths must be an object")
    auths[key] = entry
    _save(path, config)
    return program or path


def erase(domain: str) -> bool:
    """Forget a login; whether there was one."""
    path = config_path()
    config = _load(path)
    key = login_key(domain)
    found = False
    if program := _program(config, domain):
        found = credential_program.get(program, key) is not None
        credential_program.erase(program, key)
    auths = config.get("auths")
    if isinstance(auths, dict):
        doomed = [name for name in auths if _is_for(name, domain)]
        found = found or bool(doomed)
        for name in doomed:
            del auths[name]
        if doomed:
            _save(path, config)
    return found


# --- the document --------------------------------------------------------------------


def credentials_in(config: Mapping[str, Any], domain: str) -> Credentials | None:
    """What a docker ``config.json`` itself says about a registry; None where nothing."""
    auths = config.get("auths")
    if not isinstance(auths, dict):
        return None
    for key, entry in auths.items():
        if _is_for(key, domain) and isinstance(entry, dict):
            return _from_entry(entry)
    return None


def _is_for(key: str, domain: str) -> bool:
    names = _HUB_NAMES if domain in _HUB_NAMES else (domain,)
    return key in names or key.split("://", 1)[-1].split("/", 1)[0] in names


def _from_entry(entry: Mapping[str, Any]) -> Credentials | None:
    token = entry.get("identitytoken")
    user, password = entry.get("username"), entry.get("password")
    auth = entry.get("auth")
    if isinstance(auth, str) and auth:
        try:
            user, _, password = b64decode(auth, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
    if isinstance(token, str) and token:
        return Credentials(str(user or ""), "", token)
    if isinstance(user, str) and isinstance(password, str) and user:
        return Credentials(user, password.rstrip("\0"))
    return None


def _to_entry(credentials: Credentials) -> dict[str, str]:
    user = "" if credentials.user == TOKEN_USER else credentials.user
    auth = b64encode(f"{user}:{credentials.password}".encode()).decode()
    entry = {"auth": auth}
    if credentials.identity_token:
        entry["identitytoken"] = credentials.identity_token
    return entry


def _program(config: Mapping[str, Any], domain: str) -> str:
    """The credential helper for a registry: one for it alone goes before the one for all."""
    programs = config.get("credHelpers")
    for name in (login_key(domain), domain):
        if isinstance(programs, dict) and isinstance(programs.get(name), str):
            return str(programs[name])
    store = config.get("credsStore")
    return store if isinstance(store, str) else ""


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            config = jsonc.loads(file.read() or b"{}")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise RegistryError("read", path, getattr(error, "strerror", None) or str(error)) from error
    if not isinstance(config, dict):
        raise RegistryError("read", path, "must hold an object")
    return config


def _save(path: str, config: Mapping[str, Any]) -> None:
    """A file of passwords: nobody else may read it, not for a moment. A link stays one."""
    path = os.path.realpath(path)
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(fd, "wb") as file:
                file.write(jsonc.dumps(config, indent=4).encode())
                file.flush()
                os.fsync(fd)
            os.rename(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise RegistryError("write", path, error.strerror or "") from error
