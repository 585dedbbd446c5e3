#include "client/chat_judge.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "client/chat_prompt.h"
#include "client/read_stream.h"
#include "engine/engine.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

// The words of Qwen3-Reranker, which was trained on them; other models understand them too.
constexpr const char* kRules =
    "Judge whether the Document meets the requirements based on the Query and the Instruct "
    "provided. Note that the answer can only be \"yes\" or \"no\".";
constexpr const char* kInstruct =
    "<Instruct>: Given a web search query, retrieve relevant passages that answer the query\n";

const ChatTemplate& need_template(const ModelText& text) {
  if (text.chat_template) return *text.chat_template;
  fail(ErrorCode::unsupported,
       "this model has no chat template{}{}, so it cannot be asked to judge",
       text.chat_template_error.empty() ? "" : ": ", text.chat_template_error);
}

std::vector<TokenId> prompt_of(const ModelText& text, std::string_view query,
                               std::string_view document) {
  std::string question = kInstruct;
  question.append("<Query>: ").append(query).append("\n<Document>: ").append(document);
  nlohmann::ordered_json inputs = {
      {"messages", nlohmann::ordered_json::array({{{"role", "system"}, {"content", kRules}},
                                                  {{"role", "user"}, {"content", question}}})},
      {"enable_thinking", false}};
  return encode_chat(*text.tokenizer, need_template(text).render(inputs));
}

// The prompt, with as much of the document's beginning as leaves room for one token.
std::vector<TokenId> fitting_prompt(const Engine& engine, std::string_view query,
                                    std::string_view document) {
  const std::int64_t most = engine.max_model_len() - 1;
  std::vector<TokenId> ids = prompt_of(engine.text(), query, document);
  while (std::ssize(ids) > most) {
    if (document.empty())
      fail(ErrorCode::context_overflow,
           "the query leaves no room for a document: its prompt has {} tokens, the context {}",
           ids.size(), engine.max_model_len());
    const auto n_kept =
        static_cast<std::size_t>(static_cast<double>(document.size()) * 0.9 *
                                 static_cast<double>(most) / static_cast<double>(ids.size()));
    document = document.substr(0, n_kept);
    document.remove_suffix(incomplete_suffix_bytes(document));
    ids = prompt_of(engine.text(), query, document);
  }
  return ids;
}

Request request_of(std::vector<TokenId> prompt_ids) {
  Request request;
  request.prompt_ids = std::move(prompt_ids);
  request.params.temperature = 0;
  request.params.max_tokens = 1;
  request.params.ignore_eos = true;
  request.params.n_logprobs = kMaxLogprobs;
  return request;
}

// "yes" of " Yes".
std::string bare_word(std::string_view token) {
  std::string word;
  for (const unsigned char c : token)
    if (std::isspace(c) == 0) word += static_cast<char>(std::tolower(c));
  return word;
}

// Requests that were begun; those whose answers nobody will read are cancelled.
class OpenRequests {
 public:
  explicit OpenRequests(Engine& engine) : engine_(engine) {}
  ~OpenRequests() {
    for (; n_read_ < streams_.size(); ++n_read_) engine_.cancel(streams_[n_read_]);
  }
  OpenRequests(const OpenRequests&) = delete;
  OpenRequests& operator=(const OpenRequests&) = delete;

  void begin(std::vector<TokenId> prompt_ids) {
    streams_.push_back(engine_.submit(request_of(std::move(prompt_ids))));
  }

  // Of the next one; empty: `go_on` said no.
  std::optional<float> read(function_ref<bool()> go_on) {
    const std::shared_ptr<RequestStream>& stream = streams_[n_read_];
    std::optional<float> score;
    bool is_stopped = false;
    read_stream(
        engine_, stream,
        [&](OutputPiece&& piece) {
          if (piece.logprobs.empty()) return;
          std::vector<LikelyToken> top;
          for (const TokenLogprob& one : piece.logprobs.front().top)
            top.push_back({engine_.text().tokenizer->token_bytes(one.token_id), one.logprob});
          score = share_of_yes(top);
        },
        [&] { return is_stopped = !go_on(); });
    ++n_read_;
    if (is_stopped) return std::nullopt;
    if (!score) fail(ErrorCode::invalid_input, "the model gave no answer to judge by");
    return score;
  }

 private:
  Engine& engine_;
  std::vector<std::shared_ptr<RequestStream>> streams_;
  std::size_t n_read_ = 0;
};

}  // namespace

float share_of_yes(std::span<const LikelyToken> top) {
  double yes = 0, no = 0;
  for (const LikelyToken& one : top) {
    const std::string word = bare_word(one.text);
    if (word == "yes") yes += std::exp(double{one.logprob});
    if (word == "no") no += std::exp(double{one.logprob});
  }
  if (yes == 0 && no == 0) return 0.5f;
  const double least = std::exp(double{top.back().logprob});
  if (yes == 0) yes = least;
  if (no == 0) no = least;
  return static_cast<float>(yes / (yes + no));
}

Judgement judge(Engine& engine, std::span<const JudgedPair> pairs, function_ref<bool()> go_on) {
  constexpr std::size_t kOpenAtOnce = 8;  // the requests of others come in between
  OpenRequests requests(engine);
  Judgement judgement;
  std::size_t n_begun = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (; n_begun < std::min(pairs.size(), i + kOpenAtOnce); ++n_begun) {
      if (!go_on()) return {};
      const JudgedPair& pair = pairs[n_begun];
      std::vector<TokenId> prompt = fitting_prompt(engine, pair.query, pair.document);
      judgement.n_tokens += std::ssize(prompt);
      requests.begin(std::move(prompt));
    }
    const std::optional<float> score = requests.read(go_on);
    if (!score) return {};
    judgement.scores.push_back(*score);
  }
  return judgement;
}

}  // namespace tinyllm
