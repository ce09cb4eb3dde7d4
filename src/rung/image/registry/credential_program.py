"""``docker-credential-NAME``: programs that keep logins (a keychain, a cloud's own).

Their protocol: the command is the one argument, the request is standard input, the answer
standard output: ``get`` a server's address for ``{"ServerURL", "Username", "Secret"}``,
``store`` such an object, ``erase`` an address. An error is its text and a status of 1.
"""

from __future__ import annotations

from rung import jsonc
from rung.image.errors import RegistryError
from rung.image.registry.auth import TOKEN_USER, Credentials

_TIMEOUT_S = 120  # it may ask a person
_UNKNOWN = "credentials not found in native keychain"


def get(name: str, server: str) -> Credentials | None:
    """The login that the program has for a server; None where it has none."""
    answer = _run(name, "get", server.encode(), missing_is_ok=True)
    if answer is None:
        return None
    try:
        document = jsonc.loads(answer)
        user, secret = document["Username"], document["Secret"]
    except (ValueError, LookupError, TypeError):
        user = secret = None
    if not isinstance(user, str) or not isinstance(secret, str):
        raise RegistryError(f"docker-credential-{name}", "get", "does not answer with a login")
    if user == TOKEN_USER:
        return Credentials(user, "", secret)
    return Credentials(user, secret) if user and secret else None


def store(name: str, server: str, credentials: Credentials) -> None:
    """Give the program a login to keep."""
    token = credentials.identity_token
    user, secret = (TOKEN_USER, token) if token else (credentials.user, credentials.password)
    _run(name, "store", jsonc.dumps({"ServerURL": server, "Username": user, "Secret": secret}).encode())


def erase(name: str, server: str) -> None:
    """Make the program forget a login."""
    _run(name, "erase", server.encode(), missing_is_ok=True)


def _run(name: str, command: str, data: bytes, *, missing_is_ok: bool = False) -> bytes | None:
    import subprocess

    program = f"docker-credential-{name}"
    if "/" in name or not name:
        raise RegistryError("credential helper", repr(name), "is no program's name")
    try:
        run = subprocess.run([program, command], input=data, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        if missing_is_ok and isinstance(error, FileNotFoundError):
            return None  # as docker: what was configured on another machine does not stop an anonymous pull
        reason = getattr(error, "strerror", None) or "does not answer"
        hint = "docker's config.json names it (credsStore, credHelpers)"
        raise RegistryError(program, command, reason, hint) from error
    if run.returncode == 0:
        return run.stdout
    said = (run.stdout or run.stderr).decode("utf-8", "replace").strip()
    if missing_is_ok and (_UNKNOWN in said or "not found" in said):
        return None
    raise RegistryError(program, command, said[:200] or f"ends with status {run.returncode}")
