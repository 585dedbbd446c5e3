#pragma once
// From a conversation to the token ids that a model was trained on. Every front end goes this way,
// so that the same messages give the same ids everywhere. Pure functions; any thread.

#include <cstdint>
#include <string_view>
#include <vector>

#include "api/sampling_params.h"
#include "base/text_range.h"

namespace tinyllm {

class Tokenizer;

// The ids of a rendered conversation (ChatTemplate::render). The special tokens that the template
// wrote become their ids; what people wrote stays text, whatever it looks like. As transformers'
// apply_chat_template(tokenize=True) does, nothing is put before the text or behind it: the
// template itself writes BOS where the model wants one. `add_special_tokens` asks for the
// tokenizer's BOS and EOS all the same; a prompt that begins with BOS gets no second one.
std::vector<TokenId> encode_chat(const Tokenizer& tokenizer, const MarkedText& prompt,
                                 bool add_special_tokens = false);

// Cuts off what the template wrote behind the last message, whose text is `content`, so that the
// model goes on with that message. False, and nothing is cut, when the text is blank or does not
// stand in the prompt.
bool open_last_message(MarkedText& prompt, std::string_view content);

}  // namespace tinyllm
