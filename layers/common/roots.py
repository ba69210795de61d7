"""Puts each root certificate of a file into a file of its own: `python roots.py FILE`, run by the Makefile.

The name of each is the hash of its subject, so that OpenSSL reads only the one that a handshake needs.
docs/decisions/0050 says why.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


def split(file: Path) -> None:
    """Makes the folder FILE.d, with the names of `openssl rehash`. Raises FileNotFoundError without `openssl`."""
    folder = file.with_name(f"{file.name}.d")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with_subject = Counter[str]()
    for certificate in _CERTIFICATE.findall(file.read_text()):
        subject = _hash_of_subject(certificate)
        (folder / f"{subject}.{with_subject[subject]}").write_text(certificate)
        with_subject[subject] += 1


def _hash_of_subject(certificate: str) -> str:
    command = ["openssl", "x509", "-noout", "-subject_hash"]
    run = subprocess.run(command, input=certificate, capture_output=True, text=True, check=True)  # noqa: S603
    return run.stdout.strip()


if __name__ == "__main__":
    try:
        split(Path(sys.argv[1]))
    except FileNotFoundError as error:
        sys.exit(f"{error}. Building the layer needs the command `openssl`: install the package of that name.")
