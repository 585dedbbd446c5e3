#include "apps/first_chat.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "apps/called_as.h"
#include "apps/pull_model.h"
#include "apps/terminal.h"
#include "base/error.h"
#include "base/file.h"
#include "model_store/model_store.h"

namespace tinyllm {

void pull_default_model(const std::string& name) {
  const ModelStore store;
  const auto pullable = store.pullable();
  const auto known = std::ranges::find(pullable, name, &PullableModel::name);
  if (known == pullable.end() || known->pulled) return;
  std::fprintf(stderr, "fetching %s (%s), once\n", name.c_str(), known->about.c_str());
  pull_model(name);
}

void show_next_steps_once() {
  if (!is_terminal(STDERR_FILENO)) return;
  const std::filesystem::path marker = default_model_home() / "first-chat-done";
  std::error_code ignored;
  if (std::filesystem::exists(marker, ignored)) return;
  const std::string text = as_called(
      "What to try next:\n"
      "  tinyllm chat -p \"Write a haiku about rain\"       one answer, for scripts\n"
      "  tinyllm pull qwen2.5-coder-1.5b                  a stronger model (1.1 GB)\n");
  std::fputs(text.c_str(), stderr);
  try {
    std::filesystem::create_directories(marker.parent_path(), ignored);
    write_file_atomic(marker, "");
  } catch (const Error&) {
    // A home that cannot be written: then the lines come again, and that is all.
  }
}

}  // namespace tinyllm
