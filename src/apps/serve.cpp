// tinyllm serve: the model behind an OpenAI-compatible HTTP server.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/fingerprint.h"
#include "apps/first_chat.h"
#include "apps/loading_bar.h"
#include "apps/open_tools.h"
#include "apps/options.h"
#include "apps/serve_embedder.h"
#include "apps/standard_output.h"
#include "apps/tool_options.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "client/grammar_cache.h"
#include "client/open_model.h"
#include "engine/open_engine.h"
#include "engine/step_trace.h"
#include "openai/tool_prompt.h"
#include "server/openapi.h"
#include "server/server.h"
#include "tool_call/answer_format.h"

namespace tinyllm {
namespace {

struct ServeCommand {
  std::string model;
  std::vector<std::string> words;  // [MODEL]
  EngineFlags flags;
  ToolOptions tools;
  EmbedderFlags embedder;
  HttpServerOptions http;
  ServiceOptions service;
  AskedSampling sampling;
  AnswerLimits limits;
  std::string api_key_file, trace, schedule = "fcfs";
  std::string tool_format = "auto", reasoning_format = "auto";
  std::vector<std::string> names, api_keys;
  double drain_s = 30, header_s = 10, body_s = 60, idle_s = 75, write_s = 30;
  double max_wait_s = 0, max_time_s = 0, kv_share = 0.25;
  std::size_t max_body_mb = 16, max_memory_mb = 256;
  std::int32_t block_size = 32;
  bool no_prefix_cache = false, quiet = false, print_api = false;
};

std::chrono::milliseconds to_ms(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// Keys from the command line, the environment and the file, which is read anew each time.
std::vector<ApiKey> gather_keys(const ServeCommand& command) {
  std::vector<ApiKey> keys;
  for (const std::string& key : command.api_keys)
    keys.push_back({key, fmt::format("key {}", keys.size() + 1)});
  if (const char* key = std::getenv("TINYLLM_API_KEY"); key != nullptr && *key != '\0')
    keys.push_back({key, fmt::format("key {}", keys.size() + 1)});
  if (!command.api_key_file.empty()) {
    std::istringstream lines(read_text_file(command.api_key_file));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('#')) continue;
      ApiKey key = read_key(line, keys.size() + 1);
      if (!key.secret.empty()) keys.push_back(std::move(key));
    }
  }
  if (std::ranges::any_of(keys, [](const ApiKey& key) { return key.secret.empty(); }))
    fail(ErrorCode::usage, "--api-key is empty; give at least one character");
  if (!command.api_key_file.empty() && keys.empty())
    fail(ErrorCode::invalid_input, "--api-key-file {}: holds no key", command.api_key_file);
  return keys;
}

// A name for answers: the one that was asked for, or the file's.
std::string short_name(const std::string& model) {
  const std::string name = std::filesystem::path(model).filename().string();
  const std::string base = name.empty() ? model : name;
  return base.ends_with(".gguf") ? base.substr(0, base.size() - 5) : base;
}

std::string address_of(const ServeCommand& command, std::uint16_t port) {
  const bool is_v6 = command.http.host.find(':') != std::string::npos;
  return fmt::format("{}://{}:{}", command.http.tls_certificate.empty() ? "http" : "https",
                     is_v6 ? "[" + command.http.host + "]" : command.http.host, port);
}

// Tools run with the rights of whoever started the server: where others may ask, only with a key.
void check_tools(const ServeCommand& command) {
  if (!command.tools.wanted() || !command.service.api_keys.empty()) return;
  if (!is_for_this_machine(command.service))
    fail(ErrorCode::usage,
         "a server with tools that others than this machine reach (--host, --allowed-host, "
         "--cors-origin, --trusted-proxy) needs an --api-key");
}

// What the flags give in other units, and what follows from several of them.
void prepare(ServeCommand& command) {
  HttpServerOptions& http = command.http;
  ServiceOptions& service = command.service;
  if (http.host.empty())
    fail(ErrorCode::usage, "--host is empty; give an address, 0.0.0.0 for all of this machine's");
  http.limits.max_body_bytes = command.max_body_mb << 20;
  http.max_memory_bytes = command.max_memory_mb << 20;
  http.header_timeout = to_ms(command.header_s);
  http.body_timeout = to_ms(command.body_s);
  http.idle_timeout = to_ms(command.idle_s);
  http.write_timeout = to_ms(command.write_s);
  service.max_wait = to_ms(command.max_wait_s);
  service.max_time = to_ms(command.max_time_s);
  service.n_workers = std::max(2, http.n_threads);
  service.api_keys = gather_keys(command);
  service.checks_host = service.api_keys.empty();
  service.host_names = is_loopback(http.host) ? HostNames::local : HostNames::literal;
  check_tools(command);
  if (is_loopback(http.host)) return;
  char name[256] = "";
  if (::gethostname(name, sizeof(name) - 1) == 0) service.allowed_hosts.emplace_back(name);
  if (service.api_keys.empty())
    log(LogLevel::warning, "anyone who reaches {} may use this server: no --api-key is set",
        http.host);
}

std::unique_ptr<OpenTools> open_server_tools(const ToolOptions& options) {
  if (!options.wanted()) return nullptr;
  return open_tools(options, [](const std::string& line) { log(LogLevel::warning, "{}", line); });
}

void set_tools(Server& server, OpenTools& tools, const Engine& engine) {
  if (!engine.text().tokenizer) return;
  tools.fit_into(engine.max_model_len(), [&](std::string_view text) {
    return std::ssize(engine.text().tokenizer->encode(text));
  });
  if (tools.box.empty()) return log(LogLevel::warning, "no tool is left to run");
  server.set_tools(std::make_unique<ServerTools>(tools.box, tools.allowed));
  log(LogLevel::info, "runs {} tools for requests that ask for them, {} of them unasked",
      tools.box.tools().size(), tools.allowed.size());
}

void log_formats(const ServedModel& model) {
  const auto name = [](const auto* format) { return format == nullptr ? "none" : format->name; };
  const bool in_our_words = model.engine->text().chat_template && !template_knows_tools(model);
  log(LogLevel::info, "tool calls: {}, reasoning: {}",
      in_our_words ? "hermes, in the system message (the chat template knows no tools)"
                   : name(model.tool_format),
      name(model.reasoning_format));
}

// The names of all formats, for a flag.
template <typename Format>
std::vector<std::string> names_of(const std::vector<Format>& formats) {
  std::vector<std::string> names = {"auto", "none"};
  for (const Format& format : formats) names.emplace_back(format.name);
  return names;
}

void add_format_options(Command app, ServeCommand& command) {
  constexpr const char* kGroup = "Tools and reasoning";
  app.add_option("--tool-format", command.tool_format,
                 "How the model writes calls of tools (docs/tools.md has the names); auto: as its "
                 "template shows")
      .one_of(names_of(tool_formats()))
      .type_name("NAME")
      .group(kGroup)
      .show_default();
  app.add_option("--reasoning-format", command.reasoning_format,
                 "How the model writes its reasoning; auto: as its template shows")
      .one_of(names_of(reasoning_formats()))
      .group(kGroup)
      .show_default();
  app.add_option("--reasoning-budget", command.limits.thinking_tokens,
                 "At most that many tokens of reasoning where a request says nothing; -1: any "
                 "number")
      .in_range(-1, std::numeric_limits<int>::max())
      .type_name("N")
      .group(kGroup)
      .show_default();
}

void wait_for_end(Server& server, const ServeCommand& command, const std::string& name,
                  const Stopwatch& clock) {
  const std::string serving = fmt::format("serving {} on {} ({:.1f} s)\n", name,
                                          address_of(command, server.port()), clock.seconds());
  std::fputs(serving.c_str(), stderr);  // fmt::print would throw when stderr's disk is full
  server.wait(to_ms(command.drain_s));
  server.stop();
}

void run_serve(ServeCommand& command) {
  if (command.print_api) return write_stdout(api_page());
  if (!command.quiet && !log_enabled(LogLevel::info)) configure_log(LogLevel::info);
  never_wait_for_log();
  prepare(command);
  if (command.model == kDefaultModel) pull_default_model(kDefaultModel);
  EngineOptions engine_flags = engine_options(command.flags);
  engine_flags.kv.block_size = command.block_size;
  engine_flags.memory_share = command.kv_share;
  engine_flags.prefix_cache = !command.no_prefix_cache;
  engine_flags.policy = command.schedule == "priority" ? SchedulePolicy::priority
                                                       : SchedulePolicy::first_come_first_served;

  // The port is taken before the model is read: a wrong one is known at once, and early clients
  // hear that the model is loading.
  const Stopwatch clock;
  std::unique_ptr<OpenTools> tools;    // longer there than the server
  std::unique_ptr<Embedder> embedder;  // the same
  std::unique_ptr<CrossEncoder> reranker;
  Server server(command.http, command.service);
  server.on_reload([&command] { return gather_keys(command); });
  if (!command.trace.empty()) engine_flags.trace = std::make_shared<StepTrace>(command.trace);
  server.start();
  const bool is_embedding = only_embeds(command.model, command.embedder);
  if (is_embedding) refuse_flags_of_writers(command.model, command.tools, command.flags);
  const std::vector<std::string>& names = command.names;
  if (!command.embedder.name.empty()) {
    embedder = open_served_embedder(command.embedder, command.flags.n_threads);
    offer_embedder(
        server, *embedder,
        is_embedding && !names.empty() ? names : std::vector{short_name(command.embedder.name)});
  }
  reranker = offer_reranker(server, command.embedder, short_name(command.embedder.reranker),
                            command.flags.n_threads);
  if (is_embedding) {
    server.set_ready();
    return wait_for_end(server, command, names.empty() ? short_name(command.model) : names.front(),
                        clock);
  }
  tools = open_server_tools(command.tools);
  const std::unique_ptr<Engine> engine = open_model(command.model, engine_flags, LoadingBar());
  ServedModel model;
  model.engine = engine.get();
  if (engine->text().tokenizer) model.grammars = std::make_shared<GrammarCache>(engine->text());
  model.names = names.empty() ? std::vector{short_name(command.model)} : names;
  model.created = std::chrono::duration_cast<std::chrono::seconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count();
  model.fingerprint = fingerprint_of(command.model, engine->options());
  model.sampling = command.sampling;
  model.limits = command.limits;
  choose_formats(model, command.tool_format, command.reasoning_format);
  log(LogLevel::info, "{}", describe(*engine));
  log_formats(model);
  if (tools) set_tools(server, *tools, *engine);
  server.set_model(model);
  wait_for_end(server, command, model.names.front(), clock);
  if (engine->failed()) throw std::runtime_error("the engine has stopped: " + engine->failure());
}

void add_network_options(Command app, ServeCommand& command) {
  constexpr const char* kGroup = "Network";
  app.add_option("--host", command.http.host, "The address to listen on; 0.0.0.0: all")
      .type_name("ADDRESS")
      .group(kGroup)
      .show_default();
  app.add_option("--port", command.http.port, "The port to listen on, 0 to 65535; 0: any free one")
      .in_range(0, 65535)
      .type_name("N")
      .group(kGroup)
      .show_default();
  app.add_option("--api-key", command.api_keys,
                 "Requests must carry it; may be given again (also $TINYLLM_API_KEY)")
      .type_name("KEY")
      .repeatable()
      .group(kGroup);
  app.add_option("--api-key-file", command.api_key_file,
                 "The same from a file, one key a line, ' # NAME' behind it; SIGHUP reads it anew")
      .type_name("FILE")
      .group(kGroup);
  app.add_option("--tls-cert", command.http.tls_certificate, "Certificate chain for HTTPS, PEM")
      .type_name("FILE")
      .group(kGroup);
  app.add_option("--tls-key", command.http.tls_key, "Its private key, PEM")
      .type_name("FILE")
      .group(kGroup);
  app.add_option("--cors-origin", command.service.cors_origins,
                 "Web pages of this origin may ask; '*': all; may be given again")
      .type_name("ORIGIN")
      .repeatable()
      .group(kGroup);
  app.add_option("--allowed-host", command.service.allowed_hosts,
                 "A Host header to accept besides localhost; may be given again")
      .type_name("NAME")
      .repeatable()
      .group(kGroup);
  app.add_option("--trusted-proxy", command.service.trusted_proxies,
                 "Believe the X-Forwarded-For of this address; may be given again")
      .type_name("ADDRESS")
      .repeatable()
      .group(kGroup);
}

// A number with its range; all stand in the same group.
template <typename T>
void add_limit(Command app, const char* name, T& value, const char* help, double low, double high) {
  app.add_option(name, value, help)
      .in_range(low, high)
      .type_name(std::is_integral_v<T> ? "N" : "X")
      .group("Limits")
      .show_default();
}

void add_client_limits(Command app, ServeCommand& command) {
  constexpr double kMany = 1'000'000;
  add_limit(app, "--max-connections-per-address", command.http.max_connections_an_address,
            "Of one address; 0: half of all", 0, kMany);
  add_limit(app, "--max-requests-per-client", command.service.max_requests_a_client,
            "Requests of one API key, or address, at a time; 0: any number", 0, kMany);
  add_limit(app, "--requests-per-minute", command.service.max_requests_a_minute,
            "The same in a minute; 0: any number", 0, kMany);
  add_limit(app, "--max-memory-mb", command.max_memory_mb,
            "Memory of all requests and answers on their way together", 1, kMany);
  add_limit(app, "--idle-seconds", command.idle_s, "How long a connection may stay silent", 0.1,
            86400);
  add_limit(app, "--write-seconds", command.write_s,
            "How long a client may take none of its answer", 0.1, 86400);
  add_limit(app, "--max-wait-seconds", command.max_wait_s,
            "How long a request may wait for its first token; 0: for ever", 0, 86400);
  add_limit(app, "--max-request-seconds", command.max_time_s,
            "How long a request may take; 0: for ever", 0, 86400);
}

void add_answer_limits(Command app, AnswerLimits& limits) {
  add_limit(app, "--limit-max-tokens", limits.max_tokens,
            "Cut each request's max_tokens down to this; 0: no limit", 0,
            std::numeric_limits<int>::max());
  add_limit(app, "--limit-n", limits.n, "Refuse requests with a larger n", 1, kMaxChoices);
  add_limit(app, "--limit-logprobs", limits.n_logprobs, "Refuse requests with more logprobs", 0,
            kMaxLogprobs);
}

template <typename T>
void add_default(Command app, const char* name, std::optional<T>& value, const char* help,
                 double low, double high) {
  app.add_option(name, value, help)
      .in_range(low, high)
      .type_name(std::is_integral_v<T> ? "N" : "X")
      .group("Sampling, where a request says nothing");
}

void add_sampling_defaults(Command app, AskedSampling& sampling) {
  add_default(app, "--temperature", sampling.temperature,
              "0: always the likeliest token (default: the model's)", 0, 2);
  add_default(app, "--top-p", sampling.top_p, "Draw from the likeliest whose mass reaches this",
              1e-6, 1);
  add_default(app, "--top-k", sampling.top_k, "Draw from the k likeliest tokens; 0: all", 0,
              std::numeric_limits<int>::max());
  add_default(app, "--min-p", sampling.min_p, "Drop tokens below this part of the likeliest one", 0,
              1);
  add_default(app, "--repetition-penalty", sampling.repetition_penalty, "Over 1: fewer repeats",
              1e-3, 100);
}

void add_limit_options(Command app, ServeCommand& command) {
  constexpr const char* kGroup = "Limits";
  app.add_option("--max-connections", command.http.max_connections, "Clients at a time")
      .in_range(1, 100000)
      .type_name("N")
      .group(kGroup)
      .show_default();
  app.add_option("--max-body-mb", command.max_body_mb, "The largest request")
      .in_range(1, 1024)
      .type_name("N")
      .group(kGroup)
      .show_default();
  app.add_option("--http-threads", command.http.n_threads,
                 "Threads for HTTP, and as many for JSON, templates and tokenizing")
      .in_range(1, 256)
      .type_name("N")
      .group(kGroup)
      .show_default();
  app.add_option("--header-seconds", command.header_s,
                 "How long a client may take to send a request's header")
      .in_range(0.1, 3600)
      .type_name("X")
      .group(kGroup)
      .show_default();
  app.add_option("--body-seconds", command.body_s,
                 "How long a client may take to send a request's body")
      .in_range(0.1, 3600)
      .type_name("X")
      .group(kGroup)
      .show_default();
  app.add_option("--drain-seconds", command.drain_s,
                 "After SIGTERM: seconds that running requests get to finish")
      .in_range(0, 86400)
      .type_name("X")
      .group(kGroup)
      .show_default();
}

void add_schedule_options(Command app, ServeCommand& command) {
  constexpr const char* kGroup = "Engine";
  app.add_option("--max-queue", command.service.max_queue,
                 "Answers that may wait; further requests get 429")
      .in_range(0, 1000000)
      .type_name("N")
      .group(kGroup)
      .show_default();
  app.add_option("--block-size", command.block_size, "Tokens of a block")
      .one_of({"1", "16", "32", "64"})
      .group(kGroup)
      .show_default();
  app.add_option("--schedule", command.schedule, "fcfs, or priority: the request's field counts")
      .one_of({"fcfs", "priority"})
      .group(kGroup)
      .show_default();
  app.add_flag("--no-prefix-cache", command.no_prefix_cache,
               "Do not reuse what earlier prompts computed")
      .group(kGroup);
  app.add_flag("--share-prefix-cache", command.service.shares_prefixes,
               "Reuse it between API keys too: one key may find out what another asked")
      .group(kGroup);
  app.add_option("--kv-share", command.kv_share,
                 "Without --kv-blocks: the share of the free memory for keys and values")
      .in_range(0.01, 0.95)
      .type_name("X")
      .group(kGroup)
      .show_default();
}

}  // namespace

void add_serve_command(Command app) {
  Command command = app.add_subcommand("serve", "An OpenAI-compatible HTTP server");
  auto options = std::make_shared<ServeCommand>();
  command.add_option("MODEL", options->words, "The same as --model").type_name("");
  const Option model = add_model_option(command, options->model, kDefaultModel);
  command
      .add_option("--served-model-name", options->names,
                  "The name that clients use; may be given again")
      .type_name("NAME")
      .repeatable();
  add_batched_engine_options(command, options->flags);
  add_kv_store_option(command, options->flags);
  add_network_options(command, *options);
  add_limit_options(command, *options);
  add_client_limits(command, *options);
  add_answer_limits(command, options->limits);
  add_sampling_defaults(command, options->sampling);
  add_format_options(command, *options);
  add_tool_options(command, options->tools);
  add_embedder_options(command, options->embedder);
  add_schedule_options(command, *options);
  command.add_flag("--quiet", options->quiet, "Do not log each request");
  command.add_flag("--strict", options->service.strict,
                   "Refuse requests with fields that this server does not know");
  command.add_flag("--log-prompts", options->service.logs_prompts,
                   "Requests, with their text, into the log");
  command.add_flag("--debug-views", options->service.debug_views,
                   "Show the engine at work: GET /debug/state, and on the page");
  command
      .add_option("--trace", options->trace,
                  "Write what each step and request did into FILE, for ui.perfetto.dev")
      .type_name("FILE");
  command.add_flag("--print-api", options->print_api, "Print docs/api.md and exit");
  add_examples(command,
               "  tinyllm serve\n"
               "  tinyllm serve qwen2.5-coder-1.5b --host 0.0.0.0 --api-key SECRET\n"
               "  tinyllm serve --embedder all-minilm-l6-v2\n"
               "  curl localhost:8000/v1/chat/completions -H 'Content-Type: application/json' \\\n"
               "    -d '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}],\n"
               "         \"temperature\": 0, \"max_tokens\": 100}'");
  command.callback([options, model] {
    if (options->words.size() > 1 || (!options->words.empty() && model.given()))
      fail(ErrorCode::usage, "give one model: serve answers with that one");
    if (!options->words.empty()) options->model = options->words.front();
    run_serve(*options);
  });
}

}  // namespace tinyllm
