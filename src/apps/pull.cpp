// `tinyllm pull NAME`: fetches a model. The bar goes to stderr, the path of the model to stdout.

#include <memory>
#include <string>

#include "apps/commands.h"
#include "apps/options.h"
#include "apps/pull_model.h"
#include "apps/standard_output.h"

namespace tinyllm {
void add_pull_command(Command app) {
  Command command = app.add_subcommand("pull", "Fetch a model and print where it lies");
  const auto name = std::make_shared<std::string>();
  command
      .add_option("NAME", *name,
                  "A name that 'tinyllm list' shows as available, or ORG/REPO[:FILE] of a Hugging "
                  "Face hub; FILE may be a quantisation such as Q4_K_M")
      .required();
  add_examples(command,
               "  tinyllm pull smollm2-135m\n"
               "  tinyllm pull Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M\n"
               "  tinyllm pull Qwen/Qwen2.5-0.5B-Instruct\n"
               "Environment: TINYLLM_HOME (where models are kept), HF_ENDPOINT, HF_TOKEN,\n"
               "  TINYLLM_STALL_S (seconds after which a silent connection is given up; 20).\n"
               "A pull that was cut short goes on where it stopped.");
  command.callback([name] { write_stdout(pull_model(*name).string() + "\n"); });
}

}  // namespace tinyllm
