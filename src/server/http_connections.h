#pragma once
// Every open connection: how many, whose, and which one goes when there is no room for a new one.
// For server/http*.cpp only. Any thread.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/http_connection.h"

namespace tinyllm {

struct HttpConnectionLimits {
  int n_connections = 1024;
  int n_per_address = 512;
};

class HttpConnections {
 public:
  explicit HttpConnections(HttpConnectionLimits limits) : limits_(limits) {}

  // Whether one more of this address may come. Where it is full, the connection that has waited
  // longest for its client goes in its place: of the address's own, where those are too many, else
  // of all. False when every one of them is being answered.
  bool make_room(const std::string& address);
  void add(const std::shared_ptr<HttpConnection>& connection);
  std::vector<std::shared_ptr<HttpConnection>> all();

 private:
  const HttpConnectionLimits limits_;
  std::mutex mutex_;  // guards the list
  std::vector<std::weak_ptr<HttpConnection>> open_;
};

}  // namespace tinyllm
