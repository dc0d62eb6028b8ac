"""`python -m chaos` from the folder `tests`: rounds of faults, a line each, and a table at the end."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from chaos import store
from chaos.faults import FAULTS, Fault
from chaos.report import line_of, table
from chaos.round import Result, Round
from chaos.world import World


def main() -> int:
    arguments = parsed()
    seed = arguments.seed or str(random.SystemRandom().randrange(10**9))
    print(f"seed {seed}: `make chaos ROUNDS={arguments.rounds} SEED={seed}` does the same again", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    rounds = [(number, *choice) for number, choice in enumerate(schedule(seed, arguments), start=1)]
    if arguments.only:
        rounds = [entry for entry in rounds if entry[0] in arguments.only]
    results = []
    started = time.monotonic()
    with World(folder, seed) as world:
        for number, fault, names in rounds:
            results.append(play(world, number, seed, fault, names, arguments.confirmed_only))
            print(line_of(results[-1]), flush=True)
        check_sums(world, results)
    print(table(results, time.monotonic() - started))
    failed = [result for result in results if result.failed]
    if not failed:
        shutil.rmtree(folder, ignore_errors=True)
    for result in failed:
        tell(result, folder, seed, arguments.rounds)
    return 1 if failed else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", default="")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of rounds, to repeat some of them")
    parser.add_argument("--fault", action="append", help="only faults whose name contains this")
    parser.add_argument(
        "--confirmed-only",
        action="store_true",
        help="count as promised what stats() or flush() said, whatever the time before a kill or an end",
    )
    return parser.parse_args()


def schedule(seed: str, arguments: argparse.Namespace) -> list[tuple[Fault, tuple[str, ...]]]:
    """Every fault equally often, in an order of the seed's, and its destinations in turn; Langfuse is beside half."""
    rng = random.Random(seed)
    faults = [fault for fault in FAULTS if not arguments.fault or any(part in fault.name for part in arguments.fault)]
    chosen = []
    for turn in range(arguments.rounds // len(faults) + 1):
        once = [(fault, destinations(fault, turn, place)) for place, fault in enumerate(faults)]
        rng.shuffle(once)
        chosen += once
    return chosen[: arguments.rounds]


def destinations(fault: Fault, turn: int, place: int) -> tuple[str, ...]:
    number = len(fault.destinations)
    main = fault.destinations[(turn + place) % number]
    with_langfuse = fault.needs_langfuse or (turn // number + turn + place) % 2 == 0
    return (main, "langfuse") if with_langfuse else (main,)


def play(world: World, number: int, seed: str, fault: Fault, names: tuple[str, ...], patient: bool) -> Result:
    started = time.monotonic()
    world.heal()
    round = Round(world, Result(number, fault.name, names), seed, patient)
    try:
        fault.run(round)
        round.deliver()
        round.count()
    except Exception:
        round.result.problems.append(traceback.format_exc())
    finally:
        round.result.seconds = time.monotonic() - started
        round.clean_up()
    return round.result


def check_sums(world: World, results: list[Result]) -> None:
    """Kestrel repairs when it starts what writers that died left without a summary."""
    world.near.stop()
    world.near.start()
    wrong = store.wrong_sums(world.near, {f"chaos-{result.number}": result.sums for result in results})
    for result in results:
        for text in wrong.get(f"chaos-{result.number}", [])[:5]:
            result.problems.append(f"sums: {text}")


def tell(result: Result, folder: Path, seed: str, rounds: int) -> None:
    again = f"make chaos ROUNDS={rounds} SEED={seed} ONLY={result.number}"
    place = folder / f"round-{result.number}"
    names = "+".join(result.destinations)
    print(f"\nround {result.number} ({result.fault}, {names}) failed; `{again}` repeats it; see {place}")
    for text in result.problems[:20]:
        print(f"  {text}")
    for tally in result.tallies:
        for name in ("lost", "doubled", "changed", "problems"):
            for text in getattr(tally, name)[:20]:
                print(f"  {tally.destination}: {name}: {text}")


if __name__ == "__main__":
    sys.exit(main())
