#include "model_store/hub_pull.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "model_store/file_origin.h"
#include "model_store/http_client.h"
#include "model_store/hub_status.h"
#include "model_store/model_folders.h"
#include "model_store/part_file.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxListing = std::size_t{16} << 20;
// So many connections in a row may bring less than kMinProgress each: a server that gives a few
// bytes a time must not hold us for ever.
constexpr int kMaxFailures = 3;
constexpr std::uint64_t kMinProgress = 64 * 1024;

// First byte of "bytes 100-199/200"; nothing when malformed.
std::optional<std::uint64_t> range_begin(const std::string& content_range) {
  constexpr std::string_view kUnit = "bytes ";
  if (!content_range.starts_with(kUnit)) return std::nullopt;
  std::uint64_t begin = 0;
  const char* text = content_range.c_str() + kUnit.size();
  const auto [end, error] =
      std::from_chars(text, content_range.c_str() + content_range.size(), begin);
  return error == std::errc() && *end == '-' ? std::optional(begin) : std::nullopt;
}

bool is_there(const fs::path& path) {
  std::error_code unreadable;
  return fs::exists(path, unreadable);
}

std::uint64_t free_bytes(const fs::path& folder) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  return error ? 0 : space.available;
}

// One model on its way in.
class HubPull {
 public:
  HubPull(const HubAccess& access, const HubReference& reference, fs::path folder,
          PullWatcher watcher)
      : access_(access),
        repo_(reference.repo),
        asked_revision_(reference.revision),
        folder_(std::move(folder)),
        watcher_(watcher),
        client_(
            {.token = access.token, .token_origin = access.endpoint, .stall_s = access.stall_s}) {}

  HubListing list_files() {
    std::string url = access_.endpoint + "/api/models/" + repo_;
    if (!asked_revision_.empty()) url += "/revision/" + url_part(asked_revision_);
    url += "?blobs=true";
    const HttpText answer = client_.get_text(url, kMaxListing, [&] {
      return watcher_({"asking for the list of files", 0, 0});
    });
    const std::string what = asked_revision_.empty() ? repo_ : repo_ + "@" + asked_revision_;
    if (answer.head.status != 200) fail_status(access_, what, answer.head, answer.body);
    return parse_hub_listing(repo_, answer.body);
  }

  void fetch_all(const HubListing& listing, const std::vector<HubFile>& files) {
    // A hub that names no commit is asked for the name that we were given.
    const bool named = listing.revision == "main" && !asked_revision_.empty();
    revision_ = named ? asked_revision_ : listing.revision;
    std::vector<const HubFile*> missing;
    std::uint64_t missing_bytes = 0;
    for (const HubFile& file : files) total_ += file.bytes.value_or(0);
    for (const HubFile& file : files) {
      if (is_here(file)) {
        done_ += file.bytes.value_or(0);
        continue;
      }
      missing.push_back(&file);
      missing_bytes += file.bytes.value_or(0) - std::min(file.bytes.value_or(0), part_bytes(file));
    }
    make_folders(folder_);
    check_free_space(folder_, missing_bytes);
    // A model that is there already stays whole until all of the new one has come: its files get
    // their names together. A new one gets them one by one, its config.json at the end.
    const bool replaces = std::ranges::any_of(
        missing, [&](const HubFile* file) { return is_there(folder_ / file->path); });
    for (const HubFile* file : missing) {
      fetch(*file);
      if (!replaces) publish(*file);
      done_ += file->bytes.value_or(0);
    }
    if (!replaces) return;
    for (const HubFile* file : missing) publish(*file);
  }

 private:
  std::string full_name(const HubFile& file) const { return repo_ + "/" + file.path; }

  FileOrigin origin_of(const HubFile& file) const {
    const bool strong = !file.sha256.empty();
    return {
        repo_,
        revision_,
        {strong ? DigestKind::sha256 : DigestKind::git_blob, strong ? file.sha256 : file.git_blob}};
  }

  // By size and digest: new weights often have the size of the old ones.
  bool is_here(const HubFile& file) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(folder_ / file.path, error);
    if (error || (file.bytes && size != *file.bytes)) return false;
    return is_from(folder_ / file.path, origin_of(file), [&](std::uint64_t n) {
      if (!report("checking", n)) fail(ErrorCode::io, "{}: stopped; pull again", repo_);
    });
  }

  std::uint64_t part_bytes(const HubFile& file) const {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(folder_ / (file.path + std::string(kPartEnd)), error);
    return error ? 0 : size;
  }

  // What an earlier pull left may be of another revision:
  // then the check fails, and we start over once.
  void fetch(const HubFile& file) {
    PartFile part(folder_ / file.path);
    const bool resumed = part.size() > 0;
    download(file, part);
    std::string wrong = checksum_fault(file, part);
    if (!wrong.empty() && resumed) {
      log(LogLevel::warning, "{}; fetching it again", wrong);
      part.restart();
      download(file, part);
      wrong = checksum_fault(file, part);
    }
    if (!wrong.empty()) {
      part.discard();
      fail(ErrorCode::invalid_input, "{}; deleted, pull again", wrong);
    }
  }

  // The record goes first and comes last: a kill in between leaves none, and the file is read again.
  void publish(const HubFile& file) {
    std::error_code ignored;
    fs::remove(origin_path(folder_ / file.path), ignored);
    PartFile(folder_ / file.path).publish();
    write_origin(folder_ / file.path, origin_of(file));
  }

  // Until all bytes are there: breaks are taken up again while each try brings something.
  void download(const HubFile& file, PartFile& part) {
    if (file.bytes && part.size() > *file.bytes) part.restart();
    for (int n_failures = 0; !file.bytes || part.size() < *file.bytes || *file.bytes == 0;) {
      const std::uint64_t before = part.size();
      const std::optional<std::string> broken = download_once(file, part);
      if (!broken) {
        if (!file.bytes || part.size() == *file.bytes) return;
      }
      n_failures = part.size() >= before + kMinProgress ? 0 : n_failures + 1;
      if (n_failures == kMaxFailures) {
        fail(ErrorCode::network,
             "{}: the connection broke at byte {} of {} ({}); pull again: it goes on from there",
             full_name(file), part.size(), file.bytes ? std::to_string(*file.bytes) : "?",
             broken.value_or("the server sent too little"));
      }
      pause(n_failures);
    }
  }

  // Why the connection broke; nothing when the server ended the file.
  std::optional<std::string> download_once(const HubFile& file, PartFile& part) {
    const std::string url = access_.endpoint + "/" + repo_ + "/resolve/" + url_part(revision_) +
                            "/" + url_path(file.path);
    const std::uint64_t offset = part.size();
    const std::uint64_t most_bytes =
        most_unlisted_bytes(file.path, part.size() + free_bytes(folder_));
    HttpDownload result = client_.download(
        url, offset,
        [&](const HttpHead& head) {
          if (head.status == 200 && offset > 0) part.restart();  // it does not know ranges
          if (head.status == 206 && range_begin(head.header("content-range")) != offset) {
            fail(ErrorCode::network, "{}: the server sent another range than it was asked for",
                 full_name(file));
          }
        },
        [&](std::string_view bytes) {
          if (file.bytes && part.size() + bytes.size() > *file.bytes) {
            part.discard();
            fail(ErrorCode::invalid_input, "{}: the server sends more than the {} bytes it lists",
                 full_name(file), *file.bytes);
          }
          if (!file.bytes && part.size() + bytes.size() > most_bytes) {
            part.discard();
            fail(ErrorCode::invalid_input,
                 "{}: the hub does not say how large it is, and it has more than {} bytes",
                 full_name(file), most_bytes);
          }
          part.write(bytes);
        },
        [&] { return report("downloading", part.size()); });
    const int status = result.head.status;
    if (status == 416) {  // nothing behind our last byte: what we have is of another file
      part.restart();
      return "the server has no such range";
    }
    if (status != 200 && status != 206) {
      fail_status(access_, full_name(file), result.head, result.error_body);
    }
    return result.broken;
  }

  // What is wrong with the bytes; empty when they are right.
  std::string checksum_fault(const HubFile& file, const PartFile& part) {
    const FileDigest digest = origin_of(file).digest;
    const std::string& wanted = digest.hex;
    if (wanted.empty()) {
      log(LogLevel::warning, "{}: the hub gives no checksum; only the size was checked",
          full_name(file));
      return "";
    }
    const std::string found = file_digest(part.path(), digest.kind, [&](std::uint64_t n) {
      if (!report("checking", n)) {
        fail(ErrorCode::io, "{}: stopped; pull again", repo_);
      }
    });
    if (found == wanted) return "";
    return fmt::format("{}: {} is {}, must be {}: the bytes changed on their way", full_name(file),
                       digest.kind == DigestKind::sha256 ? "sha256" : "git blob", found, wanted);
  }

  bool report(std::string_view step, std::uint64_t n_bytes_of_file) {
    return watcher_({step, done_ + n_bytes_of_file, total_});
  }

  void pause(int n_failures) {
    for (int tenths = 0; tenths < 5 * n_failures; ++tenths) {
      if (!report("waiting to go on", 0)) fail(ErrorCode::io, "{}: stopped; pull again", repo_);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

  const HubAccess& access_;
  std::string repo_;
  std::string asked_revision_;  // empty: what "main" is
  fs::path folder_;
  PullWatcher watcher_;
  HttpClient client_;
  std::string revision_;     // the commit
  std::uint64_t done_ = 0;   // bytes of the files before this one
  std::uint64_t total_ = 0;  // of all files
};

}  // namespace

HubAccess hub_access_from_environment() {
  HubAccess access;
  access.endpoint = environment("HF_ENDPOINT");
  if (access.endpoint.empty()) access.endpoint = "https://huggingface.co";
  while (access.endpoint.ends_with("/")) access.endpoint.pop_back();
  if (!access.endpoint.starts_with("https://") && !access.endpoint.starts_with("http://")) {
    fail(ErrorCode::invalid_input,
         "HF_ENDPOINT is '{}', must be an address like https://huggingface.co", access.endpoint);
  }
  access.token = environment("HF_TOKEN");
  std::erase_if(access.token, [](unsigned char c) { return c <= 0x20; });  // a pasted line end
  if (const std::string stall = environment("TINYLLM_STALL_S"); !stall.empty()) {
    const auto [end, error] =
        std::from_chars(stall.data(), stall.data() + stall.size(), access.stall_s);
    if (error != std::errc() || *end != '\0' || access.stall_s < 1 || access.stall_s > 3600) {
      fail(ErrorCode::invalid_input, "TINYLLM_STALL_S is '{}', must be 1 to 3600 seconds", stall);
    }
  }
  return access;
}

fs::path pull_from_hub(const HubAccess& access, const HubReference& reference,
                       const fs::path& models, PullWatcher watcher) {
  const fs::path folder = models / reference.repo;
  HubPull pull(access, reference, folder, watcher);
  const HubListing listing = pull.list_files();
  const std::vector<HubFile> files = choose_hub_files(reference, listing);
  pull.fetch_all(listing, files);
  const bool is_gguf = files.front().path.ends_with(".gguf");
  return is_gguf ? folder / files.front().path : folder;
}

}  // namespace tinyllm
