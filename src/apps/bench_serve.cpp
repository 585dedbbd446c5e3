// tinyllm bench-serve: how a running server stands a load.

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/bench_serve_load.h"
#include "apps/bench_serve_report.h"
#include "apps/commands.h"
#include "apps/options.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/file.h"

namespace tinyllm {
namespace {

struct BenchServeCommand {
  LoadOptions load;
  double ttft_limit_ms = 1000, itl_limit_ms = 100;
  std::string svg_file;
  bool as_json = false;
};

void run_bench_serve(const BenchServeCommand& command) {
  const std::vector<LoadRequest> requests = make_requests(command.load);
  const LoadReport report =
      make_report(run_load(command.load, requests), command.ttft_limit_ms, command.itl_limit_ms);
  if (report.n_done == 0)
    fail(ErrorCode::network, "{}: no request was answered: {}", command.load.url,
         report.first_error);
  if (!command.svg_file.empty()) write_file_atomic(command.svg_file, to_svg(report));
  write_stdout(command.as_json ? to_json(report).dump() + "\n" : to_text(report));
}

void add_load_options(Command app, LoadOptions& load) {
  const auto add = [&](const char* name, auto& value, const char* help, double low, double high) {
    app.add_option(name, value, help).in_range(low, high).type_name("N").show_default();
  };
  add("--requests", load.n_requests, "How many requests in all", 1, 1e6);
  add("--clients", load.n_clients, "Clients; each asks again when its answer is complete", 1,
      10000);
  add("--rate", load.rate_per_s, "Instead: requests a second, at random times (Poisson)", 0, 1e6);
  add("--prompt-words", load.mean_prompt_words, "Mean length of a prompt", 1, 1e6);
  add("--answer-tokens", load.mean_answer_tokens, "Mean length of an answer", 1, 1e6);
  add("--shared-words", load.shared_words, "Words that begin every prompt", 0, 1e6);
  app.add_flag("--fixed", load.fixed_lengths, "Every length is the mean");
  app.add_option("--seed", load.seed, "The same seed gives the same requests")
      .type_name("N")
      .show_default();
}

}  // namespace

void add_bench_serve_command(Command app) {
  Command command =
      app.add_subcommand("bench-serve", "Load a running server and report latency and throughput");
  auto options = std::make_shared<BenchServeCommand>();
  command.add_option("--url", options->load.url, "The server's /v1")
      .type_name("URL")
      .show_default();
  command.add_option("--model", options->load.model, "Its model's name").type_name("NAME");
  command.add_option("--api-key", options->load.api_key, "Its key").type_name("KEY");
  add_load_options(command, options->load);
  command.add_option("--ttft-limit", options->ttft_limit_ms, "Goodput: most ms to the first token")
      .type_name("MS")
      .show_default();
  command.add_option("--itl-limit", options->itl_limit_ms, "Goodput: most ms from token to token")
      .type_name("MS")
      .show_default();
  command.add_option("--svg", options->svg_file, "Draw the distributions of both times")
      .type_name("FILE");
  command.add_flag("--json", options->as_json, "One JSON object instead of text");
  add_examples(command,
               "  tinyllm bench-serve --clients 32 --requests 200\n"
               "  tinyllm bench-serve --rate 2 --shared-words 1000 --svg times.svg\n\n"
               "Any server that speaks /v1/completions will do. Lengths are drawn around their\n"
               "means as in real chats (log-normal); answers always reach their length.");
  command.callback([options] { run_bench_serve(*options); });
}

}  // namespace tinyllm
