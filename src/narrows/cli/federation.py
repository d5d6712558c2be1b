"""`narrows up`, `down`, `status`, `generate`: a whole federation on this machine."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.show import ANSWERED, FAILED, Format, console, print_json, print_table, say
from narrows.folder.load import load_folder
from narrows.local.processes import find
from narrows.local.state import DEFAULT, Place, State
from narrows.local.up import Wanted, bring_up, check_health, make_data, take_down

Folder = Annotated[Path, typer.Argument(help="the folder of a federation")]
StateOf = Annotated[Path, typer.Option("--state", help="where keys, data and ledgers are kept")]
Scale = Annotated[str, typer.Option(help="how many records the example has")]
Seed = Annotated[int, typer.Option(help="the same seed gives the same records")]
LOOK_S = 0.2


def up(
    folder: Folder,
    scale: Scale = "tiny",
    seed: Seed = 7,
    state: StateOf = DEFAULT,
    detach: Annotated[bool, typer.Option("--detach", help="leave it running")] = False,
) -> None:
    """Bring up every node and the gateway of FOLDER, healthy, and print where they serve.

    Databases, keys and certificates that are missing are made. Without --detach it runs until
    Ctrl-C, and then everything is stopped.

    Example: narrows up examples/library --detach
    """
    kept = State(state)
    places = bring_up(kept, Wanted(folder, scale, seed), say)
    print_table(("process", "role", "endpoint"), ((p.name, p.role, p.address) for p in places))
    if detach:
        console().print(f"running; `narrows down --state {state}` stops it", style="dim")
        return
    console().print("running; Ctrl-C stops it", style="dim")
    _wait_for_stop(places)
    take_down(kept, say)


def down(
    names: Annotated[
        list[str] | None, typer.Argument(help="the processes to stop; all, without")
    ] = None,
    state: StateOf = DEFAULT,
) -> None:
    """Stop the processes that `narrows up` started; what is under way is finished first.

    `narrows up` starts again what does not run.

    Example: narrows down
    Example: narrows down osor
    """
    take_down(State(state), say, names or ())


def status(
    state: StateOf = DEFAULT,
    format: Annotated[Format, typer.Option(help="text or json")] = Format.TEXT,  # noqa: A002
) -> None:
    """Say of every process whether it is well, and how long its ledger is.

    Exit code 0: all are well; 1: one is not.

    Example: narrows status
    """
    found = asyncio.run(check_health(State(state)))
    all_well = all(one.is_well for one in found)
    if format is Format.JSON:
        print_json(
            {
                "ok": all_well,
                "processes": [
                    {
                        "name": one.place.name,
                        "role": one.place.role,
                        "endpoint": one.place.address,
                        "pid": one.process.pid if one.process else None,
                        "well": one.is_well,
                        "entries": one.entries,
                    }
                    for one in found
                ],
            }
        )
    else:
        print_table(
            ("process", "role", "endpoint", "pid", "state", "ledger entries"),
            (
                (
                    one.place.name,
                    one.place.role,
                    one.place.address,
                    one.process.pid if one.process else None,
                    "well" if one.is_well else "not well" if one.process else "stopped",
                    one.entries,
                )
                for one in found
            ),
        )
    raise typer.Exit(ANSWERED if all_well else FAILED)


def generate(
    folder: Folder,
    scale: Scale = "tiny",
    seed: Seed = 7,
    state: StateOf = DEFAULT,
) -> None:
    """Make the example databases of FOLDER, and print one digest for each relation.

    Example: narrows generate examples/canada --scale tiny --seed 7
    """
    kept = State(state)
    make_data(load_folder(folder), scale, seed, kept, say)
    print((kept.folder / "data.digests").read_text(), end="")


def _wait_for_stop(places: tuple[Place, ...]) -> None:
    """Nothing, after SIGINT or SIGTERM; says so where a process ends by itself."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    alive = {place.name: place for place in places}
    while not stopping:
        time.sleep(LOOK_S)
        for place in [one for one in alive.values() if find(one) is None]:
            say(f"{place.name} ended by itself; its log is {place.log}")
            del alive[place.name]
