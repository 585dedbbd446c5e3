// tinyllm serve: the model behind an OpenAI-compatible HTTP server.

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/first_chat.h"
#include "apps/loading_bar.h"
#include "apps/options.h"
#include "apps/standard_output.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/version.h"
#include "client/open_model.h"
#include "engine/open_engine.h"
#include "engine/step_trace.h"
#include "server/openapi.h"
#include "server/server.h"

namespace tinyllm {
namespace {

constexpr const char* kDefaultModel = "smollm2-135m";

struct ServeCommand {
  std::string model;
  std::vector<std::string> words;  // [MODEL]
  EngineFlags flags;
  HttpServerOptions http;
  ServiceOptions service;
  std::string api_key_file, trace, schedule = "fcfs";
  std::vector<std::string> names;
  double drain_s = 30, header_s = 10, body_s = 60;
  std::size_t max_body_mb = 16;
  std::int32_t block_size = 32;
  bool no_prefix_cache = false, quiet = false, print_api = false;
};

std::chrono::milliseconds to_ms(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// Keys from the command line, the file and the environment.
void gather_keys(ServeCommand& command) {
  std::vector<std::string>& keys = command.service.api_keys;
  if (const char* key = std::getenv("TINYLLM_API_KEY"); key != nullptr && *key != '\0')
    keys.emplace_back(key);
  if (!command.api_key_file.empty()) {
    std::istringstream lines(read_text_file(command.api_key_file));
    for (std::string line; std::getline(lines, line);) {
      while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
      if (!line.empty() && line.front() != '#') keys.push_back(line);
    }
  }
  if (std::ranges::any_of(keys, &std::string::empty))
    fail(ErrorCode::usage, "--api-key is empty; give at least one character");
  if (!command.api_key_file.empty() && keys.empty())
    fail(ErrorCode::invalid_input, "--api-key-file {}: holds no key", command.api_key_file);
}

// The same for the same program, model and numbers.
std::string fingerprint_of(const std::string& model, const EngineOptions& options) {
  const std::string text = fmt::format("{} {} {} {}", version(), model,
                                       static_cast<int>(options.kv.type), options.kv.block_size);
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("fp_{:010x}", hash >> 24);
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

void run_serve(ServeCommand& command) {
  if (command.print_api) return write_stdout(api_page());
  if (!command.quiet && !log_enabled(LogLevel::info)) configure_log(LogLevel::info);
  gather_keys(command);
  command.http.limits.max_body_bytes = command.max_body_mb << 20;
  command.http.header_timeout = to_ms(command.header_s);
  command.http.body_timeout = to_ms(command.body_s);
  const bool loopback = is_loopback(command.http.host);
  command.service.checks_host = loopback && command.service.api_keys.empty();
  if (!loopback && command.service.api_keys.empty())
    log(LogLevel::warning, "anyone who reaches {} may use this server: no --api-key is set",
        command.http.host);
  if (command.model == kDefaultModel) pull_default_model(kDefaultModel);
  EngineOptions engine_flags = engine_options(command.flags);
  engine_flags.kv.block_size = command.block_size;
  engine_flags.prefix_cache = !command.no_prefix_cache;
  engine_flags.policy = command.schedule == "priority" ? SchedulePolicy::priority
                                                       : SchedulePolicy::first_come_first_served;

  // The port is taken before the model is read: a wrong one is known at once, and early clients
  // hear that the model is loading.
  const Stopwatch clock;
  Server server(command.http, command.service);
  if (!command.trace.empty()) engine_flags.trace = std::make_shared<StepTrace>(command.trace);
  server.start();
  const std::unique_ptr<Engine> engine = open_model(command.model, engine_flags, LoadingBar());
  ServedModel model;
  model.engine = engine.get();
  model.names = command.names.empty() ? std::vector{short_name(command.model)} : command.names;
  model.created = std::chrono::duration_cast<std::chrono::seconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count();
  model.fingerprint = fingerprint_of(command.model, engine->options());
  log(LogLevel::info, "{}", describe(*engine));
  server.set_model(model);
  const std::string serving = fmt::format("serving {} on {} ({:.1f} s)\n", model.names.front(),
                                          address_of(command, server.port()), clock.seconds());
  std::fputs(serving.c_str(), stderr);  // fmt::print would throw when stderr's disk is full
  server.wait(to_ms(command.drain_s));
  server.stop();
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
  app.add_option("--api-key", command.service.api_keys,
                 "Requests must carry it; may be given again (also $TINYLLM_API_KEY)")
      .type_name("KEY")
      .repeatable()
      .group(kGroup);
  app.add_option("--api-key-file", command.api_key_file, "The same from a file, one key a line")
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
                 "Threads for HTTP, JSON, templates and tokenizing")
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
  add_network_options(command, *options);
  add_limit_options(command, *options);
  add_schedule_options(command, *options);
  command.add_flag("--quiet", options->quiet, "Do not log each request");
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
