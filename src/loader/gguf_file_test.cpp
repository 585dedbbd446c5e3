#include "loader/gguf_file.h"

#include <gtest/gtest.h>

#include "base/temp_folder_test.h"
#include "loader/gguf_builder_test.h"

namespace tinyllm {
namespace {

using testing::error_of;
using testing::GgufBuilder;
using testing::TempFolder;

GgufBuilder part(std::uint16_t number, std::uint16_t count, const std::string& tensor) {
  GgufBuilder builder;
  builder.number("split.no", GgufType::uint16, number)
      .number("split.count", GgufType::uint16, count)
      .number("split.tensors.count", GgufType::int32, std::int32_t{count})
      .tensor_f32(tensor, {1}, {static_cast<float>(number)});
  return builder;
}

TEST(GgufFile, JoinsTheParts) {
  const TempFolder folder;
  const auto first = folder.write("m-00001-of-00003.gguf", part(0, 3, "a").build());
  folder.write("m-00002-of-00003.gguf", part(1, 3, "b").build());
  const auto third = folder.write("m-00003-of-00003.gguf", part(2, 3, "c").build());
  const GgufFile file(first);
  EXPECT_EQ(file.n_files(), 3);
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(*file.tensors().at("a").f32(), 0.0f);
  EXPECT_EQ(*file.tensors().at("c").f32(), 2.0f);
  EXPECT_EQ(file.file_bytes(), 3 * static_cast<std::int64_t>(std::filesystem::file_size(first)));

  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { GgufFile unused(third); }),
            third.string() +
                ": is part 3 of 3 of a split model; name the first part, which ends in "
                "'-00001-of-00003.gguf'");
}

TEST(GgufFile, RefusesWrongParts) {
  const TempFolder folder;
  const auto first = folder.write("m-00001-of-00002.gguf", part(0, 2, "a").build());
  const auto second = folder.path() / "m-00002-of-00002.gguf";
  const auto open = [&] { GgufFile unused(first); };
  EXPECT_EQ(error_of(ErrorCode::not_found, open),
            second.string() + ": cannot be opened: No such file or directory");
  folder.write("m-00002-of-00002.gguf", part(1, 2, "a").build());
  EXPECT_EQ(error_of(ErrorCode::invalid_input, open),
            second.string() + ": tensor 'a' is in an earlier part too");
  folder.write("m-00002-of-00002.gguf", part(0, 2, "b").build());
  EXPECT_EQ(error_of(ErrorCode::invalid_input, open),
            second.string() + ": split.no is 0, must be 1 of 2; it belongs to another model");
  folder.write("m-00002-of-00002.gguf", part(1, 2, "b").tensor("c", {1}, 0, 4).build());
  EXPECT_EQ(error_of(ErrorCode::invalid_input, open),
            first.string() + ": the 2 parts hold 3 tensors, split.tensors.count says 2");

  const auto renamed = folder.write("renamed.gguf", part(0, 2, "a").build());
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { GgufFile unused(renamed); }),
            renamed.string() +
                ": is the first of 2 parts, its name must end in '-00001-of-00002.gguf' so that "
                "the others can be found");
}

}  // namespace
}  // namespace tinyllm
