#include "apps/command_line.h"

#include <fmt/core.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "apps/called_as.h"
#include "apps/commands.h"
#include "apps/flag_check.h"
#include "apps/help_format.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/log.h"
#include "base/version.h"
#include "learn/mine.h"
#include "model_store/near_names.h"

namespace tinyllm {
namespace {

struct GlobalOptions {
  bool verbose = false;
  bool mine = false;
  std::string log_file;
};

void add_commands(Command app) {
  add_chat_command(app);
  add_ask_command(app);
  add_rag_command(app);
  add_generate_command(app);
  add_serve_command(app);
  add_bench_serve_command(app);
  add_pull_command(app);
  add_list_command(app);
  add_ps_command(app);
  add_rm_command(app);
  add_inspect_command(app);
  add_quantize_command(app);
  add_embed_command(app);
  add_tokenize_command(app);
  add_detokenize_command(app);
  add_template_command(app);
  add_grammar_command(app);
  add_perplexity_command(app);
  add_needle_command(app);
  add_learn_command(app);
  add_batch_command(app);
  add_bench_command(app);
  add_prove_command(app);
  add_completion_command(app);
}

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.set_version_flag("--version", fmt::format("tinyllm {}", version()),
                       "Print the version and exit");
  app.add_flag("-v,--verbose", options.verbose, "Say on stderr what is being done");
  app.add_option("--log-file", options.log_file, "Append log lines to this file too")
      ->type_name("FILE");
  app.add_flag("--mine", options.mine, "Compute with your own operators (see 'learn')");
  app.parse_complete_callback([&options] {
    configure_log(options.verbose ? LogLevel::debug : LogLevel::warning, options.log_file);
  });
}

// A wrong command line: what is wrong, and where help for that very subcommand is.
// Before the parser has chosen a command, that is the one that `word` names.
[[noreturn]] void fail_usage(const CLI::App& app, const std::string& word,
                             const std::string& message) {
  std::string command = "tinyllm";
  for (const CLI::App* sub : app.get_subcommands()) command += " " + sub->get_name();
  const auto is_named = [&](const CLI::App* sub) { return sub->check_name(word); };
  if (app.get_subcommands().empty() && !app.get_subcommands(is_named).empty())
    command += " " + word;
  fail(ErrorCode::usage, "{}; see '{} --help'", message, command);
}

// A mistyped command, before the parser complains of what is missing.
void check_command_name(const CLI::App& app, const std::string& word) {
  if (word.starts_with('-')) return;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->check_name(word)) return;
    names.push_back(command->get_name());
  }
  const std::vector<std::string> near = near_names(word, names, 1);
  fail(ErrorCode::usage, "unknown command '{}'{}", word,
       near.empty() ? "" : fmt::format("; did you mean '{}'?", near.front()));
}

}  // namespace

void run_command_line(int argc, char** argv) {
  CLI::App app("tiny-llm: run language models on your own machine", "tinyllm");
  app.require_subcommand(1);
  app.fallthrough();
  app.formatter(make_help_format());
  GlobalOptions options;
  add_global_options(app, options);
  add_commands(Command(app));
  try {
    if (argc < 2) fail(ErrorCode::usage, "a command is missing");
    check_command_name(app, argv[1]);
    std::vector<std::string> words(argv + 1, argv + argc);
    if (std::ranges::find(words, "--mine") != words.end()) learn::exec_mine(words);
    words = check_flags(app, words);
    std::ranges::reverse(words);  // as the parser wants them
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    write_stdout(as_called(app.help()));
  } catch (const CLI::CallForVersion& version) {
    write_stdout(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    fail_usage(app, argc < 2 ? "" : argv[1], error.what());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::usage) fail_usage(app, argc < 2 ? "" : argv[1], error.what());
    throw;
  }
}

}  // namespace tinyllm
