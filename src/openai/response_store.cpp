#include "openai/response_store.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_parse.h"
#include "base/json_values.h"
#include "base/quote.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::string key_of(const std::string& owner, const std::string& id) { return owner + "/" + id; }

}  // namespace

json read_conversation(const std::string& messages) {
  return parse_ordered_json(messages, "a conversation",
                            {.max_depth = 128, .max_values = 4 * kMaxJsonValues});
}

void ResponseStore::keep(const std::string& owner, const std::string& id, KeptResponse kept) {
  Entry entry{key_of(owner, id), std::move(kept)};
  if (entry.n_bytes() > kMaxBytesOfOne) return;
  const std::scoped_lock lock(mutex_);
  n_bytes_ += entry.n_bytes();
  entries_.push_front(std::move(entry));
  by_key_[entries_.front().key] = entries_.begin();
  while (entries_.size() > max_responses_ || n_bytes_ > max_bytes_) drop(std::prev(entries_.end()));
}

void ResponseStore::drop(std::list<Entry>::iterator entry) {
  n_bytes_ -= entry->n_bytes();
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

std::optional<KeptResponse> ResponseStore::find(const std::string& owner, const std::string& id) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(key_of(owner, id));
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->kept;
}

bool ResponseStore::remove(const std::string& owner, const std::string& id) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(key_of(owner, id));
  if (found == by_key_.end()) return false;
  drop(found->second);
  return true;
}

void ResponseStore::go_on(const std::string& owner, ApiRequest& request) {
  const std::optional<KeptResponse> kept = find(owner, request.previous_response_id);
  if (!kept) {
    throw ApiError(400, "previous_response_not_found", "previous_response_id",
                   fmt::format("no answer {} is kept; the server keeps the latest in memory",
                               quote(request.previous_response_id)));
  }
  const auto messages = share_json(read_conversation(kept->messages));
  for (const json& message : *request.messages) messages->push_back(message);
  if (messages->size() > kMaxMessages) {
    refuse_field("previous_response_id",
                 fmt::format("a conversation of {} messages", messages->size()),
                 fmt::format("at most {}", kMaxMessages));
  }
  request.messages = messages;
}

std::size_t ResponseStore::n_responses() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

}  // namespace tinyllm
