#include "server/http_connections.h"

#include <algorithm>
#include <chrono>

#include "server/access.h"

namespace tinyllm {
namespace {

using Connections = std::vector<std::shared_ptr<HttpConnection>>;

// Closes the one that is idle longest. False when none is idle.
bool close_idlest(const Connections& connections) {
  const std::shared_ptr<HttpConnection>* idlest = nullptr;
  std::chrono::steady_clock::time_point since;
  for (const auto& connection : connections) {
    const auto its = connection->idle_since();
    if (!its || (idlest != nullptr && *its >= since)) continue;
    idlest = &connection;
    since = *its;
  }
  if (idlest == nullptr) return false;
  (*idlest)->close();
  return true;
}

}  // namespace

bool HttpConnections::make_room(const std::string& address) {
  const Connections open = all();
  const std::string network = client_network(address);
  Connections of_address;
  std::ranges::copy_if(open, std::back_inserter(of_address),
                       [&](const auto& it) { return client_network(it->peer()) == network; });
  if (std::ssize(of_address) >= limits_.n_per_address) return close_idlest(of_address);
  return std::ssize(open) < limits_.n_connections || close_idlest(open);
}

void HttpConnections::add(const std::shared_ptr<HttpConnection>& connection) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(open_, [](const auto& it) { return it.expired(); });
  open_.push_back(connection);
}

Connections HttpConnections::all() {
  const std::scoped_lock lock(mutex_);
  Connections alive;
  for (const auto& it : open_) {
    auto connection = it.lock();
    if (connection && !connection->closing()) alive.push_back(std::move(connection));
  }
  return alive;
}

}  // namespace tinyllm
