#include "apps/chat_model.h"

#include <fmt/core.h>

#include <algorithm>

#include "agent/tool_chat.h"
#include "apps/loading_bar.h"
#include "base/available_memory.h"
#include "client/open_model.h"

namespace tinyllm {
namespace {

std::int64_t context_of(const EngineFlags& flags, const Checkpoint& checkpoint) {
  if (flags.context > 0) return flags.context;
  const ModelConfig& config = checkpoint.config();
  if (is_endless(config) && !flags.reference())
    return std::min(config.max_seq_len, kEndlessContext);
  const std::int64_t free_bytes = available_memory_bytes() - checkpoint.file_bytes();
  return default_chat_context(config.max_seq_len,
                              kv_bytes_a_token(config, kv_type_of(flags.kv_type)),
                              std::max<std::int64_t>(0, free_bytes));
}

}  // namespace

std::int64_t kv_bytes_a_token(const ModelConfig& config, KvType type) {
  const std::int64_t elements = 2 * config.head_dim * bits(type) / 8;
  const std::int64_t scales = has_scales(type) ? 2 * 4 : 0;  // f32, of a key and a value
  return config.n_layers * config.n_kv_heads * (elements + scales);
}

std::int64_t default_chat_context(std::int64_t trained, std::int64_t kv_bytes,
                                  std::int64_t free_bytes) {
  constexpr std::int64_t kLeast = 4096, kMost = 32768;
  const std::int64_t fits = free_bytes / 4 / std::max<std::int64_t>(1, kv_bytes);
  return std::min(trained, std::clamp(fits, kLeast, kMost));
}

ChatModel::ChatModel(std::string name, const ChatModelOptions& options)
    : name_(std::move(name)),
      checkpoint_(open_checkpoint(name_, context_settings(options.engine.sight))),
      text_(std::make_shared<const ModelText>(load_text(checkpoint_))) {
  const Tokenizer& tokenizer = require(text_->tokenizer, checkpoint_);
  const ChatTemplate& chat_template = require_chat_template(*text_, checkpoint_);
  const SamplingParams params = chat_sampling(options.sampling, text_->defaults);
  validate(params, vocab_size());
  CompleterOptions running =
      completer_options(options.engine, context_of(options.engine, checkpoint_));
  running.constraint = text_constraint(options.grammar, *text_);
  report_ = std::make_unique<ProfileReport>(running.engine.profile);
  completer_ =
      make_completer(checkpoint_, text_, running,
                     LoadingBar(running.reference ? ProgressUnit::bytes : ProgressUnit::count));
  session_ = std::make_unique<ChatSession>(tokenizer, chat_template, *completer_, params,
                                           !options.no_shift);
  if (!options.system.empty()) session_->set_system(options.system);
  if (options.tools == nullptr) return;
  options.tools->tools().fit_into(completer_->context(), [&](std::string_view text) {
    return std::ssize(tokenizer.encode(text));
  });
  agent_ = std::make_unique<ToolChat>(*completer_->engine(), options.tools->box(),
                                      options.tools->hooks());
  session_->set_agent(agent_.get());
}

std::int64_t ChatModel::count_tokens(std::string_view text) const {
  EncodeOptions options;
  options.parse_special = false;
  return std::ssize(text_->tokenizer->encode(text, options));
}

std::string ChatModel::title() const { return checkpoint_.path().filename().string(); }

std::string ChatModel::size() const {
  double n_parameters = 0;
  for (const auto& [tensor_name, tensor] : checkpoint_.tensors())
    n_parameters += static_cast<double>(tensor.shape.n_elems());
  const std::string parameters = n_parameters >= 1e9
                                     ? fmt::format("{:.1f} billion", n_parameters / 1e9)
                                     : fmt::format("{:.0f} million", n_parameters / 1e6);
  const double n_bytes = static_cast<double>(checkpoint_.file_bytes());
  return parameters + " parameters, " +
         (n_bytes >= 1e9 ? fmt::format("{:.1f} GB", n_bytes / 1e9)
                         : fmt::format("{:.0f} MB", n_bytes / 1e6));
}

}  // namespace tinyllm
