#pragma once
// The formats that are read, by the names of their files. Any thread.

#include <filesystem>
#include <optional>
#include <string_view>

namespace tinyllm {

enum class DocumentKind { markdown, html, pdf, code, text };

inline constexpr std::string_view kDocumentKinds[] = {"markdown", "html", "pdf", "code", "text"};

inline std::string_view to_string(DocumentKind kind) {
  return kDocumentKinds[static_cast<int>(kind)];
}

// By the extension, in either case, or the whole name ("Makefile"); empty: none of them.
std::optional<DocumentKind> document_kind(const std::filesystem::path& file);

}  // namespace tinyllm
