// loader.safetensors: the recorded headers, each in a file of its own.

#include "loader/safetensors_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

// 8 bytes of length, the header, and some data.
std::vector<std::byte> file_of(const std::string& header) {
  std::vector<std::byte> file;
  for (int shift = 0; shift < 64; shift += 8) {
    file.push_back(static_cast<std::byte>((header.size() >> shift) & 0xFF));
  }
  for (const char c : header) file.push_back(static_cast<std::byte>(c));
  file.resize(file.size() + 16, std::byte{0x7B});  // data that begins like JSON
  return file;
}

void run(const Case& given, Answers& answers) {
  const std::vector<std::byte> file = file_of(given.text("header"));
  SafetensorsHeader header = read_safetensors_header(file);
  std::ranges::sort(header.entries, {}, &SafetensorsEntry::name);
  answers.put_line("found", fmt::format("data from byte {} on", header.data_begin));
  for (const SafetensorsEntry& entry : header.entries) {
    answers.put_line("found", fmt::format("{} {} [{}] bytes {} to {}", entry.name, entry.dtype,
                                          fmt::join(entry.shape, ", "), entry.begin, entry.end));
  }
}

// 300 tensors, as a real model has: the header is longer than one byte could count.
std::string a_long_header_is_read_to_its_end() {
  std::string text = "{";
  for (int i = 0; i < 300; ++i) {
    text += fmt::format(R"({}"t{}":{{"dtype":"F32","shape":[1],"data_offsets":[{},{}]}})",
                        i == 0 ? "" : ",", i, 4 * i, 4 * i + 4);
  }
  text += "}";
  const SafetensorsHeader header = read_safetensors_header(file_of(text));
  if (header.entries.size() != 300) {
    return fmt::format("300 tensors were written, yours found {}", header.entries.size());
  }
  return header.data_begin == 8 + text.size()
             ? ""
             : fmt::format("the data begin at byte {}, yours says {}", 8 + text.size(),
                           header.data_begin);
}

}  // namespace

LessonTest LESSON_TEST() {
  return {
      LESSON_TASK, run, {{"a long header is read to its end", a_long_header_is_read_to_its_end}}};
}

}  // namespace tinyllm::learn
