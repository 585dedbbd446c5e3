#include "openai/answer_reader.h"

#include <algorithm>
#include <utility>

#include "base/random_id.h"

namespace tinyllm {
namespace {

std::string new_call_id(int length) {
  if (length == 0) return "call_" + random_id();
  return random_id().substr(0, static_cast<std::size_t>(length));
}

void add(AnswerNews& news, AnswerEvent&& event, int id_length) {
  switch (event.kind) {
    case AnswerEvent::Kind::content: news.content += event.text; break;
    case AnswerEvent::Kind::reasoning: news.reasoning += event.text; break;
    case AnswerEvent::Kind::call_begins:
      news.calls.push_back({.idx = event.call_idx,
                            .id = event.id.empty() ? new_call_id(id_length) : std::move(event.id),
                            .name = std::move(event.name)});
      break;
    case AnswerEvent::Kind::call_arguments:
      if (news.calls.empty() || news.calls.back().idx != event.call_idx)
        news.calls.push_back({.idx = event.call_idx});
      news.calls.back().arguments += event.text;
      break;
    case AnswerEvent::Kind::call_failed:
      news.content += event.text;
      if (event.call_idx >= 0) news.failed.push_back(event.call_idx);
      add_parse_error(news.tool_parse_error, event.error);
      break;
    case AnswerEvent::Kind::markup:
    case AnswerEvent::Kind::call_ends: break;
  }
}

}  // namespace

void add_parse_error(std::string& errors, const std::string& error) {
  if (!errors.empty() && !error.empty()) errors += "; ";
  errors += error;
}

AnswerReader::AnswerReader(std::shared_ptr<const AnswerFormat> format,
                           std::shared_ptr<const ToolTypes> types,
                           const AnswerParserOptions& options, const Tokenizer& tokenizer,
                           int id_length, bool has_special)
    : parser_(std::move(format), std::move(types), options),
      tokenizer_(&tokenizer),
      id_length_(id_length),
      has_special_(has_special),
      detokenizer_(tokenizer, /*skip_special=*/false) {}

void AnswerReader::mark_special_tokens(std::span<const TokenId> token_ids) {
  for (const TokenId id : token_ids) {
    if (id >= tokenizer_->vocab_size()) continue;
    n_marked_ += detokenizer_.push(id).size();
    const std::size_t n_bytes = tokenizer_->token_bytes(id).size();
    if (tokenizer_->is_special(id) && n_bytes > 0)
      marks_.push_back({n_marked_ - n_bytes, n_marked_});
  }
}

AnswerNews AnswerReader::read(std::string_view text, std::span<const TokenId> token_ids,
                              bool is_last) {
  if (has_special_) mark_special_tokens(token_ids);
  AnswerParser::Events events;
  while (!text.empty()) {
    const std::size_t begin = marks_.empty() ? n_read_ + text.size() : marks_.front().begin;
    const bool is_special = begin == n_read_;
    const std::size_t end = is_special ? marks_.front().end : begin;
    const std::string_view part = text.substr(0, end - n_read_);
    if (is_special) marks_.pop_front();
    parser_.push(part, is_special, events);
    n_read_ += part.size();
    text.remove_prefix(part.size());
  }
  if (is_last) parser_.finish(events);
  AnswerNews news;
  for (AnswerEvent& event : events) add(news, std::move(event), id_length_);
  return news;
}

}  // namespace tinyllm
