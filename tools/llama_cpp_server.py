#!/usr/bin/env python3
"""llama.cpp's own HTTP server, out of the package xllamacpp: llama_cpp_server.py MODEL PORT N_PARALLEL CONTEXT THREADS.

Serves until stdin closes. For tools/compare_servers.py.
"""

import sys

import xllamacpp

model, port, n_parallel, context, n_threads = sys.argv[1], *map(int, sys.argv[2:6])
params = xllamacpp.CommonParams()
params.model.path = model
params.hostnames = ["127.0.0.1"]
params.port = port
params.n_parallel = n_parallel
params.n_ctx = context * n_parallel
params.cpuparams.n_threads = n_threads
params.cpuparams_batch.n_threads = n_threads
params.n_threads_http = 8
server = xllamacpp.Server(params)
print("serving", server.listening_address, flush=True)
sys.stdin.read()
