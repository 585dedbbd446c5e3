#include "server/http_transport.h"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>

#include "base/error.h"

namespace tinyllm {
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

void close_socket(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.close(ignored);
}

void shutdown_socket(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

class PlainTransport : public HttpTransport {
 public:
  explicit PlainTransport(tcp::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<void> handshake() override { co_return; }
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer buffer) override {
    return socket_.async_read_some(buffer, asio::use_awaitable);
  }
  asio::awaitable<void> write(std::string_view bytes) override {
    co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                               asio::use_awaitable);
  }
  void shutdown_send() override { shutdown_socket(socket_); }
  void close() override { close_socket(socket_); }

 private:
  tcp::socket socket_;
};

class TlsTransport : public HttpTransport {
 public:
  TlsTransport(tcp::socket socket, asio::ssl::context& context)
      : stream_(std::move(socket), context) {}

  asio::awaitable<void> handshake() override {
    co_await stream_.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
  }
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer buffer) override {
    return stream_.async_read_some(buffer, asio::use_awaitable);
  }
  asio::awaitable<void> write(std::string_view bytes) override {
    co_await asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()),
                               asio::use_awaitable);
  }
  void shutdown_send() override { shutdown_socket(stream_.next_layer()); }
  void close() override { close_socket(stream_.next_layer()); }

 private:
  asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

struct HttpTransportMaker::State {
  std::optional<asio::ssl::context> tls;
};

HttpTransportMaker::HttpTransportMaker(const std::string& certificate_file,
                                       const std::string& key_file)
    : state_(std::make_unique<State>()) {
  if (certificate_file.empty() && key_file.empty()) return;
  if (certificate_file.empty() || key_file.empty())
    fail(ErrorCode::usage, "TLS needs both --tls-cert and --tls-key");
  asio::ssl::context& tls = state_->tls.emplace(asio::ssl::context::tls_server);
  tls.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  boost::system::error_code error;
  tls.use_certificate_chain_file(certificate_file, error);
  if (error) {
    fail(ErrorCode::io, "--tls-cert {}: no certificate chain in PEM form: {}", certificate_file,
         error.message());
  }
  tls.use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error) {
    fail(ErrorCode::io, "--tls-key {}: no private key in PEM form that fits the certificate: {}",
         key_file, error.message());
  }
}

HttpTransportMaker::~HttpTransportMaker() = default;

std::unique_ptr<HttpTransport> HttpTransportMaker::make(tcp::socket socket) const {
  if (state_->tls) return std::make_unique<TlsTransport>(std::move(socket), *state_->tls);
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace tinyllm
