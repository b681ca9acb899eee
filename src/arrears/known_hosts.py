"""Whom to believe that it is the SFTP server of an address: fsspec would take any server's word."""

from __future__ import annotations

from pathlib import Path

from paramiko import MissingHostKeyPolicy, PKey, SSHClient, SSHException
from paramiko.hostkeys import HostKeys


class KnownHosts(MissingHostKeyPolicy):
    """Servers whose key is in `~/.ssh/known_hosts`, and no others."""

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        """Raises SSHException: the key is not the one that is known, or none is."""
        known = HostKeys()
        written = Path("~/.ssh/known_hosts").expanduser()
        if written.exists():
            known.load(str(written))
        if not known.check(hostname, key):
            raise SSHException(
                f"the key of {hostname} is not in {written}: ssh-keyscan fetches it, its owner knows if it is theirs"
            )
