#include "apps/chat_why.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>

#include "api/describe_gap.h"
#include "apps/printable.h"
#include "apps/read_bandwidth.h"
#include "base/quote.h"
#include "base/thread_pool.h"
#include "engine/engine.h"
#include "engine/engine_options.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

std::string plural(std::int64_t n, std::string_view word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

std::string own_token(const TextAccount& account, const Engine& engine) {
  if (account.gap_token_id < 0) return "";
  return fmt::format("'{}'", printable(engine.text().tokenizer->token_bytes(account.gap_token_id)));
}

std::string prompt_lines(const TextAccount& account, const Engine& engine) {
  const std::int32_t block_size = engine.kv().block_size;
  std::string text = fmt::format("  prompt     {}: {} cached", plural(account.n_prompt, "token"),
                                 account.n_cached);
  if (account.n_loaded > 0)
    text +=
        fmt::format(" ({} from the page store)", plural(account.n_loaded / block_size, "block"));
  text += fmt::format(", {} computed in {}\n", account.n_prompt - account.n_cached,
                      plural(account.n_prompt_steps, "step"));
  return text + fmt::format("  cache      {}\n",
                            describe_gap(account, block_size, own_token(account, engine)));
}

// A GPU's memory is not measured.
std::string weight_line(const TextAccount& account, const Engine& engine) {
  if (account.decode.n == 0 || account.decode.seconds <= 0) return "";
  const auto n_bytes = static_cast<double>(engine.weight_bytes_a_token());
  const double speed = n_bytes * static_cast<double>(account.decode.n) / account.decode.seconds;
  std::string text = fmt::format("  weights    {:.1f} MB a step of the answer, {:.1f} GB/s",
                                 n_bytes / 1e6, speed / 1e9);
  if (engine.options().device.kind != DeviceKind::cpu) return text + "\n";
  try {
    ThreadPool pool(engine.options().n_threads);
    const double bound = measure_read_bandwidth(pool).sustained;
    text += fmt::format(": {:.0f} % of the {:.1f} GB/s that this machine reads now",
                        100 * speed / bound, bound / 1e9);
  } catch (
      const std::
          exception&) {  // no memory or no threads to measure it with: the speed alone says something
  }
  return text + "\n";
}

}  // namespace

std::string why_text(const TextAccount& account, const Engine& engine) {
  std::string text = prompt_lines(account, engine);
  text += fmt::format("  waiting    {:.3f} s for the first step, {:.3f} s for the first token\n",
                      std::max(0.0, account.queue_s), std::max(0.0, account.first_token_s));
  text +=
      fmt::format("  answer     {} in {}, {:.2f} s in all\n", plural(account.n_generated, "token"),
                  plural(account.n_decode_steps, "step"), std::max(0.0, account.total_s));
  text +=
      fmt::format("  steps      {} alone ({:.2f} s), {} with others ({:.2f} s)\n", account.alone.n,
                  account.alone.seconds, account.shared.n, account.shared.seconds);
  text += weight_line(account, engine);
  if (account.drafts.n_steps > 0)
    text += fmt::format("  drafts     {} proposed, {} accepted, in {}\n", account.drafts.n_proposed,
                        account.drafts.n_accepted, plural(account.drafts.n_steps, "step"));
  if (account.n_preemptions > 0)
    text += fmt::format("  preempted  {}: memory for keys and values ran out\n",
                        plural(account.n_preemptions, "time"));
  return text;
}

}  // namespace tinyllm
