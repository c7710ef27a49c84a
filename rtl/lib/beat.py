"""What passes on a stream of the core: an element and its marks."""

from amaranth.lib import data

from fixedpoint.formats import Format
from rtl.lib.arithmetic import shape_of


def beat_layout(form: Format, index_width: int = 0) -> data.StructLayout:
    """A stream's beat: one element, and whether it is a sequence's first or last.

    Of a sparse vector also its `index`, of so many bits.
    """
    index = {"index": index_width} if index_width else {}
    return data.StructLayout({"data": shape_of(form), **index, "first": 1, "last": 1})
