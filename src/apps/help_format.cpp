#include "apps/help_format.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/FormatterFwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace tinyllm {
namespace {

constexpr std::size_t kWidth = 79;
constexpr std::size_t kHelpColumn = 30;

// `help` beside `name`, wrapped at words; under it when the name is too long.
std::string entry(const std::string& name, std::string_view help) {
  std::string text, line = "  " + name;
  if (line.size() + 2 > kHelpColumn) {
    text = line + "\n";
    line.clear();
  }
  line.resize(kHelpColumn, ' ');
  while (!help.empty()) {
    const std::string_view word = help.substr(0, help.find(' '));
    if (line.size() > kHelpColumn && line.size() + word.size() > kWidth) {
      text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
      line.assign(kHelpColumn, ' ');
    }
    line.append(word).append(" ");
    help.remove_prefix(std::min(help.size(), word.size() + 1));
  }
  return text + line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

// The type's own name: what follows a colon outside of brackets are ranges.
std::string_view own_type(std::string_view type) {
  int depth = 0;
  for (std::size_t i = 0; i < type.size(); ++i) {
    depth += (type[i] == '[' ? 1 : 0) - (type[i] == ']' ? 1 : 0);
    if (type[i] == ':' && depth == 0) return type.substr(0, i);
  }
  return type;
}

// "-m, --model MODEL"
std::string option_name(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  std::string text =
      fmt::format("{}{}", option.get_snames().empty() ? "    " : "", fmt::join(names, ", "));
  if (option.get_items_expected_max() > 0)
    text.append(" ").append(own_type(option.get_type_name()));
  return text;
}

std::string option_help(const CLI::Option& option) {
  std::string help = option.get_description();
  if (option.get_required()) help += " (required)";
  if (!option.get_default_str().empty()) help += " (default: " + option.get_default_str() + ")";
  return help;
}

// Whether --mine has a meaning: the command runs a model on the learner's operators.
bool computes(const CLI::App& command) {
  return command.get_option_no_throw("--model") != nullptr &&
         command.get_option_no_throw("--threads") != nullptr;
}

class HelpFormat : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const override {
    std::string usage = app->get_parent() == nullptr ? "" : app->get_parent()->get_name() + " ";
    usage += app->get_parent() == nullptr ? name : app->get_name();
    std::string text = app->get_description() + "\n\nUsage: " + usage;
    const std::vector<const CLI::Option*> positionals =
        app->get_options([](const CLI::Option* option) { return option->get_positional(); });
    for (const CLI::Option* option : positionals) {
      const std::string name = option->get_name(true);
      text += option->get_required() ? " " + name : " [" + name + "]";
    }
    text += commands(*app).empty() ? " [OPTIONS]\n" : " COMMAND [OPTIONS]\n";
    for (const CLI::Option* option : positionals) {
      text += "\n" + entry(option->get_name(true), option->get_description());
    }
    if (!commands(*app).empty()) text += "\nCommands:\n" + commands(*app);
    text += option_groups(*app);
    if (!app->get_footer().empty()) text += "\n" + app->get_footer() + "\n";
    return text;
  }

 private:
  static std::string commands(const CLI::App& app) {
    std::string text;
    for (const CLI::App* command :
         app.get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); })) {
      std::string names = command->get_name();
      for (const std::string& alias : command->get_aliases()) names += ", " + alias;
      text += entry(names, command->get_description());
    }
    return text;
  }

  // In the order in which the command added them; what every command has comes last.
  static std::string option_groups(const CLI::App& app) {
    std::string text;
    for (const std::string& group : app.get_groups()) {
      if (group.empty()) continue;  // hidden
      std::string entries;
      for (const CLI::Option* option : app.get_options()) {
        if (option->get_group() != group || !option->nonpositional()) continue;
        if (option != app.get_help_ptr())
          entries += entry(option_name(*option), option_help(*option));
      }
      if (!entries.empty()) text += fmt::format("\n{}:\n{}", group, entries);
    }
    const CLI::App* root = app.get_parent();
    if (root != nullptr) {
      text += "\nEverywhere:\n";
      for (const CLI::Option* option : root->get_options()) {
        const bool for_root_only =
            option == root->get_help_ptr() || option == root->get_version_ptr();
        const bool elsewhere = option->check_lname("mine") && !computes(app);
        if (!for_root_only && !elsewhere) text += entry(option_name(*option), option_help(*option));
      }
    }
    return text + entry("-h, --help", "This text");
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> make_help_format() { return std::make_shared<HelpFormat>(); }

}  // namespace tinyllm
