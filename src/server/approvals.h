#pragma once
// Calls of tools that wait for somebody's word. An approval is a word for exactly one call, its
// name, id and arguments, from whoever was asked, and holds once. In memory and bounded: of one
// asker, and of all, the oldest go first. Any thread.

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "agent/agent_loop.h"

namespace tinyllm {

class Approvals {
 public:
  static constexpr std::size_t kMaxOfOne = 200, kMaxOfAll = 2000;

  // The id that approves this call, which nobody can guess; "" where its arguments are too long to
  // be asked about. `owner`: whose word counts.
  std::string ask(const std::string& owner, const AgentCall& call);

  // Which of these ids approves this call; "": none does. It goes on holding.
  std::string find(const std::string& owner, const AgentCall& call,
                   const std::vector<std::string>& approval_ids) const;
  // Uses all of them up; false, and none is, where one does not hold (any more).
  bool take(const std::string& owner, const std::vector<std::string>& approval_ids);

 private:
  struct Entry {
    std::string approval_id, owner, call;
  };

  mutable std::mutex mutex_;  // guards the list
  std::list<Entry> entries_;  // the oldest first
};

}  // namespace tinyllm
