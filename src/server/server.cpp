#include "server/server.h"

#include <cstdlib>
#include <thread>

#include "base/log.h"

namespace tinyllm {
namespace {

constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::seconds kLastWords{1};  // for the answers of aborted generations
constexpr int kExitInterrupted = 130;

}  // namespace

Server::Server(const HttpServerOptions& http, ServiceOptions service)
    : service_(std::move(service)),
      http_(http,
            [this](const std::shared_ptr<HttpExchange>& exchange) { service_.handle(exchange); }) {}

void Server::start() {
  http_.on_signal([this](int count) {
    if (count > 1 || service_.models().empty()) std::_Exit(kExitInterrupted);
    ++n_reasons_to_end_;
    n_reasons_to_end_.notify_all();
  });
  http_.start();
}

void Server::set_model(const ServedModel& model) {
  service_.set_model(model);
  model.engine->set_failure_listener([this] {
    engine_failed_ = true;
    ++n_reasons_to_end_;
    n_reasons_to_end_.notify_all();
  });
}

void Server::wait(std::chrono::milliseconds drain_time) {
  n_reasons_to_end_.wait(0);
  if (engine_failed_) return std::this_thread::sleep_for(kLastWords);  // clients hear of it
  const auto wait_for_end = [&](std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (service_.n_open_texts() > 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(kPoll);
    return service_.n_open_texts() == 0;
  };
  log(LogLevel::info, "shutting down: {} texts may end within {:.0f} s", service_.n_open_texts(),
      std::chrono::duration<double>(drain_time).count());
  service_.drain();
  http_.drain();
  if (wait_for_end(drain_time)) return;
  log(LogLevel::warning, "{} texts were cut off", service_.n_open_texts());
  service_.abort_all();
  wait_for_end(kLastWords);
}

}  // namespace tinyllm
