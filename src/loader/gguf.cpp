#include "loader/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/quote.h"
#include "loader/byte_reader.h"

namespace tinyllm {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
// The smallest entries that can be written: what bounds the counts of the header.
constexpr std::uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;             // key, type, one byte
constexpr std::uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;  // name, n_dims, dim, type, offset
constexpr std::uint64_t kMaxKeyLength = 65535;

// A tensor format by its number in the file (ggml.h, enum ggml_type). Formats without a DType are
// known by name only, so that a refusal can say what it found.
struct FileFormat {
  std::uint32_t number;
  const char* name;
  std::optional<DType> dtype;
};

constexpr std::array kFileFormats = {
    FileFormat{0, "F32", DType::f32},        FileFormat{1, "F16", DType::f16},
    FileFormat{2, "Q4_0", DType::q4_0},      FileFormat{3, "Q4_1", DType::q4_1},
    FileFormat{6, "Q5_0", DType::q5_0},      FileFormat{7, "Q5_1", DType::q5_1},
    FileFormat{8, "Q8_0", DType::q8_0},      FileFormat{9, "Q8_1", std::nullopt},
    FileFormat{10, "Q2_K", DType::q2_k},     FileFormat{11, "Q3_K", DType::q3_k},
    FileFormat{12, "Q4_K", DType::q4_k},     FileFormat{13, "Q5_K", DType::q5_k},
    FileFormat{14, "Q6_K", DType::q6_k},     FileFormat{15, "Q8_K", std::nullopt},
    FileFormat{16, "IQ2_XXS", std::nullopt}, FileFormat{17, "IQ2_XS", std::nullopt},
    FileFormat{18, "IQ3_XXS", std::nullopt}, FileFormat{19, "IQ1_S", std::nullopt},
    FileFormat{20, "IQ4_NL", DType::iq4_nl}, FileFormat{21, "IQ3_S", std::nullopt},
    FileFormat{22, "IQ2_S", std::nullopt},   FileFormat{23, "IQ4_XS", std::nullopt},
    FileFormat{24, "I8", std::nullopt},      FileFormat{25, "I16", std::nullopt},
    FileFormat{26, "I32", std::nullopt},     FileFormat{27, "I64", std::nullopt},
    FileFormat{28, "F64", std::nullopt},     FileFormat{29, "IQ1_M", std::nullopt},
    FileFormat{30, "BF16", DType::bf16},     FileFormat{34, "TQ1_0", std::nullopt},
    FileFormat{35, "TQ2_0", std::nullopt},   FileFormat{39, "MXFP4", std::nullopt},
    FileFormat{40, "NVFP4", std::nullopt},   FileFormat{41, "Q1_0", std::nullopt},
};

std::string supported_formats() {
  std::string names;
  for (const FileFormat& format : kFileFormats) {
    if (!format.dtype) continue;
    if (!names.empty()) names += ", ";
    names += format.name;
  }
  return names;
}

// A line of the tensor table, checked in itself but not yet against the data that follows.
struct TensorEntry {
  std::string_view name;
  DType dtype;
  Shape shape;
  std::uint64_t offset;  // from the start of the data
  std::uint64_t n_bytes;
};

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::string& source)
      : bytes_(bytes), source_(source), reader_(bytes, source) {
    contents_.metadata = GgufMetadata(source);
  }

  GgufContents parse() {
    read_magic_and_version();
    const auto n_tensors = read_count("the tensor count", kMinTensorBytes);
    const auto n_keys = read_count("the metadata key count", kMinKeyBytes);
    for (std::uint64_t i = 0; i < n_keys; ++i) read_key();
    read_alignment();
    std::vector<TensorEntry> entries;
    for (std::uint64_t i = 0; i < n_tensors; ++i) entries.push_back(read_tensor_entry());
    place_tensors(entries);
    return std::move(contents_);
  }

 private:
  void read_magic_and_version() {
    if (bytes_.size() < 4 || reader_.read<std::uint32_t>("the magic") != kMagic) {
      fail(ErrorCode::invalid_input, "{}: not a GGUF file: it does not begin with 'GGUF'", source_);
    }
    contents_.version = reader_.read<std::uint32_t>("the version");
    if (contents_.version == 2 || contents_.version == 3) return;
    if ((contents_.version & 0xFFFF) == 0) {
      fail(ErrorCode::unsupported,
           "{}: is a big-endian GGUF file; only little-endian ones are read", source_);
    }
    fail(ErrorCode::unsupported,
         "{}: GGUF version is {}, must be 2 or 3; convert the model again with a current tool",
         source_, contents_.version);
  }

  // A count of entries that each take at least `min_bytes` of what is left.
  std::uint64_t read_count(const char* what, std::uint64_t min_bytes) {
    const auto count = reader_.read<std::uint64_t>(what);
    if (count > reader_.n_left() / min_bytes) {
      fail(ErrorCode::invalid_input,
           "{}: {} is {}, the {} bytes left hold at most {}; the file is truncated or damaged",
           source_, what, count, reader_.n_left(), reader_.n_left() / min_bytes);
    }
    return count;
  }

  GgufType read_type(std::string_view key, const char* what) {
    const auto number = reader_.read<std::uint32_t>(what);
    if (number >= kNumGgufTypes) {
      fail(ErrorCode::invalid_input, "{}: metadata key {}: {} is {}, must be 0 to {}", source_,
           quote(key), what, number, kNumGgufTypes - 1);
    }
    return static_cast<GgufType>(number);
  }

  void read_key() {
    const std::string_view key = reader_.read_string("a metadata key");
    if (key.empty() || key.size() > kMaxKeyLength) {
      fail(ErrorCode::invalid_input, "{}: a metadata key has {} bytes, must have 1 to {}", source_,
           key.size(), kMaxKeyLength);
    }
    GgufValue value;
    value.type = read_type(key, "value type");
    if (value.type == GgufType::array) {
      value.is_array = true;
      value.type = read_type(key, "array element type");
      if (value.type == GgufType::array) {
        fail(ErrorCode::invalid_input, "{}: metadata key {} is an array of arrays, must be flat",
             source_, quote(key));
      }
      value.n_elems = reader_.read<std::uint64_t>("an array length");
    }
    value.bytes = take_elements(key, value);
    contents_.metadata.add(key, value);
  }

  // The payload of a value: n_elems fixed-size numbers, or strings with their lengths.
  std::span<const std::byte> take_elements(std::string_view key, const GgufValue& value) {
    const bool is_string = value.type == GgufType::string;
    const std::uint64_t min_bytes = is_string ? 8 : value_bytes(value.type);
    if (value.n_elems > reader_.n_left() / min_bytes) {
      fail(ErrorCode::invalid_input,
           "{}: metadata key {} has {} elements, the {} bytes left hold at most {}; the file is "
           "truncated or damaged",
           source_, quote(key), value.n_elems, reader_.n_left(), reader_.n_left() / min_bytes);
    }
    if (!is_string) return reader_.take(value.n_elems * min_bytes, "a metadata value");
    const std::uint64_t begin = reader_.offset();
    for (std::uint64_t i = 0; i < value.n_elems; ++i) reader_.read_string("a metadata string");
    return bytes_.subspan(begin, reader_.offset() - begin);
  }

  void read_alignment() {
    const auto alignment = contents_.metadata.find_count("general.alignment");
    if (!alignment) return;
    contents_.alignment = static_cast<std::uint64_t>(*alignment);
    if (!std::has_single_bit(contents_.alignment)) {
      fail(ErrorCode::invalid_input, "{}: general.alignment is {}, must be a power of two", source_,
           *alignment);
    }
  }

  TensorEntry read_tensor_entry() {
    TensorEntry entry;
    entry.name = reader_.read_string("a tensor name");
    if (entry.name.empty()) {
      fail(ErrorCode::invalid_input, "{}: a tensor has an empty name", source_);
    }
    const auto n_dims = reader_.read<std::uint32_t>("a dimension count");
    if (n_dims < 1 || n_dims > Shape::kMaxDims) {
      fail(ErrorCode::invalid_input, "{}: tensor {} has {} dimensions, must have 1 to {}", source_,
           quote(entry.name), n_dims, Shape::kMaxDims);
    }
    std::array<std::uint64_t, Shape::kMaxDims> dims{};
    for (std::uint32_t i = 0; i < n_dims; ++i) dims[i] = reader_.read<std::uint64_t>("a dimension");
    entry.dtype = read_dtype(entry.name);
    entry.offset = reader_.read<std::uint64_t>("a tensor offset");
    if (entry.offset % contents_.alignment != 0) {
      fail(ErrorCode::invalid_input, "{}: tensor {} is at offset {}, must be a multiple of {}",
           source_, quote(entry.name), entry.offset, contents_.alignment);
    }
    set_shape(entry, std::span(dims).first(n_dims));
    return entry;
  }

  DType read_dtype(std::string_view tensor_name) {
    const auto number = reader_.read<std::uint32_t>("a tensor type");
    for (const FileFormat& format : kFileFormats) {
      if (format.number != number) continue;
      if (format.dtype) return *format.dtype;
      fail(ErrorCode::unsupported, "{}: tensor {} is {}, which is not supported; supported are {}",
           source_, quote(tensor_name), format.name, supported_formats());
    }
    fail(ErrorCode::unsupported,
         "{}: tensor {} has the unknown type number {}; supported types are {}", source_,
         quote(tensor_name), number, supported_formats());
  }

  // Fills shape and n_bytes from the dimensions, innermost first as the file has them.
  void set_shape(TensorEntry& entry, std::span<const std::uint64_t> dims) {
    const DTypeInfo& format = info(entry.dtype);
    if (dims[0] % static_cast<std::uint64_t>(format.block_elems) != 0) {
      fail(ErrorCode::invalid_input,
           "{}: tensor {} has rows of {} elements, must be a multiple of {} ({})", source_,
           quote(entry.name), dims[0], format.block_elems, format.name);
    }
    const std::string what = source_ + ": size of tensor " + quote(entry.name);
    std::uint64_t n_elems = 1;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      const std::uint64_t dim = dims[dims.size() - 1 - i];
      if (dim < 1 || !std::in_range<std::int64_t>(dim)) {
        fail(ErrorCode::invalid_input, "{}: tensor {} has a dimension of {}, must be in [1, {}]",
             source_, quote(entry.name), dim, std::numeric_limits<std::int64_t>::max());
      }
      n_elems = checked_mul(n_elems, dim, what.c_str());
      entry.shape.append(static_cast<std::int64_t>(dim));
    }
    entry.n_bytes = checked_mul(n_elems / static_cast<std::uint64_t>(format.block_elems),
                                static_cast<std::uint64_t>(format.block_bytes), what.c_str());
  }

  // Turns table entries into views, now that the end of the table says where the data begin. In
  // order of place, no tensor begins inside the one before.
  void place_tensors(std::vector<TensorEntry>& entries) {
    std::stable_sort(
        entries.begin(), entries.end(),
        [](const TensorEntry& a, const TensorEntry& b) { return a.offset < b.offset; });
    const std::uint64_t mask = contents_.alignment - 1;
    const std::uint64_t data_begin = checked_add(reader_.offset(), mask, source_.c_str()) & ~mask;
    std::uint64_t previous_end = 0;
    for (const TensorEntry& entry : entries) {
      const std::string what = source_ + ": place of tensor " + quote(entry.name);
      const std::uint64_t begin = checked_add(data_begin, entry.offset, what.c_str());
      const std::uint64_t end = checked_add(begin, entry.n_bytes, what.c_str());
      if (begin < previous_end) {
        fail(ErrorCode::invalid_input, "{}: tensor {} begins at byte {}, inside the one before it",
             source_, quote(entry.name), begin);
      }
      if (end > bytes_.size()) {
        fail(
            ErrorCode::invalid_input,
            "{}: tensor {} ends at byte {}, the file has {} bytes; it is truncated, fetch it again",
            source_, quote(entry.name), end, bytes_.size());
      }
      const Tensor tensor{bytes_.data() + begin, entry.dtype, entry.shape};
      if (!contents_.tensors.emplace(entry.name, tensor).second) {
        fail(ErrorCode::invalid_input, "{}: tensor {} is there twice", source_, quote(entry.name));
      }
      previous_end = end;
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& source_;
  ByteReader reader_;
  GgufContents contents_;
};

}  // namespace

GgufContents parse_gguf(std::span<const std::byte> bytes, const std::string& source) {
  return Parser(bytes, source).parse();
}

std::uint32_t gguf_format_number(DType dtype) {
  const auto format =
      std::ranges::find_if(kFileFormats, [dtype](const FileFormat& f) { return f.dtype == dtype; });
  CHECK(format != kFileFormats.end(), "GGUF has no number for {}", name(dtype));
  return format->number;
}

}  // namespace tinyllm
