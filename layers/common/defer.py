"""Moves imports that no start uses to where they are used: `python defer.py FOLDER`, run by the Makefile.

Nothing is left out. A function that uses an imported name runs the import first, and whoever reads the name from the
module gets it from the module's `__getattr__` (PEP 562). docs/decisions/0041 says why.
"""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

from known_files import read_known

DEFERRED = {
    "aws_lambda_powertools/__init__.py": (
        "a388841d4d0c7d60b4fd37d59a2b318b454e014c39b907ea2d05abd2ddbd65a1",
        [
            "from pathlib import Path\nPACKAGE_PATH = Path(__file__).parent",
            "from aws_lambda_powertools.tracing import Tracer",
        ],
    ),
    "aws_lambda_powertools/logging/logger.py": (
        "f0b64f89f584113dd435c63500149688feac4933d78d7b9baca68e42c7fc00b7",
        ["from aws_lambda_powertools.utilities import jmespath_utils"],
    ),
    "aws_lambda_powertools/shared/functions.py": (
        "33fd73cc40d3a9c3ad14d605df5c28ed1a09404a669a53f24497906a630faa1f",
        ["from pathlib import Path"],
    ),
    "botocore/compat.py": (
        "e4f1a4f8787b3958baffb53c0661227ec6939feb1c3fe6a15a9ea175400a279b",
        ["from dateutil.tz import tzlocal"],
    ),
    "botocore/configloader.py": (
        "3537a323b6fd50651706fdae2a23da5c7d7d2e0977d0b639ba36645d1705a47b",
        ["import configparser"],
    ),
    "botocore/credentials.py": (
        "111d89e782ca9a7ccff5876f306c85d360c2b7bc32668e0cfa028eb5b12e044a",
        ["import dateutil.parser", "from dateutil.parser import parse", "from dateutil.tz import tzlocal, tzutc"],
    ),
    "botocore/docs/__init__.py": (
        "331c7a7a2cbbebe4b13e952c3cc50fa074be5a3cbc323d600dfae8c02bb44b85",
        ["from botocore.docs.service import ServiceDocumenter"],
    ),
    "botocore/docs/docstring.py": (
        "268f650386453eaef970d0947e9cfbcd689794307e0a7ddb3fad9c66f067b5f0",
        [
            "from botocore.docs.bcdoc.restdoc import DocumentStructure",
            "from botocore.docs.method import document_model_driven_method",
            "from botocore.docs.paginator import document_paginate_method",
            "from botocore.docs.waiter import document_wait_method",
        ],
    ),
    "botocore/paginate.py": (
        "498a98d13678389224a7966fa8c50a927f272475bc552ee54bfe219b59e918e2",
        ["import jmespath"],
    ),
    "botocore/regions.py": (
        "6267ff1084be09980a04b9a2ad93a278583b49d982bebac9c4eb456b8bfe8183",
        ["import jmespath"],
    ),
    "botocore/tokens.py": (
        "d832d78dc42e7b482d70d610e7a18a976911676986cf157fd26444548ca38353",
        ["import dateutil.parser", "from dateutil.tz import tzutc"],
    ),
    "botocore/utils.py": (
        "3b4d463722d7736e5d818be3dde159a6fe577964367a38bda0eb18e07a59a7aa",
        ["from pathlib import Path", "import dateutil.parser", "from dateutil.tz import tzutc"],
    ),
    "botocore/waiter.py": (
        "9f8ffa1dca8473e7170cc3ec10277029f84d4a8c267f3c38f74f9cd41219627d",
        ["import jmespath"],
    ),
    "pydantic/plugin/_loader.py": (
        "8408e04a58e82211b1dc0569229baac3948fb6d04d35e181493aea48c9cd8899",
        ["import importlib.metadata as importlib_metadata"],
    ),
    "urllib3/http2/__init__.py": (
        "c73ac0487ed1e4035190f24ea2de651a70133aadca2aec97cc8e36adc9f09aab",
        ["from importlib.metadata import version"],
    ),
    "urllib3/util/url.py": (
        "6a2814d91987dd9728278d413a154ee5277b15cb262d9945425377f2a693311f",
        ['_IPV6_RE = re.compile("^" + _IPV6_PAT + "$")'],
    ),
}
"""File → its SHA-256 as it is installed, and the top-level statements that move; those of one text move together."""


class CannotDefer(Exception):
    """An import cannot run later. The message says why."""


def defer(packages: Path) -> None:
    """Raises ChangedPackage, CannotDefer, and then has changed nothing."""
    sources = read_known(packages, {name: known for name, (known, _) in DEFERRED.items()})
    moved = {name: move(sources[name], texts) for name, (_, texts) in DEFERRED.items()}
    for name, source in moved.items():
        (packages / name).write_text(source)


def move(source: str, texts: Sequence[str]) -> str:
    """Raises CannotDefer if a text is not there, or if its names are used while the module is imported."""
    module = ast.parse(source)
    lines = source.splitlines(keepends=True)
    attributes = []
    for text in texts:
        statements = _take_out(module, text)
        names = [name for each in statements for name in bound_names(each)]
        for each in statements:
            for number in range(each.lineno, (each.end_lineno or each.lineno) + 1):
                lines[number - 1] = "\n"  # keeps the line numbers of the tree
        for user in _find_users(module, names):
            lines[user.lineno - 1] = _indented(text, user.col_offset) + lines[user.lineno - 1]
        attributes.append(f"    if name in {names}:\n{_indented(text, 8)}        return locals()[name]\n")
    return "".join([*lines, _GETATTR.format("".join(attributes))])


_GETATTR = """

def __getattr__(name):
{}    raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
"""


def _take_out(module: ast.Module, text: str) -> list[ast.stmt]:
    wanted = [ast.dump(each) for each in ast.parse(text).body]
    found = [each for each in module.body if ast.dump(each) in wanted]
    if len(found) != len(wanted):
        raise CannotDefer(f"not at the top level, or not once: {text}")
    module.body = [each for each in module.body if each not in found]
    return found


def bound_names(statement: ast.stmt) -> list[str]:
    """The names that an import or an assignment binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [each.asname or each.name.partition(".")[0] for each in statement.names]
    return [node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def _find_users(module: ast.Module, names: Sequence[str]) -> list[ast.stmt]:
    """The innermost statements that use the names, all of them in functions."""
    users: dict[int, ast.stmt] = {}

    def visit(node: ast.AST, statement: ast.stmt | None) -> None:
        if isinstance(node, ast.arg) and node.arg in names:
            raise CannotDefer(f"line {node.lineno}: {node.arg} is something else here")
        if isinstance(node, ast.Name) and node.id in names:
            if statement is None or not isinstance(node.ctx, ast.Load):
                raise CannotDefer(f"line {node.lineno}: {node.id} is used during the import, or is something else here")
            users[statement.lineno] = statement
        runs_later = statement is not None or isinstance(node, ast.FunctionDef)
        for child in ast.iter_child_nodes(node):
            visit(child, child if runs_later and isinstance(child, ast.stmt) else statement)

    visit(module, None)
    return list(users.values())


def _indented(text: str, columns: int) -> str:
    return "".join(f"{columns * ' '}{line}\n" for line in text.splitlines())


if __name__ == "__main__":
    defer(Path(sys.argv[1]))
