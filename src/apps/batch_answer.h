#pragma once
// One line of a batch on its way through the engine: its prompts' streams, and the answer that
// gathers. Main thread only, but for the streams' own side.

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "server/answer_json.h"
#include "server/api_request.h"
#include "server/served_model.h"

namespace tinyllm {

class BatchAnswer {
 public:
  // Submits everything that the request asks for. `listener` as RequestStream::set_listener.
  // Throws ApiError or Error for what cannot run, with nothing left running.
  BatchAnswer(ApiRequest request, const ServedModel& model, const std::function<void()>& listener);

  // Takes the news of all streams. True when the answer is complete. Throws Error when a sequence
  // went wrong; what else still runs is cancelled.
  bool take();

  int n_texts() const { return static_cast<int>(texts_.size()); }
  const std::string& id() const { return head_.id; }
  nlohmann::ordered_json to_json() const;  // of a complete answer, in OpenAI's shape

 private:
  struct PromptRun {
    std::vector<TokenId> prompt_ids;
    std::shared_ptr<RequestStream> stream;
    std::vector<TokenLogprobs> prompt_logprobs;
    std::int64_t n_cached = 0;
  };

  void take(PromptRun& run, std::size_t run_idx, OutputPiece piece);
  void cancel();

  ApiRequest request_;
  const ServedModel* model_;
  AnswerHead head_;
  std::vector<PromptRun> runs_;
  std::vector<AnswerChoice> texts_;  // [n_prompts * n]
  std::int64_t n_generated_ = 0;
};

}  // namespace tinyllm
