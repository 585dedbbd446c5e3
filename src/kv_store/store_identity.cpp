#include "kv_store/store_identity.h"

#include <fmt/format.h>

#include <charconv>

namespace tinyllm {
namespace {

template <typename Number>
void read_number(std::string_view text, Number& number) {
  std::from_chars(text.data(), text.data() + text.size(), number);
}

}  // namespace

std::string StoreIdentity::to_text() const {
  return fmt::format(
      "model {}\ndigest {}\ncontext {}\nprogram {}\narithmetic {}\nkv_type {}\nblock_size {}\n"
      "block_bytes {}\n",
      model, digest, context, program, arithmetic, kv_type, block_size, block_bytes);
}

BlockKey StoreIdentity::key() const {
  StoreIdentity nameless = *this;
  nameless.model.clear();
  return key_of(nameless.to_text());
}

std::string StoreIdentity::difference(const StoreIdentity& found) const {
  // The digest holds the context too: with another one, it says nothing about the weights.
  if (found.digest != digest && (found.model != model || found.context == context)) {
    return fmt::format("keys and values of another model ({}, digest {:.12}), this is {} ({:.12})",
                       found.model, found.digest, model, digest);
  }
  if (found.context.empty()) {
    return fmt::format(
        "what an earlier build ({}) computed, which did not note what tokens see of a text; this "
        "is {}",
        found.program, program);
  }
  if (found.context != context) {
    return fmt::format("keys and values computed with {}, this run wants {}", found.context,
                       context);
  }
  if (found.kv_type != kv_type)
    return fmt::format("{} keys and values, this run wants {}", found.kv_type, kv_type);
  if (found.block_size != block_size) {
    return fmt::format("blocks of {} tokens, this run wants {}", found.block_size, block_size);
  }
  if (found.program != program || found.arithmetic != arithmetic) {
    return fmt::format(
        "what {} computed with {}; this is {} with {}, whose last bits may be others",
        found.program, found.arithmetic, program, arithmetic);
  }
  if (found.block_bytes != block_bytes)
    return fmt::format("blocks of {} bytes, this run wants {}", found.block_bytes, block_bytes);
  return "";
}

StoreIdentity read_identity(std::string_view text) {
  StoreIdentity identity;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view name = line.substr(0, space);
    const std::string_view value = space < line.size() ? line.substr(space + 1) : "";
    if (name == "model") identity.model = value;
    if (name == "digest") identity.digest = value;
    if (name == "context") identity.context = value;
    if (name == "program") identity.program = value;
    if (name == "arithmetic") identity.arithmetic = value;
    if (name == "kv_type") identity.kv_type = value;
    if (name == "block_size") read_number(value, identity.block_size);
    if (name == "block_bytes") read_number(value, identity.block_bytes);
  }
  return identity;
}

}  // namespace tinyllm
