// What the engine notes of each text, against what is known to have happened.

#include "engine/request_account.h"

#include <gtest/gtest.h>

#include <future>
#include <semaphore>
#include <utility>

#include "base/clock.h"
#include "base/temp_folder_test.h"
#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

using Why = PrefixGap::Why;

// Asks and gives the account of the first text.
TextAccount account_of(Engine& engine, const Request& request) {
  const auto stream = engine.submit(request);
  read_all(*stream, request.n);
  return stream->account()->text(0);
}

TEST(RequestAccountOfEngine, CountsWhatWasComputed) {
  EngineOptions options = small_options();  // 64 tokens a step, blocks of 16
  options.speculation = Speculation::off;
  const auto engine = open("qwen2-bf16-tied", options);
  const Request request = greedy(random_prompt(100, 5), 10);
  const TextAccount first = account_of(*engine, request);
  EXPECT_EQ(first.finish_reason, FinishReason::length);
  EXPECT_EQ(first.n_prompt, 100);
  EXPECT_EQ(first.n_generated, 10);
  EXPECT_EQ(first.n_cached, 0);
  EXPECT_EQ(first.n_prompt_steps, 2);  // the second one draws the first token
  EXPECT_EQ(first.n_decode_steps, 9);
  EXPECT_EQ(first.alone.n, 11);
  EXPECT_EQ(first.shared.n, 0);
  EXPECT_EQ(first.decode.n, 9);
  EXPECT_GT(first.decode.seconds, 0);
  EXPECT_LE(first.decode.seconds, first.alone.seconds);
  EXPECT_GE(first.queue_s, 0);
  EXPECT_GE(first.first_token_s, first.queue_s);
  EXPECT_GE(first.total_s, first.first_token_s);
  EXPECT_EQ(first.gap.why, Why::unknown);
  EXPECT_EQ(first.gap.n_common, 0);
}

TEST(RequestAccountOfEngine, TheGapIsTheFirstTokenThatDiffers) {
  const auto engine = open("qwen2-bf16-tied", small_options());
  const Request request = greedy(random_prompt(100, 5), 2);
  account_of(*engine, request);
  EXPECT_EQ(account_of(*engine, request).gap.why, Why::whole);
  Request other = request;
  other.prompt_ids[37] = (other.prompt_ids[37] + 1) % 67;
  const TextAccount account = account_of(*engine, other);
  EXPECT_EQ(account.n_cached, 32);
  EXPECT_EQ(account.gap.why, Why::differs);
  EXPECT_EQ(account.gap.n_common, 37);
  EXPECT_EQ(account.gap_token_id, other.prompt_ids[37]);
  other.cache_salt = "mine";  // what others wrote is compared with nothing of theirs
  EXPECT_EQ(account_of(*engine, other).gap.why, Why::unknown);
  other.cache_salt = "";
  other.n_prompt_logprobs = 0;
  EXPECT_EQ(account_of(*engine, other).gap.why, Why::not_looked);
}

TEST(RequestAccountOfEngine, StepsWithOthersAndPreemptionsAreCounted) {
  EngineOptions options = small_options();
  options.kv.n_blocks = 12;  // three texts of 100 tokens need 17
  options.speculation = Speculation::off;
  const auto engine = open("qwen2-bf16-tied", options);
  Request request = greedy(random_prompt(40, 1), 60);
  request.n = 3;  // they come together, whatever else the machine does
  request.params.temperature = 1.0f;
  const auto stream = engine->submit(request);
  read_all(*stream, request.n);
  std::int64_t n_preemptions = 0, n_shared = 0;
  for (int choice = 0; choice < request.n; ++choice) {
    const TextAccount text = stream->account()->text(choice);
    n_preemptions += text.n_preemptions;
    n_shared += text.shared.n;
    EXPECT_EQ(text.n_generated, 60);
    EXPECT_EQ(text.alone.n + text.shared.n, text.n_prompt_steps + text.n_decode_steps);
  }
  EXPECT_EQ(n_preemptions, static_cast<std::int64_t>(engine->metrics().n_preemptions.load()));
  EXPECT_GT(n_preemptions, 0);
  EXPECT_GT(n_shared, 0);
}

TEST(RequestAccountOfEngine, BlocksOfThePageStoreAreCounted) {
  const testing::TempFolder folder;
  EngineOptions options = small_options();
  options.kv_store.folder = folder.path() / "kv";
  const Request request = greedy(random_prompt(100, 5), 2);
  EXPECT_EQ(account_of(*open("qwen2-bf16-tied", options), request).n_loaded, 0);
  const TextAccount again = account_of(*open("qwen2-bf16-tied", options), request);
  EXPECT_EQ(again.n_loaded, 96);
  EXPECT_EQ(again.n_cached, 96);
  EXPECT_EQ(again.gap.why, Why::whole);
}

TEST(RequestAccountOfEngine, WhoIsCancelledWhileWaitingHasAnAccount) {
  const auto stream = std::make_shared<RequestStream>(2, 7);
  EXPECT_EQ(stream->account()->text(1).finish_reason, FinishReason::none);
  EXPECT_LT(stream->account()->text(1).queue_s, 0);
  OutputPiece piece;
  piece.choice_idx = 1;
  piece.finish_reason = FinishReason::cancelled;
  stream->add(std::move(piece));
  EXPECT_EQ(stream->account()->text(1).finish_reason, FinishReason::cancelled);
  EXPECT_EQ(stream->account()->text(0).finish_reason, FinishReason::none);
}

// The engine thread is kept busy, as a long prompt of others does, while a request lies in the inbox.
TEST(RequestAccountOfEngine, TheTimeInTheInboxIsATimeOfWaiting) {
  const auto engine = open("qwen2-bf16-tied", small_options());
  const auto other = open("qwen2-bf16-tied", small_options());
  std::binary_semaphore is_busy{0}, may_go_on{0};
  engine->request_snapshot([&](const EngineSnapshot&) {
    is_busy.release();
    may_go_on.acquire();
  });
  is_busy.acquire();
  const auto stream = engine->submit(greedy(random_prompt(40, 2), 2));
  const Stopwatch clock;
  account_of(*other, greedy(random_prompt(100, 3), 50));  // takes some time
  const double waited_s = clock.seconds();
  may_go_on.release();
  OutputPiece last;
  while (auto piece = stream->next()) last = std::move(*piece);
  const TextAccount text = stream->account()->text(0);
  EXPECT_GE(text.queue_s, waited_s);
  EXPECT_EQ(last.queue_s, text.queue_s);
  EXPECT_GE(text.first_token_s, text.queue_s);
  EXPECT_GE(text.total_s, text.first_token_s);
}

TEST(RequestAccountOfEngine, NewsOfAStepWaitForNobodyWhoReads) {
  RequestAccount account(2, 7);
  TextAccount news;
  news.n_generated = 3;
  account.read([&](std::span<const TextAccount> texts) {
    EXPECT_EQ(texts.size(), 2u);
    auto step = std::async(std::launch::async, [&] { account.try_set(1, news); });
    ASSERT_EQ(step.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    EXPECT_EQ(texts[1].n_generated, 0);
  });
  account.set(0, news);
  EXPECT_EQ(account.text(0).n_generated, 3);
  while (account.text(1).n_generated == 0) account.try_set(1, news);
}

}  // namespace
}  // namespace tinyllm
