#include "server/http_server.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <future>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "server/http_connections.h"

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

// Some files stay for others: the model, the log, what a request opens.
constexpr int kSpareDescriptors = 64;

// As many connections as were asked for, if the process may open so many files.
HttpConnectionLimits connection_limits(const HttpServerOptions& options) {
  HttpConnectionLimits limits{.n_connections = options.max_connections};
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
    const rlim_t wanted = static_cast<rlim_t>(limits.n_connections) + kSpareDescriptors;
    if (files.rlim_cur < wanted) {
      files.rlim_cur = std::min(wanted, files.rlim_max);
      ::setrlimit(RLIMIT_NOFILE, &files);
    }
    const auto n_files = static_cast<std::int64_t>(std::min<rlim_t>(files.rlim_cur, 1 << 30));
    const std::int64_t n_most = std::max<std::int64_t>(1, n_files - kSpareDescriptors);
    limits.n_connections = static_cast<int>(std::min<std::int64_t>(limits.n_connections, n_most));
  }
  limits.n_per_address = options.max_connections_an_address > 0
                             ? options.max_connections_an_address
                             : std::max(1, limits.n_connections / 2);
  return limits;
}

// "192.0.2.7"; an IPv4 client of an IPv6 socket too.
std::string address_of(const tcp::socket& socket) {
  boost::system::error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return "";
  const asio::ip::address address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

// A thread's loop. What escapes from a connection (no memory) ends that connection at most.
void run_loop(asio::io_context& io) {
  while (true) {
    try {
      io.run();
      return;
    } catch (const std::exception& error) {
      log(LogLevel::error, "a connection was lost: {}", error.what());
    }
  }
}

}  // namespace

struct HttpServer::State {
  State(const HttpServerOptions& options, HttpHandlers handlers)
      : shared{.options = options, .handlers = std::move(handlers)},
        transports(options.tls_certificate, options.tls_key),
        connections(connection_limits(options)),
        loops(static_cast<std::size_t>(options.n_threads)),
        acceptor(listen_on(asio::make_strand(control.io), options)),
        signals(signal_loop.io) {}

  asio::awaitable<void> accept();
  void take(tcp::socket socket, const HttpStrand& strand);
  void wait_for_signal();

  HttpShared shared;
  HttpTransportMaker transports;
  HttpConnections connections;
  // One a thread: a coroutine stays on its thread. (Compilers may keep the address of a
  // thread-local variable over a suspension; clang 16 does, TSan shows it.)
  struct Loop {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
    std::thread thread;

    void start(const char* name) {  // for top -H
      thread = std::thread([this] { run_loop(io); });
      pthread_setname_np(thread.native_handle(), name);
    }
  };
  std::vector<Loop> loops;
  Loop control, signal_loop;  // of the acceptor, of signals
  std::size_t n_accepted = 0;
  tcp::acceptor acceptor;
  asio::signal_set signals;
  std::function<void(int)> on_signal;
  std::atomic<bool> stopping{false};
};

void HttpServer::State::take(tcp::socket socket, const HttpStrand& strand) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  std::string address = address_of(socket);
  if (!connections.make_room(address)) {
    log(LogLevel::debug, "{}: no new connection: all are being answered", address);
    return;
  }
  const auto connection = std::make_shared<HttpConnection>(
      shared, strand, transports.make(std::move(socket)), std::move(address));
  ++n_accepted;
  connections.add(connection);
  connection->start();
  if (stopping) connection->close();
}

asio::awaitable<void> HttpServer::State::accept() {
  asio::steady_timer pause(control.io);
  while (acceptor.is_open()) {
    boost::system::error_code error;
    try {
      const HttpStrand strand = asio::make_strand(loops[n_accepted % loops.size()].io);
      tcp::socket socket(strand);
      co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (!acceptor.is_open()) break;
      if (!error) take(std::move(socket), strand);
    } catch (const std::exception& no_memory) {
      log(LogLevel::error, "no new connection: {}", no_memory.what());
      error = asio::error::no_memory;
    }
    if (!error) continue;
    // Out of descriptors or memory: the next ones wait in the kernel's queue.
    log(LogLevel::debug, "no new connection: {}", error.message());
    pause.expires_after(kPauseBeforeAccept);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

void HttpServer::State::wait_for_signal() {
  signals.async_wait([this](boost::system::error_code error, int signal) {
    if (error) return;
    on_signal(signal);
    wait_for_signal();
  });
}

HttpServer::HttpServer(const HttpServerOptions& options, HttpHandlers handlers)
    : state_(std::make_unique<State>(options, std::move(handlers))) {}

HttpServer::~HttpServer() { stop(); }

std::uint16_t HttpServer::port() const { return state_->acceptor.local_endpoint().port(); }

void HttpServer::on_signal(std::function<void(int)> callback) {
  state_->on_signal = std::move(callback);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) state_->signals.add(signal);
  state_->wait_for_signal();
}

void HttpServer::start() {
  State& state = *state_;
  asio::co_spawn(
      state.control.io, [&state] { return state.accept(); }, asio::detached);
  for (State::Loop& loop : state.loops) loop.start("http");
  state.control.start("accept");
  state.signal_loop.start("signals");
}

void HttpServer::reload() {
  // The acceptor's thread is the one that reads the certificate.
  std::promise<void> done;
  asio::post(state_->control.io, [&] {
    try {
      state_->transports.reload();
      done.set_value();
    } catch (...) {
      done.set_exception(std::current_exception());
    }
  });
  done.get_future().get();
  for (const auto& connection : state_->connections.all()) connection->retire();
}

void HttpServer::drain() {
  state_->shared.draining = true;
  for (const auto& connection : state_->connections.all()) connection->retire();
}

// Where the system gave no thread, only some of them run.
void HttpServer::stop() {
  const auto runs = [](const State::Loop& loop) { return loop.thread.joinable(); };
  if (std::ranges::none_of(state_->loops, runs)) return;
  state_->stopping = true;
  drain();
  asio::post(state_->control.io, [this] {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
  });
  asio::post(state_->signal_loop.io, [this] { state_->signals.cancel(); });
  for (State::Loop* loop : {&state_->control, &state_->signal_loop}) {
    loop->work.reset();
    if (runs(*loop)) loop->thread.join();
  }
  for (const auto& connection : state_->connections.all()) connection->close();
  for (State::Loop& loop : state_->loops) loop.work.reset();
  for (State::Loop& loop : state_->loops) {
    if (runs(loop)) loop.thread.join();
  }
}

}  // namespace tinyllm
