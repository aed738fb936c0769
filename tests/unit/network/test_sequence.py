"""Every kind of network keeps the same promises; the LSTM among them is the paper's."""

import pytest
import torch

from backsight.errors import InvalidValueError
from backsight.network.config import NETWORK_KINDS, LstmConfig, NetworkConfig
from backsight.network.lstm import SpineLstm
from backsight.network.sequence import UNKNOWN_EXERCISE, SequenceNetwork, build_network

N_FEATURES = 193


def make(kind: str, **options: object) -> SequenceNetwork:
    torch.manual_seed(0)
    config = NetworkConfig(kind, N_FEATURES, **{"n_exercises": 2, "embedding_size": 8, "hidden_size": 16, **options})  # type: ignore[arg-type]
    return build_network(config).eval()


def movements(n_frames: int) -> torch.Tensor:
    return torch.randn(3, n_frames, N_FEATURES, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", NETWORK_KINDS)
@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
class TestEveryKind:
    def test_the_future_does_not_change_a_score(self, kind: str, pooling: str) -> None:
        network, values = make(kind, pooling=pooling), movements(12)
        changed = values.clone()
        changed[:, 8:] += 5.0
        exercise = torch.ones(3, dtype=torch.long)
        before = network(values, torch.full((3,), 12), exercise)[1]
        after = network(changed, torch.full((3,), 12), exercise)[1]
        torch.testing.assert_close(before[:, :8], after[:, :8])
        assert not torch.allclose(before[:, 8:], after[:, 8:])

    def test_padding_does_not_change_a_score(self, kind: str, pooling: str) -> None:
        network, values = make(kind, pooling=pooling), movements(9)
        exercise = torch.ones(3, dtype=torch.long)
        padded = torch.cat((values, torch.zeros(3, 6, N_FEATURES)), dim=1)
        alone, _ = network(values, torch.full((3,), 9), exercise)
        in_batch, _ = network(padded, torch.full((3,), 9), exercise)
        torch.testing.assert_close(alone, in_batch)

    def test_the_short_way_gives_the_same_score(self, kind: str, pooling: str) -> None:
        network, values = make(kind, pooling=pooling), movements(10)
        n_frames, exercise = torch.tensor([10, 4, 1]), torch.tensor([1, 2, UNKNOWN_EXERCISE])
        whole, running = network(values, n_frames, exercise)
        torch.testing.assert_close(network.score(values, n_frames, exercise), whole)
        torch.testing.assert_close(whole, torch.stack((running[0, 9], running[1, 3], running[2, 0])))

    def test_the_exercise_counts(self, kind: str, pooling: str) -> None:
        network, values = make(kind, pooling=pooling), movements(6)
        assert network.exercise is not None
        torch.nn.init.normal_(network.exercise.weight)
        n_frames = torch.full((3,), 6)
        one = network.score(values, n_frames, torch.ones(3, dtype=torch.long))
        other = network.score(values, n_frames, torch.full((3,), 2))
        assert not torch.allclose(one, other)


def test_the_lstm_is_the_papers() -> None:
    paper = SpineLstm(LstmConfig(n_features=N_FEATURES, embedding_size=8, hidden_size=16)).eval()
    network = make("lstm", n_exercises=0, pooling="last")
    renamed = {name.replace("lstm.", "cells."): value for name, value in paper.state_dict().items()}
    network.load_state_dict(renamed)
    values = movements(7)
    _, running = network(values, torch.full((3,), 7), torch.zeros(3, dtype=torch.long))
    torch.testing.assert_close(running, paper(values)[0])


def test_mean_pooling_is_the_mean_of_the_frames_so_far() -> None:
    network = make("rnn", pooling="mean")
    read = torch.tensor([[[1.0], [3.0], [8.0]]]).expand(1, 3, 16)
    torch.testing.assert_close(network._pool(read)[0, :, 0], torch.tensor([1.0, 2.0, 4.0]))


def test_attention_weighs_the_frames_that_it_is_drawn_to() -> None:
    network = make("rnn", pooling="attention")
    assert network.attention is not None
    torch.nn.init.zeros_(network.attention.bias)
    # The logit is the first value itself: e^0 = 1 for the first frame, about 3 for the second.
    torch.nn.init.zeros_(network.attention.weight)
    with torch.no_grad():
        network.attention.weight[0, 0] = 1.0
    logit = 5.0 * torch.atanh(torch.log(torch.tensor(3.0)) / 5.0)
    read = torch.zeros(1, 2, 16)
    read[0, 1, 0] = logit
    torch.testing.assert_close(network._pool(read)[0, 1, 0], 0.75 * logit)


def test_a_graph_passes_a_landmark_on_to_its_neighbours_only() -> None:
    from backsight.domain.landmarks import Landmark
    from backsight.network.graph import _normalised_adjacency

    adjacency = _normalised_adjacency()
    wrist = adjacency[Landmark.LEFT_WRIST]
    assert wrist.nonzero().flatten().tolist() == [Landmark.LEFT_ELBOW, Landmark.LEFT_INDEX]
    assert wrist[Landmark.LEFT_ELBOW] == 0.5
    assert adjacency[Landmark.LEFT_PINKY].sum() == 0.0


def test_a_graph_needs_the_landmarks() -> None:
    with pytest.raises(InvalidValueError, match="165 columns of the landmarks, got 28"):
        build_network(NetworkConfig("graph", 28))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "mlp"}, "`kind` of the network must be one of lstm"),
        ({"pooling": "max"}, "`pooling` must be one of last"),
        ({"hidden_size": 0}, "`hidden_size` of the network must be at least 1, got 0"),
        ({"dropout": 1.0}, "`dropout` of the network must be from 0 up to 1"),
        ({"n_exercises": -1}, "`n_exercises` of the network must not be negative"),
    ],
)
def test_a_config_says_what_is_wrong(options: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidValueError, match=said):
        NetworkConfig(**{"kind": "lstm", "n_features": 3, **options})  # type: ignore[arg-type]
