"""The search: what it finds meets the goal, nothing near it is better, order does not matter."""

import itertools
import json
import math
import pickle
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fixedpoint import check_hold, compare, quantize
from fixedpoint.calibration import Part, Seen
from fixedpoint.fitting import formats_of
from fixedpoint.formats import FormatError
from fixedpoint.rule import Rule
from fixedpoint.search.cost import Cost, cost
from fixedpoint.search.evaluation import Evaluation, Problem, RightOutputs, evaluate
from fixedpoint.search.search import Goal, Search, SearchError, front
from fixedpoint.search.space import Space
from fixedpoint.widths import KINDS, Widths
from golden import Dense, Network
from golden.tasks import TEMPORAL_ORDER
from tests.fixedpoint.nets import forget_network, layer

FEW = ("weights", "gate", "y")


def problem(seed=0, count=2, steps=25):
    """A small network with a readout and answers that float gives."""
    rng = np.random.default_rng(seed)
    net = Network((layer(rng, 3, 4),), (Dense(rng.normal(0, 1, (2, 4)), np.zeros(2)),))
    x = rng.normal(0, 1, (count, steps, 3))
    answers = RightOutputs(net.run(x).out[:, -1], replace(TEMPORAL_ORDER, tolerance=0.02))
    return Problem.of(net, Seen.measure(net, x), 4, [Part(x)], answers)


def found(widths, rmse, total=100, **others):
    """An evaluation with the figures that matter."""
    price = Cost(8, 8, total, {}, 0)
    given = dict(right=None, right_in_float=None, clipped=0, holds=True, cost=price) | others
    return Evaluation(widths, rmse, 2 * rmse, **given)


def noise(weigh):
    """A made-up world: error and cost of widths as sums over their kinds.

    `weigh` has of each kind how much noise it makes and how much a bit costs.
    """

    def evaluate(candidates):
        for widths in candidates:
            power = sum(n * 4.0 ** -getattr(widths, kind) for kind, (n, _) in weigh.items())
            total = sum(c * getattr(widths, kind) for kind, (_, c) in weigh.items())
            yield found(widths, math.sqrt(power), total + widths.tight)

    return evaluate


@cache
def tried(widths):
    """A candidate of `problem()`."""
    return evaluate(problem(), widths)


def all_tried(candidates):
    return list(map(tried, candidates))


def space(bits, kinds=KINDS):
    """Where all that may be as wide as `bits` is searched, from uniform widths."""
    uniform = [Widths.uniform(each) for each in range(4, bits + 1)]
    return Space(kinds, {"uniform": uniform}, Widths.uniform(bits))


def run(goal, evaluate, kinds=KINDS, confirm=lambda _: True):
    state = Search(goal, space(goal.bits, kinds), evaluate)
    return state.run(confirm), state


class TestEvaluation:
    def test_figures_are_those_of_the_error_report_the_hold_check_and_the_cost(self):
        given, widths = problem(), Widths(10, 9, 11, 10, 12, 13, 10, 12)
        have = evaluate(given, widths)
        qnet = quantize(given.net, formats_of(given.net, widths, given.seen))
        (x,), (real,) = (part.x for part in given.parts), given.outs
        trace = qnet.run(qnet.encode(x)[0])
        want = compare(given.net.run(x), trace).signals["out"]
        assert have.rmse == pytest.approx(want.rmse, rel=1e-12)
        assert have.max_abs == want.max_abs
        assert have.cost == cost(qnet, given.lanes)
        assert have.holds is check_hold(qnet, 16, 2).holds is True
        close = np.abs(trace.value("out")[:, -1] - real[:, -1]).max(axis=1) < 0.02
        assert (have.right, have.right_in_float) == (close.sum(), len(x))

    def test_it_is_the_same_each_time_and_in_another_process(self):
        given, widths = problem(), Widths.uniform(9)
        again = pickle.loads(pickle.dumps(given))
        assert evaluate(given, widths) == evaluate(again, widths)
        assert given.digest() == again.digest()

    def test_saturated_states_are_counted(self):
        given = problem()
        assert evaluate(given, Widths.uniform(12)).clipped == 0
        narrow = replace(given.seen, layers=({**given.seen.layers[0], "s": 1e-3},))
        assert evaluate(replace(given, seen=narrow), Widths.uniform(12)).clipped > 0

    def test_gates_that_cannot_be_shut_are_no_fault_of_the_formats(self):
        given = problem()
        clipped = replace(given.net.layers[0], clip={"gate": (-1.0, 1.0)})
        net = replace(given.net, layers=(clipped,))
        have = evaluate(Problem.of(net, given.seen, 4, given.parts), Widths.uniform(12))
        assert have.holds is None and Goal(tolerance=1.0).met(have)

    def test_formats_that_cannot_work_meet_no_goal(self):
        """A range beyond every format, which `quantize` refuses."""
        given = problem()
        given = replace(given, seen=replace(given.seen, out=2.0**70))
        with pytest.raises(FormatError):
            formats_of(given.net, Widths.uniform(8), given.seen)
        have = evaluate(given, Widths.uniform(8))
        assert have.cost is None and have.rmse == math.inf
        assert not Goal(tolerance=1e9).met(have)
        assert Evaluation.from_dict(json.loads(json.dumps(have.as_dict()))) == have

    def test_json_gives_the_same_back(self):
        have = evaluate(problem(), Widths(10, 9, 11, 10, 12, 13, 10, 12, tight=True))
        assert Evaluation.from_dict(json.loads(json.dumps(have.as_dict()))) == have

    def test_the_digest_tells_problems_apart(self):
        """By every number and option that an evaluation depends on."""
        given = problem()
        first = given.net.layers[0]
        moved = {**first.weights, "g": first.weights["g"] + 1e-12}
        others = [
            replace(given, lanes=5),
            replace(given, parts=(replace(given.parts[0], x=given.parts[0].x + 1e-12),)),
            replace(given, answers=None),
            replace(given, seen=replace(given.seen, inputs=given.seen.inputs[::-1])),
            replace(given, net=replace(given.net, layers=(replace(first, weights=moved),))),
            replace(given, net=replace(given.net, layers=(replace(first, h="identity"),))),
            replace(given, net=replace(given.net, output="last")),
        ]
        assert len({each.digest() for each in (given, *others)}) == len(others) + 1


class TestGoal:
    good = found(Widths.uniform(8), 1e-3, right=4, right_in_float=4)

    @pytest.mark.parametrize(
        "spoiled",
        [
            {"rmse": 1.01e-2},
            {"rmse": math.nan},
            {"right": 3},
            {"right": None},
            {"holds": False},
            {"clipped": 1},
            {"cost": None},
        ],
        ids=str,
    )
    def test_everything_must_be_kept(self, spoiled):
        goal = Goal(tolerance=1e-2, task=True)
        assert goal.met(self.good) and not goal.met(replace(self.good, **spoiled))

    def test_cost_counts_first_where_the_error_has_a_limit(self):
        cheap, exact = found(Widths.uniform(8), 1e-3, 50), found(Widths.uniform(9), 1e-4, 60)
        for goal in (Goal(tolerance=1e-2), Goal(task=True)):
            assert goal.rank(cheap) < goal.rank(exact)
        assert Goal().rank(exact) < Goal().rank(cheap)

    def test_no_two_widths_have_the_same_rank(self):
        one, other = found(Widths.uniform(8), 1e-3), found(Widths.uniform(9), 1e-3)
        for goal in (Goal(), Goal(task=True)):
            assert goal.rank(one) != goal.rank(other)

    @pytest.mark.parametrize("tolerance", [0.0, -1e-3, math.nan])
    def test_a_tolerance_that_is_none_is_refused(self, tolerance):
        with pytest.raises(SearchError, match="tolerance .*: must be a number above 0"):
            Goal(tolerance=tolerance)

    def test_bits_that_no_width_has_are_refused(self):
        with pytest.raises(FormatError, match="bits 21: must be from 4 to 20"):
            Goal(bits=21)


class TestSearch:
    @pytest.mark.parametrize("tolerance", [1e-3, 1e-2])
    def test_it_finds_the_optimum_of_three_widths(self, tolerance):
        """Against all of them, where there are few enough; the rest are as wide as the uniform."""
        costs = {"weights": (9.0, 30.0), "gate": (1.0, 5.0), "y": (300.0, 9.0)}
        goal = Goal(tolerance=tolerance)
        have, state = run(goal, noise(costs), FEW)
        rest = Widths.uniform(8)
        every = [
            replace(rest, **dict(zip(FEW, bits, strict=True)))
            for bits in itertools.product(range(4, 21), repeat=3)
        ]
        best = min(filter(goal.met, noise(costs)(every)), key=goal.rank)
        assert have.cost.total == best.cost.total
        assert len(state.known) < len(every) / 4

    @pytest.mark.parametrize(
        "goal", [Goal(12, tolerance=1e-2), Goal(10), Goal(12, task=True)], ids=str
    )
    def test_nothing_near_what_it_found_is_better(self, goal):
        have, _ = run(goal, all_tried, FEW)
        assert goal.met(have)
        assert max(getattr(have.widths, kind) for kind in KINDS) <= goal.bits
        for changes in (1, 2):
            near = all_tried(space(goal.bits, FEW).neighbours(have.widths, changes, False))
            assert all(goal.rank(have) < goal.rank(each) for each in near if goal.met(each))

    def test_it_is_cheaper_than_any_uniform_width_that_meets_the_goal(self):
        goal = Goal(12, tolerance=1e-2)
        have, _ = run(goal, all_tried, FEW)
        uniform = all_tried(Widths.uniform(bits) for bits in range(4, 13))
        assert goal.rank(have) < min(goal.rank(each) for each in uniform if goal.met(each))

    def test_the_order_of_evaluations_does_not_matter(self):
        goal, rng = Goal(12, tolerance=1e-2), np.random.default_rng(0)

        def shuffled(candidates):
            results = all_tried(candidates)
            return [results[k] for k in rng.permutation(len(results))]

        (straight, one), (other, two) = (run(goal, how, FEW) for how in (all_tried, shuffled))
        assert straight == other
        assert one.known == two.known

    def test_nothing_is_evaluated_twice(self):
        asked, world = [], noise({kind: (1.0, 1.0 + k) for k, kind in enumerate(KINDS)})

        def evaluate(candidates):
            asked.extend(candidates)
            return world(candidates)

        run(Goal(tolerance=1e-3), evaluate)
        assert len(asked) == len(set(asked)) > 100

    def test_what_does_not_do_on_other_data_is_searched_again_with_less_error(self):
        """Where the other data have half as much error again, two thirds of the tolerance do."""
        world = noise({kind: (1.0, 1.0 + k) for k, kind in enumerate(KINDS)})
        goal, asked = Goal(tolerance=1e-3), []

        def confirm(each):
            asked.append(each)
            return goal.met(replace(each, rmse=1.5 * each.rmse))

        have, state = run(goal, world, confirm=confirm)
        assert have is asked[-1] and 1 < len(asked) <= 10
        assert 1.5 * have.rmse <= 1e-3 < 1.5 * asked[-2].rmse
        assert have.rmse <= state.limit < math.inf
        assert have.rmse > 0.5e-3

    def test_a_goal_that_nothing_meets_is_said_with_the_least_error(self):
        world = noise({kind: (1.0, 1.0) for kind in KINDS})
        least = math.sqrt(len(KINDS)) * 2.0**-10
        with pytest.raises(
            SearchError, match=rf"up to 10 bits meet the goal: .* {least:.3g}; allow"
        ):
            run(Goal(10, tolerance=1e-6), world)
        with pytest.raises(SearchError, match="up to 10 bits meet the goal on the data held out"):
            run(Goal(10, tolerance=1e-2), world, confirm=lambda _: False)

    def test_least_error_within_some_bits_is_not_above_the_uniform_widths(self):
        have, _ = run(Goal(8), all_tried, FEW)
        assert have.rmse <= tried(Widths.uniform(8)).rmse


def test_neighbours_are_all_changes_by_a_bit():
    """And of the range of y; where those that cost more are left out, the rest of them."""

    def around(here, changes, bits=20, kinds=KINDS, cheaper=False):
        return list(space(bits, kinds).neighbours(here, changes, cheaper))

    here = Widths.uniform(10)
    one = around(here, 1)
    assert len(one) == len(set(one)) == 2 * len(KINDS) + 1
    two = around(here, 2)
    assert len(two) == len(set(two)) == 4 * math.comb(len(KINDS), 2)
    low, high = Widths.uniform(4), Widths.uniform(7)
    assert len(around(low, 1)) == len(around(high, 1, bits=7)) == len(KINDS) + 1
    assert all(each.s == 10 for each in around(here, 2, kinds=("y", "g")))
    for changes in (1, 2):
        fewer = set(around(here, changes, cheaper=True))
        left = set(around(here, changes)) - fewer
        assert left and all(min(getattr(each, k) for k in KINDS) == 10 for each in left)


def test_the_space_starts_from_the_rule_and_stays_within_what_it_gives():
    given = problem()
    found = Space.of(given.net, given.seen, 9)
    assert found.starts["rule"] == [
        Rule(bits).widths(given.net, given.seen) for bits in range(4, 10)
    ]
    assert all(each.scaled and each.tight for family in found.starts.values() for each in family)
    assert (found.limits.weights, found.limits.y, found.limits.gate) == (9, 9, 16)
    for start in itertools.chain(*found.starts.values()):
        for each in found.neighbours(start, 1, False):
            assert all(getattr(each, kind) <= getattr(found.limits, kind) for kind in KINDS)


def test_of_widths_that_differ_without_effect_one_is_tried():
    """y is as wide as h says where what was seen of it is no less: both ranges are one."""
    given = problem()
    seen = replace(given.seen, layers=({**given.seen.layers[0], "y": 0.9},))
    given, asked = replace(given, seen=seen), []
    where = Space.of(given.net, seen, 8, ("weights", "y"))
    state = Search(
        Goal(8), where, lambda some: [asked.append(w) or evaluate(given, w) for w in some]
    )
    state.run(lambda _: True)
    texts = [formats_of(given.net, widths, seen).text() for widths in asked]
    assert len(texts) == len(set(texts)) == state.tried < len(state.known)
    for widths, have in state.known.items():
        assert have == evaluate(given, widths)


def test_each_evaluation_is_shown_with_the_best_so_far():
    """With what is left of a round; the best is never worse than the one before."""
    world, shown = noise({kind: (1.0, 1.0 + k) for k, kind in enumerate(KINDS)}), []
    state = Search(Goal(tolerance=1e-3), space(20), world)
    state.watch = lambda left: shown.append((left, state.best))
    have = state.run(lambda _: True)
    assert len(shown) == state.tried and shown[-1][1] == have
    assert any(left == 0 for left, _ in shown) and max(left for left, _ in shown) > 20
    costs = [best.cost.total for _, best in shown if best]
    assert costs == sorted(costs, reverse=True)


def test_the_front_has_all_that_no_other_beats_in_both():
    rng = np.random.default_rng(1)
    widths = [Widths(*map(int, rng.integers(4, 21, 8))) for _ in range(60)]
    points = [found(w, float(rng.uniform(1, 9)), int(rng.integers(1, 40))) for w in widths]
    broken = [found(Widths.uniform(4), 0.1, 0, holds=False)]
    kept = front([*points, *broken])

    def beaten(each):
        return any(
            (o.cost.total, o.rmse) != (each.cost.total, each.rmse)
            and o.cost.total <= each.cost.total
            and o.rmse <= each.rmse
            for o in points
        )

    assert {each.widths for each in kept} == {e.widths for e in points if not beaten(e)}
    assert [e.cost.total for e in kept] == sorted(e.cost.total for e in kept)


def test_a_network_without_a_readout_is_searched_too():
    net, x = forget_network()
    given, goal = Problem.of(net, Seen.measure(net, x), 4, [Part(x)]), Goal(10, tolerance=5e-2)
    have, _ = run(goal, lambda some: [evaluate(given, w) for w in some], FEW)
    assert goal.met(have) and have.right is None
