#include "text/tokenizer_parts.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace tinyllm {
namespace {

// What one part of the processor puts goes outside of what was there.
void put_around(AroundText& around, const std::vector<TokenId>& before,
                const std::vector<TokenId>& behind) {
  around.before.insert(around.before.begin(), before.begin(), before.end());
  around.behind.insert(around.behind.end(), behind.begin(), behind.end());
}

// They stand around sequence A in the template for one text.
void read_template(AroundText& around, const JsonField& processing) {
  std::vector<TokenId> before, behind;
  int n_sequences = 0;
  for (const JsonField& entry : processing.member("single").elements()) {
    if (!entry.member("Sequence").is_null()) {
      ++n_sequences;
      continue;
    }
    const std::string& name = entry.member("SpecialToken").member("id").string();
    const JsonField token = processing.member("special_tokens").member(name);
    for (const JsonField& id : token.member("ids").elements()) {
      (n_sequences == 0 ? before : behind).push_back(id.id());
    }
  }
  if (n_sequences != 1) {
    processing.member("single").refuse(ErrorCode::unsupported, "a template with one Sequence");
  }
  put_around(around, before, behind);
}

// RobertaProcessing and BertProcessing: "cls": ["<s>", 0], "sep": ["</s>", 2].
void read_cls_and_sep(AroundText& around, const JsonField& processing) {
  const auto id_of = [&](const char* name) {
    const std::vector<JsonField> pair = processing.member(name).elements();
    if (pair.size() != 2) processing.member(name).refuse(ErrorCode::invalid_input, "[text, id]");
    return pair[1].id();
  };
  put_around(around, {id_of("cls")}, {id_of("sep")});
}

}  // namespace

std::vector<JsonField> tokenizer_parts(const JsonField& component, const char* parts_name) {
  if (component.is_null()) return {};
  if (component.member("type").string() != "Sequence") return {component};
  std::vector<JsonField> parts;
  for (const JsonField& part : component.member(parts_name).elements()) {
    for (JsonField& leaf : tokenizer_parts(part, parts_name)) parts.push_back(std::move(leaf));
  }
  return parts;
}

AroundText read_post_processor(const JsonField& post_processor) {
  AroundText around;
  for (const JsonField& part : tokenizer_parts(post_processor, "processors")) {
    const JsonField type = part.member("type");
    if (type.string() == "TemplateProcessing") {
      read_template(around, part);
    } else if (type.string() == "RobertaProcessing" || type.string() == "BertProcessing") {
      read_cls_and_sep(around, part);
    } else if (type.string() != "ByteLevel") {  // ByteLevel only moves offsets
      type.refuse(ErrorCode::unsupported,
                  "Sequence, TemplateProcessing, RobertaProcessing, BertProcessing or ByteLevel");
    }
  }
  return around;
}

}  // namespace tinyllm
