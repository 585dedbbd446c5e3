"""What is written down of a learner's work: time, answers, what was read, and what changed since its check."""

import json
import re
import time

from learner import RMS_NORM


def table_row(learner, day):
    learner.learn("progress")
    text = (learner.folder / "progress/my-tracker.md").read_text(encoding="utf-8")
    return [cell.strip() for cell in re.search(rf"^\| {re.escape(day)} \|.*$", text, re.MULTILINE).group().split("|")][1:5]


def change_state(learner, change):
    state = learner.state()
    change(state)
    (learner.folder / "progress/state.json").write_text(json.dumps(state), encoding="utf-8")


def minutes_ago(learner, minutes):
    """As if the last check, hint or page had been that long ago."""
    change_state(learner, lambda state: state["last_event"].update(at=int(time.time()) - 60 * minutes))


def context(learner):
    return json.loads(learner.learn("context").stdout)


def test_answers_of_a_day_are_never_written_over(learner):
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    learner.learn("check", "norm.rms")
    learner.learn("day", "1.4", "--plain", stdin="the direction\n\n61\n")
    page = next((learner.folder / "sessions/week1").glob("*-day-1.4.md"))
    assert page.read_text(encoding="utf-8").count("(not answered)") == 1
    learner.learn("day", "1.4", "--plain", stdin="\n\n\n")  # Enter at each
    learner.learn("day", "1.4", "--plain", stdin="")  # and no input at all
    learner.learn("day", "1.4", "--plain", stdin="\nit softens tiny vectors\n2 * 30 + 1\n")
    text = page.read_text(encoding="utf-8")
    for line in ("  - the direction\n", "  - it softens tiny vectors\n", "  - 61\n  - 2 * 30 + 1\n"):
        assert line in text, text
    assert "(not answered)" not in text


def test_the_pages_own_answer_stands_behind_a_persons(learner):
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    learner.learn("check", "norm.rms")
    said = " ".join(learner.learn("day", "1.4", "--plain", stdin="the direction\n\n\n").stdout.rsplit("In your own words", 1)[1].split())
    assert "the page: It keeps the direction" in said and said.count("the page:") == 1


def test_answers_to_questions_that_are_not_asked_any_more_stay(learner):
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    learner.learn("check", "norm.rms")
    learner.learn("day", "1.4", "--plain", stdin="the direction\n\n\n")
    page = next((learner.folder / "sessions/week1").glob("*-day-1.4.md"))
    old = "- A question of an earlier version?\n  - what I wrote\n"
    page.write_text(page.read_text(encoding="utf-8").replace("  - the direction\n", "  - the direction\n" + old), encoding="utf-8")
    for _ in range(2):
        learner.learn("day", "1.4", "--plain", stdin="")
        text = page.read_text(encoding="utf-8")
        assert text.count(old) == 1 and text.count("  - the direction\n") == 1, text


def test_a_day_without_a_task_is_read_when_it_was_read(learner):
    assert table_row(learner, "0.0")[2] == "open"
    learner.learn("read", "0.0")
    assert table_row(learner, "0.0")[2] == "read"
    assert table_row(learner, "0.1")[2] == "open"


def test_hours_count_reading_hints_and_checks_but_no_night(learner):
    learner.learn("read", "0.0")
    minutes_ago(learner, 9)
    learner.learn("read", "0.2")  # nine minutes with the first page
    minutes_ago(learner, 12)
    learner.learn("check", "index.strides")  # twelve with strides
    minutes_ago(learner, 5)
    learner.learn("hint", "matmul.naive")
    minutes_ago(learner, 10 * 60)
    learner.learn("check", "index.strides")
    assert table_row(learner, "0.0")[3] == "0.2"
    assert table_row(learner, "0.2")[3] == "0.3"
    assert "0.5 hours of work" in learner.learn("progress").stdout


def test_a_few_checks_are_more_than_no_time(learner):
    learner.learn("check", "norm.rms")
    minutes_ago(learner, 1)
    learner.learn("check", "norm.rms")
    assert table_row(learner, "1.4")[3] == "0.1"


def test_stuck_is_time_at_work_and_not_the_night(learner):
    learner.write("week0/strides.cpp", '#include "kernels/cpu/scalar/strides.h"\n')
    learner.learn("check", "index.strides")
    minutes_ago(learner, 15)
    learner.learn("hint", "index.strides")
    minutes_ago(learner, 15)
    learner.learn("check", "index.strides")
    minutes_ago(learner, 600)
    learner.learn("check", "index.strides")
    assert context(learner)["task"]["minutes_stuck"] == 30
    learner.solve("index.strides", "week0/strides.cpp")
    learner.learn("check", "index.strides")
    learner.write("week0/strides.cpp", "wrong again\n")
    learner.learn("check", "index.strides")
    assert context(learner)["task"]["minutes_stuck"] == 0


def test_a_file_that_was_edited_since_its_check_is_not_called_green(learner):
    learner.solve("index.strides", "week0/strides.cpp")
    learner.check("index.strides")
    assert context(learner)["tasks_green"] == 1
    path = learner.folder / "code/week0/strides.cpp"
    green = path.read_text(encoding="utf-8")
    path.write_text(green + "// one more line\n", encoding="utf-8")
    told = context(learner)
    assert told["tasks_green"] == 0 and told["green"] == []
    assert told["task"]["id"] == "index.strides" and told["task"]["edited_since_check"] is True
    assert "> edited index.strides" in learner.learn("list").stdout
    assert "edited since it was green" in learner.learn("progress").stdout
    spoken = learner.learn("speak", "-m", "no-such-model").stdout
    assert "index.strides (changed since its check)" in " ".join(spoken.split())
    path.write_text(green, encoding="utf-8")
    assert context(learner)["tasks_green"] == 1, "the same text again is what was checked"
