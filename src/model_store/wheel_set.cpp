#include "model_store/wheel_set.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "model_store/part_file.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

// pip and the two steps after it run in one folder of the model's own.
fs::path pip_folder(const PackagedModel& model, const fs::path& home) {
  return home / "downloads" / (std::string(model.name) + ".incoming");
}

// The wheel of a part in home/downloads. ./tiny puts the default model's there while it builds.
std::optional<fs::path> find_wheel(const PackagedModel& model, int part, const fs::path& home) {
  std::string package = model.part_package(part);
  std::ranges::replace(package, '-', '_');  // as wheels are named
  const std::string prefix = package + "-" + std::string(model.version) + "-";
  std::error_code error;
  for (fs::directory_iterator it(home / "downloads", error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".whl")) return it->path();
  }
  return std::nullopt;
}

void remove_file(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

}  // namespace

std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

void keep_going(const PackagedModel& model, bool go_on) {
  if (go_on) return;
  fail(ErrorCode::io, "{}: stopped; pull again: it goes on where it stopped", model.name);
}

WheelSet::WheelSet(const PackagedModel& model, const fs::path& home) : model_(model), home_(home) {
  for (int part = 1; part <= model.n_parts; ++part) {
    wheels_.push_back(find_wheel(model, part, home));
  }
}

void WheelSet::check_space(std::uint64_t file_bytes) const {
  const auto n_missing = static_cast<std::uint64_t>(
      std::ranges::count_if(wheels_, [](const auto& wheel) { return !wheel; }));
  const std::uint64_t wheel_bytes = model_.wheel_bytes / static_cast<std::uint64_t>(model_.n_parts);
  const std::uint64_t n_copies = n_missing == 0 ? 0 : n_missing + 1;
  check_free_space(home_, n_copies * wheel_bytes + file_bytes);
}

void WheelSet::fetch_missing(PullWatcher watcher) {
  Pip pip;
  for (int part = 1; part <= model_.n_parts; ++part) {
    std::optional<fs::path>& wheel = wheels_[part - 1];
    if (wheel) continue;
    wheel = fetch(pip, part, watcher);
  }
}

std::uint64_t WheelSet::bytes_here() const {
  std::uint64_t n_bytes = 0;
  for (const auto& wheel : wheels_) n_bytes += wheel ? size_of(*wheel) : 0;
  return n_bytes;
}

fs::path WheelSet::fetch(Pip& pip, int part, PullWatcher watcher) {
  const std::string step = model_.n_parts == 1
                               ? "downloading"
                               : fmt::format("downloading part {} of {}", part, model_.n_parts);
  const std::uint64_t before = bytes_here();
  std::uint64_t shown = 0;  // pip moves its files about: never count backwards
  const fs::path incoming = pip_folder(model_, home_);
  const fs::path wheel = pip.download(
      model_.part_package(part), std::string(model_.version), incoming, [&](std::uint64_t n) {
        shown =
            std::min(std::max(shown, n), model_.wheel_bytes - std::min(before, model_.wheel_bytes));
        return watcher({step, before + shown, model_.wheel_bytes});
      });
  const fs::path kept = home_ / "downloads" / wheel.filename();
  std::error_code error;
  fs::rename(wheel, kept, error);
  if (error) fail(ErrorCode::io, "{}: cannot be written: {}", kept.string(), error.message());
  fs::remove_all(incoming, error);
  return kept;
}

bool has_package_downloads(const PackagedModel& model, const fs::path& home) {
  std::error_code error;
  if (fs::exists(pip_folder(model, home), error)) return true;
  for (int part = 1; part <= model.n_parts; ++part) {
    if (find_wheel(model, part, home)) return true;
  }
  return false;
}

void remove_package_downloads(const PackagedModel& model, const fs::path& home) {
  for (int part = 1; part <= model.n_parts; ++part) {
    if (const auto wheel = find_wheel(model, part, home)) remove_file(*wheel);
  }
  std::error_code ignored;
  fs::remove_all(pip_folder(model, home), ignored);
}

}  // namespace tinyllm
