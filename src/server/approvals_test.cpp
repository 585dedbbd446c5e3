#include "server/approvals.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

const AgentCall kCall = {"call_1", "shell", R"({"command": "ls", "n": 1})"};

TEST(Approvals, HoldForOneCallOnceAndForWhoWasAsked) {
  Approvals approvals;
  const std::string id = approvals.ask("ann", kCall);
  EXPECT_EQ(id.size(), 29U);
  const auto holds = [&](const char* owner, const AgentCall& call, const std::string& approval) {
    return approvals.take(owner, {{approval, call}});
  };
  EXPECT_FALSE(holds("bob", kCall, id));
  EXPECT_FALSE(holds("", kCall, id));
  EXPECT_FALSE(holds("ann", kCall, ""));
  EXPECT_FALSE(holds("ann", kCall, id.substr(0, 28)));
  EXPECT_FALSE(holds("ann", {"call_2", kCall.name, kCall.arguments}, id));
  EXPECT_FALSE(holds("ann", {kCall.id, "shell2", kCall.arguments}, id));
  EXPECT_FALSE(holds("ann", {kCall.id, kCall.name, R"({"command": "rm", "n": 1})"}, id));
  EXPECT_FALSE(holds("ann", {kCall.id, kCall.name, R"({"command": "ls", "n": 1.0})"}, id));
  EXPECT_FALSE(holds("ann", {kCall.id, kCall.name, "{}"}, id));
  // Layout is none of its business.
  const AgentCall again = {kCall.id, kCall.name, "{\"command\":\"ls\",\n\"n\":1}"};
  EXPECT_TRUE(approvals.approves("ann", {id, again}));
  EXPECT_TRUE(holds("ann", again, id));
  EXPECT_FALSE(holds("ann", again, id));
}

TEST(Approvals, KeepLargeWholeNumbersApart) {
  Approvals approvals;
  const std::string id =
      approvals.ask("", {"c", "pay", R"({"n": 123456789012345678901234567890})"});
  EXPECT_FALSE(
      approvals.approves("", {id, {"c", "pay", R"({"n": 123456789012345678901234567891})"}}));
  EXPECT_TRUE(
      approvals.approves("", {id, {"c", "pay", R"({"n": 123456789012345678901234567890})"}}));
}

TEST(Approvals, AreUsedUpTogetherOrNotAtAll) {
  Approvals approvals;
  const std::string one = approvals.ask("", kCall), two = approvals.ask("", kCall);
  EXPECT_NE(one, two);
  EXPECT_FALSE(approvals.take("", {{one, kCall}, {one, kCall}}));
  EXPECT_FALSE(approvals.take("", {{one, kCall}, {"appr_", kCall}}));
  EXPECT_TRUE(approvals.take("", {{one, kCall}, {two, kCall}}));
  EXPECT_TRUE(approvals.take("", {}));
}

TEST(Approvals, AreNotGivenForWhatNobodyCanRead) {
  Approvals approvals;
  const std::string text = R"({"a": ")" + std::string(kMaxAskedBytes, 'x') + R"("})";
  EXPECT_EQ(approvals.ask("", {"c", "f", text}), "");
}

TEST(Approvals, OfOneAskerPushOutTheirOwnAndAreBounded) {
  Approvals approvals;
  const std::string other = approvals.ask("bob", kCall);
  const std::string first = approvals.ask("ann", kCall), second = approvals.ask("ann", kCall);
  for (std::size_t i = 0; i + 1 < Approvals::kMaxOfOne; ++i) approvals.ask("ann", kCall);
  EXPECT_FALSE(approvals.approves("ann", {first, kCall}));
  EXPECT_TRUE(approvals.approves("ann", {second, kCall}));
  EXPECT_TRUE(approvals.approves("bob", {other, kCall}));
  for (std::size_t i = 0; i < Approvals::kMaxOfAll; ++i)
    approvals.ask("key " + std::to_string(i % 100), kCall);
  EXPECT_FALSE(approvals.approves("bob", {other, kCall}));
}

}  // namespace
}  // namespace tinyllm
