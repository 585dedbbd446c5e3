#include "model_store/gguf_file_name.h"

#include <charconv>

#include "model_store/near_names.h"

namespace tinyllm {
namespace {

constexpr std::string_view kExtension = ".gguf";

// The five digits that llama.cpp's splitter writes; 0 when they are something else.
int five_digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 ? value : 0;
}

}  // namespace

std::optional<GgufSplit> parse_gguf_split(std::string_view file) {
  constexpr std::string_view kPattern = "-00001-of-00003.gguf";
  if (file.size() <= kPattern.size()) return std::nullopt;
  const std::string_view tail = file.substr(file.size() - kPattern.size());
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-" || !tail.ends_with(kExtension)) {
    return std::nullopt;
  }
  const int index = five_digits(tail.substr(1, 5));
  const int n_files = five_digits(tail.substr(10, 5));
  if (index == 0 || n_files < index) return std::nullopt;
  return GgufSplit{std::string(file.substr(0, file.size() - kPattern.size())), index, n_files};
}

bool names_quantization(std::string_view file, std::string_view quantization) {
  if (quantization.empty()) return false;
  const std::string name = lower_case(file);
  const std::string wanted = lower_case(quantization);
  for (std::size_t at = name.find(wanted); at != std::string::npos;
       at = name.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    const bool starts = at == 0 || std::string_view("-_./").find(name[at - 1]) != std::string::npos;
    const bool ends =
        end == name.size() || std::string_view("-./").find(name[end]) != std::string::npos;
    if (starts && ends) return true;
  }
  return false;
}

bool is_model_gguf(std::string_view file) {
  const std::string name = lower_case(file.substr(file.rfind('/') + 1));
  return name.ends_with(kExtension) && name.find("mmproj") == std::string::npos &&
         !name.starts_with("imatrix");
}

}  // namespace tinyllm
