#include "server/request_accounts.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tinyllm {
namespace {

std::size_t count_texts(const KeptAccounts& kept) {
  std::size_t n = 0;
  for (const auto& account : kept.accounts) n += static_cast<std::size_t>(account->n_choices());
  return n;
}

}  // namespace

void RequestAccounts::keep(KeptAccounts kept) {
  const std::scoped_lock lock(mutex_);
  n_texts_ += count_texts(kept);
  const auto same = std::find_if(latest_.rbegin(), latest_.rend(), [&](const KeptAccounts& it) {
    return it.answer_id == kept.answer_id && it.owner == kept.owner;
  });
  if (same != latest_.rend()) {
    std::ranges::move(kept.accounts, std::back_inserter(same->accounts));
  } else {
    latest_.push_back(std::move(kept));
  }
  while (latest_.size() > max_requests_ || (latest_.size() > 1 && n_texts_ > max_texts_))
    drop_oldest();
}

void RequestAccounts::drop_oldest() {
  n_texts_ -= count_texts(latest_.front());
  latest_.pop_front();
}

std::optional<KeptAccounts> RequestAccounts::find(const std::string& owner,
                                                  const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = std::find_if(latest_.rbegin(), latest_.rend(), [&](const KeptAccounts& it) {
    return it.owner == owner && (it.answer_id == id || it.request_id == id);
  });
  if (found == latest_.rend()) return std::nullopt;
  return *found;
}

}  // namespace tinyllm
