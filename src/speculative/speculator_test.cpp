#include "speculative/speculator.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

namespace tinyllm {
namespace {

// Proposes what it was told to.
class ScriptedDrafter : public TextDrafter {
 public:
  explicit ScriptedDrafter(std::vector<std::vector<Draft>> by_sequence)
      : by_sequence_(std::move(by_sequence)) {}
  void propose(const Sequence& sequence, std::int64_t, std::vector<Draft>& drafts) override {
    drafts = by_sequence_[sequence.id];
  }

 private:
  std::vector<std::vector<Draft>> by_sequence_;
};

class SpeculatorTest : public testing::Test {
 protected:
  // How many drafts each of two sequences gets.
  std::vector<std::size_t> choose(std::vector<std::vector<Draft>> drafts, double slope,
                                  std::int64_t n_room = 1000) {
    std::vector<std::unique_ptr<Drafter>> drafters;
    drafters.push_back(std::make_unique<ScriptedDrafter>(std::move(drafts)));
    Speculator speculator(std::move(drafters), 100);
    for (int i = 0; i < 300; ++i) {
      for (int n = 1; n <= 12; ++n) speculator.observe_step(n, 0.01 * (1 + slope * (n - 1)));
    }
    std::vector<Sequence> sequences(2);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      sequences[i].id = i;
      sequences[i].token_ids = {1, 2, 3};
      sequences[i].max_total_tokens = 3 + n_room;
    }
    speculator.choose(
        [&](auto add) {
          for (const Sequence& sequence : sequences) add(sequence);
        },
        [&](const Sequence& sequence, std::int64_t, std::vector<Draft>& drafts_of_it) {
          guide_(sequence, drafts_of_it);
        });
    std::vector<std::size_t> n_chosen;
    for (const Sequence& sequence : sequences)
      n_chosen.push_back(speculator.drafts(sequence, 1000).size());
    return n_chosen;
  }

  std::function<void(const Sequence&, std::vector<Draft>&)> guide_ = [](const Sequence&,
                                                                        std::vector<Draft>&) {};
};

TEST_F(SpeculatorTest, TakesSureDraftsWhereRowsAreCheap) {
  const std::vector<Draft> sure(8, {5, 0.95f}), vague(8, {5, 0.3f});
  EXPECT_EQ(choose({sure, {}}, 0.1)[0], 8u);
  EXPECT_EQ(choose({vague, {}}, 0.9), (std::vector<std::size_t>{0, 0}));
  EXPECT_EQ(choose({sure, sure}, 1.0), (std::vector<std::size_t>{0, 0}));
  const auto both = choose({sure, vague}, 0.3);
  EXPECT_GT(both[0], 3u);
  EXPECT_LT(both[1], 2u);
}

TEST_F(SpeculatorTest, DraftsEndAtTheTextsLengthAndAtImpossibleIds) {
  const std::vector<Draft> sure(8, {5, 0.99f});
  EXPECT_EQ(choose({sure, {}}, 0.05, 4)[0], 3u);
  EXPECT_EQ(choose({sure, {}}, 0.05, 1)[0], 0u);
  std::vector<Draft> bad = sure;
  bad[2].token_id = 100;
  EXPECT_EQ(choose({bad, {}}, 0.05)[0], 2u);
  bad[0].token_id = -1;
  EXPECT_EQ(choose({bad, {}}, 0.05)[0], 0u);
}

// A grammar cuts guesses, makes them certain, and drafts what no drafter guessed.
TEST_F(SpeculatorTest, WhoKnowsMoreGuidesTheDrafts) {
  const std::vector<Draft> vague(8, {5, 0.3f});
  guide_ = [](const Sequence& sequence, std::vector<Draft>& drafts) {
    if (sequence.id == 0) drafts.resize(3);
    if (sequence.id == 1) drafts.assign(4, {7, 1.0f});
  };
  EXPECT_EQ(choose({vague, {}}, 0.1), (std::vector<std::size_t>{0, 4}));
  guide_ = [](const Sequence&, std::vector<Draft>& drafts) {
    for (Draft& draft : drafts) draft.confidence = 1;
  };
  EXPECT_EQ(choose({vague, {}}, 0.1), (std::vector<std::size_t>{8, 0}));
}

}  // namespace
}  // namespace tinyllm
