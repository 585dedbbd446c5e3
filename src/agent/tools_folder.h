#pragma once
// The one folder whose files a model may read, and never write. Any thread.

#include <filesystem>
#include <string>

#include "agent/tool.h"

namespace tinyllm {

class ToolsFolder {
 public:
  // Throws Error{not_found} when it is no folder.
  explicit ToolsFolder(const std::filesystem::path& root);

  // Lines of a text file from `first_line` (1: the first) with their count, or the names in a folder.
  // Throws Error for what is not there, is no text, is too large or lies outside: absolute paths, ".."
  // and symbolic links that leave the folder are refused.
  std::string read(const std::string& path, std::int64_t first_line) const;

  // Lines that hold `text`, upper and lower case alike: "path:line: ...". Under `path`, "": all.
  // Hidden, binary and very large files are passed over, and no symbolic link is followed.
  std::string search(const std::string& text, const std::string& path,
                     function_ref<bool()> interrupted) const;

 private:
  std::filesystem::path inside(const std::string& path) const;
  std::string read_file(const std::filesystem::path& file, const std::string& shown) const;

  std::filesystem::path root_;  // without symbolic links
};

// read_file and search.
void add_folder_tools(ToolBox& box, const std::filesystem::path& root);

}  // namespace tinyllm
