"""Warm: CPU time and latency of a call, side by side with the peers and with the bare requests."""

import json, os, statistics, sys
from pathlib import Path
from contextlib import ExitStack
import admin
from benchmarks import artifacts
from benchmarks.environments import start, Cost
from local.stack import run_backend


def main():
    with run_backend(Path(artifacts.ROOT / ".local" / "benchmarks"), in_memory=True) as backend:
        os.environ.update(backend.environment)
        for f in backend.functions:
            if f.name == "Authorizer":
                os.environ.update({k: v for k, v in f.variables.items() if v})
        from benchmarks.workload import Workload

        w = Workload()
        variables = {f.name: f.variables for f in backend.functions}
        rounds, calls = int(sys.argv[1]), int(sys.argv[2])
        for case in [w.authorizer, *w.endpoints]:
            res = artifacts.ENDPOINTS.get(case.function, "Authorizer")
            with ExitStack() as st:
                env = {}
                env["product"] = st.enter_context(start(artifacts.product(res), variables[res]))
                if res != "Authorizer":
                    for n in artifacts.PEER_APIS:
                        env[n] = st.enter_context(start(artifacts.peer(n, case.function), backend.environment))
                env["bare"] = st.enter_context(start(artifacts.REFERENCE, backend.environment))
                costs = {n: [] for n in env}
                first = {}
                for r in range(rounds):
                    for n, e in env.items():
                        for _ in range(calls):
                            ev = json.dumps(
                                {"requests": case.make_requests()} if n == "bare" else case.make_event()
                            ).encode()
                            a, c = e.invoke(ev)
                            if n not in first:
                                first[n] = c
                                a = json.loads(a)
                                if a.get("statusCode", 200) > 201:
                                    print(n, case.name, a)
                            else:
                                costs[n].append(c)
            print(
                f"{case.name:18}",
                " | ".join(
                    f"{n} cpu {1000 * statistics.median(c.cpu_seconds for c in cs):.2f} lat {1000 * statistics.median(c.seconds for c in cs):.1f} first {1000 * first[n].cpu_seconds:.0f}"
                    for n, cs in costs.items()
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
