"""Where the policy of this machine is.

Rule: without a file everything is admitted; with one that cannot be read or understood, nothing is.
"""

from __future__ import annotations

import os

from rung.image.errors import PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.sign.policy import Policy

#: Looked for in this order; the first that is there is the policy.
PLACES = ("/etc/rung/policy.json", "~/.config/containers/policy.json", "/etc/containers/policy.json")
#: The place that an environment names instead; empty: no policy.
VARIABLE = "RUNG_POLICY"


def find_policy() -> Policy | None:
    """The policy of this machine; None where it admits everything. Raises ``PolicyError`` where its file
    cannot be used."""
    named = os.environ.get(VARIABLE)
    for place in PLACES if named is None else filter(None, (named,)):
        path = os.path.expanduser(place)
        try:
            with open(path, "rb") as file:
                return _parsed(file.read(), path)
        except (FileNotFoundError, NotADirectoryError):
            if named:
                raise PolicyError("policy", path, "is not there", VARIABLE) from None
        except OSError as error:
            raise PolicyError("policy", path, error.strerror or "") from error
    return None


def _parsed(data: bytes, path: str) -> Policy | None:
    from rung.image.sign.policy import parse_policy
    from rung.spec.errors import SpecError

    try:
        found = parse_policy(data, path)
        return None if found.admits_everything else found
    except SpecError as error:
        raise PolicyError("policy", str(error)) from error
