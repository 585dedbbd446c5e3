# tiny-llm in a container, for systems other than Debian 12. Not tried by CI, which has no container engine; the same
# steps are tried there in a bare Debian 12 root.
#   docker build -t tiny-llm .
#   docker run -it -v tiny-llm-models:/models tiny-llm            # chat; models are kept in the volume
#   docker run -i  -v tiny-llm-models:/models tiny-llm generate --model smollm2-135m --prompt "Once upon"
FROM debian:12-slim
WORKDIR /tiny-llm
COPY . .
# Installs the packages and builds. The reference path then asks for the CPU of this machine: build where you run.
RUN ./tiny --version && rm -rf /var/lib/apt/lists/* /root/.cache/ccache
ENV TINYLLM_HOME=/models
VOLUME /models
ENTRYPOINT ["/tiny-llm/tiny"]
CMD ["chat"]
