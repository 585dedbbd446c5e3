#pragma once
// The bytes of one connection, plain or under TLS. Includes Asio: for server/http*.cpp only.
// Used on the connection's strand.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace tinyllm {

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  // Each throws boost::system::system_error when the connection breaks. One read and one write may
  // be under way at a time.
  virtual boost::asio::awaitable<void> handshake() = 0;
  virtual boost::asio::awaitable<std::size_t> read_some(boost::asio::mutable_buffer buffer) = 0;
  // Writes a part of the bytes, at least one, and returns how many.
  virtual boost::asio::awaitable<std::size_t> write_some(std::string_view bytes) = 0;
  // Says that no more will come.
  virtual boost::asio::awaitable<void> shutdown_send() = 0;
  virtual void close() = 0;  // whatever waits ends with an error
  // Bytes that the kernel still holds for a client that has not taken them.
  virtual std::size_t n_untaken() = 0;
};

// Certificate and key for TLS; both paths empty: plain.
class HttpTransportMaker {
 public:
  // Throws Error{io | invalid_input} that names the file.
  HttpTransportMaker(const std::string& certificate_file, const std::string& key_file);
  ~HttpTransportMaker();
  std::unique_ptr<HttpTransport> make(boost::asio::ip::tcp::socket socket) const;
  // Reads the files again, for connections from now on. Throws as the constructor does, and then
  // nothing has changed. Same thread as make().
  void reload();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
