#pragma once
// One text of a chat on its way from the engine to the client: content, reasoning and calls of tools
// apart, as they come. One thread.

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_range.h"
#include "base/token_id.h"
#include "text/detokenizer.h"
#include "tool_call/answer_parser.h"

namespace tinyllm {

// What is new of a call, or all of it.
struct AnswerCall {
  int idx = 0;
  std::string id = {}, name = {};  // of a call that begins with this; "": one goes on
  std::string arguments = {};
  bool runs_here = false;        // the server runs it: the client is told, and has nothing to do
  int place = 0;                 // among the calls of its kind in a stream
  std::string approval_id = {};  // what lets the server run it in a request to come
};

// Puts an error behind those before it. An empty one adds nothing.
void add_parse_error(std::string& errors, const std::string& error);

struct AnswerNews {
  std::string content, reasoning;
  std::vector<AnswerCall> calls;
  std::vector<int> failed;       // calls that began and could not be read to their end
  std::string tool_parse_error;  // what was wrong with a call that is in the content now
};

class AnswerReader {
 public:
  // `id_length`: of the ids that calls get; 0: "call_" and 24 digits. `has_special`: the engine's
  // text holds special tokens.
  AnswerReader(std::shared_ptr<const AnswerFormat> format, std::shared_ptr<const ToolTypes> types,
               const AnswerParserOptions& options, const Tokenizer& tokenizer, int id_length,
               bool has_special);

  // `text` is what the engine gives next, of `token_ids` and those before. `is_last`: nothing comes
  // after it.
  AnswerNews read(std::string_view text, std::span<const TokenId> token_ids, bool is_last);

 private:
  void mark_special_tokens(std::span<const TokenId> token_ids);

  AnswerParser parser_;
  const Tokenizer* tokenizer_;
  int id_length_;
  bool has_special_;
  Detokenizer detokenizer_;      // the text that stop strings have not cut
  std::size_t n_marked_ = 0;     // bytes of it
  std::size_t n_read_ = 0;       // bytes of the engine's text
  std::deque<TextRange> marks_;  // special tokens behind that
};

}  // namespace tinyllm
