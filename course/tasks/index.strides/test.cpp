// index.strides: the recorded cases, and what holds for every array.

#include "kernels/cpu/scalar/strides.h"

#include <fmt/format.h>

#include "lesson_test.h"

namespace tinyllm::learn {
namespace {

void run(const Case& given, Answers& answers) {
  if (given.function() == "row_major_strides") {
    const Ints dims = given.ints("dims");
    Ints strides(dims.size(), static_cast<std::int64_t>(kNotWritten));
    scalar::row_major_strides(dims.data(), static_cast<int>(dims.size()), strides.data());
    answers.put("strides", strides);
    return;
  }
  const Ints index = given.ints("index"), strides = given.ints("strides");
  answers.put("offset",
              scalar::element_offset(index.data(), strides.data(), static_cast<int>(index.size())));
}

// Walking through a [3, 4, 5] array in reading order must count 0, 1, 2, ...
std::string counts_up_in_reading_order() {
  const std::int64_t dims[3] = {3, 4, 5};
  std::int64_t strides[3] = {};
  scalar::row_major_strides(dims, 3, strides);
  std::int64_t expected = 0;
  for (std::int64_t a = 0; a < dims[0]; ++a) {
    for (std::int64_t b = 0; b < dims[1]; ++b) {
      for (std::int64_t c = 0; c < dims[2]; ++c, ++expected) {
        const std::int64_t index[3] = {a, b, c};
        const std::int64_t offset = scalar::element_offset(index, strides, 3);
        if (offset == expected) continue;
        return fmt::format("element [{}, {}, {}] of a [3, 4, 5] array is number {}, you say {}", a,
                           b, c, expected, offset);
      }
    }
  }
  return "";
}

std::string nothing_is_at_0() {
  const std::int64_t offset = scalar::element_offset(nullptr, nullptr, 0);
  return offset == 0 ? "" : fmt::format("a single number (n_dims = 0) is at 0, you say {}", offset);
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"offsets count up in reading order", counts_up_in_reading_order},
           {"a single number has offset 0", nothing_is_at_0}}};
}

}  // namespace tinyllm::learn
