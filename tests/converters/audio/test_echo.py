import numpy as np
import pytest


def test_repeats_lie_where_they_should_and_fade(through):
    click = np.zeros(100)
    click[0] = 0.5
    heard = through("echo", click, delay=0.01, gain_db=-6.0206, repeats=3)
    assert len(heard) == 100 + 3 * 160
    assert heard[[0, 160, 320, 480]] == pytest.approx([0.5, 0.25, 0.125, 0.0625], abs=1e-4)
    assert np.count_nonzero(heard) == 4


def test_overlapping_repeats_add_up(through):
    heard = through("echo", np.full(480, 0.1), delay=0.01, gain_db=0.0, repeats=1)
    assert heard[[0, 159, 160, 479, 480, 639]] == pytest.approx([0.1, 0.1, 0.2, 0.2, 0.1, 0.1], abs=1e-4)
