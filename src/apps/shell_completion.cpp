// tinyllm completion: a script that teaches the shell our commands and options. It is made from the
// same tree that reads the command line, so it cannot lag behind.

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/commands.h"
#include "apps/standard_output.h"
#include "model_store/model_store.h"

namespace tinyllm {
namespace {

struct OptionFacts {
  std::vector<std::string> names;  // with dashes
  std::string help;
  bool takes_value = false;
};

struct CommandFacts {
  std::vector<std::string> names;  // its name and aliases
  std::string help;
  std::vector<OptionFacts> options;
};

std::vector<OptionFacts> options_of(const CLI::App& command) {
  std::vector<OptionFacts> facts;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->nonpositional()) continue;
    OptionFacts fact;
    fact.help = option->get_description();
    fact.takes_value = option->get_items_expected() > 0;
    for (const std::string& name : option->get_snames()) fact.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) fact.names.push_back("--" + name);
    facts.push_back(std::move(fact));
  }
  // A group of options is an unnamed subcommand.
  for (const CLI::App* group : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!group->get_name().empty()) continue;
    for (OptionFacts& fact : options_of(*group)) facts.push_back(std::move(fact));
  }
  return facts;
}

std::vector<CommandFacts> commands_of(const CLI::App& app) {
  std::vector<CommandFacts> facts;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name().empty()) continue;
    CommandFacts fact{.names = {command->get_name()},
                      .help = command->get_description(),
                      .options = options_of(*command)};
    for (const std::string& alias : command->get_aliases()) fact.names.push_back(alias);
    facts.push_back(std::move(fact));
  }
  return facts;
}

std::string names_of(const std::vector<OptionFacts>& options) {
  std::string names;
  for (const OptionFacts& option : options)
    names += fmt::format("{} ", fmt::join(option.names, " "));
  return names;
}

// 'text' for a shell: a quote inside ends, escapes and opens again.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// What ./tiny knows besides.
constexpr std::string_view kScriptCommands = "help test format peers microbench doctor install";

std::string pullable_names() {
  std::string names;
  for (const PullableModel& model : ModelStore().pullable()) names += model.name + " ";
  return names;
}

std::string bash_script(const CLI::App& app) {
  std::string commands, cases;
  for (const CommandFacts& command : commands_of(app)) {
    commands += fmt::format("{} ", fmt::join(command.names, " "));
    cases += fmt::format("    {}) words={} ;;\n", fmt::join(command.names, "|"),
                         quoted(names_of(command.options)));
  }
  return R"sh(# bash completion of tinyllm and ./tiny: eval "$(tinyllm completion bash)"
_tinyllm() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=)sh" +
         quoted(commands + names_of(options_of(app))) + R"sh(
    case ${COMP_WORDS[0]} in *tiny) words+=" )sh" +
         std::string(kScriptCommands) + R"sh(" ;; esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case $before:${COMP_WORDS[1]}:$COMP_CWORD in
    -m:* | --model:* | *:chat:2 | *:run:2 | *:serve:2 | *:inspect:2 | *:show:2 | *:rm:2 | *:quantize:2)
      case $word in -*) ;; *)
        COMPREPLY=($(compgen -W "$(TINYLLM_COMPLETING=1 "${COMP_WORDS[0]}" list --names 2>/dev/null)" -- "$word"))
        return ;;  # no such model: files, by the default below
      esac ;;
    *:pull:2) words=)sh" +
         quoted(pullable_names()) + R"sh(
      COMPREPLY=($(compgen -W "$words" -- "$word"))
      return ;;
  esac
  case $word in -*) ;; *) return ;; esac
  case ${COMP_WORDS[1]} in
)sh" + cases +
         R"sh(  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o bashdefault -o default -F _tinyllm tinyllm tiny
)sh";
}

// In a zsh description brackets and colons have a meaning.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// Whether its first word is a model that is here.
bool takes_model(const CommandFacts& command) {
  constexpr std::array<std::string_view, 5> kCommands = {"chat", "serve", "inspect", "rm",
                                                         "quantize"};
  return std::ranges::find(kCommands, command.names.front()) != kCommands.end();
}

// What zsh offers behind an option.
std::string value_of(const OptionFacts& option) {
  const bool is_model = std::ranges::find(option.names, "--model") != option.names.end();
  return is_model ? ":model:_tinyllm_models" : option.takes_value ? ":value:_files" : "";
}

std::string zsh_script(const CLI::App& app) {
  std::string commands, cases;
  for (const CommandFacts& command : commands_of(app)) {
    for (const std::string& name : command.names) {
      commands += "    " + quoted(name + ":" + zsh_text(command.help)) + "\n";
    }
    std::string arguments;
    for (const OptionFacts& option : command.options) {
      for (const std::string& name : option.names) {
        arguments +=
            " \\\n        " + quoted(name + "[" + zsh_text(option.help) + "]" + value_of(option));
      }
    }
    cases += fmt::format("    {})\n      _arguments{} \\\n        {} ;;\n",
                         fmt::join(command.names, "|"), arguments,
                         takes_model(command) ? "'*:model:_tinyllm_models'" : "'*:file:_files'");
  }
  return R"sh(#compdef tinyllm tiny
# zsh completion of tinyllm and ./tiny: eval "$(tinyllm completion zsh)"
_tinyllm_models() {
  local -a models=("${(@f)$(TINYLLM_COMPLETING=1 $_tinyllm_program list --names 2>/dev/null)}")
  compadd -a models
  _files
}
_tinyllm() {
  local _tinyllm_program=$words[1]
  local -a commands=(
)sh" + commands +
         R"sh(  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
)sh" + cases +
         R"sh(  esac
}
compdef _tinyllm tinyllm tiny
)sh";
}

std::string fish_script(const CLI::App& app) {
  std::string script =
      "# fish completion of tinyllm and ./tiny: tinyllm completion fish | source\n"
      "complete -c tiny -w tinyllm\n"
      "function __tinyllm_models\n"
      "  set -l words (commandline -opc)\n"
      "  TINYLLM_COMPLETING=1 $words[1] list --names 2>/dev/null\n"
      "end\n";
  for (const CommandFacts& command : commands_of(app)) {
    if (takes_model(command)) {
      script += fmt::format(
          "complete -c tinyllm -n '__fish_seen_subcommand_from {}' -a '(__tinyllm_models)'\n",
          fmt::join(command.names, " "));
    }
    for (const std::string& name : command.names) {
      script += fmt::format("complete -c tinyllm -n __fish_use_subcommand -f -a {} -d {}\n", name,
                            quoted(command.help));
    }
    for (const OptionFacts& option : command.options) {
      std::string names;
      for (const std::string& name : option.names) {
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      script += fmt::format("complete -c tinyllm -n '__fish_seen_subcommand_from {}'{}{} -d {}\n",
                            fmt::join(command.names, " "), names, option.takes_value ? " -r" : "",
                            quoted(option.help));
      if (value_of(option) == ":model:_tinyllm_models") {
        script.pop_back();
        script += " -a '(__tinyllm_models)'\n";
      }
    }
  }
  return script;
}

}  // namespace

void add_completion_command(Command app) {
  Command command = app.add_subcommand("completion", "Print a completion script for your shell");
  auto shell = std::make_shared<std::string>();
  command.add_option("SHELL", *shell, "bash, zsh or fish")
      .required()
      .one_of({"bash", "zsh", "fish"});
  command.footer(
      "Examples:\n"
      "  echo 'eval \"$(tinyllm completion bash)\"' >> ~/.bashrc\n"
      "  echo 'eval \"$(tinyllm completion zsh)\"' >> ~/.zshrc\n"
      "  tinyllm completion fish > ~/.config/fish/completions/tinyllm.fish");
  command.callback([app, shell] {
    if (*shell == "bash") write_stdout(bash_script(app.parser()));
    if (*shell == "zsh") write_stdout(zsh_script(app.parser()));
    if (*shell == "fish") write_stdout(fish_script(app.parser()));
  });
}

}  // namespace tinyllm
