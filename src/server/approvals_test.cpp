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
    return !approvals.find(owner, call, {approval}).empty();
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
  EXPECT_TRUE(holds("ann", again, id));
  EXPECT_EQ(approvals.find("ann", again, {"appr_", id}), id);
  EXPECT_EQ(approvals.find("ann", again, {}), "");
  EXPECT_FALSE(approvals.take("bob", {id}));
  EXPECT_TRUE(approvals.take("ann", {id}));
  EXPECT_FALSE(holds("ann", again, id));
  EXPECT_FALSE(approvals.take("ann", {id}));
}

TEST(Approvals, KeepLargeWholeNumbersApart) {
  Approvals approvals;
  const std::string id =
      approvals.ask("", {"c", "pay", R"({"n": 123456789012345678901234567890})"});
  EXPECT_EQ(approvals.find("", {"c", "pay", R"({"n": 123456789012345678901234567891})"}, {id}), "");
  EXPECT_EQ(approvals.find("", {"c", "pay", R"({"n": 123456789012345678901234567890})"}, {id}), id);
}

TEST(Approvals, AreUsedUpTogetherOrNotAtAll) {
  Approvals approvals;
  const std::string one = approvals.ask("", kCall), two = approvals.ask("", kCall);
  EXPECT_NE(one, two);
  EXPECT_FALSE(approvals.take("", {one, one}));
  EXPECT_FALSE(approvals.take("", {one, "appr_"}));
  EXPECT_TRUE(approvals.take("", {one, two}));
  EXPECT_TRUE(approvals.take("", {}));
}

TEST(Approvals, AreNotGivenForWhatNobodyCanRead) {
  Approvals approvals;
  const std::string text = R"({"a": ")" + std::string(kMaxAskedBytes, 'x') + R"("})";
  EXPECT_EQ(approvals.ask("", {"c", "f", text}), "");
  const std::string id = approvals.ask("", kCall);
  EXPECT_EQ(approvals.find("", {kCall.id, kCall.name, text}, {id}), "");  // and is not read
}

TEST(Approvals, OfOneAskerPushOutTheirOwnAndAreBounded) {
  Approvals approvals;
  const auto holds = [&](const char* owner, const std::string& id) {
    return approvals.find(owner, kCall, {id}) == id;
  };
  const std::string other = approvals.ask("bob", kCall);
  const std::string first = approvals.ask("ann", kCall), second = approvals.ask("ann", kCall);
  for (std::size_t i = 0; i + 1 < Approvals::kMaxOfOne; ++i) approvals.ask("ann", kCall);
  EXPECT_FALSE(holds("ann", first));
  EXPECT_TRUE(holds("ann", second));
  EXPECT_TRUE(holds("bob", other));
  for (std::size_t i = 0; i < Approvals::kMaxOfAll; ++i)
    approvals.ask("key " + std::to_string(i % 100), kCall);
  EXPECT_FALSE(holds("bob", other));
}

}  // namespace
}  // namespace tinyllm
