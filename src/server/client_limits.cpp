#include "server/client_limits.h"

#include <algorithm>

#include "openai/api_error.h"

namespace tinyllm {
namespace {

constexpr std::size_t kManyClients = 10'000;

}  // namespace

std::shared_ptr<void> ClientLimits::enter(const std::string& name, Clock::time_point now) {
  if (max_running_ == 0 && max_a_minute_ == 0) return nullptr;
  const std::scoped_lock lock(mutex_);
  if (clients_.size() >= kManyClients && now - forgot_idle_ >= std::chrono::seconds(1))
    forget_idle(now);
  const auto [found, is_new] = clients_.try_emplace(name);
  Client& client = found->second;
  if (max_running_ > 0 && client.n_running >= max_running_) {
    throw ApiError(429, "rate_limit_exceeded", "",
                   fmt::format("{} requests of this client are being answered; more are not taken "
                               "at a time",
                               client.n_running));
  }
  if (max_a_minute_ > 0) {
    const double minutes =
        std::chrono::duration<double, std::ratio<60>>(now - client.counted).count();
    const double limit = max_a_minute_;
    client.n_allowed = is_new ? limit : std::min(limit, client.n_allowed + minutes * limit);
    client.counted = now;
    if (client.n_allowed < 1) {
      throw ApiError(429, "rate_limit_exceeded", "",
                     fmt::format("this client has sent {} requests within a minute; more are not "
                                 "taken",
                                 max_a_minute_));
    }
    client.n_allowed -= 1;
  }
  ++client.n_running;
  return {this, [name](ClientLimits* self) { self->leave(name); }};
}

void ClientLimits::leave(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  --clients_[name].n_running;
}

// Of a client that neither asks nor has asked for a minute nothing is to be known.
void ClientLimits::forget_idle(Clock::time_point now) {
  forgot_idle_ = now;  // looks at all of them, so not at each request
  std::erase_if(clients_, [&](const auto& it) {
    return it.second.n_running == 0 && now - it.second.counted > std::chrono::minutes(1);
  });
}

}  // namespace tinyllm
