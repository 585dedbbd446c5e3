// `tinyllm rm NAME`: deletes a model that `tinyllm pull` fetched, never one of another program.

#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>

#include "apps/ask.h"
#include "apps/commands.h"
#include "apps/options.h"
#include "model_store/model_store.h"

namespace tinyllm {
namespace {

void remove(const std::string& name, bool yes) {
  const ModelStore store;
  const LocalModel model = store.find_own(name);
  const std::string question = fmt::format("remove {} ({})?", model.name(), model.path.string());
  if (!yes && !confirm(question, "rm asks before it deletes")) return;
  store.remove(model);
  std::fprintf(stderr, "removed %s\n", model.name().c_str());
}

}  // namespace

void add_rm_command(Command app) {
  Command command = app.add_subcommand("rm", "Delete a model that 'tinyllm pull' fetched");
  const auto name = std::make_shared<std::string>();
  const auto yes = std::make_shared<bool>(false);
  command.add_option("NAME", *name, "As 'tinyllm list' shows it").required();
  command.add_flag("-y,--yes", *yes, "Do not ask");
  add_examples(command,
               "  tinyllm rm smollm2-135m\n"
               "  tinyllm rm -y Qwen/Qwen2.5-0.5B-Instruct");
  command.callback([name, yes] { remove(*name, *yes); });
}

}  // namespace tinyllm
