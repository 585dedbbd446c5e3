// PDF by Poppler's pdftotext, a child process: a broken file can hurt nothing but that.

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "base/utf8.h"
#include "retrieval/read_document.h"

namespace tinyllm {
namespace {

constexpr double kMaxSeconds = 60;
constexpr std::uint64_t kMaxBytes = max_document_bytes(DocumentKind::pdf);
constexpr ProcessLimits kLimits = {.memory_bytes = std::uint64_t{2} << 30, .file_bytes = kMaxBytes};

// What pdftotext said last, for a message.
std::string last_line(std::string_view output) {
  while (!output.empty() && output.back() == '\n') output.remove_suffix(1);
  const std::size_t begin = output.rfind('\n');
  return std::string(begin == output.npos ? output : output.substr(begin + 1));
}

void check(const std::filesystem::path& file, const ChildResult& result) {
  const std::string path = file.string();
  if (result.stopped || result.signal == SIGXFSZ) {
    fail(ErrorCode::invalid_input,
         "{}: pdftotext wrote more than {} MB of text or took longer than {:.0f} s; it was stopped",
         path, kMaxBytes >> 20, kMaxSeconds);
  }
  if (result.exit_code == 127) {
    fail(ErrorCode::unsupported, "{}: PDF is read by {} (Debian: poppler-utils)", path,
         kNoPdfToText);
  }
  if (result.output.find("Incorrect password") != std::string::npos)
    fail(ErrorCode::unsupported, "{}: is encrypted; it needs a password to be read", path);
  if (result.exit_code != 0) {
    fail(ErrorCode::invalid_input, "{}: is no PDF that pdftotext can read: {}", path,
         last_line(result.output));
  }
}

void add_page(DocumentText& document, std::string_view text, int page) {
  for (Block& block : read_plain_text(text).blocks) {
    block.page = page;
    document.blocks.push_back(std::move(block));
  }
}

}  // namespace

DocumentText read_pdf(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t n_bytes = std::filesystem::file_size(file, error);
  if (error) fail(ErrorCode::io, "{}: cannot be read ({})", file.string(), error.message());
  if (n_bytes > kMaxBytes) {
    fail(ErrorCode::invalid_input, "{}: is larger than {} MB", file.string(), kMaxBytes >> 20);
  }
  const TemporaryFolder folder;
  const std::filesystem::path written = folder.path() / "text";
  const Stopwatch clock;
  const auto keep_going = [&](std::string_view) {
    std::error_code none_yet;
    const std::uintmax_t n_bytes = std::filesystem::file_size(written, none_yet);
    return clock.seconds() < kMaxSeconds && (none_yet || n_bytes <= kMaxBytes);
  };
  check(file, run_child({"pdftotext", "-enc", "UTF-8", "-eol", "unix",
                         std::filesystem::absolute(file).string(), written.string()},
                        {{"LC_ALL", "C.UTF-8"}}, keep_going, kLimits));
  if (!std::filesystem::exists(written, error))
    fail(ErrorCode::invalid_input, "{}: pdftotext wrote no text for it", file.string());
  const std::string text = replace_ill_formed(read_text_file(written, kMaxBytes));
  DocumentText document;
  document.title = file.filename().string();
  int page = 1;
  for (std::size_t begin = 0; begin < text.size(); ++page) {
    const std::size_t end = std::min(text.find('\f', begin), text.size());
    add_page(document, std::string_view(text).substr(begin, end - begin), page);
    begin = end + 1;
  }
  if (document.blocks.empty()) {
    fail(ErrorCode::unsupported,
         "{}: no text on its {} page{}; a scan needs optical character recognition first",
         file.string(), page - 1, page == 2 ? "" : "s");
  }
  return document;
}

}  // namespace tinyllm
