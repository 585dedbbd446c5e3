// The binary `tinyllm`: reads the command line, runs one subcommand, turns every failure into one
// line on stderr. Exit codes: 0 done, 1 wrong input or world, 2 wrong usage.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "apps/command.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/log.h"

namespace tinyllm {
namespace {

constexpr int kExitOk = 0, kExitFailed = 1, kExitUsage = 2;

struct GlobalOptions {
  bool verbose = false;
  std::string log_file;
};

void add_commands(CLI::App& app) {
  add_pull_command(app);
  add_list_command(app);
  add_rm_command(app);
}

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.set_version_flag("--version", "tinyllm " TINYLLM_VERSION, "Print the version and exit");
  app.add_flag("-v,--verbose", options.verbose, "Say on stderr what is being done");
  app.add_option("--log-file", options.log_file, "Append log lines to this file too")
      ->type_name("FILE");
  app.parse_complete_callback([&options] {
    configure_log(options.verbose ? LogLevel::debug : LogLevel::warning, options.log_file);
  });
}

int report(const std::string& message, int exit_code) {
  std::fprintf(stderr, "tinyllm: %s\n", message.c_str());
  return exit_code;
}

// A wrong command line: what is wrong, and where help for that very subcommand is.
int report_usage(const CLI::App& app, const std::string& message) {
  std::string command = "tinyllm";
  for (const CLI::App* sub : app.get_subcommands()) command += " " + sub->get_name();
  return report(message + "; see '" + command + " --help'", kExitUsage);
}

int run(int argc, char** argv) {
  CLI::App app("tiny-llm: run language models on your own machine", "tinyllm");
  app.require_subcommand(1);
  app.fallthrough();
  GlobalOptions options;
  add_global_options(app, options);
  add_commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    write_stdout(app.help());
  } catch (const CLI::CallForAllHelp&) {
    write_stdout(app.help("", CLI::AppFormatMode::All));
  } catch (const CLI::CallForVersion& version) {
    write_stdout(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error.what());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::usage) return report_usage(app, error.what());
    throw;
  }
  return kExitOk;
}

}  // namespace
}  // namespace tinyllm

int main(int argc, char** argv) {
  using namespace tinyllm;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error code of write(), see StdoutClosed
  std::signal(SIGXFSZ, SIG_IGN);  // so is a file that may not grow further
  try {
    return run(argc, argv);
  } catch (const StdoutClosed&) {
    return kExitOk;
  } catch (const Error& error) {
    return report(error.what(), kExitFailed);
  } catch (const std::bad_alloc&) {
    return report("out of memory; a smaller --context or a smaller model needs less", kExitFailed);
  } catch (const std::exception& error) {
    return report(std::string("internal error: ") + error.what(), kExitFailed);
  }
}
