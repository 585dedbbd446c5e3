#include "server/http_transport.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

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

std::size_t n_untaken_by(tcp::socket& socket) {
  int n_bytes = 0;
  if (::ioctl(socket.native_handle(), SIOCOUTQ, &n_bytes) != 0) return 0;
  return static_cast<std::size_t>(n_bytes);
}

class PlainTransport : public HttpTransport {
 public:
  explicit PlainTransport(tcp::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<void> handshake() override { co_return; }
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer buffer) override {
    return socket_.async_read_some(buffer, asio::use_awaitable);
  }
  asio::awaitable<std::size_t> write_some(std::string_view bytes) override {
    return socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()), asio::use_awaitable);
  }
  asio::awaitable<void> shutdown_send() override {
    shutdown_socket(socket_);
    co_return;
  }
  void close() override { close_socket(socket_); }
  std::size_t n_untaken() override { return n_untaken_by(socket_); }

 private:
  tcp::socket socket_;
};

class TlsTransport : public HttpTransport {
 public:
  // Keeps its context: a later one may hold other certificates.
  TlsTransport(tcp::socket socket, std::shared_ptr<asio::ssl::context> context)
      : context_(std::move(context)), stream_(std::move(socket), *context_) {}

  asio::awaitable<void> handshake() override {
    co_await stream_.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
  }
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer buffer) override {
    return stream_.async_read_some(buffer, asio::use_awaitable);
  }
  asio::awaitable<std::size_t> write_some(std::string_view bytes) override {
    return stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), asio::use_awaitable);
  }
  // Sends close_notify, so that the client knows the answer is whole, and does not wait for the
  // client's own, which the reader meets as the end of the stream.
  asio::awaitable<void> shutdown_send() override {
    SSL* ssl = stream_.native_handle();
    SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
    boost::system::error_code ignored;
    co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    shutdown_socket(stream_.next_layer());
  }
  void close() override { close_socket(stream_.next_layer()); }
  std::size_t n_untaken() override { return n_untaken_by(stream_.next_layer()); }

 private:
  std::shared_ptr<asio::ssl::context> context_;
  asio::ssl::stream<tcp::socket> stream_;
};

// For TLS 1.2; every suite of TLS 1.3 has forward secrecy.
constexpr const char* kForwardSecretCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL";

std::shared_ptr<asio::ssl::context> read_context(const std::string& certificate_file,
                                                 const std::string& key_file) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  context->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  SSL_CTX_set_cipher_list(context->native_handle(), kForwardSecretCiphers);
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate_file, error);
  if (error) {
    fail(ErrorCode::io, "--tls-cert {}: no certificate chain in PEM form: {}", certificate_file,
         error.message());
  }
  context->use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error) {
    fail(ErrorCode::io, "--tls-key {}: no private key in PEM form that fits the certificate: {}",
         key_file, error.message());
  }
  return context;
}

}  // namespace

struct HttpTransportMaker::State {
  std::string certificate_file, key_file;
  std::shared_ptr<asio::ssl::context> tls;  // none: plain
};

HttpTransportMaker::HttpTransportMaker(const std::string& certificate_file,
                                       const std::string& key_file)
    : state_(std::make_unique<State>(State{certificate_file, key_file, nullptr})) {
  if (certificate_file.empty() != key_file.empty())
    fail(ErrorCode::usage, "TLS needs both --tls-cert and --tls-key");
  reload();
}

HttpTransportMaker::~HttpTransportMaker() = default;

void HttpTransportMaker::reload() {
  if (!state_->certificate_file.empty())
    state_->tls = read_context(state_->certificate_file, state_->key_file);
}

std::unique_ptr<HttpTransport> HttpTransportMaker::make(tcp::socket socket) const {
  if (state_->tls) return std::make_unique<TlsTransport>(std::move(socket), state_->tls);
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace tinyllm
