"""tinyllm chat without a terminal: -p, pipes, the end of the context."""

import json
import re

import pytest


def test_one_answer_and_nothing_else(tinyllm, models):
    assert tinyllm.text("chat", "-m", models["fine"], "-p", "How are you?") == "Fine é!\n"


def test_words_without_a_flag_are_model_and_text(tinyllm, models):
    fine, loop = models["fine"], models["loop"]
    assert tinyllm.text("chat", fine, "How are you?") == "Fine é!\n"
    assert tinyllm.text("run", loop, "go on", "-n", 3) == "abc\n"
    assert tinyllm.text("chat", "How are you?", "-m", fine) == "Fine é!\n"
    assert tinyllm.text("chat", fine, stdin="How?\n") == "Fine é!\n"
    assert tinyllm.text("chat", models["fine.gguf"], "-p", "How?") == "Fine é!\n"
    # A name, from the model home.
    home = tinyllm.home / "tinyllm/models"
    home.mkdir(parents=True)
    (home / "SmolLM2-135M-Instruct.Q4_1.gguf").symlink_to(models["fine.gguf"])
    for name in ("smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct.Q4_1"):
        assert tinyllm.text("chat", name, "How?") == "Fine é!\n"
    for text in ("How are you?", "hello", "What is 2+2?", "hi!"):
        assert tinyllm.text("chat", text) == "Fine é!\n"
    assert "did you mean smollm2-135m? " in tinyllm.failure("chat", "smollm2-135n")


def test_run_is_chat(tinyllm, models):
    assert tinyllm.text("run", "-m", models["fine.gguf"], "-p", "How are you?") == "Fine é!\n"


def test_prompt_from_stdin(tinyllm, models):
    assert tinyllm.text("chat", "-m", models["fine"], "-p", "-", stdin="How\nare you?") == "Fine é!\n"


def test_every_line_of_a_pipe_is_a_message(tinyllm, models):
    assert tinyllm.text("chat", "-m", models["fine"], stdin="How?\n\nReally?") == "Fine é!\nFine é!\n"
    assert tinyllm.text("chat", "-m", models["fine"], stdin="") == ""


def stats(tinyllm, model, lines, *flags):
    """What /stats says after these lines, as a dictionary of its rows."""
    done = tinyllm.run("chat", "-m", model, *flags, stdin="\n".join([*lines, "/stats"]))
    assert done.returncode == 0, done
    rows = [line.split(None, 1) for line in done.stderr.decode().splitlines() if line.startswith("  ")]
    return {row[0]: row[1] for row in rows if len(row) == 2}


def prompt_tokens(*contents):
    """Of the template: 3 markers and newlines around each message, each byte a token."""
    n = sum(1 + len(role) + 1 + len(text.encode()) + 1 + 1 for role, text in contents)
    return n + 1 + len("assistant") + 1


@pytest.mark.parametrize("engine", ["batched", "reference"])
def test_history_is_sent_and_its_rows_are_reused(tinyllm, models, engine):
    question = "How are you on a fine day?"
    first = [("user", question)]
    second = [*first, ("assistant", "Fine é!"), ("user", "Really?")]
    rows = stats(tinyllm, models["fine"], [question, "Really?"], "--engine", engine)
    kept = prompt_tokens(*first) + len("Fine é!".encode())
    if engine == "batched":
        kept -= kept % 32  # whole blocks
        assert kept > 0
    assert rows["last"].startswith(f"prompt {prompt_tokens(*second)} tokens ({kept} kept from before)"), rows


def test_reset_forgets(tinyllm, models):
    rows = stats(tinyllm, models["fine"], ["How?", "/reset", "Really?"])
    assert rows["last"].startswith(f"prompt {prompt_tokens(('user', 'Really?'))} tokens"), rows


def test_system_prompt(tinyllm, models):
    talk = [("system", "Be brief."), ("user", "How?")]
    for lines, flags in ([["How?"], ["--system", "Be brief."]], [["x", "/system Be brief.", "How?"], []]):
        rows = stats(tinyllm, models["fine"], lines, *flags)
        assert rows["last"].startswith(f"prompt {prompt_tokens(*talk)} tokens"), rows


def test_user_text_is_never_a_special_token(tinyllm, models):
    rows = stats(tinyllm, models["fine"], ["<|im_end|>"])
    assert rows["last"].startswith(f"prompt {prompt_tokens(('user', '<|im_end|>'))} tokens"), rows


def test_several_lines_in_one_message(tinyllm, models):
    for lines in (['"""a', "b", 'c"""'], ["a\\", "b\\", "c"]):
        rows = stats(tinyllm, models["fine"], lines)
        assert rows["last"].startswith(f"prompt {prompt_tokens(('user', 'a' + chr(10) + 'b' + chr(10) + 'c'))} ")


def test_stats_count_drafts(tinyllm, models):
    flags = ["--max-tokens", "300", "--temperature", "0"]
    row = stats(tinyllm, models["loop"], ["Say it."], *flags)["drafts"]
    n_drafts, n_accepted, mean = map(float, re.fullmatch(r"(\d+), accepted (\d+), ([\d.]+) at a time", row).groups())
    assert 0 < n_accepted <= min(n_drafts, 300) and 0 < mean <= 16
    assert "drafts" not in stats(tinyllm, models["loop"], ["Say it."], *flags, "--speculate", "off")


def test_stats_show_seed_and_sampling(tinyllm, models):
    rows = stats(tinyllm, models["fine"], [], "--seed", "42")
    assert (rows["seed"], rows["sampling"]) == ("42", "greedy")
    rows = stats(tinyllm, models["fine"], [], "--temperature", "0.7", "--top-p", "0.9")
    assert rows["sampling"] == "temperature 0.7, top_p 0.9"


def test_unknown_slash_command_gives_a_hint(tinyllm, models):
    done = tinyllm.run("chat", "-m", models["fine"], stdin="/rest\n")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode().startswith("(/rest is not a command here: /help lists them")


def test_exit_ends_it(tinyllm, models):
    assert tinyllm.text("chat", "-m", models["fine"], stdin="a\n/exit\nb\n") == "Fine é!\n"


def test_base_model_is_refused_with_advice(tinyllm, models):
    message = tinyllm.failure("chat", "-m", models["base"], "-p", "x")
    assert "has no chat template (a base model); use 'tinyllm generate'" in message


def test_stop_text(tinyllm, models):
    assert tinyllm.text("chat", "-m", models["fine"], "-p", "x", "--stop", "e é") == "Fin\n"


def test_full_context_drops_the_oldest_turns_and_says_so(tinyllm, models):
    done = tinyllm.run("chat", "-m", models["fine"], "--context", "120", stdin="How?\n" * 8)
    assert (done.returncode, done.stdout.decode()) == (0, "Fine é!\n" * 8)
    assert done.stderr.decode().startswith("(the context is full: the oldest ")


def test_no_shift_stops_at_the_end_of_the_context(tinyllm, models):
    done = tinyllm.run("chat", "-m", models["fine"], "--context", "120", "--no-shift", stdin="How?\n" * 8)
    assert done.returncode == 1
    assert done.stdout.decode().startswith("Fine é!\n" * 3)
    assert "the context holds 120 and one must be left for the answer" in done.stderr.decode()
    assert "/reset forgets it" in done.stderr.decode()


def test_answer_is_cut_where_the_context_ends(tinyllm, models):
    n_prompt = prompt_tokens(("user", "x"))
    done = tinyllm.run("chat", "-m", models["loop"], "--context", n_prompt + 10, "-p", "x")
    assert (done.returncode, done.stdout) == (0, b"abcdefghij\n")
    assert f"(the context of {n_prompt + 10} tokens is full: the answer was cut" in done.stderr.decode()


def test_message_that_does_not_fit(tinyllm, models):
    message = tinyllm.failure("chat", "-m", models["fine"], "--context", "100", "-p", "x" * 200)
    assert message == (
        f"the prompt has {prompt_tokens(('user', 'x' * 200))} tokens, the context holds 100 and one must be left "
        "for the answer; shorten it or raise --context"
    )


@pytest.mark.parametrize("flag", [["--max-tokens", "3"], ["-n", "3"]])
def test_max_tokens(tinyllm, models, flag):
    assert tinyllm.text("chat", "-m", models["loop"], "-p", "x", *flag) == "abc\n"


def test_model_defaults_are_taken_in(tinyllm, models, tmp_path):
    import toy_model

    folder = toy_model.write_folder(
        tmp_path / "defaults", toy_model.spell("Fine é!"), generation={"temperature": 0.25, "top_k": 7}
    )
    assert stats(tinyllm, folder, [])["sampling"] == "temperature 0.25, top_k 7"
    assert stats(tinyllm, folder, [], "--top-k", "3")["sampling"] == "temperature 0.25, top_k 3"


def talk(tinyllm, model, *lines, flags=()):
    done = tinyllm.run("chat", "-m", model, *flags, stdin="".join(line + "\n" for line in lines))
    assert done.returncode == 0, done
    return done.stdout.decode(), done.stderr.decode()


def test_set_changes_the_sampler(tinyllm, models):
    rows = stats(tinyllm, models["fine"], ["/set temperature 0.5", "/set top-p 0.9", "/set seed 7"])
    assert (rows["sampling"], rows["seed"]) == ("temperature 0.5, top_p 0.9", "7")
    out, err = talk(tinyllm, models["loop"], "/set max_tokens 3", "go", "/set max_tokens 5", "go")
    assert out == "abc\nabcde\n" and "(max_tokens is 3)" in err


@pytest.mark.parametrize(
    "line, message",
    [
        ("/set top_p 3", "top_p"),
        ("/set temperature hot", "temperature takes a number, not 'hot'"),
        ("/set top_k 1e30", "too large a number"),
        ("/set seed -1", "seed must not be negative"),
        ("/set min_p nan", "too large a number"),
        ("/set colour 3", "'colour' is not a setting; there are temperature, top_k"),
        ("/load", "give a file: /load talk.json"),
        ("/load /nowhere.json", "/nowhere.json"),
        ("/read /nowhere.txt", "/nowhere.txt"),
        ("/model nowhere-1b", "no such model"),
        ("/regen", "there is no answer yet"),
        ("/stat", "did you mean /stats?"),
    ],
)
def test_a_wrong_slash_command_says_why_and_the_talk_goes_on(tinyllm, models, line, message):
    out, err = talk(tinyllm, models["fine"], line, "How?")
    assert message in err and out == "Fine é!\n"


def test_save_and_load(tinyllm, models, tmp_path):
    file = tmp_path / "talk.json"
    talk(tinyllm, models["fine"], "/system Be brief.", "How?", f"/save {file}")
    saved = json.loads(file.read_text())
    assert saved["system"] == "Be brief." and saved["messages"] == [
        {"role": "user", "content": "How?"}, {"role": "assistant", "content": "Fine é!"}
    ]  # fmt: skip
    rows = stats(tinyllm, models["fine"], [f"/load {file}", "Really?"])
    whole = [("system", "Be brief."), ("user", "How?"), ("assistant", "Fine é!"), ("user", "Really?")]
    assert rows["last"].startswith(f"prompt {prompt_tokens(*whole)} tokens")
    assert "exists; give another name" in talk(tinyllm, models["fine"], f"/save {file}")[1]
    file.write_text('{"system": "", "messages": [{"role": "assistant", "content": "x"}]}')
    assert "not a saved talk" in talk(tinyllm, models["fine"], f"/load {file}")[1]


def test_regen_asks_the_last_question_again(tinyllm, models):
    rows = stats(tinyllm, models["fine"], ["How?", "/regen"])
    assert rows["last"].startswith(f"prompt {prompt_tokens(('user', 'How?'))} tokens")
    assert rows["context"].endswith("1 turn")


def test_read_sends_a_file(tinyllm, models, tmp_path):
    file = tmp_path / "notes.md"
    file.write_text("one\ntwo")
    rows = stats(tinyllm, models["fine"], [f"/read {file} What is it?"])
    message = "What is it?\n\nnotes.md:\n```\none\ntwo\n```"
    assert rows["last"].startswith(f"prompt {prompt_tokens(('user', message))} tokens")


def test_model_goes_on_with_another(tinyllm, models):
    out, err = talk(tinyllm, models["fine"], "How?", f"/model {models['loop']}", "go", "/stats", flags=["-n", "10"])
    assert out == "Fine é!\nabcdefghij\n"
    assert "the talk goes on)" in err and ", 2 turns" in err
