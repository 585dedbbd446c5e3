#include "loader/gguf.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/temp_folder_test.h"
#include "loader/gguf_builder_test.h"

namespace tinyllm {
namespace {

using testing::as_bytes;
using testing::error_of;
using testing::GgufBuilder;

std::string parse_error(const std::string& file, ErrorCode code = ErrorCode::invalid_input) {
  return error_of(code, [&] { parse_gguf(as_bytes(file), "m.gguf"); });
}
std::string parse_error(const GgufBuilder& builder, ErrorCode code = ErrorCode::invalid_input) {
  return parse_error(builder.build(), code);
}

TEST(Gguf, ReadsTypedMetadata) {
  GgufBuilder builder;
  builder.key_string("name", "tiny")
      .key_u32("count", 7)
      .key_f32("eps", 0.5f)
      .key_bool("flag", true)
      .number("big", GgufType::uint64, std::uint64_t{1} << 40)
      .number("minus", GgufType::int8, std::int8_t{-3})
      .number("double", GgufType::float64, 0.25)
      .key_strings("words", {"a", "", "\xC4\xA0the"})
      .key_i32s("types", {1, -2, 3})
      .key_strings("nothing", {});
  const std::string file = builder.build();
  const GgufContents contents = parse_gguf(as_bytes(file), "m.gguf");
  const GgufMetadata& metadata = contents.metadata;
  EXPECT_EQ(contents.version, 3u);
  EXPECT_EQ(metadata.values().size(), 10u);
  EXPECT_EQ(metadata.require_string("name"), "tiny");
  EXPECT_EQ(metadata.require_count("count"), 7);
  EXPECT_EQ(metadata.require_float("eps"), 0.5);
  EXPECT_EQ(metadata.find_float("double"), 0.25);
  EXPECT_EQ(metadata.find_bool("flag"), true);
  EXPECT_EQ(metadata.find_count("big"), std::int64_t{1} << 40);
  EXPECT_EQ(metadata.find_strings("words"),
            (std::vector<std::string_view>{"a", "", "\xC4\xA0the"}));
  EXPECT_EQ(metadata.find_strings("nothing"), std::vector<std::string_view>{});
  EXPECT_EQ(metadata.find_integers("types"), (std::vector<std::int64_t>{1, -2, 3}));
  EXPECT_EQ(metadata.find_string("absent"), std::nullopt);
  EXPECT_EQ(metadata.find_strings("absent"), std::nullopt);
}

TEST(Gguf, ChecksTypesBeforeUse) {
  GgufBuilder builder;
  builder.key_string("s", "x")
      .key_u32("u", 1)
      .key_f32("f", 1.0f)
      .key_strings("ss", {"a"})
      .number("minus", GgufType::int32, std::int32_t{-3})
      .number("huge", GgufType::uint64, ~std::uint64_t{0})
      .number("odd", GgufType::boolean, std::uint8_t{2});
  const std::string file = builder.build();
  const GgufContents contents = parse_gguf(as_bytes(file), "m.gguf");
  const GgufMetadata& m = contents.metadata;
  const auto message = [](auto call) { return error_of(ErrorCode::invalid_input, call); };
  EXPECT_EQ(message([&] { m.find_count("s"); }),
            "m.gguf: metadata key 's' is string, must be an integer of at most 63 bits");
  EXPECT_EQ(message([&] { m.find_count("f"); }),
            "m.gguf: metadata key 'f' is float32, must be an integer of at most 63 bits");
  EXPECT_EQ(message([&] { m.find_count("huge"); }),
            "m.gguf: metadata key 'huge' is uint64, must be an integer of at most 63 bits");
  EXPECT_EQ(message([&] { m.find_count("minus"); }),
            "m.gguf: metadata key 'minus' is -3, must be 0 or more");
  EXPECT_EQ(message([&] { m.find_count("ss"); }),
            "m.gguf: metadata key 'ss' is an array of string, must be one integer");
  EXPECT_EQ(message([&] { m.find_string("ss"); }),
            "m.gguf: metadata key 'ss' is an array of string, must be a string");
  EXPECT_EQ(message([&] { m.find_float("u"); }),
            "m.gguf: metadata key 'u' is uint32, must be a float");
  EXPECT_EQ(message([&] { m.find_bool("u"); }),
            "m.gguf: metadata key 'u' is uint32, must be a bool");
  EXPECT_EQ(message([&] { m.find_bool("odd"); }),
            "m.gguf: metadata key 'odd' is a bool of value 2, must be 0 or 1");
  EXPECT_EQ(message([&] { m.find_strings("s"); }),
            "m.gguf: metadata key 's' is string, must be an array of strings");
  EXPECT_EQ(message([&] { m.find_integers("ss"); }),
            "m.gguf: metadata key 'ss' is an array of string, must be an array of integers");
  EXPECT_EQ(message([&] { m.require_count("absent"); }),
            "m.gguf: metadata key 'absent' is missing; the file is not a complete language model");
}

TEST(Gguf, PlacesTensors) {
  GgufBuilder builder;
  builder.tensor_f32("a", {3}, {1, 2, 3})
      .tensor("b", {64, 5}, 3, 5 * 40)  // Q4_1: 2 blocks of 20 bytes a row
      .tensor_f32("c", {2, 1, 3}, {1, 2, 3, 4, 5, 6});
  const std::string file = builder.build();
  const GgufContents contents = parse_gguf(as_bytes(file), "m.gguf");
  ASSERT_EQ(contents.tensors.size(), 3u);
  EXPECT_EQ(contents.tensors.at("a").f32()[2], 3.0f);
  EXPECT_EQ(contents.tensors.at("b").shape, (Shape{5, 64}));  // outermost first
  EXPECT_EQ(contents.tensors.at("b").dtype, DType::q4_1);
  EXPECT_EQ(contents.tensors.at("b").n_bytes(), 200);
  EXPECT_EQ(contents.tensors.at("c").shape, (Shape{3, 1, 2}));
  EXPECT_EQ(contents.tensors.at("c").f32()[5], 6.0f);
}

TEST(Gguf, Version2AndOtherAlignments) {
  for (const std::uint32_t alignment : {8u, 64u, 4096u}) {
    GgufBuilder builder;
    builder.version = 2;
    builder.alignment = alignment;
    builder.key_u32("general.alignment", alignment)
        .tensor_f32("a", {1}, {7})
        .tensor_f32("b", {1}, {8});
    const std::string file = builder.build();
    const GgufContents contents = parse_gguf(as_bytes(file), "m.gguf");
    EXPECT_EQ(contents.alignment, alignment);
    EXPECT_EQ(contents.tensors.at("b").data - contents.tensors.at("a").data, alignment);
    EXPECT_EQ(*contents.tensors.at("b").f32(), 8.0f);
  }
}

TEST(Gguf, EveryFormatHasItsNumber) {
  const std::vector<std::pair<std::uint32_t, DType>> formats = {
      {0, DType::f32},   {1, DType::f16},    {2, DType::q4_0},  {3, DType::q4_1},
      {6, DType::q5_0},  {7, DType::q5_1},   {8, DType::q8_0},  {10, DType::q2_k},
      {11, DType::q3_k}, {12, DType::q4_k},  {13, DType::q5_k}, {14, DType::q6_k},
      {30, DType::bf16}, {20, DType::iq4_nl}};
  EXPECT_EQ(formats.size(), static_cast<std::size_t>(kNumDTypes));
  for (const auto& [number, dtype] : formats) {
    GgufBuilder builder;
    builder.tensor("w", {256}, number, static_cast<std::uint64_t>(row_bytes(dtype, 256)));
    const std::string file = builder.build();
    EXPECT_EQ(parse_gguf(as_bytes(file), "m.gguf").tensors.at("w").dtype, dtype);
  }
}

TEST(Gguf, RefusesFormatsByName) {
  const std::string supported =
      "supported are F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, "
      "BF16";
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {256}, 16, 66), ErrorCode::unsupported),
            "m.gguf: tensor 'w' is IQ2_XXS, which is not supported; " + supported);
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {256}, 39, 136), ErrorCode::unsupported),
            "m.gguf: tensor 'w' is MXFP4, which is not supported; " + supported);
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {256}, 9, 288), ErrorCode::unsupported),
            "m.gguf: tensor 'w' is Q8_1, which is not supported; " + supported);
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {256}, 4, 256), ErrorCode::unsupported),
            "m.gguf: tensor 'w' has the unknown type number 4; supported types are " +
                supported.substr(14));
}

TEST(Gguf, RefusesOtherFilesAndVersions) {
  EXPECT_EQ(parse_error(""), "m.gguf: not a GGUF file: it does not begin with 'GGUF'");
  EXPECT_EQ(parse_error("GGU"), "m.gguf: not a GGUF file: it does not begin with 'GGUF'");
  EXPECT_EQ(parse_error("PK\3\4 a zip file"),
            "m.gguf: not a GGUF file: it does not begin with 'GGUF'");
  GgufBuilder old;
  old.version = 1;
  EXPECT_EQ(
      parse_error(old, ErrorCode::unsupported),
      "m.gguf: GGUF version is 1, must be 2 or 3; convert the model again with a current tool");
  GgufBuilder swapped;
  swapped.version = 0x03000000;
  EXPECT_EQ(parse_error(swapped, ErrorCode::unsupported),
            "m.gguf: is a big-endian GGUF file; only little-endian ones are read");
}

// A file cut anywhere before its last byte of data is refused, never read past its end.
TEST(Gguf, RefusesEveryTruncation) {
  GgufBuilder builder;
  builder.key_string("name", "tiny")
      .key_strings("words", {"a", "bc"})
      .tensor_f32("a", {3}, {1, 2, 3});
  const std::string file = builder.build();
  for (std::size_t size = 0; size < file.size(); ++size) {
    // A copy of exactly this size, so that the sanitizer sees a read past it.
    const std::vector<std::byte> cut(as_bytes(file).begin(),
                                     as_bytes(file).begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(parse_gguf(cut, "m.gguf"), Error) << size;
  }
  const std::string last = parse_error(file.substr(0, file.size() - 1));
  EXPECT_EQ(last, fmt::format("m.gguf: tensor 'a' ends at byte {}, the file has {} bytes; it is "
                              "truncated, fetch it again",
                              file.size(), file.size() - 1));
}

TEST(Gguf, RefusesCountsBeyondTheFile) {
  const auto contains = [](const GgufBuilder& builder, const std::string& part) {
    const std::string message = parse_error(builder);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  EXPECT_EQ(parse_error(GgufBuilder().build_with_counts(~std::uint64_t{0}, 0)),
            "m.gguf: the tensor count is 18446744073709551615, the 16 bytes left hold at most 0; "
            "the file is truncated or damaged");
  EXPECT_EQ(parse_error(GgufBuilder().build_with_counts(0, 1000)),
            "m.gguf: the metadata key count is 1000, the 8 bytes left hold at most 0; the file is "
            "truncated or damaged");
  // 2^62 strings of 8 bytes, 2^63 numbers of 4: products that wrap around.
  GgufBuilder words;
  words.begin_array("w", GgufType::string, std::uint64_t{1} << 62);
  contains(words, "m.gguf: metadata key 'w' has 4611686018427387904 elements, the ");
  GgufBuilder numbers;
  numbers.begin_array("n", GgufType::int32, (std::uint64_t{1} << 63) + 1);
  contains(numbers, "m.gguf: metadata key 'n' has 9223372036854775809 elements, the ");
  std::string long_string;
  GgufBuilder::append_string(long_string, "s");
  GgufBuilder::append(long_string, static_cast<std::uint32_t>(GgufType::string));
  GgufBuilder::append(long_string, ~std::uint64_t{0});
  contains(GgufBuilder().raw_key(long_string),
           "m.gguf: a metadata string at byte 45 wants 18446744073709551615 bytes, ");
}

TEST(Gguf, RefusesBadKeys) {
  EXPECT_EQ(parse_error(GgufBuilder().key_u32("", 1)),
            "m.gguf: a metadata key has 0 bytes, must have 1 to 65535");
  EXPECT_EQ(parse_error(GgufBuilder().key_u32(std::string(65536, 'k'), 1)),
            "m.gguf: a metadata key has 65536 bytes, must have 1 to 65535");
  EXPECT_EQ(parse_error(GgufBuilder().key_u32("k\n", 1).key_u32("k\n", 2)),
            "m.gguf: metadata key 'k\\x0a' is there twice");
  EXPECT_EQ(parse_error(GgufBuilder().number("k", static_cast<GgufType>(13), 1u)),
            "m.gguf: metadata key 'k': value type is 13, must be 0 to 12");
  GgufBuilder nested;
  nested.begin_array("k", GgufType::array, 1);
  EXPECT_EQ(parse_error(nested), "m.gguf: metadata key 'k' is an array of arrays, must be flat");
  GgufBuilder unknown;
  unknown.begin_array("k", static_cast<GgufType>(99), 1);
  EXPECT_EQ(parse_error(unknown),
            "m.gguf: metadata key 'k': array element type is 99, must be 0 to 12");
}

TEST(Gguf, RefusesBadAlignments) {
  for (const std::uint32_t alignment : {0u, 3u, 48u}) {
    EXPECT_EQ(parse_error(GgufBuilder().key_u32("general.alignment", alignment)),
              fmt::format("m.gguf: general.alignment is {}, must be a power of two", alignment));
  }
  EXPECT_EQ(parse_error(GgufBuilder().key_string("general.alignment", "32")),
            "m.gguf: metadata key 'general.alignment' is string, must be an integer of at most 63 "
            "bits");
  // A huge power of two leaves no room for data, and must not wrap.
  GgufBuilder huge;
  huge.number("general.alignment", GgufType::uint64, std::uint64_t{1} << 62)
      .tensor("w", {32}, 0, 128);
  EXPECT_NE(parse_error(huge).find("it is truncated"), std::string::npos);
}

TEST(Gguf, RefusesBadTensors) {
  EXPECT_EQ(parse_error(GgufBuilder().tensor("", {1}, 0, 4)), "m.gguf: a tensor has an empty name");
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {}, 0, 40)),
            "m.gguf: tensor 'w' has 0 dimensions, must have 1 to 4");
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {1, 1, 1, 1, 1}, 0, 4)),
            "m.gguf: tensor 'w' has 5 dimensions, must have 1 to 4");
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {4, 0}, 0, 4)),
            "m.gguf: tensor 'w' has a dimension of 0, must be in [1, 9223372036854775807]");
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {1, ~std::uint64_t{0}}, 0, 4)),
            "m.gguf: tensor 'w' has a dimension of 18446744073709551615, must be in [1, "
            "9223372036854775807]");
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {1u << 31, 1u << 31, 1u << 31}, 0, 4)),
            "m.gguf: size of tensor 'w': 4611686018427387904 x 2147483648 does not fit in 64 bits");
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {48}, 2, 36)),
            "m.gguf: tensor 'w' has rows of 48 elements, must be a multiple of 32 (q4_0)");
  EXPECT_EQ(parse_error(GgufBuilder().tensor("w", {1}, 0, 4).tensor("w", {1}, 0, 4)),
            "m.gguf: tensor 'w' is there twice");
  EXPECT_EQ(parse_error(GgufBuilder().tensor("a", {1}, 0, 4).raw_tensor("w", {1}, 0, 4)),
            "m.gguf: tensor 'w' is at offset 4, must be a multiple of 32");
  EXPECT_EQ(parse_error(GgufBuilder().raw_tensor("w", {1}, 0, 0 - std::uint64_t{32})),
            "m.gguf: place of tensor 'w': 64 + 18446744073709551584 does not fit in 64 bits");
  EXPECT_EQ(parse_error(GgufBuilder().raw_tensor("w", {100}, 0, 0)),
            "m.gguf: tensor 'w' ends at byte 464, the file has 64 bytes; it is truncated, fetch it "
            "again");
  EXPECT_EQ(parse_error(GgufBuilder().tensor("a", {16}, 0, 64).raw_tensor("w", {1}, 0, 32)),
            "m.gguf: tensor 'w' begins at byte 128, inside the one before it");
}

}  // namespace
}  // namespace tinyllm
