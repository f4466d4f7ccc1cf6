import os
import pty

from poseterior.train.display import Lines, duration, shown_display


def test_lines_come_at_once_then_every_half_minute_and_at_the_end():
    said, now = [], [0.0]
    lines = Lines(said.append, steps=100, first_step=10, clock=lambda: now[0])
    for step in range(11, 101):
        now[0] += 1.0
        lines.show(step, {"nll_nats": 1.23456, "mb": 0.5})
    assert said[0] == "step 11 of 100, 89 s left: nll nats 1.235, mb 0.5"
    assert [line.split()[1] for line in said] == ["11", "41", "71", "100"]
    assert said[1].startswith("step 41 of 100, 59 s left")


def test_a_terminal_gets_a_bar_with_losses_and_eta(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")

    screen, terminal = pty.openpty()
    said = []
    with (
        os.fdopen(terminal, "w") as stream,
        shown_display(stream, said.append, steps=50, first_step=0) as display,
    ):
        display.show(20, {"total": 3.5})
        display.note("validation [at] step 20")
    drawn = os.read(screen, 100_000).decode()
    os.close(screen)
    assert said == []
    for part in ("20/50", "total 3.5", "validation [at] step 20"):
        assert part in drawn


def test_durations():
    assert [duration(s) for s in (3.2, 89.0, 91.0, 5400.0, 9000.0)] == [
        "3 s",
        "89 s",
        "2 min",
        "1 h 30 min",
        "2 h 30 min",
    ]
