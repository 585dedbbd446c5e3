#pragma once
// The one way to stdout, which carries what a command answers; messages for people go to stderr.
// Unbuffered, so that streamed text is seen at once and a full disk is noticed at the write that
// hits it. Main thread only.

#include <string>
#include <string_view>

namespace tinyllm {

// The reader went away (`| head`): main ends quietly with 0. Not an Error: nobody is at fault.
struct StdoutClosed {};

// Throws Error{io} when the bytes cannot be written (disk full), StdoutClosed on a closed pipe.
void write_stdout(std::string_view text);

// All of stdin, e.g. a prompt; at a terminal stderr says that it is waited for. Throws Error{io}; Error{invalid_input} past `max_bytes`.
std::string read_stdin(std::size_t max_bytes = std::size_t{1} << 30);

}  // namespace tinyllm
