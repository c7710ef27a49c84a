"""`carousel.plots`: what is drawn is what was given, and the notebook shows what runs today."""

import json
from pathlib import Path

import numpy as np
import pytest

import fixedpoint
import golden
from carousel import plots
from golden.errors import InputError

NOTEBOOK = Path("docs/notebook.ipynb")


@pytest.fixture(scope="module")
def runs():
    net = golden.load("models/adding.npz")
    x = np.random.default_rng(0).uniform(-1, 1, (2, 30, 2))
    qnet = fixedpoint.quantize(net, bits=16, calibrate=x)
    return net.run(x), qnet.run(qnet.encode(x)[0])


def test_a_line_for_each_trace_in_a_panel_for_each_unit(runs):
    real, fixed = runs
    figure = plots.trace({"float": real, "fixed point": fixed.real()}, "0.s", sequence=1, units=3)
    assert len(figure.axes) == 3
    for unit, panel in enumerate(figure.axes):
        ours, theirs = (np.asarray(line.get_ydata()) for line in panel.lines)
        assert np.array_equal(ours, real.layers[0]["s"][1, :, unit])
        assert np.array_equal(theirs, fixed.real().layers[0]["s"][1, :, unit])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["float", "fixed point"]


def test_the_error_of_every_signal_over_time(runs):
    report = fixedpoint.compare(*runs, block=10)
    (panel,) = plots.error(report).axes
    drawn = {line.get_label(): line for line in panel.lines}
    assert set(drawn) == {*report.signals, "1 LSB of the output"}
    for name, signal in report.signals.items():
        steps, values = (np.asarray(axis) for axis in drawn[name].get_data())
        assert steps.tolist() == [0, 10, 20]
        assert values.tolist() == [block.max_abs for block in signal.over_time]


@pytest.mark.parametrize(
    ("signal", "sequence", "told"),
    [
        ("1.s", 0, "signal '1.s': allowed are 0.i, "),
        ("out", 2, "sequence 2: allowed are 0 to 1"),
        ("out", -1, "sequence -1: allowed are 0 to 1"),
    ],
)
def test_what_a_trace_lacks_is_refused(runs, signal, sequence, told):
    with pytest.raises(InputError, match=told):
        plots.trace({"float": runs[0]}, signal, sequence)


def test_one_to_three_traces(runs):
    for count in (0, 4):
        with pytest.raises(InputError, match=f"traces: {count}, must be 1 to 3"):
            plots.trace({str(k): runs[0] for k in range(count)})


@pytest.mark.soak
def test_the_notebook_says_what_it_says_when_run_anew():
    """All but the drawings, which the same numbers make."""
    import nbformat  # pyright: ignore[reportMissingImports]
    from nbclient import NotebookClient  # pyright: ignore[reportMissingImports]

    stored = nbformat.read(NOTEBOOK, 4)
    anew = nbformat.from_dict(json.loads(json.dumps(stored)))
    NotebookClient(anew, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    assert _said(anew) == _said(stored)


def _said(notebook) -> list[str]:
    outputs = [each for cell in notebook.cells for each in cell.get("outputs", ())]
    return [each.get("text") or each["data"]["text/plain"] for each in outputs]
