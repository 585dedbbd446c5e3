#pragma once
// How messages of the Model Context Protocol reach a server and come back: lines over the pipes of a
// child, or HTTP. A message is JSON text. One thread.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"

namespace tinyllm {

class McpTransport {
 public:
  virtual ~McpTransport() = default;

  // False once nothing can be sent or received any more.
  virtual bool is_open() const = 0;

  // The revision of the protocol that was agreed on.
  virtual void set_revision(const std::string& revision) = 0;

  // `wants_reply`: receive() is asked for what comes of it. Throws Error{io | network} with what is
  // known when the server has gone.
  virtual void send(std::string_view message, bool wants_reply) = 0;

  // Nobody waits for the answer to the last request any more. It is no longer received where that
  // can be, and the server is sent `notice`, for at most a second. Throws Error as send().
  virtual void cancel(std::string_view notice) = 0;

  // The next message; nothing where none came while `may_wait`, which is asked ten times a second,
  // was true. Throws Error as above, and Error{invalid_input} for a message without end.
  virtual std::optional<std::string> receive(function_ref<bool()> may_wait) = 0;
};

// The longest message that is read.
inline constexpr std::size_t kMaxMcpMessageBytes = 16 << 20;

}  // namespace tinyllm
