#include "base/number_file.h"

#include <fstream>
#include <limits>

namespace tinyllm {

std::optional<std::int64_t> read_number(const std::filesystem::path& path, const std::string& key) {
  std::ifstream file(path);
  if (!key.empty()) {
    std::string word;
    while (file >> word && word != key)
      file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  std::int64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

}  // namespace tinyllm
