#include "apps/called_as.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace tinyllm {
namespace {

// The environment variable while a test runs.
class CalledAs : public testing::Test {
 protected:
  ~CalledAs() override { ::unsetenv("TINYLLM_CALLED_AS"); }
  static std::string with(const char* name, const char* text) {
    ::setenv("TINYLLM_CALLED_AS", name, 1);
    return as_called(text);
  }
};

TEST_F(CalledAs, CommandsAreSaidAsTheUserTypesThem) {
  EXPECT_EQ(with("./tiny", "`tinyllm list` shows them, 'tinyllm pull NAME' fetches one"),
            "`./tiny list` shows them, './tiny pull NAME' fetches one");
  EXPECT_EQ(with("../tiny", "Usage: tinyllm chat\n  tinyllm chat\nsee 'tinyllm --help'"),
            "Usage: ../tiny chat\n  ../tiny chat\nsee '../tiny --help'");
  EXPECT_EQ(with("./tiny", "\"$(tinyllm completion bash)\""), "\"$(./tiny completion bash)\"");
  EXPECT_EQ(with("./tiny", "Usage: tinyllm COMMAND [OPTIONS]"), "Usage: ./tiny COMMAND [OPTIONS]");
}

TEST_F(CalledAs, EverythingElseStays) {
  for (const char* text :
       {"tinyllm: no such file", "tinyllm 0.1.0", "/opt/tinyllm list", "tinyllm "}) {
    EXPECT_EQ(with("./tiny", text), text);
  }
}

TEST_F(CalledAs, WithoutAnotherNameTheBinarysOwn) {
  ::unsetenv("TINYLLM_CALLED_AS");
  EXPECT_EQ(as_called("tinyllm list"), "tinyllm list");
  EXPECT_EQ(with("", "tinyllm list"), "tinyllm list");
  EXPECT_EQ(with("a b", "tinyllm list"), "tinyllm list");
}

}  // namespace
}  // namespace tinyllm
