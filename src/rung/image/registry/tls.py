"""Whom to trust and who we are, on TLS connections."""

from __future__ import annotations

from rung.image.errors import RegistryError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext

class Tls(Record):
    """``authorities``: files of certificates beside the machine's own; ``clients``: (certificate, key)
    files; the key may be empty where the certificate's file holds it too."""

    verify: bool = True
    authorities: tuple[str, ...] = ()
    clients: tuple[tuple[str, str], ...] = ()

    def context(self) -> SSLContext:
        """Read from the files as they are now. Raises ``RegistryError`` naming the file."""
        import ssl

        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        at = ""
        try:
            for at in self.authorities:
                context.load_verify_locations(at)
            for at, key in self.clients:
                context.load_cert_chain(at, key or None, password=_no_password)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RegistryError("certificate", at, f"cannot be used: {reason}") from error
        return context


def _no_password() -> str:
    raise ValueError("its key has a password")
