"""The line on stderr about compilations that take long."""

import io
import re
import sys
import threading
import time

import pytest

import graphc as torch
from graphc.core import compile_notice
from graphc.core.compile_notice import SECONDS, notice_of_compiling, seconds

LINES = re.compile(r"graphc: compiling 'f' \.\.\.\ngraphc: compiled 'f' in \d+\.\d s\n")


class Terminal(io.StringIO):
    """A stderr that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setenv("GRAPHC_NOTICE", "0.02")


def test_a_long_compilation_is_announced_and_its_end_too(capsys, soon):
    with notice_of_compiling("'f'"):
        time.sleep(0.3)
    assert LINES.fullmatch(capsys.readouterr().err)


def test_a_short_compilation_is_not_announced(capsys):
    with notice_of_compiling("'f'"):
        pass
    assert capsys.readouterr().err == ""
    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer) and not t.finished.is_set()]


def test_zero_turns_it_off(capsys, monkeypatch):
    monkeypatch.setenv("GRAPHC_NOTICE", "0")
    with notice_of_compiling("'f'"):
        time.sleep(0.05)
    assert seconds() == 0.0 and capsys.readouterr().err == ""


@pytest.mark.parametrize("wish", ["-1", "soon", "nan", "inf"])
def test_another_wish_is_an_error(monkeypatch, wish):
    monkeypatch.setenv("GRAPHC_NOTICE", wish)
    with pytest.raises(ValueError, match=f"GRAPHC_NOTICE is a number of seconds, at least 0, got '{wish}'"):
        seconds()


def test_two_seconds_is_the_default(monkeypatch):
    monkeypatch.delenv("GRAPHC_NOTICE", raising=False)
    assert seconds() == SECONDS == 2.0


def test_a_compilation_inside_another_one_belongs_to_it(capsys, soon):
    with notice_of_compiling("'f'"), notice_of_compiling("'g'"):
        time.sleep(0.3)
    assert LINES.fullmatch(capsys.readouterr().err)


def test_an_error_ends_it(capsys, soon):
    with pytest.raises(KeyError), notice_of_compiling("'f'"):
        time.sleep(0.3)
        raise KeyError
    assert LINES.fullmatch(capsys.readouterr().err)
    with notice_of_compiling("'f'"):
        time.sleep(0.3)
    assert LINES.fullmatch(capsys.readouterr().err)


def test_a_terminal_has_a_spinner_of_rich(monkeypatch, soon):
    rich = pytest.importorskip("rich.progress")
    started = []
    start = rich.Progress.start
    monkeypatch.setattr(rich.Progress, "start", lambda self: started.append(self) or start(self))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with notice_of_compiling("'f'"):
        time.sleep(1.0)
    (progress,) = started
    assert progress.tasks[0].description == "graphc: compiling 'f'" and not progress.live.is_started
    assert re.search(r"graphc: compiled 'f' in \d+\.\d s\n$", sys.stderr.getvalue())


@pytest.mark.parametrize("stderr", [None, "closed"])
def test_a_missing_stderr_is_no_error(monkeypatch, soon, stderr):
    stream = None
    if stderr == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    with notice_of_compiling("'f'"):
        time.sleep(0.1)


def test_compiled_functions_modules_and_lower_announce(capsys, monkeypatch, soon):
    monkeypatch.setattr(compile_notice.threading, "Timer", Immediately)

    def f(x):
        return x * 2

    class Doubled(torch.nn.Module):
        def forward(self, x):
            return x * 2

    compiled, ones = torch.compile(f), torch.tensor([1.0, 1.0])
    assert compiled(ones).tolist() == [2.0, 2.0]
    assert LINES.fullmatch(capsys.readouterr().err)
    assert compiled(ones).tolist() == [2.0, 2.0]
    assert capsys.readouterr().err == ""
    compiled.lower(torch.tensor([1.0]))
    assert LINES.fullmatch(capsys.readouterr().err)
    assert torch.compile(Doubled())(ones).tolist() == [2.0, 2.0]
    assert "graphc: compiling 'Doubled' ...\n" in capsys.readouterr().err


def test_eager_code_that_waits_for_a_compiler_announces(capsys, monkeypatch, soon):
    monkeypatch.setattr(compile_notice.threading, "Timer", Immediately)
    torch.set_eager("compile")
    assert (torch.ones(3).sinh().sinh() * 0.37125).tolist() == pytest.approx([0.54389] * 3, rel=1e-4)
    assert "operations of eager code ...\n" in capsys.readouterr().err


class Immediately:
    """A timer whose time has come."""

    def __init__(self, after, function):
        self.start = function

    def cancel(self) -> None:
        pass
