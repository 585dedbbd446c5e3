#include "retrieval/document_kind.h"

#include <algorithm>
#include <string>

namespace tinyllm {
namespace {

struct KnownName {
  DocumentKind kind;
  std::string_view names;  // with a space before and behind each
};

using enum DocumentKind;
constexpr KnownName kExtensions[] = {
    {markdown, " .md .markdown .mdown .mkd "},
    {html, " .html .htm .xhtml "},
    {pdf, " .pdf "},
    {text, " .txt .text .rst .org .adoc .asciidoc .tex .log .csv .tsv .srt .vtt "},
    {code,
     " .c .h .cc .cpp .cxx .hpp .hh .hxx .cu .cuh .py .pyi .js .mjs .cjs .ts .tsx .jsx .java "
     ".kt .kts .go .rs .rb .php .cs .swift .scala .lua .pl .pm .r .jl .hs .ml .mli .ex .exs "
     ".erl .clj .el .lisp .scm .sh .bash .zsh .fish .ps1 .sql .proto .cmake .mk .gradle "
     ".json .jsonl .yaml .yml .toml .ini .cfg .conf .xml .css .scss .vue .svelte .tf .nix .zig "
     ".dart .f90 .m .mm .v .vhdl .asm .s .jinja .j2 .gbnf .ebnf "},
};
constexpr KnownName kNames[] = {
    {text,
     " readme license licence copying authors changelog news todo install contributing notice "},
    {code, " makefile dockerfile cmakelists.txt rakefile gemfile justfile "},
};

bool holds(std::string_view names, const std::string& name) {
  return names.find(" " + name + " ") != names.npos;
}

}  // namespace

std::optional<DocumentKind> document_kind(const std::filesystem::path& file) {
  const auto lower = [](std::string name) {
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name;
  };
  const std::string name = lower(file.filename().string());
  const std::string extension = lower(file.extension().string());
  if (name.find(' ') == name.npos) {
    for (const KnownName& known : kNames)
      if (holds(known.names, name)) return known.kind;
  }
  if (extension.empty() || extension.find(' ') != extension.npos) return std::nullopt;
  for (const KnownName& known : kExtensions)
    if (holds(known.names, extension)) return known.kind;
  return std::nullopt;
}

}  // namespace tinyllm
