// What the answer looks like, how it is scheduled, and what we understand but cannot do yet.

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/request.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

void set_stream_options(const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value("stream_options", value, "an object");
  request.has_stream_options = true;
  const auto read = [&](const char* name) {
    const auto found = value.find(name);
    if (found == value.end() || found->is_null()) return false;
    return read_boolean(std::string("stream_options.") + name, *found);
  };
  request.include_usage = read("include_usage");
  request.continuous_usage = read("continuous_usage_stats");
}

constexpr std::string_view kStreamOptionsSchema =
    R"({"type": "object", "properties": {"include_usage": {"type": "boolean"},)"
    R"( "continuous_usage_stats": {"type": "boolean"}}})";

const auto kFields = std::to_array<Field>({
    {"n", FieldKind::integer, "1", 1, kMaxChoices,
     "How many texts; choice i is drawn with seed + i. Over 1 needs a temperature over 0.", "",
     [](const json& v, ApiRequest& r) { r.n = v.get<int>(); }},
    {"stream", FieldKind::boolean, "false", 0, 0,
     "Send the text as it comes, as server-sent events.", "",
     [](const json& v, ApiRequest& r) { r.stream = v.get<bool>(); }},
    {"stream_options", FieldKind::other, "null", 0, 0,
     "With stream: include_usage adds a last chunk with token counts, continuous_usage_stats puts "
     "them into every chunk.",
     kStreamOptionsSchema, set_stream_options},
    {"prompt_logprobs", FieldKind::integer, "null", 0, kMaxLogprobs,
     "How many alternatives to show for each token of the prompt; not with stream.", "",
     [](const json& v, ApiRequest& r) { r.n_prompt_logprobs = v.get<int>(); }},
    {"return_token_ids", FieldKind::boolean, "false", 0, 0,
     "Add prompt_token_ids and each choice's token_ids.", "",
     [](const json& v, ApiRequest& r) { r.return_token_ids = v.get<bool>(); }},
    {"skip_special_tokens", FieldKind::boolean, "true", 0, 0,
     "Leave special tokens such as <|im_end|> out of the text.", "",
     [](const json& v, ApiRequest& r) { r.skip_special_tokens = v.get<bool>(); }},
    {"truncate_prompt_tokens", FieldKind::integer, "null", 1, kMaxInt,
     "Keep only the last so many tokens of the prompt.", "",
     [](const json& v, ApiRequest& r) { r.truncate_prompt_tokens = v.get<std::int64_t>(); }},
    {"priority", FieldKind::integer, "0", -kMaxInt, kMaxInt,
     "Lower runs first when the server schedules by priority.", "",
     [](const json& v, ApiRequest& r) { r.priority = v.get<std::int32_t>(); }},
    {"cache_salt", FieldKind::string, "null", 0, 1024,
     "Requests with different salts share no cached prefix.", "",
     [](const json& v, ApiRequest& r) {
       r.cache_salt = v.get<std::string>();
       if (r.cache_salt.empty()) refuse_value("cache_salt", v, "at least one character");
     }},
});

// Each is refused unless it asks for what holds anyway (null, empty, the default).
const auto kUnsupported = std::to_array<Field>({
    {"functions", FieldKind::other, "null", 0, 0, "Its newer name is tools."},
    {"function_call", FieldKind::other, "\"none\"", 0, 0, "Its newer name is tool_choice."},
    {"best_of", FieldKind::other, "1", 0, 0, kNotSupported},
    {"suffix", FieldKind::other, "\"\"", 0, 0, kNotSupported},
    {"use_beam_search", FieldKind::other, "false", 0, 0, kNotSupported},
    {"bad_words", FieldKind::other, "null", 0, 0, kNotSupported},
    {"allowed_token_ids", FieldKind::other, "null", 0, 0, kNotSupported},
    {"modalities", FieldKind::other, "[\"text\"]", 0, 0, "Only text."},
    {"audio", FieldKind::other, "null", 0, 0, kNotSupported},
    {"guided_json_object", FieldKind::other, "false", 0, 0,
     "Its name here is response_format or structured_outputs."},
    {"guided_whitespace_pattern", FieldKind::other, "null", 0, 0, kNotSupported},
    {"guided_decoding_backend", FieldKind::other, "null", 0, 0, "There is one backend."},
    // Of llama.cpp and vLLM: each may say what holds anyway.
    {"typical_p", FieldKind::other, "1.0", 0, 0, kNotSupported},
    {"tfs_z", FieldKind::other, "1.0", 0, 0, kNotSupported},
    {"mirostat", FieldKind::other, "0", 0, 0, kNotSupported},
    {"dynatemp_range", FieldKind::other, "0.0", 0, 0, kNotSupported},
    {"xtc_probability", FieldKind::other, "0.0", 0, 0, kNotSupported},
    {"dry_multiplier", FieldKind::other, "0.0", 0, 0, kNotSupported},
    {"top_n_sigma", FieldKind::other, "-1.0", 0, 0, kNotSupported},
    {"repeat_last_n", FieldKind::other, "-1", 0, 0, "Penalties look at all tokens."},
    {"samplers", FieldKind::other, "null", 0, 0, kNotSupported},
    {"n_predict", FieldKind::other, "null", 0, 0, "Its name here is max_tokens."},
    {"n_probs", FieldKind::other, "0", 0, 0, "Its name here is logprobs."},
    {"length_penalty", FieldKind::other, "1.0", 0, 0, kNotSupported},
    {"early_stopping", FieldKind::other, "false", 0, 0, kNotSupported},
    {"include_stop_str_in_output", FieldKind::other, "false", 0, 0, kNotSupported},
    {"spaces_between_special_tokens", FieldKind::other, "true", 0, 0, kNotSupported},
    {"return_tokens_as_token_ids", FieldKind::other, "false", 0, 0, kNotSupported},
    {"logits_processors", FieldKind::other, "null", 0, 0, kNotSupported},
    {"prompt_embeds", FieldKind::other, "null", 0, 0, kNotSupported},
    {"chat_template", FieldKind::other, "null", 0, 0,
     "Templates of strangers are not run; the model's own is used."},
});

}  // namespace

std::span<const Field> output_fields() { return kFields; }
std::span<const Field> unsupported_fields() { return kUnsupported; }

}  // namespace tinyllm
