#include "agent/agent_model.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "client/chat_prompt.h"
#include "client/grammar_cache.h"
#include "client/read_stream.h"
#include "openai/api_answer.h"
#include "openai/prompt.h"
#include "openai/tool_prompt.h"
#include "tool_call/tool_types.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

ApiRequest request_for(const json& messages, const json& tools) {
  ApiRequest request;
  request.kind = ApiKind::chat;
  request.messages = std::make_shared<const json>(messages);
  if (!tools.empty()) {
    request.tools = std::make_shared<const json>(tools);
    request.tool_types = std::make_shared<const ToolTypes>(tools);
  }
  return request;
}

// All is said, so that nothing is filled in.
void set_params(ApiRequest& request, const SamplingParams& params) {
  request.params = params;
  request.asked = {.temperature = params.temperature,
                   .top_p = params.top_p,
                   .min_p = params.min_p,
                   .repetition_penalty = params.repetition_penalty,
                   .top_k = params.top_k};
  request.max_tokens = params.max_tokens;
  request.seed = static_cast<std::int64_t>(params.seed);
}

ModelTurn turn_of(const AnswerChoice& whole) {
  ModelTurn turn;
  turn.text = whole.text;
  turn.finish_reason = whole.finish_reason;
  for (const AnswerCall& call : whole.calls)
    turn.calls.push_back({call.id, call.name, call.arguments});
  return turn;
}

}  // namespace

AgentModel::AgentModel(Engine& engine) {
  model_.engine = &engine;
  model_.names = {"model"};
  model_.grammars = std::make_shared<GrammarCache>(engine.text());
  choose_formats(model_);
}

std::vector<TokenId> AgentModel::encode(const json& messages, const json& tools) const {
  return encode_chat(model_.tokenizer(), render_messages(request_for(messages, tools), model_));
}

AskedTurn AgentModel::ask(const json& messages, const json& tools, const SamplingParams& params,
                          const AgentModelWatcher& watcher) const {
  ApiRequest request = request_for(messages, tools);
  set_params(request, params);
  ApiAnswer answer(std::move(request), model_);
  const Stopwatch clock;
  answer.submit();
  const ApiAnswer::PromptRun& run = answer.runs().front();
  AskedTurn asked;
  asked.n_prompt_tokens = std::ssize(run.prompt_ids);
  const auto take = [&](OutputPiece&& piece) {
    const double now_s = clock.seconds();
    if (asked.prefill_s == 0) asked.prefill_s = now_s;
    if (!piece.token_ids.empty()) asked.decode_s = now_s - asked.prefill_s;
    asked.n_tokens += std::ssize(piece.token_ids);
    const AnswerChoice news = answer.read_piece(0, std::move(piece));
    if (!news.reasoning.empty()) watcher.on_reasoning(news.reasoning);
    if (!news.text.empty()) watcher.on_text(news.text);
    answer.gather(news);
  };
  read_stream(*model_.engine, run.stream, take, [&] {
    if (asked.n_tokens == 0) watcher.on_prefill(run.stream->n_computed(), asked.n_prompt_tokens);
    return watcher.interrupted();
  });
  asked.n_reused_tokens = run.n_cached;
  asked.drafts = answer.text(0).drafts;
  asked.account = run.stream->account();
  asked.turn = turn_of(answer.text(0).whole);
  return asked;
}

}  // namespace tinyllm
