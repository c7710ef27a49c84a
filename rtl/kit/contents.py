"""Verilog's memory contents in files of their own, which a simulator or synthesis tool reads.

Nine tenths of a core's Verilog are assignments to its memories, one a word, and a compiler takes
its time over each. Apart from them the text is short, and the same for every network of one shape
and formats: one simulator serves them all.
"""

import re

INITIAL = re.compile(r"^( *)initial begin\n((?: *\S+ ?\[\d+\] = \d+'h[0-9a-f]+;\n)+) *end\n", re.M)
WORD = re.compile(r"(\S+) ?\[(\d+)\] = \d+'h([0-9a-f]+);")


def apart(text: str, prefix: str = "contents-") -> tuple[str, dict[str, str]]:
    """Verilog that reads the contents of its memories by `$readmemh`, and those files by name.

    A name is a number behind `prefix`.

    Only what says each word of one memory from the first on, in hexadecimal as Yosys writes it, is
    taken out; anything else stays as it is.
    """
    files: dict[str, str] = {}

    def move(found: re.Match[str]) -> str:
        words = WORD.findall(found[2])
        memory = words[0][0]
        if any((name, int(k)) != (memory, at) for at, (name, k, _) in enumerate(words)):
            return found[0]
        file = f"{prefix}{len(files)}.mem"
        files[file] = "\n".join((*(code for _, _, code in words), ""))
        return f'{found[1]}initial $readmemh("{file}", {memory} );\n'

    return INITIAL.sub(move, text), files
