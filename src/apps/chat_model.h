#pragma once
// The model that a talk is held with: opened by name, with its session and what there is to say about
// it. Main thread only.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "apps/engine_options.h"
#include "apps/grammar_options.h"
#include "apps/profile_table.h"
#include "apps/sampling_options.h"
#include "apps/tool_desk.h"
#include "client/chat_session.h"
#include "client/completer.h"
#include "loader/checkpoint.h"
#include "text/model_text.h"

namespace tinyllm {

struct ChatModelOptions {
  EngineFlags engine;
  SamplingOptions sampling;
  GrammarOptions grammar;  // every answer follows it
  std::string system;
  bool no_shift = false;
  ToolDesk* tools = nullptr;  // nullptr: the model calls none
};

class ChatModel {
 public:
  // Loads it, with a progress bar. Throws Error.
  ChatModel(std::string name, const ChatModelOptions& options);

  ChatSession& session() { return *session_; }
  const std::string& name() const { return name_; }  // as it was asked for
  std::string title() const;                         // of the file: "SmolLM2-135M....gguf"
  std::string size() const;                          // "135 million parameters, 98 MB"
  std::string about_engine() const { return completer_->about(); }
  std::int64_t context() const { return completer_->context(); }
  std::int64_t count_tokens(std::string_view text) const;        // none of them special
  const Engine* engine() const { return completer_->engine(); }  // nullptr: the reference path
  std::int64_t vocab_size() const { return checkpoint_.config().vocab_size; }

 private:
  std::string name_;
  Checkpoint checkpoint_;
  std::shared_ptr<const ModelText> text_;
  std::unique_ptr<ProfileReport> report_;  // printed when the completer is gone
  std::unique_ptr<Completer> completer_;
  std::unique_ptr<ChatAgent> agent_;  // with tools
  std::unique_ptr<ChatSession> session_;
};

// Bytes of K/V rows that a token takes in all layers, with the scales of types that have them.
std::int64_t kv_bytes_a_token(const ModelConfig& config, KvType type);

// Tokens of context that a talk gets when the user says nothing: as many as the model was trained
// for, at most 32768, and at most what a quarter of the free memory holds as K/V rows of `kv_bytes`
// a token; never fewer than 4096 where the model knows as many.
std::int64_t default_chat_context(std::int64_t trained, std::int64_t kv_bytes,
                                  std::int64_t free_bytes);

}  // namespace tinyllm
