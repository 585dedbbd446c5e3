#include "server/server.h"

#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/log.h"

namespace tinyllm {
namespace {

constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::milliseconds kBetweenLooks{200};  // at time limits
constexpr std::chrono::seconds kLastWords{1};            // for the answers of aborted generations
constexpr int kExitInterrupted = 130;

}  // namespace

Server::Server(const HttpServerOptions& http, ServiceOptions service)
    : service_(std::move(service)),
      http_(http, {.admit = [this](const auto& exchange) { return service_.admit(exchange); },
                   .handle = [this](const auto& exchange) { service_.handle(exchange); }}) {}

void Server::start() {
  http_.on_signal([this](int signal) { take_signal(signal); });
  http_.start();
}

void Server::take_signal(int signal) {
  if (signal == SIGHUP) return reload();
  if (++n_signals_ > 1 || service_.models().empty()) std::_Exit(kExitInterrupted);
  reasons_to_end_.release();
}

// What is wrong with a file is said, and what holds goes on holding.
void Server::reload() {
  try {
    if (read_keys_) service_.set_api_keys(read_keys_());
    http_.reload();
    log(LogLevel::info, "API keys and certificate are read anew");
  } catch (const std::exception& error) {
    log(LogLevel::error, "nothing is read anew: {}", error.what());
  }
}

void Server::set_model(const ServedModel& model) {
  service_.set_model(model);
  model.engine->set_failure_listener([this] {
    engine_failed_ = true;
    reasons_to_end_.release();
  });
}

void Server::stop() {
  service_.stop_workers();  // they hold exchanges
  http_.stop();
}

void Server::wait(std::chrono::milliseconds drain_time) {
  while (!reasons_to_end_.try_acquire_for(kBetweenLooks)) service_.enforce_time_limits();
  if (engine_failed_) return std::this_thread::sleep_for(kLastWords);  // clients hear of it
  const auto wait_for_end = [&](std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (service_.n_open() > 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(kPoll);
      service_.enforce_time_limits();
    }
    return service_.n_open() == 0;
  };
  log(LogLevel::info, "shutting down: {} running requests may finish within {:.0f} s",
      service_.n_open(), std::chrono::duration<double>(drain_time).count());
  service_.drain();
  http_.drain();
  if (wait_for_end(drain_time)) return;
  log(LogLevel::warning, "{} requests were cut off", service_.n_open());
  service_.abort_all();
  wait_for_end(kLastWords);
}

}  // namespace tinyllm
