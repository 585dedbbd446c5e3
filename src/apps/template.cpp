// tinyllm template: messages to the exact prompt text that the model gets.

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/options.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_parse.h"
#include "client/open_model.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

struct TemplateCommand {
  std::string model;
  std::string file;
  bool no_generation_prompt = false;
};

// A bare array is the messages; an object has them under "messages", beside tools and other
// variables of the template.
json parse_inputs(const std::string& file) {
  const std::string source = file == "-" ? "standard input" : file;
  json inputs = parse_ordered_json(file == "-" ? read_stdin() : read_text_file(file), source);
  if (inputs.is_array()) return {{"messages", std::move(inputs)}};
  if (!inputs.is_object() || !inputs.contains("messages") || !inputs["messages"].is_array()) {
    fail(ErrorCode::invalid_input,
         "{}: must be an array of messages, or an object with such an array under \"messages\"",
         source);
  }
  return inputs;
}

void run_template(const TemplateCommand& command) {
  const json inputs = parse_inputs(command.file);
  const Checkpoint checkpoint = open_checkpoint(command.model);
  const std::optional<ChatTemplate> chat_template = load_chat_template(checkpoint);
  TemplateOptions options;
  options.add_generation_prompt = !command.no_generation_prompt;
  write_stdout(require(chat_template, checkpoint).render(inputs, options).text);
}

}  // namespace

void add_template_command(Command app) {
  Command command =
      app.add_subcommand("template", "Messages to the exact prompt text that the model gets");
  auto options = std::make_shared<TemplateCommand>();
  add_model_option(command, options->model);
  command
      .add_option("FILE", options->file,
                  "JSON: {\"messages\": [..], \"tools\": [..]} or an array of messages; '-': stdin")
      .required();
  command.add_flag("--no-generation-prompt", options->no_generation_prompt,
                   "Do not open the assistant's answer at the end");
  add_examples(command,
               "  echo '[{\"role\": \"user\", \"content\": \"Hi\"}]' |\n"
               "    tinyllm template -m smollm2-135m -");
  command.callback([options] { run_template(*options); });
}

}  // namespace tinyllm
