#include "retrieval/read_document.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "retrieval/text_encoding.h"

namespace tinyllm {
namespace {

// "\r\n" and "\r" become "\n".
std::string with_plain_ends(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n') continue;
    text += bytes[i] == '\r' ? '\n' : bytes[i];
  }
  return text;
}

std::string read_clean_text(const std::filesystem::path& file, DocumentKind kind) {
  const std::string bytes = read_text_file(file, max_document_bytes(kind));
  const std::string declared = kind == DocumentKind::html ? declared_encoding(bytes) : "";
  return with_plain_ends(to_utf8(bytes, file.string(), declared));
}

DocumentText read_as(const std::filesystem::path& file, DocumentKind kind) {
  switch (kind) {
    case DocumentKind::pdf: return read_pdf(file);
    case DocumentKind::markdown: return read_markdown(read_clean_text(file, kind));
    case DocumentKind::html: return read_html(read_clean_text(file, kind), file.string());
    case DocumentKind::code: return read_code(read_clean_text(file, kind));
    case DocumentKind::text: break;
  }
  return read_plain_text(read_clean_text(file, kind));
}

// Groups of lines between blank ones.
DocumentText read_groups(std::string_view text, BlockKind kind) {
  DocumentText document;
  Block block{.kind = kind, .level = 0, .text = {}, .line = 1, .page = 0};
  int line = 1;
  const auto end_block = [&] {
    if (!block.text.empty()) document.blocks.push_back(block);
    block.text.clear();
  };
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view row = text.substr(begin, end - begin);
    begin = end + 1;
    row = row.substr(0, row.find_last_not_of(" \t\f") + 1);
    if (row.empty()) {
      end_block();
      continue;
    }
    if (block.text.empty())
      block.line = line;
    else
      block.text += '\n';
    block.text += row;
  }
  end_block();
  return document;
}

}  // namespace

DocumentText read_plain_text(std::string_view text) { return read_groups(text, BlockKind::text); }
DocumentText read_code(std::string_view text) { return read_groups(text, BlockKind::code); }

DocumentText read_document(const std::filesystem::path& file, DocumentKind kind,
                           const std::string& name) {
  DocumentText document = read_as(file, kind);
  if (document.blocks.empty()) fail(ErrorCode::invalid_input, "{}: has no text", file.string());
  const bool has_heading = document.blocks.front().kind == BlockKind::heading;
  if (document.title.empty() && !has_heading) document.title = name;
  return document;
}

}  // namespace tinyllm
