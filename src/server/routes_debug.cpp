// GET /debug/state: the engine between its steps, as server-sent events a few times a second, for
// the page's live view. Only with --debug-views.

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/engine_snapshot.h"
#include "openai/answer_json.h"
#include "openai/api_error.h"
#include "server/routes.h"
#include "server/snapshot_json.h"

namespace tinyllm {
namespace {

constexpr std::chrono::milliseconds kBetweenFrames{200};
constexpr const char* kEventStream = "text/event-stream; charset=utf-8";
constexpr int kMaxWatchers = 8;

// One client that watches: asks the engine for a snapshot, writes it, waits, asks again. Lives
// until its client leaves.
class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(Service& service, ExchangePtr exchange)
      : service_(service),
        engine_(*service.models().find().engine),
        exchange_(std::move(exchange)) {
    if (service_.n_watchers().fetch_add(1) < kMaxWatchers) return;
    --service_.n_watchers();
    throw ApiError(429, "rate_limit_exceeded", "",
                   fmt::format("{} clients watch already; more are not let in", kMaxWatchers));
  }
  ~Watcher() { --service_.n_watchers(); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void start() {
    exchange_->on_gone([self = shared_from_this()] { self->gone_ = true; });
    exchange_->begin_stream(kEventStream, ": ping\n\n");
    ask();
  }

 private:
  void ask() {
    engine_.request_snapshot([weak = weak_from_this()](EngineSnapshot snapshot) {
      if (const auto self = weak.lock()) {
        self->exchange_->post(
            [self, snapshot = std::move(snapshot)] { self->write_frame(snapshot); });
      }
    });
  }

  void write_frame(const EngineSnapshot& snapshot) {
    if (gone_) return;
    if (service_.draining()) return exchange_->end();
    std::string frame = to_text(snapshot_json(snapshot));
    // An idle engine says nothing twice; a slow client gets fewer frames, not older ones.
    if (!exchange_->has_unsent() && frame != last_frame_) {
      exchange_->write("data: " + frame + "\n\n");
      last_frame_ = std::move(frame);
    }
    exchange_->post_after(kBetweenFrames, [weak = weak_from_this()] {
      if (const auto self = weak.lock(); self && !self->gone_) self->ask();
    });
  }

  Service& service_;
  Engine& engine_;
  ExchangePtr exchange_;
  std::string last_frame_;
  bool gone_ = false;
};

}  // namespace

void answer_debug_state(Service& service, const ExchangePtr& exchange) {
  if (!service.options().debug_views)
    throw ApiError(404, "", "", "the engine is shown only by a server with --debug-views");
  if (exchange->request().method == "HEAD") return exchange->send({.content_type = kEventStream});
  std::make_shared<Watcher>(service, exchange)->start();
}

}  // namespace tinyllm
