// tinyllm quantize: a model as a GGUF file with fewer bits a weight.

#include <fmt/core.h>

#include <memory>

#include "apps/ask.h"
#include "apps/commands.h"
#include "apps/options.h"
#include "apps/progress_bar.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/log.h"
#include "client/open_model.h"
#include "loader/export/quantise_gguf.h"

namespace tinyllm {
namespace {

struct QuantizeCommand {
  std::string model, output, type = "q4_k";
  int n_threads = 0;
  bool yes = false;
};

// False when the user wants to keep what is there.
bool may_write(const QuantizeCommand& command) {
  std::error_code unreadable;
  if (command.yes || !std::filesystem::exists(command.output, unreadable)) return true;
  const double megabytes =
      static_cast<double>(std::filesystem::file_size(command.output, unreadable)) / 1e6;
  return confirm(fmt::format("{} exists ({:.1f} MB); replace it?", command.output, megabytes),
                 command.output + " exists");
}

void run_quantize(const QuantizeCommand& command) {
  const Checkpoint checkpoint = open_checkpoint(command.model);
  std::error_code ignored;
  if (std::filesystem::equivalent(checkpoint.path(), command.output, ignored)) {
    fail(ErrorCode::usage, "{}: is the input; name another file", command.output);
  }
  if (!may_write(command)) return;
  const GgufSource source(checkpoint);
  ThreadPool pool(command.n_threads > 0 ? command.n_threads : default_thread_count());
  ProgressBar progress("quantizing", 0, ProgressUnit::bytes);
  const QuantisedFile result = quantise_gguf(source, *parse_dtype(command.type), command.output,
                                             pool, [&](std::int64_t n_done, std::int64_t n_total) {
                                               progress.set_total(n_total);
                                               progress.update(n_done);
                                             });
  progress.clear();
  if (result.from_quantised) {
    log(LogLevel::warning, "{}: was quantised before; from the float model it would be better",
        checkpoint.path().string());
  }
  if (result.bytes_after > result.bytes_before) {
    log(LogLevel::warning,
        "the file grew: {} has more bits than most of the source; its own format was smaller",
        command.type);
  }
  write_stdout(fmt::format("{}: {} matrices, {:.1f} MB -> {:.1f} MB\n", command.output,
                           result.n_matrices, static_cast<double>(result.bytes_before) / 1e6,
                           static_cast<double>(result.bytes_after) / 1e6));
}

}  // namespace

void add_quantize_command(Command app) {
  Command command = app.add_subcommand("quantize", "Write a GGUF file with fewer bits a weight");
  auto options = std::make_shared<QuantizeCommand>();
  command
      .add_option("MODEL", options->model,
                  "A GGUF file, a Hugging Face folder or a name of 'tinyllm list'")
      .required()
      .type_name("IN");
  command.add_option("OUTPUT", options->output, "The file to write")
      .required()
      .type_name("OUT.gguf");
  command.add_option("--type", options->type, "Format of the matrices")
      .one_of({"q8_0", "q4_0", "q4_k"})
      .show_default();
  command.add_flag("-y,--yes", options->yes, "Replace OUT.gguf without asking");
  command.add_option("-t,--threads", options->n_threads, "Worker threads (default: physical cores)")
      .in_range(1, 256)
      .type_name("N");
  add_examples(command,
               "  tinyllm quantize model-f16.gguf model-q4_k.gguf\n"
               "  tinyllm quantize Qwen2.5-0.5B-Instruct/ qwen-q8_0.gguf --type q8_0\n\n"
               "Norms and biases stay as they are; with 4 bits the embedding and the head keep\n"
               "6. llama.cpp reads the file too.");
  command.callback([options] { run_quantize(*options); });
}

}  // namespace tinyllm
