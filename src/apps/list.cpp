// `tinyllm list`: the models on this machine, own ones and those of other programs, and the models
// that can be pulled.

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/called_as.h"
#include "apps/commands.h"
#include "apps/options.h"
#include "apps/printable.h"
#include "apps/standard_output.h"
#include "model_store/describe_model.h"
#include "model_store/model_folders.h"
#include "model_store/model_store.h"

namespace tinyllm {
namespace {

struct Row {
  LocalModel model;
  ModelDescription description;
};

std::string size_text(std::uint64_t n_bytes) {
  const double mb = static_cast<double>(n_bytes) / 1e6;
  return mb < 1000 ? fmt::format("{:.0f} MB", mb) : fmt::format("{:.1f} GB", mb / 1000);
}

// "~/x" for a path below the user's home.
std::string short_path(const std::filesystem::path& path) {
  const std::string home = user_home().string();
  const std::string text = path.string();
  return !home.empty() && text.starts_with(home + "/") ? "~" + text.substr(home.size()) : text;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string table(const std::vector<Row>& rows) {
  using Cells = std::array<std::string, 5>;
  std::vector<Cells> lines = {{"NAME", "SIZE", "ARCHITECTURE", "FORMAT", "WHERE"}};
  for (const Row& row : rows) {
    lines.push_back({printable(row.model.name()), size_text(row.description.bytes),
                     or_dash(row.description.architecture), or_dash(row.description.format),
                     printable(short_path(row.model.path))});
  }
  const std::size_t n_columns = lines[0].size();
  std::vector<std::size_t> widths(n_columns, 0);
  for (const Cells& cells : lines) {
    for (std::size_t i = 0; i < n_columns; ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  std::string text;
  for (std::size_t line = 0; line < lines.size(); ++line) {
    for (std::size_t i = 0; i + 1 < n_columns; ++i) {
      text += fmt::format("{:<{}}  ", lines[line][i], widths[i]);
    }
    text += lines[line].back() + "\n";
    if (line == 0) continue;
    const std::string& reason = rows[line - 1].description.unsupported;
    if (!reason.empty()) text += "  not supported: " + printable(reason) + "\n";
  }
  return text;
}

void print_text(const std::vector<Row>& rows, const std::vector<PullableModel>& pullable) {
  std::string text = rows.empty() ? "No models on this machine yet.\n" : table(rows);
  text += "\nAvailable with `tinyllm pull NAME`:\n";
  for (const PullableModel& model : pullable) {
    text += fmt::format("  {:<24}{}{}\n", model.name, model.about, model.pulled ? " (pulled)" : "");
  }
  text += "  ORG/REPO[:FILE]         GGUF file or safetensors model of a Hugging Face hub\n";
  write_stdout(as_called(std::move(text)));
}

void print_json(const std::vector<Row>& rows, const std::vector<PullableModel>& pullable) {
  nlohmann::ordered_json answer = {{"models", nlohmann::json::array()},
                                   {"pullable", nlohmann::json::array()}};
  for (const Row& row : rows) {
    nlohmann::ordered_json entry = {
        {"name", row.model.name()},
        {"path", row.model.path.string()},
        {"owner", owner_title(row.model.owner)},
        {"bytes", row.description.bytes},
        {"architecture", row.description.architecture},
        {"format", row.description.format},
    };
    if (!row.description.unsupported.empty()) entry["unsupported"] = row.description.unsupported;
    answer["models"].push_back(std::move(entry));
  }
  for (const PullableModel& model : pullable) {
    answer["pullable"].push_back(
        {{"name", model.name}, {"about", model.about}, {"pulled", model.pulled}});
  }
  write_stdout(answer.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

// Without opening one: for shells that complete a name.
void print_names(const ModelStore& store) {
  std::string names;
  for (const LocalModel& model : store.list()) names += printable(model.name()) + "\n";
  write_stdout(names);
}

void list(bool as_json, bool names_only) {
  const ModelStore store;
  if (names_only) return print_names(store);
  std::vector<Row> rows;
  for (LocalModel& model : store.list()) {
    ModelDescription description = describe_model(model);
    rows.push_back({std::move(model), std::move(description)});
  }
  as_json ? print_json(rows, store.pullable()) : print_text(rows, store.pullable());
}

}  // namespace

void add_list_command(Command app) {
  Command command = app.add_subcommand(
      "list", "Show the models on this machine, also those of other programs, and what to pull");
  const auto as_json = std::make_shared<bool>(false);
  command.add_flag("--json", *as_json, "Print JSON: {\"models\": [...], \"pullable\": [...]}");
  const auto names_only = std::make_shared<bool>(false);
  command.add_flag("--names", *names_only, "The names of the models on this machine, a line each");
  add_examples(command,
               "  tinyllm list\n"
               "Looks under TINYLLM_HOME (~/.cache/tinyllm) and in the caches of Ollama,\n"
               "Hugging Face, llama.cpp and LM Studio. Every name works with --model; nothing\n"
               "is copied.");
  command.callback([as_json, names_only] { list(*as_json, *names_only); });
}

}  // namespace tinyllm
