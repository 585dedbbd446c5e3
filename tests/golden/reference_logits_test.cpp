// The reference path against transformers in f32 on tiny random-weight folders
// (make_tiny_models.py): every architecture, float format, tied and untied heads, biases, q/k norm,
// each kind of RoPE scaling.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/thread_pool.h"
#include "loader/checkpoint.h"
#include "reference/model.h"

namespace tinyllm {
namespace {

constexpr double kBound = 1e-4;  // |got - want| / |want|, Euclidean norms of a row of logits

const std::filesystem::path kFolder = TINYLLM_SOURCE_DIR "/tests/golden/data/tiny";

struct Golden {
  std::vector<std::int32_t> token_ids;
  std::vector<std::int64_t> lengths;
  std::vector<std::vector<float>> logits;  // [length][vocab_size]
};

Golden read_golden(const std::string& name) {
  const auto json = nlohmann::json::parse(read_text_file(kFolder / (name + ".golden.json")));
  return {json.at("token_ids"), json.at("lengths"), json.at("logits")};
}

double relative_error(std::span<const float> got, std::span<const float> want) {
  if (got.size() != want.size()) return INFINITY;
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    difference += std::pow(static_cast<double>(got[i]) - want[i], 2);
    norm += std::pow(static_cast<double>(want[i]), 2);
  }
  return std::sqrt(difference / norm);
}

class ReferenceLogits : public testing::TestWithParam<std::string> {
 protected:
  std::span<const std::int32_t> tokens(std::int64_t begin, std::int64_t end) const {
    return std::span(golden_.token_ids)
        .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  }

  Golden golden_ = read_golden(GetParam());
  Checkpoint checkpoint_ = Checkpoint::open(kFolder / GetParam());
  ThreadPool pool_{2};
  reference::Model model_{checkpoint_, pool_, 300};
};

TEST_P(ReferenceLogits, EqualTransformersAtEveryLength) {
  double largest = 0;
  for (std::size_t i = 0; i < golden_.lengths.size(); ++i) {
    model_.rewind(0);  // as --recompute: the whole sequence again
    const auto logits = model_.forward(tokens(0, golden_.lengths[i]));
    const double error = relative_error(logits, golden_.logits[i]);
    EXPECT_LE(error, kBound) << "length " << golden_.lengths[i];
    largest = std::max(largest, error);
  }
  std::printf("%s: largest relative error %.1e\n", GetParam().c_str(), largest);
}

TEST_P(ReferenceLogits, KeptRowsAndAnyChunksGiveTheSame) {
  std::size_t next = 0;
  std::int64_t chunk = 1;
  while (model_.n_computed() < golden_.lengths.back()) {
    const std::int64_t begin = model_.n_computed();
    const std::int64_t end = std::min(begin + chunk, golden_.lengths[next]);
    const auto logits = model_.forward(tokens(begin, end));
    chunk =
        chunk % 97 + 6;  // 1, 7, 13, ... tokens at once: below, at and above the model's own chunk
    if (end < golden_.lengths[next]) continue;
    EXPECT_LE(relative_error(logits, golden_.logits[next]), kBound) << "length " << end;
    ++next;
  }
  EXPECT_EQ(next, golden_.lengths.size());
}

TEST_P(ReferenceLogits, OneTokenAtATimeGivesTheSame) {
  std::size_t next = 0;
  for (std::int64_t t = 0; t < golden_.lengths[3]; ++t) {
    const auto logits = model_.forward(tokens(t, t + 1));
    if (t + 1 < golden_.lengths[next]) continue;
    EXPECT_LE(relative_error(logits, golden_.logits[next]), kBound) << "length " << t + 1;
    ++next;
  }
  EXPECT_EQ(next, 4u);
}

TEST_P(ReferenceLogits, ForwardAllGivesEveryRowOnce) {
  const std::int64_t n = golden_.lengths[3];
  std::int64_t expected = 0;
  std::size_t next = 0;
  const auto last = model_.forward_all(tokens(0, n), [&](std::int64_t position, auto logits) {
    EXPECT_EQ(position, expected++);
    if (position + 1 != golden_.lengths[next]) return;
    EXPECT_LE(relative_error(logits, golden_.logits[next]), kBound) << "length " << position + 1;
    ++next;
  });
  EXPECT_EQ(expected, n);
  EXPECT_EQ(next, 4u);
  EXPECT_LE(relative_error(last, golden_.logits[3]), kBound);
}

TEST_P(ReferenceLogits, RewindForgetsWhatCameAfter) {
  model_.forward(tokens(0, 33));
  const std::vector<std::int32_t> others(50, 5);
  model_.forward(others);
  model_.rewind(33);
  const auto logits = model_.forward(tokens(33, 130));
  EXPECT_LE(relative_error(logits, golden_.logits[3]), kBound);
}

std::vector<std::string> folder_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(, ReferenceLogits, testing::ValuesIn(folder_names()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace tinyllm
