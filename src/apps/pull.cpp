// `tinyllm pull NAME`: fetches a model. The bar goes to stderr, the path of the model to stdout.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "apps/command.h"
#include "apps/interrupt.h"
#include "apps/options.h"
#include "apps/progress_bar.h"
#include "apps/standard_output.h"
#include "model_store/model_store.h"

namespace tinyllm {
namespace {

// One bar a step.
class PullBars {
 public:
  explicit PullBars(std::string model) : model_(std::move(model)) {}

  void show(const PullProgress& progress) {
    if (!bar_ || step_ != progress.step) {
      step_ = progress.step;
      bar_.reset();  // wipes the line of the step before
      bar_.emplace(model_ + ": " + step_, static_cast<std::int64_t>(progress.bytes_total),
                   ProgressUnit::bytes);
    }
    bar_->update(static_cast<std::int64_t>(progress.bytes_done));
  }

 private:
  std::string model_;
  std::string step_;
  std::optional<ProgressBar> bar_;
};

void pull(const std::string& name) {
  const InterruptFlag interrupt;
  PullBars bars(name);
  const std::filesystem::path path = ModelStore().pull(name, [&](const PullProgress& progress) {
    bars.show(progress);
    return !interrupt.raised();
  });
  write_stdout(path.string() + "\n");
}

}  // namespace

void add_pull_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("pull", "Fetch a model and print where it lies");
  const auto name = std::make_shared<std::string>();
  command
      ->add_option("name", *name,
                   "A name that 'tinyllm list' shows as available, or ORG/REPO[:FILE] of a Hugging "
                   "Face hub; FILE may be a quantisation such as Q4_K_M")
      ->required()
      ->type_name("NAME");
  add_examples(*command,
               "  tinyllm pull smollm2-135m\n"
               "  tinyllm pull Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M\n"
               "  tinyllm pull Qwen/Qwen2.5-0.5B-Instruct\n"
               "Environment: TINYLLM_HOME (where models are kept), HF_ENDPOINT, HF_TOKEN,\n"
               "  TINYLLM_STALL_S (seconds after which a silent connection is given up; 20).\n"
               "A pull that was cut short goes on where it stopped.");
  command->callback([name] { pull(*name); });
}

}  // namespace tinyllm
