#include "server/request_accounts.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

KeptAccounts kept(const std::string& owner, const std::string& request_id,
                  const std::string& answer_id, int n_choices = 1) {
  return {.owner = owner,
          .request_id = request_id,
          .answer_id = answer_id,
          .accounts = {std::make_shared<RequestAccount>(n_choices, 5)}};
}

TEST(RequestAccounts, FindsByEitherIdAndForItsOwnerOnly) {
  RequestAccounts accounts;
  accounts.keep(kept("ann", "req-1", "cmpl-1"));
  EXPECT_EQ(accounts.find("ann", "req-1")->answer_id, "cmpl-1");
  EXPECT_EQ(accounts.find("ann", "cmpl-1")->request_id, "req-1");
  EXPECT_FALSE(accounts.find("bob", "req-1"));
  EXPECT_FALSE(accounts.find("", "cmpl-1"));
  EXPECT_FALSE(accounts.find("ann", ""));
}

TEST(RequestAccounts, TheLatestOfAnIdIsFound) {
  RequestAccounts accounts;
  accounts.keep(kept("", "mine", "cmpl-1"));
  accounts.keep(kept("", "mine", "cmpl-2"));
  EXPECT_EQ(accounts.find("", "mine")->answer_id, "cmpl-2");
  EXPECT_TRUE(accounts.find("", "cmpl-1"));
}

TEST(RequestAccounts, AnAnswerOfSeveralMessagesIsOne) {
  RequestAccounts accounts(2);
  accounts.keep(kept("", "a", "chat-1"));
  accounts.keep(kept("", "b", "chat-2"));
  accounts.keep(kept("", "a", "chat-1"));
  EXPECT_EQ(accounts.find("", "a")->accounts.size(), 2u);
  EXPECT_TRUE(accounts.find("", "b"));
}

TEST(RequestAccounts, TheOldestGoFirst) {
  RequestAccounts accounts(2, 10);
  accounts.keep(kept("", "a", "1"));
  accounts.keep(kept("", "b", "2"));
  accounts.keep(kept("", "c", "3"));
  EXPECT_FALSE(accounts.find("", "a"));
  EXPECT_TRUE(accounts.find("", "b"));
  accounts.keep(kept("", "d", "4", 10));  // as many texts as are kept at all
  EXPECT_FALSE(accounts.find("", "c"));
  EXPECT_TRUE(accounts.find("", "d"));
}

TEST(RequestAccount, HowItEndedStays) {
  RequestAccount account(1, 7);
  account.end(0, FinishReason::stop, std::chrono::steady_clock::now());
  TextAccount late;
  late.n_cached = 3;
  account.set(0, late);
  const TextAccount text = account.text(0);
  EXPECT_EQ(text.n_prompt, 7);
  EXPECT_EQ(text.n_cached, 3);
  EXPECT_EQ(text.finish_reason, FinishReason::stop);
  EXPECT_GE(text.total_s, 0);
}

}  // namespace
}  // namespace tinyllm
