// tinyllm inspect: what is in a model, and what it will need.

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/model_summary.h"
#include "apps/options.h"
#include "apps/standard_output.h"
#include "client/open_model.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

struct InspectCommand {
  std::string model;
  bool as_json = false, all_tensors = false, template_only = false;
};

void run_inspect(const InspectCommand& command) {
  const Checkpoint checkpoint = open_checkpoint(command.model);
  if (command.template_only) {
    write_stdout(require(load_chat_template(checkpoint), checkpoint).source());
    return;
  }
  const nlohmann::ordered_json summary = summarise(checkpoint);
  if (command.as_json) {
    write_stdout(summary.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  } else {
    write_stdout(format_summary(summary, command.all_tensors));
  }
}

}  // namespace

void add_inspect_command(Command app) {
  Command command = app.add_subcommand("inspect", "What is in a model, and what it will need");
  command.alias("show");
  auto options = std::make_shared<InspectCommand>();
  command.add_option("MODEL", options->model, "A name, a GGUF file or a Hugging Face folder")
      .required();
  command.add_flag("--json", options->as_json, "One JSON object");
  command.add_flag("--tensors", options->all_tensors, "Every tensor, not one line a kind");
  command.add_flag("--template", options->template_only, "Only the chat template, as it is");
  add_examples(command,
               "  tinyllm inspect smollm2-135m\n"
               "  tinyllm inspect ./model --json");
  command.callback([options] { run_inspect(*options); });
}

}  // namespace tinyllm
