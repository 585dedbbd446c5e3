// linear.layer: the recorded cases in three formats, and that threads may share the rows.

#include "kernels/cpu/scalar/linear.h"

#include <fmt/format.h>

#include "lesson_test.h"
#include "quant/decode.h"

namespace tinyllm::learn {
namespace {

constexpr DType kFormats[] = {DType::f32, DType::f16, DType::q8_0};

// The bytes of a matrix in its format; they end where the last row does.
struct Stored {
  Stored(const Floats& values, DType format, std::int64_t n_rows)
      : dtype(format),
        shape{n_rows, static_cast<std::int64_t>(values.size()) / n_rows},
        bytes(static_cast<std::size_t>(n_rows * row_bytes(format, shape.last()))) {
    for (std::int64_t row = 0; row < n_rows; ++row) {
      encode_row(dtype, values.data() + row * shape.last(),
                 bytes.data() + row * row_bytes(dtype, shape.last()), shape.last());
    }
  }
  Tensor tensor() const { return {bytes.data(), dtype, shape}; }
  DType dtype;
  Shape shape;
  Array<std::byte> bytes;
};

void run(const Case& given, Answers& answers) {
  const Floats x = given.floats("x");
  const Stored weight(given.floats("weight"), kFormats[given.integer("format")],
                      given.integer("n_rows"));
  const Floats bias = given.has("bias") ? given.floats("bias") : Floats(0);
  const std::int64_t n_tokens = given.integer("n_tokens");
  Floats out(static_cast<std::size_t>(n_tokens * given.integer("n_rows")), kNotWritten);
  scalar::linear(x.data(), n_tokens, weight.tensor(), given.has("bias") ? bias.data() : nullptr,
                 out.data(), given.integer("row_begin"), given.integer("row_end"));
  answers.put("out", out);
  answers.expect_unchanged("x", x, given);
}

// Threads take a range of rows each.
std::string ranges_of_rows_give_the_whole() {
  constexpr std::int64_t kTokens = 3, kRows = 20, kCols = 7;
  const Floats x = random_floats(kTokens * kCols, 1), bias = random_floats(kRows, 2);
  const Stored weight(random_floats(kRows * kCols, 3), DType::f32, kRows);
  Floats whole(kTokens * kRows, kNotWritten), parts(kTokens * kRows, kNotWritten);
  const auto compute = [&](Floats& out, std::int64_t begin, std::int64_t end) {
    scalar::linear(x.data(), kTokens, weight.tensor(), bias.data(), out.data(), begin, end);
  };
  compute(whole, 0, kRows);
  compute(parts, 9, kRows);
  compute(parts, 0, 1);
  compute(parts, 1, 9);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == parts[i]) continue;
    return fmt::format(
        "rows 9 to 19, 0, and 1 to 8 in three calls: out[token={}, n={}] is {:g}, and {:g} in one "
        "call",
        i / kRows, i % kRows, parts[i], whole[i]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK, run, {{"ranges of rows give the whole", ranges_of_rows_give_the_whole}}};
}

}  // namespace tinyllm::learn
