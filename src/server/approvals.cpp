#include "server/approvals.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_values.h"
#include "base/random_id.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxEntryBytes = 4 * kMaxAskedBytes;  // with escapes, name and id

// Equal for equal calls, however their JSON is laid out. "": too long to be asked about.
std::string text_of(const AgentCall& call) {
  if (call.arguments.size() > kMaxAskedBytes) return "";
  std::string text = text_with_big_integers(
      nlohmann::ordered_json::array({call.id, call.name, arguments_of(call)}));
  return text.size() > kMaxEntryBytes ? "" : text;
}

}  // namespace

std::string Approvals::ask(const std::string& owner, const AgentCall& call) {
  Entry entry{"appr_" + random_id(), owner, text_of(call)};
  if (entry.call.empty()) return "";
  const std::scoped_lock lock(mutex_);
  const auto is_of_owner = [&](const Entry& it) { return it.owner == owner; };
  if (std::ranges::count_if(entries_, is_of_owner) >= static_cast<std::ptrdiff_t>(kMaxOfOne))
    entries_.erase(std::ranges::find_if(entries_, is_of_owner));
  if (entries_.size() >= kMaxOfAll) entries_.pop_front();
  entries_.push_back(std::move(entry));
  return entries_.back().approval_id;
}

std::string Approvals::find(const std::string& owner, const AgentCall& call,
                            const std::vector<std::string>& approval_ids) const {
  if (approval_ids.empty()) return "";
  const std::string text = text_of(call);  // outside the lock: others do not wait for it
  if (text.empty()) return "";
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(entries_, [&](const Entry& it) {
    return it.owner == owner && it.call == text &&
           std::ranges::find(approval_ids, it.approval_id) != approval_ids.end();
  });
  return found == entries_.end() ? "" : found->approval_id;
}

bool Approvals::take(const std::string& owner, const std::vector<std::string>& approval_ids) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::list<Entry>::const_iterator> taken;
  for (const std::string& id : approval_ids) {
    const auto found = std::ranges::find_if(
        entries_, [&](const Entry& it) { return it.approval_id == id && it.owner == owner; });
    if (found == entries_.end() || std::ranges::find(taken, found) != taken.end()) return false;
    taken.push_back(found);
  }
  for (const auto it : taken) entries_.erase(it);
  return true;
}

}  // namespace tinyllm
