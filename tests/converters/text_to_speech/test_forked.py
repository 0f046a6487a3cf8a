import os
import signal
import time
from contextlib import suppress

import pytest

from converters.text_to_speech.forked import ChildFailed, run_forked


def assert_no_child_left():
    with suppress(ChildProcessError):  # there is no child at all
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)  # other tests' children are alive, and none has ended unnoticed


def test_the_work_is_done_in_another_process():
    assert int(run_forked(lambda: str(os.getpid()).encode(), 5)) != os.getpid()
    assert_no_child_left()


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_results_of_any_size_arrive_whole(size):
    data = os.urandom(size)
    assert run_forked(lambda: data, 10) == data


def test_an_error_travels_with_its_message():
    def fail():
        raise ValueError("no such ä voice")

    with pytest.raises(ChildFailed, match="no such ä voice"):
        run_forked(fail, 5)
    assert_no_child_left()


def test_a_crash_is_an_error_that_names_the_signal():
    with pytest.raises(ChildFailed, match="SIGKILL"):
        run_forked(lambda: os.kill(os.getpid(), signal.SIGKILL) or b"", 5)
    assert_no_child_left()


def test_an_exit_in_the_middle_is_an_error():
    with pytest.raises(ChildFailed, match="exit status 3"):
        run_forked(lambda: os._exit(3), 5)


def test_even_an_interrupt_in_the_child_never_returns_into_the_parents_code():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(ChildFailed, match="KeyboardInterrupt"):
        run_forked(interrupted, 5)


def test_a_child_that_hangs_is_ended():
    started = time.monotonic()
    with pytest.raises(ChildFailed, match="in time"):
        run_forked(lambda: time.sleep(60) or b"", 0.2)
    assert time.monotonic() - started < 5
    assert_no_child_left()
