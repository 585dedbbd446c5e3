#include "server/http_server.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "server/http_connection.h"

namespace tinyllm {
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kPauseBeforeAccept{100};

tcp::acceptor listen_on(const HttpStrand& strand, const HttpServerOptions& options) {
  const std::string where = fmt::format("{}:{}", options.host, options.port);
  boost::system::error_code error;
  tcp::resolver resolver(strand);
  const auto found =
      resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  if (error || found.empty())
    fail(ErrorCode::io, "{}: no address of this machine ({})", where, error.message());
  const tcp::endpoint endpoint = found.begin()->endpoint();
  tcp::acceptor acceptor(strand);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    fail(ErrorCode::io, "{}: cannot listen there: {}; choose another --port", where,
         error.message());
  }
  return acceptor;
}

// Every open connection, to close them all.
class Connections {
 public:
  void add(const std::shared_ptr<HttpConnection>& connection) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(open_, [](const auto& it) { return it.expired(); });
    open_.push_back(connection);
  }

  int count() {
    const std::scoped_lock lock(mutex_);
    return static_cast<int>(
        std::ranges::count_if(open_, [](const auto& it) { return !it.expired(); }));
  }

  std::vector<std::shared_ptr<HttpConnection>> all() {
    const std::scoped_lock lock(mutex_);
    std::vector<std::shared_ptr<HttpConnection>> alive;
    for (const auto& it : open_) {
      if (auto connection = it.lock()) alive.push_back(std::move(connection));
    }
    return alive;
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<HttpConnection>> open_;
};

}  // namespace

struct HttpServer::State {
  State(const HttpServerOptions& options, HttpHandler handler)
      : shared{.options = options, .handler = std::move(handler)},
        transports(options.tls_certificate, options.tls_key),
        loops(static_cast<std::size_t>(options.n_threads)),
        control(asio::make_strand(loops.front().io)),
        acceptor(listen_on(control, options)),
        signals(control) {}

  asio::awaitable<void> accept();
  void wait_for_signal();

  HttpShared shared;
  HttpTransportMaker transports;
  // One a thread: a coroutine stays on its thread. (Compilers may keep the address of a
  // thread-local variable over a suspension; clang 16 does, TSan shows it.)
  struct Loop {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  };
  std::vector<Loop> loops;
  std::size_t n_accepted = 0;
  HttpStrand control;  // acceptor and signals
  tcp::acceptor acceptor;
  asio::signal_set signals;
  std::function<void(int)> on_signal;
  int n_signals = 0;
  std::atomic<bool> stopping{false};
  Connections connections;
  std::vector<std::thread> threads;
};

asio::awaitable<void> HttpServer::State::accept() {
  asio::steady_timer pause(control);
  while (acceptor.is_open()) {
    boost::system::error_code error;
    const HttpStrand strand = asio::make_strand(loops[n_accepted % loops.size()].io);
    tcp::socket socket(strand);
    const bool full = connections.count() >= shared.options.max_connections;
    if (!full) {
      co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (!acceptor.is_open()) break;
    }
    if (full || error) {
      // Too many clients, or out of descriptors: the next ones wait in the kernel's queue.
      log(LogLevel::debug, "no new connection: {}", full ? "too many are open" : error.message());
      pause.expires_after(kPauseBeforeAccept);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    socket.set_option(tcp::no_delay(true), error);
    const auto connection =
        std::make_shared<HttpConnection>(shared, strand, transports.make(std::move(socket)));
    ++n_accepted;
    connections.add(connection);
    connection->start();
    if (stopping) connection->close();
  }
}

void HttpServer::State::wait_for_signal() {
  signals.async_wait([this](boost::system::error_code error, int) {
    if (error) return;
    on_signal(++n_signals);
    wait_for_signal();
  });
}

HttpServer::HttpServer(const HttpServerOptions& options, HttpHandler handler)
    : state_(std::make_unique<State>(options, std::move(handler))) {}

HttpServer::~HttpServer() { stop(); }

std::uint16_t HttpServer::port() const { return state_->acceptor.local_endpoint().port(); }

void HttpServer::on_signal(std::function<void(int)> callback) {
  state_->on_signal = std::move(callback);
  state_->signals.add(SIGINT);
  state_->signals.add(SIGTERM);
  state_->wait_for_signal();
}

void HttpServer::start() {
  State& state = *state_;
  asio::co_spawn(
      state.control, [&state] { return state.accept(); }, asio::detached);
  for (State::Loop& loop : state.loops) {
    state.threads.emplace_back([&loop] { loop.io.run(); });
    pthread_setname_np(state.threads.back().native_handle(), "http");  // for top -H
  }
}

void HttpServer::drain() {
  state_->shared.draining = true;
  asio::post(state_->control, [this] {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
  });
  for (const auto& connection : state_->connections.all()) connection->wake();
}

void HttpServer::stop() {
  if (state_->threads.empty()) return;
  state_->stopping = true;
  drain();
  asio::post(state_->control, [this] { state_->signals.cancel(); });
  for (const auto& connection : state_->connections.all()) connection->close();
  for (State::Loop& loop : state_->loops) loop.work.reset();
  for (std::thread& thread : state_->threads) thread.join();
  state_->threads.clear();
}

}  // namespace tinyllm
