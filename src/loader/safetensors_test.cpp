#include "loader/safetensors.h"

#include <gtest/gtest.h>

#include "base/temp_folder_test.h"
#include "loader/gguf_builder_test.h"
#include "loader/safetensors_builder_test.h"
#include "loader/safetensors_header.h"

namespace tinyllm {
namespace {

using testing::as_bytes;
using testing::error_of;
using testing::safetensors_file;
using testing::SafetensorsBuilder;

std::string safetensors_error(const std::string& file, ErrorCode code = ErrorCode::invalid_input) {
  return error_of(code, [&] { parse_safetensors(as_bytes(file), "m.safetensors"); });
}

// A file with one entry "w", as given, and so many bytes of data.
std::string entry_error(const std::string& entry, std::size_t n_data_bytes,
                        ErrorCode code = ErrorCode::invalid_input) {
  return safetensors_error(safetensors_file(R"({"w":)" + entry + "}", n_data_bytes), code);
}

TEST(SafetensorsHeader, ReadsEntries) {
  const std::string file =
      SafetensorsBuilder().add("a", "BF16", {3, 2}).add("b", "F32", {5}).build();
  const SafetensorsHeader header = read_safetensors_header(as_bytes(file));
  ASSERT_EQ(header.entries.size(), 2u);
  EXPECT_EQ(header.entries[0].name, "a");
  EXPECT_EQ(header.entries[0].dtype, "BF16");
  EXPECT_EQ(header.entries[0].shape, (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(header.entries[1].begin, 12u);
  EXPECT_EQ(header.entries[1].end, 32u);
  EXPECT_EQ(header.data_begin + 32, file.size());
}

TEST(Safetensors, PlacesTensors) {
  SafetensorsBuilder builder;
  builder.add("z", "F32", {2, 3}).add("a", "BF16", {4}).add("m", "F16", {1, 1, 2, 2});
  const std::string file = builder.build();
  const TensorMap tensors = parse_safetensors(as_bytes(file), "m.safetensors").tensors;
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors.at("z").dtype, DType::f32);
  EXPECT_EQ(tensors.at("z").shape, (Shape{2, 3}));
  EXPECT_EQ(tensors.at("a").dtype, DType::bf16);
  EXPECT_EQ(tensors.at("a").data - tensors.at("z").data, 24);
  EXPECT_EQ(tensors.at("m").dtype, DType::f16);
  for (const char* nothing : {"{}", "{}   "}) {  // padded
    EXPECT_TRUE(parse_safetensors(as_bytes(safetensors_file(nothing, 0)), "m").tensors.empty());
  }
}

TEST(Safetensors, RefusesEveryTruncation) {
  const std::string file = SafetensorsBuilder().add("a", "F32", {2}).build();
  for (std::size_t size = 0; size < file.size(); ++size) {
    const std::vector<std::byte> cut(as_bytes(file).begin(),
                                     as_bytes(file).begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(parse_safetensors(cut, "m.safetensors"), Error) << size;
  }
  EXPECT_EQ(safetensors_error(file.substr(0, file.size() - 3)),
            "m.safetensors: tensor 'a' ends at byte 8 of the data, the file has 5; it is "
            "truncated, fetch it again");
  EXPECT_EQ(safetensors_error(file + "x"),
            "m.safetensors: the tensors end at byte 8 of the data, the file has 9");
}

TEST(Safetensors, RefusesBadHeaders) {
  EXPECT_EQ(safetensors_error("abc"),
            "m.safetensors: the header length at byte 0 wants 8 bytes, 3 are left; the file is "
            "truncated or damaged");
  EXPECT_EQ(safetensors_error("GGUF0000"),
            "m.safetensors: the header length is 3472328296599209799, must be at most 100000000; "
            "is this a safetensors file?");
  EXPECT_EQ(safetensors_error(safetensors_file("{}", 0).substr(0, 9)),
            "m.safetensors: the header at byte 8 wants 2 bytes, 1 are left; the file is truncated "
            "or damaged");
  EXPECT_EQ(safetensors_error(safetensors_file("[]", 0)),
            "m.safetensors: the header must be a JSON object that begins with '{'");
  EXPECT_EQ(safetensors_error(safetensors_file(" {}", 0)),
            "m.safetensors: the header must be a JSON object that begins with '{'");
  EXPECT_EQ(safetensors_error(safetensors_file("{} x", 0)),
            "m.safetensors: not JSON at byte 4: found 'x', wanted nothing more after the value");
  EXPECT_EQ(safetensors_error(safetensors_file(R"({"a":[[[[[]]]]]})", 0)),
            "m.safetensors: JSON nested 5 deep at byte 8, must be at most 4");
  EXPECT_EQ(safetensors_error(safetensors_file(R"({"w":1,"w":2})", 0)),
            "m.safetensors: key 'w' is there twice");
  EXPECT_EQ(safetensors_error(safetensors_file(R"({"":{}})", 0)),
            "m.safetensors: a tensor has an empty name");
}

TEST(Safetensors, RefusesBadEntries) {
  EXPECT_EQ(entry_error("7", 0), "m.safetensors: tensor 'w': its header entry must be an object");
  EXPECT_EQ(entry_error(R"({"shape":[1],"data_offsets":[0,4]})", 4),
            "m.safetensors: tensor 'w': dtype must be a string");
  for (const char* shape : {"null", "4", "[-1]", "[1.5]", R"(["2"])"}) {
    EXPECT_EQ(entry_error(
                  std::string(R"({"dtype":"F32","data_offsets":[0,4],"shape":)") + shape + "}", 4),
              "m.safetensors: tensor 'w': shape must be a list of integers from 0 up");
  }
  for (const char* offsets : {"[0]", "[0,4,8]", "[-4,0]", "{}", "[0,4.0]"}) {
    EXPECT_EQ(entry_error(
                  std::string(R"({"dtype":"F32","shape":[1],"data_offsets":)") + offsets + "}", 4),
              "m.safetensors: tensor 'w': data_offsets must be two integers from 0 up");
  }
  const auto f32 = [](const std::string& shape, const std::string& offsets) {
    return R"({"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  EXPECT_EQ(entry_error(f32("[4294967296,4294967296]", "[0,4]"), 4),
            "m.safetensors: size of tensor 'w': 17179869184 x 4294967296 does not fit in 64 bits");
  EXPECT_EQ(
      entry_error(f32("[2]", "[0,4]"), 4),
      "m.safetensors: tensor 'w' lies at bytes 0 to 4 of the data, its shape and dtype want 8 "
      "bytes");
  EXPECT_EQ(entry_error(f32("[1]", "[4,0]"), 4),
            "m.safetensors: tensor 'w' begins at byte 4 of the data, must begin at 0 where the one "
            "before ends");
  EXPECT_EQ(entry_error(R"({"dtype":"F64","shape":[2],"data_offsets":[0,8]})", 8),
            "m.safetensors: tensor 'w' lies at bytes 0 to 8 of the data, its shape and dtype want "
            "16 bytes");
}

// What no Tensor can hold is told apart, and what lies behind it is read.
TEST(Safetensors, TellsWhatItCannotRead) {
  const auto unread = [](const std::string& dtype, const std::string& shape, int n_bytes) {
    const std::string n = std::to_string(n_bytes), end = std::to_string(n_bytes + 4);
    const std::string file = safetensors_file(
        R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":[0,)" + n +
            R"(]},"x":{"dtype":"F32","shape":[1],"data_offsets":[)" + n + "," + end + "]}}",
        static_cast<std::size_t>(n_bytes) + 4);
    const SafetensorsContents contents = parse_safetensors(as_bytes(file), "m.safetensors");
    EXPECT_EQ(contents.tensors.size(), 1u);
    EXPECT_TRUE(contents.tensors.contains("x"));
    return contents.unread.at("w");
  };
  EXPECT_EQ(unread("F32", "[]", 4), "has 0 dimensions, must have 1 to 4");
  EXPECT_EQ(unread("F32", "[1,1,1,1,1]", 4), "has 5 dimensions, must have 1 to 4");
  EXPECT_EQ(unread("F32", "[0]", 0), "has a dimension of 0, must be in [1, 9223372036854775807]");
  EXPECT_EQ(unread("F64", "[2]", 16),
            "is 'F64', which is not supported; supported are F32, F16, BF16");
  EXPECT_EQ(unread("F8_E4M3", "[4]", 4),
            "is 'F8_E4M3', which is not supported; supported are F32, F16, BF16");
  EXPECT_EQ(unread("NEW", "[7]", 5),
            "is 'NEW', which is not supported; supported are F32, F16, BF16");
}

TEST(Safetensors, RefusesOverlapsAndGaps) {
  const auto two = [](const std::string& a, const std::string& b) {
    return safetensors_file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + a +
                                R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + b + "}}",
                            16);
  };
  EXPECT_NO_THROW(parse_safetensors(as_bytes(two("[8,16]", "[0,8]")), "m.safetensors"));
  EXPECT_EQ(safetensors_error(two("[0,8]", "[4,12]")),
            "m.safetensors: tensor 'b' begins at byte 4 of the data, must begin at 8 where the one "
            "before ends");
  EXPECT_EQ(safetensors_error(two("[0,8]", "[0,8]")),
            "m.safetensors: tensor 'b' begins at byte 0 of the data, must begin at 8 where the one "
            "before ends");
  EXPECT_EQ(safetensors_error(two("[12,20]", "[0,8]")),
            "m.safetensors: tensor 'a' begins at byte 12 of the data, must begin at 8 where the "
            "one before ends");
}

}  // namespace
}  // namespace tinyllm
