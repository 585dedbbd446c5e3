"""GuideLLM, a load generator made for other servers, runs unchanged: local prompts, a local tokenizer folder, no network."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

N_REQUESTS, N_TOKENS = 30, 40


@pytest.mark.skipif(not os.environ.get("TINYLLM_LONG"), reason="LACKS --long: GuideLLM takes gigabytes to install")
def test_guidellm_runs_unchanged(start_server, models, tmp_path):
    sys.path.insert(0, str(ROOT / "tools"))
    from run_tests import python_with

    python = python_with("tests/guidellm/requirements.txt")
    if python is None:
        pytest.skip("LACKS the package guidellm: it could not be installed")
    lines = [{"prompt": f"Tell me about number {i}.", "output_tokens_count": N_TOKENS} for i in range(N_REQUESTS)]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    server = start_server(models["loop"], "--quiet")
    options = {
        "--backend": f"kind=openai_http,target=http://127.0.0.1:{server.port}",
        "--data": f"kind=json_file,path={tmp_path / 'prompts.jsonl'}",
        "--tokenizer": f"kind=huggingface_auto,model={models['loop']}",
        "--profile": "kind=concurrent,streams=4",
        "--constraint": f"kind=max_requests,count={N_REQUESTS}",
        "--output": f"kind=json,path={tmp_path / 'report.json'}",
    }
    command = [python.parent / "guidellm", "run", *(word for pair in options.items() for word in pair), "--disable-progress"]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=offline)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads((tmp_path / "report.json").read_text())["benchmarks"][0]
    assert report["metrics"]["request_totals"] == {"successful": N_REQUESTS, "errored": 0, "incomplete": 0, "total": N_REQUESTS}
    for request in report["requests"]["successful"]:
        assert request["output_tokens"] == N_TOKENS, request
    assert server.metric("vllm:generation_tokens_total") >= N_REQUESTS * N_TOKENS
    assert server.metric("vllm:request_success_total", finished_reason="error") == 0
