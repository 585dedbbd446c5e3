"""bench-serve against our own server, whose every answer is known."""

import os
import socket
import threading

import pytest

import xml.etree.ElementTree as ElementTree


def test_counts_and_picture(loop_server, tinyllm, tmp_path):
    url = ["--url", f"http://127.0.0.1:{loop_server.port}/v1"]
    lengths = ["--requests", 12, "--clients", 4, "--prompt-words", 5, "--answer-tokens", 7, "--fixed"]
    report = tinyllm.json("bench-serve", *url, *lengths, "--svg", tmp_path / "times.svg", "--json")
    assert (report["n_done"], report["n_failed"], report["generated_tokens"]) == (12, 0, 84)
    assert 0 < report["ttft_ms"]["p50"] <= report["ttft_ms"]["p99"] <= report["total_ms"]["p99"]
    assert 84 / report["wall_s"] == report["output_tokens_per_s"]
    curves = ElementTree.parse(tmp_path / "times.svg").getroot().findall("{http://www.w3.org/2000/svg}polyline")
    assert len(curves) == 2 and all(len(curve.get("points").split()) >= 12 for curve in curves)


def test_poisson_arrivals_take_their_time(loop_server, tinyllm):
    url = ["--url", f"http://127.0.0.1:{loop_server.port}/v1"]
    report = tinyllm.json("bench-serve", *url, "--requests", 20, "--rate", 20, "--prompt-words", 20, "--answer-tokens", 2, "--json")
    assert report["n_done"] == 20 and 0.4 < report["wall_s"] < 5
    assert "from token to token" in tinyllm.text("bench-serve", *url, "--requests", 2, "--answer-tokens", 2)


def test_no_server_is_one_line(tinyllm):
    message = tinyllm.failure("bench-serve", "--url", "http://127.0.0.1:9/v1", "--requests", 2)
    assert message.startswith("http://127.0.0.1:9/v1: no request was answered: ")


class MuteServer:
    """Takes connections and says nothing; or closes each at once."""

    def __init__(self, closes):
        self.closes, self.connections = closes, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                self.connections.append(self.socket.accept()[0])
            except OSError:
                return
            if self.closes:
                self.connections.pop().close()


LONG_ONLY = pytest.mark.skipif(not os.environ.get("TINYLLM_LONG"), reason="a minute of silence: ./tiny test --long")


@pytest.mark.parametrize("closes", [True, pytest.param(False, marks=LONG_ONLY)])
def test_a_server_that_never_answers_is_given_up(tinyllm, closes):
    server = MuteServer(closes)
    url = f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1"
    message = tinyllm.failure("bench-serve", "--url", url, "--model", "m", "--requests", 100, "--clients", 4, timeout=600)
    assert url in message, message
    server.socket.close()
