#pragma once
// The web page, embedded: what cmake/embed_web.cmake makes of web/ when the program is built.

#include <span>
#include <string_view>

namespace tinyllm {

struct WebFile {
  std::string_view path;          // "/" and "/web/app.js"
  std::string_view content_type;  // with its charset
  std::string_view etag;          // quoted; of the content
  std::string_view content;
};

std::span<const WebFile> web_files();

}  // namespace tinyllm
