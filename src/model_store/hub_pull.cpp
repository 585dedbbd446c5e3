#include "model_store/hub_pull.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "model_store/http_client.h"
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

// What the hub says about an error, in its header or its JSON; may be empty.
std::string hub_words(const HttpHead& head, const std::string& body) {
  std::string words = head.header("x-error-message");
  if (words.empty()) {
    const auto answer = nlohmann::json::parse(body, nullptr, false);
    if (answer.is_object() && answer.contains("error") && answer["error"].is_string()) {
      words = answer["error"].get<std::string>();
    }
  }
  std::erase_if(words, [](unsigned char c) { return c < 0x20 || c == 0x7F; });  // one line
  constexpr std::size_t kLongest = 200;
  if (words.size() > kLongest) words.resize(kLongest);
  return words.empty() ? "" : " (" + words + ")";
}

[[noreturn]] void fail_status(const HubAccess& access, const std::string& what,
                              const HttpHead& head, const std::string& body) {
  const std::string words = hub_words(head, body);
  const std::string& hub = access.endpoint;
  switch (head.status) {
    case 401:
    case 403:
      if (access.token.empty()) {
        fail(ErrorCode::network,
             "{}: {} wants a login{}: the model does not exist, is private, or its terms must be "
             "accepted on its page; set HF_TOKEN",
             what, hub, words);
      }
      fail(ErrorCode::network,
           "{}: {} does not let this HF_TOKEN in{}; see whether the token is right and the model's "
           "terms are accepted on its page",
           what, hub, words);
    case 404: fail(ErrorCode::not_found, "{}: not found at {}{}", what, hub, words);
    case 429: {
      const std::string wait = head.header("retry-after");
      fail(ErrorCode::network, "{}: {} says that there were too many requests{}; try again {}",
           what, hub, words, wait.empty() ? "later" : "in " + wait + " s");
    }
    default: break;
  }
  if (head.status >= 500) {
    fail(ErrorCode::network, "{}: {} has a problem of its own (status {}){}; try again later", what,
         hub, head.status, words);
  }
  fail(ErrorCode::network, "{}: {} answers with status {}{}", what, hub, head.status, words);
}

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

// One model on its way in.
class HubPull {
 public:
  HubPull(const HubAccess& access, const HubReference& reference, fs::path folder,
          PullWatcher watcher)
      : access_(access),
        repo_(reference.repo),
        folder_(std::move(folder)),
        watcher_(watcher),
        client_(
            {.token = access.token, .token_origin = access.endpoint, .stall_s = access.stall_s}) {}

  HubListing list_files() {
    const std::string url = access_.endpoint + "/api/models/" + repo_ + "?blobs=true";
    const HttpText answer = client_.get_text(url, kMaxListing, [&] {
      return watcher_({"asking for the list of files", 0, 0});
    });
    if (answer.head.status != 200) fail_status(access_, repo_, answer.head, answer.body);
    return parse_hub_listing(repo_, answer.body);
  }

  void fetch_all(const HubListing& listing, const std::vector<HubFile>& files) {
    revision_ = listing.revision;
    std::uint64_t missing = 0;
    for (const HubFile& file : files) {
      total_ += file.bytes.value_or(0);
      if (is_here(file)) continue;
      missing += file.bytes.value_or(0) - std::min(file.bytes.value_or(0), part_bytes(file));
    }
    make_folders(folder_);
    check_free_space(folder_, missing);
    for (const HubFile& file : files) {
      if (!is_here(file)) fetch(file);
      done_ += file.bytes.value_or(0);
    }
  }

 private:
  std::string full_name(const HubFile& file) const { return repo_ + "/" + file.path; }

  // A file got its name only after its check, so its size is enough.
  bool is_here(const HubFile& file) const {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(folder_ / file.path, error);
    return !error && (!file.bytes || size == *file.bytes);
  }

  std::uint64_t part_bytes(const HubFile& file) const {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(folder_ / (file.path + ".part"), error);
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
    part.publish();
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
    const std::string url =
        access_.endpoint + "/" + repo_ + "/resolve/" + revision_ + "/" + url_path(file.path);
    const std::uint64_t offset = part.size();
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
    const bool strong = !file.sha256.empty();
    const std::string& wanted = strong ? file.sha256 : file.git_blob;
    if (wanted.empty()) {
      log(LogLevel::warning, "{}: the hub gives no checksum; only the size was checked",
          full_name(file));
      return "";
    }
    const std::string found = file_digest(
        part.path(), strong ? DigestKind::sha256 : DigestKind::git_blob, [&](std::uint64_t n) {
          if (!report("checking", n)) {
            fail(ErrorCode::io, "{}: stopped; pull again", repo_);
          }
        });
    if (found == wanted) return "";
    return fmt::format("{}: {} is {}, must be {}: the bytes changed on their way", full_name(file),
                       strong ? "sha256" : "git blob", found, wanted);
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
  fs::path folder_;
  PullWatcher watcher_;
  HttpClient client_;
  std::string revision_;
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
