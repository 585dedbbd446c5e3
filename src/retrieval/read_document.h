#pragma once
// Files to blocks of text, by their format. Pure functions; any thread.

#include <filesystem>
#include <string>
#include <string_view>

#include "retrieval/document_kind.h"
#include "retrieval/document_text.h"

namespace tinyllm {

// Files are read up to this size: pages and PDF hold much that is no text.
constexpr std::uint64_t max_document_bytes(DocumentKind kind) {
  const bool is_packed = kind == DocumentKind::pdf || kind == DocumentKind::html;
  return (is_packed ? std::uint64_t{32} : std::uint64_t{4}) << 20;
}

// Throws Error{invalid_input | unsupported | io | not_found}, one line that names the file and why
// it gives no text: it is binary, encrypted, scanned, broken, empty or too large. `name` becomes the
// title of what has none of its own.
DocumentText read_document(const std::filesystem::path& file, DocumentKind kind,
                           const std::string& name);

// The readers of formats. `text` is UTF-8 whose lines end in "\n".

// CommonMark with GitHub's tables. A heading's marks are gone; everything else stands as in the
// source, so that it can be found there. Front matter and comments are left out.
DocumentText read_markdown(std::string_view text);
// What a reader of the page came for: <main> or its only <article>, where it has one, without
// scripts, styles, navigation, forms and what is hidden. Throws Error{invalid_input} for what is
// nested so deeply, or asks for so much memory or time, that it is no page; the message begins with
// `source`.
struct HtmlLimits {
  int depth = 2'000;    // of elements in each other
  double seconds = 20;  // of processor time for the parser
};
DocumentText read_html(std::string_view text, const std::string& source,
                       const HtmlLimits& limits = {});
// Paragraphs, between empty lines.
DocumentText read_plain_text(std::string_view text);
// Groups of lines, between empty lines.
DocumentText read_code(std::string_view text);
// By pdftotext (Poppler), as a child process with a limit on its time and on what it writes. Throws
// Error as read_document does, and Error{unsupported} where pdftotext is not installed.
// That error's message holds these words, as it is the one that a package mends.
constexpr std::string_view kNoPdfToText = "pdftotext, which is not installed";
DocumentText read_pdf(const std::filesystem::path& file);

}  // namespace tinyllm
