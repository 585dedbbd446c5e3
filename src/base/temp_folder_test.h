#pragma once
// For tests: a fresh folder that goes away with the object, and the message of an Error.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"

namespace testing {}  // namespace testing

namespace tinyllm::testing {

using namespace ::testing;  // which this namespace would hide

class TempFolder {
 public:
  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path write(const std::string& name, std::string_view content) const {
    write_file_atomic(path() / name, content);
    return path() / name;
  }

 private:
  TemporaryFolder folder_;
};

// The message of the Error that `call` throws; a test failure when it throws none or another code.
template <typename Call>
std::string error_of(ErrorCode code, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

}  // namespace tinyllm::testing
