#include "server/approvals.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_values.h"
#include "base/random_id.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxEntryBytes = 4 * kMaxAskedBytes;  // with escapes, name and id

// Equal for equal calls, however their JSON is laid out.
std::string text_of(const AgentCall& call) {
  return text_with_big_integers(
      nlohmann::ordered_json::array({call.id, call.name, arguments_of(call)}));
}

}  // namespace

std::string Approvals::ask(const std::string& owner, const AgentCall& call) {
  if (call.arguments.size() > kMaxAskedBytes) return "";
  Entry entry{"appr_" + random_id(), owner, text_of(call)};
  if (entry.call.size() > kMaxEntryBytes) return "";
  const std::scoped_lock lock(mutex_);
  const auto is_of_owner = [&](const Entry& it) { return it.owner == owner; };
  if (std::ranges::count_if(entries_, is_of_owner) >= static_cast<std::ptrdiff_t>(kMaxOfOne))
    entries_.erase(std::ranges::find_if(entries_, is_of_owner));
  if (entries_.size() >= kMaxOfAll) entries_.pop_front();
  entries_.push_back(std::move(entry));
  return entries_.back().approval_id;
}

std::list<Approvals::Entry>::const_iterator Approvals::find(const std::string& owner,
                                                            const Word& word) const {
  const std::string call = text_of(word.call);
  return std::ranges::find_if(entries_, [&](const Entry& it) {
    return it.approval_id == word.approval_id && it.owner == owner && it.call == call;
  });
}

bool Approvals::approves(const std::string& owner, const Word& word) const {
  const std::scoped_lock lock(mutex_);
  return find(owner, word) != entries_.end();
}

bool Approvals::take(const std::string& owner, const std::vector<Word>& words) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::list<Entry>::const_iterator> taken;
  for (const Word& word : words) {
    const auto found = find(owner, word);
    if (found == entries_.end() || std::ranges::find(taken, found) != taken.end()) return false;
    taken.push_back(found);
  }
  for (const auto it : taken) entries_.erase(it);
  return true;
}

}  // namespace tinyllm
