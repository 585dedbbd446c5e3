#include <nlohmann/json.hpp>

#include "loader/text/chat_template_source.h"
#include "loader/text/text_sources.h"

namespace tinyllm {

std::optional<ChatTemplate> load_chat_template(const Checkpoint& checkpoint) {
  const std::optional<ChatTemplateSource> source = find_chat_template(checkpoint);
  if (!source) return std::nullopt;
  return ChatTemplate(source->text, nlohmann::ordered_json(source->special_tokens));
}

}  // namespace tinyllm
