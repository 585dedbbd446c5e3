# tiny-llm in a container, for systems other than Debian 12. No container engine has tried it yet; the same steps, serve
# and health check included, were run in a bare Debian 12 root: tools/check_bare_debian.sh.
#   docker build -t tiny-llm .
#   docker run -it -v tiny-llm-models:/models tiny-llm            # chat; models are kept in the volume
#   docker run -i  -v tiny-llm-models:/models tiny-llm generate --model smollm2-135m --prompt "Once upon"
FROM debian:12-slim
WORKDIR /tiny-llm
COPY . .
# Installs the packages and builds. The reference path then asks for the CPU of this machine: build where you run.
RUN ./tiny --version && rm -rf /var/lib/apt/lists/* /root/.cache/ccache
# Nothing here needs root any more.
RUN useradd --create-home --uid 10001 tinyllm && mkdir /models && chown -R tinyllm /models /tiny-llm
USER tinyllm
ENV TINYLLM_HOME=/models
VOLUME /models
# Of serve; another command has no server to ask, and ends before it matters.
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["/tiny-llm/tiny"]
CMD ["chat"]
