"""The files of packages that defer.py and untype.py change were reviewed. A build refuses other versions of them."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path


class ChangedPackage(Exception):
    """A file of a package is not the one that was reviewed. The message says what to do."""


def read_known(packages: Path, known: Mapping[str, str]) -> dict[str, str]:
    """The sources of files, given with their SHA-256. Raises ChangedPackage."""
    sources = {name: (packages / name).read_bytes() for name in known}
    found = {name: sha256(source).hexdigest() for name, source in sources.items()}
    if changed := [f"{name} {found[name]}" for name in known if found[name] != known[name]]:
        raise ChangedPackage(
            "These files are not the known ones. Read what layers/common/defer.py and untype.py change in each, "
            "then write its new SHA-256 there:\n" + "\n".join(changed)
        )
    return {name: source.decode() for name, source in sources.items()}
