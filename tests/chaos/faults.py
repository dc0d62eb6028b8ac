"""The faults, each as what happens while programs record. Afterwards everything is healed."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from chaos.proxy import Behaviour
from chaos.round import Program, Round

KESTREL = ("kestrel", "far-kestrel")
ANY = ("kestrel", "clickhouse", "far-kestrel")
BEHIND = ("clickhouse", "far-kestrel")
SPOOL_DISK_BYTES = 256 << 10
BUSY_PER_PROCESSOR = int(os.environ.get("CHAOS_BUSY", "4"))
WRITE_AND_SYNC = """
import os, sys
while True:
    with open(f"{sys.argv[1]}-{os.getpid()}", "wb") as file:
        file.write(bytes(8 << 20))
        file.flush()
        os.fsync(file.fileno())
"""


@dataclass(frozen=True)
class Fault:
    name: str
    destinations: tuple[str, ...]
    run: Callable[[Round], None]
    needs_langfuse: bool = False


def kill_program(round: Round) -> None:
    spoil_network(round, 0.4)
    round.start_programs()
    for _ in range(round.random.randint(1, 2)):
        round.pause(*round.random.choice([(0.2, 0.4), (0.1, 1.5)]))
        victim = round.random.choice(round.programs)
        if victim.is_alive:
            victim.kill()
        if round.random.random() < 0.5:
            # It delivers what was left by the dead while it records itself.
            round.start_programs(1)
    round.pause(0.1, 0.5)
    round.end_programs(kill=0.5)


def kill_program_on_busy_machine(round: Round) -> None:
    """Many processes that take the processors, and some that keep the disk busy."""
    spins = [sys.executable, "-c", "while True: pass"]
    writes = [sys.executable, "-c", WRITE_AND_SYNC, str(round.folder / "busy")]
    count = BUSY_PER_PROCESSOR * (os.cpu_count() or 2)
    # Each in a session of its own: the kernel shares the processors among sessions first.
    commands = [writes if number % 4 == 0 else spins for number in range(count)]
    busy = [subprocess.Popen(command, start_new_session=True) for command in commands]
    try:
        round.start_programs()
        # Half of them within moments of their first item.
        round.pause(*round.random.choice([(0.2, 0.4), (1.0, 2.5)]))
        round.end_programs(kill=1.0)
    finally:
        for process in busy:
            process.kill()
            process.wait()


def spoil_network(round: Round, share: float) -> None:
    """Some rounds have a bad network on top."""
    if round.random.random() < share:
        kinds = [Behaviour("slow", seconds=0.15), Behaviour("cut", 0.3), Behaviour("late", seconds=0.5)]
        for proxy in round.network:
            proxy.behave(round.random.choice(kinds))


def kill_kestrel(round: Round) -> None:
    spoil_network(round, 0.2)
    round.start_programs()
    server = round.world.near if round.destination == "kestrel" else round.world.far
    for _ in range(round.random.randint(1, 2)):
        round.pause(0.1, 1.0)
        server.kill()
        round.pause(0.0, 1.0)
        server.start()
    round.pause(0.0, 0.5)
    round.end_programs(kill=0.3)


def kill_engine(round: Round) -> None:
    spoil_network(round, 0.2)
    round.start_programs()
    for _ in range(round.random.randint(1, 3)):
        round.pause(0.1, 1.2)
        round.world.near.kill_engine()
    round.pause(0.2, 1.0)
    round.end_programs(kill=0.3)


def kill_kestrel_and_engine(round: Round) -> None:
    spoil_network(round, 0.2)
    round.start_programs()
    round.pause(0.2, 1.5)
    engine = round.world.near.engine_pids()
    kills = [round.world.near.kill, lambda: [kill_quietly(pid) for pid in engine]]
    round.random.shuffle(kills)
    for kill in kills:
        kill()
        round.pause(0.0, 0.05)
    round.pause(0.0, 0.7)
    if round.random.random() < 0.5:
        round.world.near.start()
        round.pause(0.0, 0.5)
    round.end_programs(kill=0.3)


def kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def clickhouse_refuses(round: Round) -> None:
    statuses = round.random.choice([(503,), (429,), (500,), (503, 429, 500)])
    share = round.random.choice([1.0, 0.5])
    misbehave(round, round.world.to_clickhouse.behave, Behaviour("status", share, statuses=statuses))


def clickhouse_hangs(round: Round) -> None:
    misbehave(round, round.world.to_clickhouse.behave, Behaviour("hang", round.random.choice([1.0, 0.3])))


def clickhouse_is_late(round: Round) -> None:
    misbehave(round, round.world.to_clickhouse.behave, Behaviour("late", seconds=round.random.choice([0.3, 1.5, 5.0])))


def clickhouse_is_cut_before(round: Round) -> None:
    misbehave(round, round.world.to_clickhouse.behave, Behaviour("half-before", round.random.choice([1.0, 0.5])))


def clickhouse_is_cut_after(round: Round) -> None:
    kind = round.random.choice(["half-after", "half-after", "twice"])
    misbehave(round, round.world.to_clickhouse.behave, Behaviour(kind, round.random.choice([1.0, 0.5])))


def langfuse_refuses(round: Round) -> None:
    statuses = round.random.choice([(503,), (429,), (500,), (502, 504), (503, 429, 500)])
    share = round.random.choice([1.0, 0.5])
    misbehave(round, round.world.to_langfuse.behave, Behaviour("status", share, statuses=statuses))


def langfuse_hangs(round: Round) -> None:
    kinds = [Behaviour("hang"), Behaviour("hang", 0.3), Behaviour("late", seconds=1.5), Behaviour("late", seconds=5.0)]
    misbehave(round, round.world.to_langfuse.behave, round.random.choice(kinds))


def langfuse_is_cut(round: Round) -> None:
    kind = round.random.choice(["half-before", "half-after", "twice"])
    misbehave(round, round.world.to_langfuse.behave, Behaviour(kind, round.random.choice([1.0, 0.5])))


def network_drops(round: Round) -> None:
    misbehave(round, round.spoil, Behaviour("drop", round.random.choice([1.0, 0.3])))


def network_delays(round: Round) -> None:
    misbehave(round, round.spoil, Behaviour("slow", seconds=round.random.choice([0.05, 0.3, 1.0])))


def network_cuts(round: Round) -> None:
    kind = round.random.choice(["cut", "cut", "twice", "gone"])
    misbehave(round, round.spoil, Behaviour(kind, round.random.choice([1.0, 0.5])))


def misbehave(round: Round, behave: Callable[[Behaviour], None], behaviour: Behaviour) -> None:
    """In the middle of things, from the beginning, or until after the end of the programs."""
    begins_bad = round.random.random() < 0.3
    if begins_bad:
        behave(behaviour)
    round.start_programs()
    if not begins_bad:
        round.pause(0.1, 0.8)
        behave(behaviour)
    round.pause(0.5, 2.5)
    if round.random.random() < 0.5:
        behave(Behaviour())
        round.pause(0.0, 1.0)
    round.end_programs(kill=0.4)


def disk_is_full(round: Round) -> None:
    """The spool's disk holds little; what does not fit waits in memory, so nobody is killed who was not confirmed."""
    round.by_age = False
    round.cut_off()
    make_room = little_disk(round)
    round.start_programs(forks=False)
    limited = [] if make_room else [limit_files(program) for program in round.programs]
    round.pause(1.0, 2.5)
    order = [round.world.heal, make_room or (lambda: [lift() for lift in limited])]
    round.random.shuffle(order)
    for heal in order:
        heal()
        round.pause(0.0, 1.0)
    round.end_programs(kill=0.2)


def little_disk(round: Round) -> Callable[[], None] | None:
    """A disk of its own, where that is allowed; gives how to make room on it."""
    round.spool.mkdir()
    size = f"size={SPOOL_DISK_BYTES},mode=0700"
    if round.random.random() < 0.5 or os.geteuid() != 0:
        return None
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", round.spool]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        return None
    round.at_end.append(lambda: subprocess.run(["umount", "-l", round.spool], check=True))
    return lambda: subprocess.run(["mount", "-o", "remount,size=256m", round.spool], check=True)


def limit_files(program: Program) -> Callable[[], None]:
    """Files may not grow beyond a limit: `write` fails, for root as well. Gives how to lift it."""
    hard = resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (SPOOL_DISK_BYTES, hard))
    return lambda: resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def clock_jumps(round: Round) -> None:
    far = [-86_400.0, -3_600.0, -30.0, 30.0, 3_600.0, 86_400.0, 0.0]
    clocks = round.random.choice([[round.clock], [round.world.server_clock], [round.clock, round.world.server_clock]])
    round.start_programs()
    for _ in range(round.random.randint(2, 5)):
        for clock in clocks:
            clock.jump_to(round.random.choice(far))
        round.pause(0.2, 0.8)
    if round.random.random() < 0.5:
        # It repairs what was left when it starts, by a clock that is wrong.
        round.world.near.kill()
        round.world.near.start()
    if round.random.random() < 0.5:
        round.cut_off()
        round.pause(0.2, 0.6)
    round.end_programs(kill=0.4)


def spool_is_damaged(round: Round) -> None:
    round.cut_off()
    round.start_programs()
    round.pause(0.8, 2.0)
    round.end_programs(kill=0.7)
    round.damage_spool()


def two_drain_at_once(round: Round) -> None:
    round.cut_off()
    round.start_programs()
    round.pause(0.5, 2.0)
    round.end_programs(kill=0.7)
    round.world.heal()
    if round.random.random() < 0.5:
        round.spoil(Behaviour("slow", seconds=0.1))
    if round.random.random() < 0.5:
        round.drain_by_command(2)
        return
    # One more that is killed in the middle of it.
    threading.Timer(round.random.uniform(0.3, 1.0), kill_program_if_alive, [round.start_program(forks=False)]).start()
    round.last_programs(2)
    round.end_programs(kill=1.0)


def kill_program_if_alive(program: Program) -> None:
    if program.is_alive:
        program.kill()


FAULTS = [
    Fault("kill -9 of the program", ANY, kill_program),
    Fault("the same, machine busy", ANY, kill_program_on_busy_machine),
    Fault("kill -9 of Kestrel", KESTREL, kill_kestrel),
    Fault("kill -9 of the engine", ANY, kill_engine),
    Fault("kill -9 of both", ANY, kill_kestrel_and_engine),
    Fault("ClickHouse refuses", BEHIND, clickhouse_refuses),
    Fault("ClickHouse hangs", BEHIND, clickhouse_hangs),
    Fault("ClickHouse is late", BEHIND, clickhouse_is_late),
    Fault("cut before commit", BEHIND, clickhouse_is_cut_before),
    Fault("cut after commit, twice", BEHIND, clickhouse_is_cut_after),
    Fault("Langfuse refuses", ANY, langfuse_refuses, needs_langfuse=True),
    Fault("Langfuse hangs, is late", ANY, langfuse_hangs, needs_langfuse=True),
    Fault("Langfuse is cut, twice", ANY, langfuse_is_cut, needs_langfuse=True),
    Fault("network drops", ANY, network_drops),
    Fault("network delays", ANY, network_delays),
    Fault("network cuts", ANY, network_cuts),
    Fault("disk full", ANY, disk_is_full),
    Fault("clock jumps", ANY, clock_jumps),
    Fault("spool damaged", ANY, spool_is_damaged),
    Fault("two drain at once", ANY, two_drain_at_once),
]
