// model.embedding: the recorded cases, in 32-bit and in 16-bit floats.

#include "kernels/cpu/scalar/embedding.h"

#include <fmt/format.h>

#include "lesson_test.h"
#include "quant/decode.h"

namespace tinyllm::learn {
namespace {

// The bytes of a table; they end where the last row does, so that reading behind it is noticed.
Array<std::byte> stored(const Floats& values, DType dtype, std::int64_t n_rows) {
  const auto n_cols = static_cast<std::int64_t>(values.size()) / n_rows;
  Array<std::byte> bytes(static_cast<std::size_t>(n_rows * row_bytes(dtype, n_cols)));
  for (std::int64_t row = 0; row < n_rows; ++row) {
    encode_row(dtype, values.data() + row * n_cols, bytes.data() + row * row_bytes(dtype, n_cols),
               n_cols);
  }
  return bytes;
}

std::vector<std::int32_t> narrow(const Ints& ids) { return {ids.begin(), ids.end()}; }

void run(const Case& given, Answers& answers) {
  const Floats values = given.floats("table");
  const std::int64_t n_rows = given.integer("vocab_size");
  const auto n_cols = static_cast<std::int64_t>(values.size()) / n_rows;
  const DType dtype = given.integer("is_half") != 0 ? DType::f16 : DType::f32;
  const Array<std::byte> bytes = stored(values, dtype, n_rows);
  const std::vector<std::int32_t> ids = narrow(given.ints("token_ids"));
  Floats out(ids.size() * static_cast<std::size_t>(n_cols), kNotWritten);
  scalar::embedding({bytes.data(), dtype, {n_rows, n_cols}}, ids.data(), std::ssize(ids),
                    out.data());
  answers.put("out", out);
}

// A token means the same wherever it stands: position is told by RoPE, not here.
std::string a_token_has_one_row_everywhere() {
  const Floats values = random_floats(6 * 4, 5);
  const Array<std::byte> bytes = stored(values, DType::f32, 6);
  const std::vector<std::int32_t> ids = {2, 5, 2, 2, 0};
  Floats out(ids.size() * 4, kNotWritten);
  scalar::embedding({bytes.data(), DType::f32, {6, 4}}, ids.data(), std::ssize(ids), out.data());
  for (std::size_t i = 0; i < 4; ++i) {
    if (out[i] == out[8 + i] && out[i] == out[12 + i]) continue;
    return fmt::format("token 2 at positions 0, 2 and 3: number {} is {:g}, {:g} and {:g}", i,
                       out[i], out[8 + i], out[12 + i]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK, run, {{"a token has one row everywhere", a_token_has_one_row_everywhere}}};
}

}  // namespace tinyllm::learn
