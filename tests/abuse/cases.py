"""Abuses of the command line, as data: what is called, and where.

In words, `@name` is a file of `tests.abuse.material`, `%name` one in the folder of the abuse.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.abuse.material import FORMATS, INPUTS, MODELS, OTHERS, STATES

SHORT = "--sequences", "2", "--length", "70"
LATIN = "caf\udce9"  # a name whose bytes are no UTF-8
TASKED = ("run", "quantize", "simulate", "compare", "hold", "verilog", "page", "search")
FILED = (*TASKED, "build", "prove", "stream")
LOADS = (*FILED, "inspect", "export")
STATED = ("run", "quantize", "simulate", "compare")
DRAWN = "figure", "-o", "story.svg"
FORMATTED = tuple(name for name in FILED if name != "search")


@dataclass(frozen=True)
class Abuse:
    """One call of `carousel` that must end in one line on stderr and status 2.

    Attributes
    ----------
    kind : what is abused; one of each kind is tried by the ordinary suite.
    words : the command line.
    says : what the line must contain.
    stdout : a file, or "closed", or "gone": a pipe that nobody reads.
    encoding : of stdout.
    environment : variables.
    gone : whether the current folder is removed before.
    room : bytes that a file can have, as on a full disk; None for any number.
    files : made in the current folder before: text, or None for a folder, or a link "-> to".
    whole : whether the command writes what it is to write before it fails.
    """

    kind: str
    words: tuple[str, ...]
    says: str = ""
    stdout: str = "/dev/null"
    encoding: str = "utf-8"
    environment: dict[str, str] = field(default_factory=dict)
    gone: bool = False
    room: int | None = None
    files: dict[str, str | None] = field(default_factory=dict)
    whole: bool = False

    @property
    def name(self) -> str:
        """For a test's name."""
        told = " ".join(self.words).encode("utf-8", "backslashreplace").decode()
        return f"{self.kind}: {told[:90]}"


def call(command: str, *words: str, model: str = "@model.npz") -> tuple[str, ...]:
    """A command with its model, and a port or a device where it needs one."""
    port = ("/dev/null",) if command == "stream" else ()
    device = ("--device", "ice40-hx8k") if command == "build" and "--device" not in words else ()
    return command, *port, model, *device, *words


def files() -> Iterator[Abuse]:
    """Files that are none, or damaged, to all commands that read them."""
    # the commands take turns: what they read with is the same
    for at, name in enumerate(INPUTS):
        for command in (FILED[at % len(FILED)], FILED[(at + 5) % len(FILED)]):
            given = call(command, "--input", f"@inputs/{name}.npy")
            yield Abuse("input", given)
    for at, name in enumerate(MODELS):
        for command in (LOADS[at % len(LOADS)], LOADS[(at + 7) % len(LOADS)]):
            says = "" if name == "weights beyond all formats" else f"{name}.npz"
            yield Abuse("model", call(command, model=f"@models/{name}.npz"), says)
    for at, name in enumerate(OTHERS):
        yield Abuse("other model", call(LOADS[at % len(LOADS)], model=f"@others/{name}"), name)
    for at, name in enumerate(FORMATS):
        command = FORMATTED[at % len(FORMATTED)]
        given = call(command, "--input", "@x.npy", "--formats", f"@formats/{name}.json")
        yield Abuse("formats", given)
    for at, name in enumerate(STATES):
        given = call(STATED[at % len(STATED)], *SHORT, "--state", f"@states/{name}.npz")
        yield Abuse("state", given)


def no_files() -> Iterator[Abuse]:
    """Pipes, folders, circles and nothing where a file is read."""
    for what in ("pipe", "folder", "circle", "nothing"):
        for command in FILED:
            given = call(command, "--input", f"@{what}.npy")
            yield Abuse(f"{what} as input", given, f"{what}.npy")
        for command in LOADS:
            yield Abuse(f"{what} as model", call(command, model=f"@{what}.npz"), f"{what}.npz")
        for suffix in (".onnx", ".pt", ".h5", ".safetensors", ".keras", ".json"):
            yield Abuse(f"{what} as model", call("inspect", model=f"@{what}{suffix}"), what)
        for command in FORMATTED:
            given = call(command, "--input", "@x.npy", "--formats", f"@{what}.json")
            yield Abuse(f"{what} as formats", given, f"{what}.json")
        for command in STATED:
            given = call(command, *SHORT, "--state", f"@{what}.npz")
            yield Abuse(f"{what} as state", given, f"{what}.npz")
        yield Abuse(
            f"{what} as expectation",
            call("compare", "--input", "@x.npy", "--expect", f"@{what}.npy"),
            f"{what}.npy",
        )
        yield Abuse(f"{what} as model", (*DRAWN, "--model", f"@{what}.npz"), f"{what}.npz")
        yield Abuse(f"{what} as model", (*DRAWN, "--rnn", f"@{what}.npz"), f"{what}.npz")


VALUES: dict[str, tuple[str, ...]] = {
    "--bits": ("16.0", "1e1", "0", "-16", "3", "64", "9" * 40, "nan", "sixteen", "", "0x10", "١٦"),
    "--state-bits": ("18.5", "0", "-1", "99", "9" * 40, "inf"),
    "--headroom": ("0", "0.5", "-1", "nan", "inf", "1e400", "much", ""),
    "--lanes": ("0", "-1", "1000", "9" * 40, "2.0", "all"),
    "--sequences": ("0", "-1", "1.5", "9" * 40, "many"),
    "--length": ("0", "-1", "3", "1.5", "9" * 40),
    "--seed": ("-1", "1.5", "9" * 40, "nan", "0x1"),
    "--streams": ("0", "-1", "1000000", "9" * 40, "2.0"),
    "--nonzeros": ("0", "-1", "9", "9" * 40),
    "--max-length": ("0", "-1", "64", "9" * 40, "1.5"),
    "--axes": ("", "NT", "XYZ", "NTDN", "ntd"),
    "--order": (",", "a,b", "lstm"),
    "--tolerance": ("-1", "nan", "much"),
    "--fixed-tolerance": ("-1", "nan", "0.1"),
    "--jobs": ("0", "-1", "1.5"),
    "--scheduler": ("", "nowhere", "tcp://127.0.0.1:1", "x://y"),
    "--twins": ("-1", "1.5"),
    "--only": ("", "nothing"),
    "--idle": ("-0.1", "1", "nan", "2"),
    "--back-pressure": ("-0.1", "1", "nan", "inf"),
    "--device": ("", "ecp6", "ice40"),
    "--board": ("", "none"),
    "--freq": ("0", "-1", "nan", "inf", "fast"),
    "--baud": ("0", "-1", "9" * 40, "1.5"),
    "--input-range": ("1 0", "nan 0", "0", "0 1e400"),
    "--trials": ("-1", "1.5"),
    "--limit": ("0", "-1"),
}
"""By option, what no command takes."""
TAKES: dict[str, tuple[str, ...]] = {
    "--bits": (*FILED, "inspect", "figure"),
    "--state-bits": ("run", "quantize", "verilog"),
    "--headroom": ("compare", "hold", "build"),
    "--lanes": ("run", "simulate", "verilog", "inspect"),
    "--sequences": ("run", "quantize", "search"),
    "--length": ("compare", "verilog", "page"),
    "--seed": ("run", "verilog", "train", "figure", "build"),
    "--streams": ("verilog", "simulate"),
    "--nonzeros": ("verilog", "simulate"),
    "--max-length": ("run", "simulate", "compare", "verilog", "build", "prove"),
    "--axes": ("run", "search"),
    "--order": ("run", "inspect", "export"),
    "--tolerance": ("compare", "search"),
    "--fixed-tolerance": ("compare",),
    "--jobs": ("search", "experiments"),
    "--scheduler": ("search",),
    "--twins": ("prove",),
    "--only": ("prove",),
    "--idle": ("simulate",),
    "--back-pressure": ("simulate",),
    "--device": ("build",),
    "--board": ("build",),
    "--freq": ("build",),
    "--baud": ("stream",),
    "--input-range": ("hold",),
    "--trials": ("experiments",),
    "--limit": ("experiments",),
}
"""By option, commands that have it."""
MODELLESS = {"train": ("adding",), "figure": (), "experiments": ("6a",)}


def values() -> Iterator[Abuse]:
    """Values that options cannot have."""
    for option, taken in TAKES.items():
        for command in taken:
            for value in VALUES[option]:
                base = (command, *MODELLESS[command]) if command in MODELLESS else call(command)
                several = value.split(" ") if option == "--input-range" else [value]
                yield Abuse(f"value of {option}", (*base, option, *several))


def words() -> Iterator[Abuse]:
    """Commands and options that there are not, or not together."""
    for given in (
        ("nothing",),
        ("--nothing",),
        ("-x",),
        ("run",),
        ("run", ""),
        ("run", "."),
        ("run", "@model.npz", "more"),
        ("run", "@model.npz", "--nothing"),
        ("run", "@model.npz", "--bits"),
        ("run", "@model.npz", "--quick=yes"),
        ("run", "@model.npz/x"),
        ("run", "@model.npz", "-o"),
        ("run", "@mine.npz"),
        ("run", "temporal_order_rnn"),
        ("run", "x" * 300),
        ("run", "x" * 5000 + ".npz"),
        ("run", "@model.npz", "--formats", "@formats.json", "--state-bits", "18"),
        ("run", "@model.npz", "--axes", "NTD"),
        ("run", "@model.npz", "--order", "lstm,linear"),
        ("run", "@model.npz", "--input", "@x.npy", "--sequences", "2"),
        ("run", "@model.npz", "--input", "@x.npy", "--length", "6"),
        ("build", "@model.npz"),
        ("build", "@model.npz", "--board", "icebreaker", "--device", "ecp5-85k"),
        ("compare", "@model.npz", "--expect", "@x.npy"),
        ("compare", "@model.npz", "--input", "@x.npy", "--expect", "@x.npy"),
        ("compare", "@model.npz", "--fixed-tolerance", "1"),
        ("search", "@model.npz", "--jobs", "1", "--scheduler", "tcp://127.0.0.1:1"),
        ("search", "@model.npz", "--input", "@x.npy", "--task"),
        ("search", "@model.npz", "-o", "a.svg"),
        ("train", "nothing"),
        ("train", "adding", "-o", "adding.txt"),
        ("export", "@model.npz", "-o", "model.txt"),
        ("figure", "--model", "@mine.npz"),
        ("figure", "--model", "temporal_order_rnn"),
        ("figure", "--rnn", "temporal_order"),
        ("figure", "--length", "61"),
        ("experiments", "nothing"),
        ("experiments", "--jobs", "1", "--scheduler", "x"),
        ("stream", "/dev/nothing", "@model.npz"),
        ("stream", "/dev/null", "@model.npz", *SHORT),
        ("stream", "@x.npy", "@model.npz", *SHORT),
        ("simulate", "@model.npz", *SHORT, "--streams", "3"),
        ("simulate", "@model.npz", *SHORT, "--streams", "1000000"),
    ):
        yield Abuse("words", given)
    for command in ("train", *LOADS):
        yield Abuse("words", (command,))
        yield Abuse("words", call(command, "--nothing"))


FOLDERS = {"run": "--quick", "verilog": "", "hold": "--quick", "build": ""}
"""Commands that write a folder."""
PLACES = {
    "quantize": ("-o", ".json"),
    "export": ("-o", ".onnx"),
    "search": ("-o", ".json"),
    "page": ("-o", ".html"),
    "simulate": ("--waves", ".vcd"),
    "compare": ("--save-state", ".npz"),
    "inspect": ("--draw", ".svg"),
    "stream": ("-o", ".npy"),
}
"""Commands that write a file."""


def places() -> Iterator[Abuse]:
    """Places that cannot be written to."""
    bad = {
        "under a file": "file/x",
        "in no folder": "/proc/nowhere/x",
        "in a circle": "circle/x",
        "too long": "x" * 300,
        "no such folder": "no/x",
        "in a folder of a system": "/sys/x",
        "empty": "",
    }
    there: dict[str, str | None] = {"file": "old", "circle": "-> circle", "folder": None}
    for what, place in bad.items():
        for command, word in FOLDERS.items():
            if what in ("no such folder", "empty"):
                continue
            given = call(command, *SHORT[: 4 * (command != "build")], *filter(None, [word]))
            yield Abuse(f"folder {what}", (*given, "-o", place), files=there)
        for command, (option, suffix) in PLACES.items():
            file = place + suffix if place else place
            short = () if command in ("export", "inspect") else SHORT
            yield Abuse(f"file {what}", (*call(command, *short), option, file), files=there)
        for command in (*LOADS, "train", "figure", "experiments"):
            given = (command, *MODELLESS[command]) if command in MODELLESS else call(command)
            yield Abuse(f"json {what}", (*given, "--json", place), files=there)
    for command, (option, _) in PLACES.items():
        short = () if command in ("export", "inspect") else SHORT
        given = (*call(command, *short), option, "folder")
        yield Abuse("folder as a file", given, files=there)


def crowded() -> Iterator[Abuse]:
    """A folder where one of the files must go: none of the others is written."""
    name = "carousel_temporal_order.v"
    yield Abuse(
        "folder in the way",
        call("verilog", *SHORT, "-o", "place"),
        name,
        files={"place": None, f"place/{name}": None, f"place/{name}/x": "old"},
    )
    for name in ("report.html", "results.json", "formats.json"):
        yield Abuse(
            "folder in the way",
            call("run", *SHORT, "--quick", "-o", "place"),
            name,
            files={"place": None, f"place/{name}": None, f"place/{name}/x": "old"},
            whole=True,  # a simulator, which the next run takes
        )
    for suffix in (".json", ".svg", ".jsonl"):
        yield Abuse(
            "folder in the way",
            call("search", *SHORT, "--bits", "8", "-o", "found.json"),
            files={f"found{suffix}": None},
        )


def system() -> Iterator[Abuse]:
    """A current folder, a disk, a stdout that is not there, or full."""
    shown = {
        "inspect": (),
        "quantize": SHORT,
        "compare": SHORT,
        "verilog": SHORT,
        "export": (),
    }
    for command in LOADS:
        yield Abuse("current folder gone", call(command), "current folder", gone=True)
    for command, more in shown.items():
        for stdout in ("/dev/full", "closed", "gone"):
            yield Abuse(
                f"stdout {stdout}", call(command, *more), "stdout", stdout=stdout, whole=True
            )
        if command not in ("inspect", "compare"):
            for room in (0, 1, 100):
                says = "" if command == "verilog" else "cannot be written"  # Yosys says it first
                yield Abuse("full disk", call(command, *more), says, room=room)
    for words in (("--help",), ("--version",), ("run", "--help"), ("inspect", "--help")):
        for stdout in ("/dev/full", "closed", "gone"):
            yield Abuse(f"stdout {stdout}", words, "stdout", stdout=stdout)
    for command in LOADS:
        more = () if command in ("inspect", "export") else SHORT
        given = call(command, *more, "--json", "found.json")
        if command not in ("build", "prove", "stream", "search", "hold", "page"):
            yield Abuse("full disk", given, "", room=9)
    for command in ("simulate", "run"):
        yield Abuse("full disk", call(command, *SHORT, "--lanes", "3"), room=5000)


def names() -> Iterator[Abuse]:
    """Names that are no UTF-8, and a stdout that cannot say all letters."""
    for encoding in ("utf-8", "ascii", "latin-1"):
        for command in LOADS:
            model = call(command, model=f"{LATIN}.npz")
            yield Abuse("name no UTF-8", model, "no such file", encoding=encoding)
        for command in FILED:
            given = call(command, "--input", f"{LATIN}.npy")
            yield Abuse("name no UTF-8", given, "no such file", encoding=encoding)
    yield Abuse("name no UTF-8", call("verilog", "-o", f"{LATIN}/x"), files={LATIN: "old"})
    yield Abuse("name no UTF-8", (LATIN,))
    yield Abuse("name no UTF-8", ("run", "@model.npz", f"--{LATIN}"))
    yield Abuse("name no UTF-8", ("run", "@model.npz", "--bits", LATIN))
    yield Abuse("name no UTF-8", ("train", LATIN))


def sizes() -> Iterator[Abuse]:
    """More than anybody can have meant."""
    for command in FORMATTED:
        given = call(command, "--input", "@x.npy", "--formats", "@large.json")
        yield Abuse("large formats", given, "large.json")
    for command in TASKED:
        many = call(command, "--sequences", "1000000000", "--length", "1000000000")
        yield Abuse("more than memory", many, "memory")


ABUSES = tuple(
    abuse
    for each in (files, no_files, values, words, places, crowded, system, names, sizes)
    for abuse in each()
)


def first_of_each_kind() -> tuple[Abuse, ...]:
    """Those that the ordinary suite tries."""
    return tuple({abuse.kind: abuse for abuse in reversed(ABUSES)}.values())
