// `tinyllm pull NAME`: fetches a model. The bar goes to stderr, the path of the model to stdout.

#include <fmt/core.h>

#include <memory>
#include <string>

#include "apps/commands.h"
#include "apps/options.h"
#include "apps/pull_model.h"
#include "apps/standard_output.h"
#include "base/error.h"

namespace tinyllm {
namespace {

struct PullCommand {
  std::string name;
  bool verify = false;
};

void run_verify(const std::string& name) {
  std::size_t n_wrong = 0, n_files = 0;
  for (const VerifiedFile& file : verify_model(name)) {
    using State = VerifiedFile::State;
    ++n_files;
    n_wrong += file.state == State::same ? 0 : 1;
    const std::string path = file.path.string();
    write_stdout(file.state == State::same ? fmt::format("{}: as in {}\n", path, file.origin)
                 : file.state == State::differs
                     ? fmt::format("{}: differs from {}\n", path, file.origin)
                     : fmt::format("{}: no record of its digest\n", path));
  }
  if (n_wrong == 0) return;
  fail(ErrorCode::invalid_input,
       "{0}: {1} of {2} files {3} not what was fetched; `tinyllm pull {0}` fetches what differs",
       name, n_wrong, n_files, n_wrong == 1 ? "is" : "are");
}

}  // namespace

void add_pull_command(Command app) {
  Command command = app.add_subcommand("pull", "Fetch a model and print its path");
  const auto options = std::make_shared<PullCommand>();
  command
      .add_option("NAME", options->name,
                  "A name that 'tinyllm list' shows as available, or ORG/REPO[:FILE][@REVISION] of "
                  "a Hugging Face hub; FILE may be a quantisation such as Q4_K_M, REVISION a "
                  "commit, branch or tag")
      .required();
  command.add_flag("--verify", options->verify,
                   "Fetch nothing: read the files again and compare them with the digests they "
                   "came with");
  add_examples(command,
               "  tinyllm pull smollm2-135m\n"
               "  tinyllm pull Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M\n"
               "  tinyllm pull Qwen/Qwen2.5-0.5B-Instruct\n"
               "  tinyllm pull --verify smollm2-135m\n\n"
               "Files whose digest is that of the hub are not fetched again. FILE.origin beside\n"
               "a file says where it came from. A pull that was cut short resumes.\n"
               "Environment: TINYLLM_HOME (where models are kept), HF_ENDPOINT, HF_TOKEN,\n"
               "  TINYLLM_STALL_S (seconds after which a silent connection is given up; 20).");
  command.callback([options] {
    if (options->verify) return run_verify(options->name);
    write_stdout(pull_model(options->name).string() + "\n");
  });
}

}  // namespace tinyllm
