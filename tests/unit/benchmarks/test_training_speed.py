"""The two loops do the same work; how fast they are is for the benchmark to say."""

from backsight.benchmarks.training_speed import _prepare, run_training_speed
from backsight.training.neural_fit import FitConfig


def test_figures_name_both_loops_and_their_ratio() -> None:
    result = run_training_speed(n_sequences=8, n_frames=4, n_rounds=1)
    ratio, ours, plain, index_ms = (figure.value for figure in result.figures)
    assert ratio == ours / plain
    assert result.figures[0].bar == 1.0
    assert result.figures[0].better == "higher"
    assert index_ms > 0.0
    assert (result.figures[3].bar, result.figures[3].better, result.figures[3].unit) == (11.0, "lower", "ms")


def test_both_loops_learn() -> None:
    config = FitConfig(unknown_share=0.0, n_warm_up_steps=1, learning_rate=0.01)
    loops = _prepare(8, 4, kind="gru", seed=0, config=config)
    for loop in (loops.ours, loops.plain):
        losses = [loop(number) for number in range(8)]
        assert losses[-1] < losses[0]
