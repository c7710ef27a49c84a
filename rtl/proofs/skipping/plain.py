"""Of which cores that skip it is stated where rows stand and what is listed."""

from rtl.proofs.errors import ProofError
from rtl.step_plan import StepPlan


def check_plain(core: StepPlan) -> None:
    """Refuse what these statements do not speak of.

    Raises
    ------
    ProofError : the core has it.
    """
    options = core.options
    for has, what in (
        (core.schedule.streams > 1, "several streams"),
        (options.state_port, "a state port"),
        (options.load_port, "a load port"),
        (bool(core.qnet.reads), "dense stages in front of layers, or joined inputs"),
    ):
        if has:
            raise ProofError(f"it is not stated of a core that skips and has {what}")
