#include "model_store/describe_model.h"

#include <algorithm>
#include <exception>
#include <map>

#include "base/error.h"
#include "loader/checkpoint.h"
#include "loader/hf_folder.h"
#include "tensor/dtype.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

std::uint64_t bytes_on_disk(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const std::uintmax_t size = fs::file_size(path, error);
    return error ? 0 : size;
  }
  std::uint64_t n_bytes = 0;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    if (!it->is_regular_file(gone) || it->path().extension() == ".gguf") continue;
    const std::uintmax_t size = it->file_size(gone);
    if (!gone) n_bytes += size;
  }
  return n_bytes;
}

std::string main_dtype(const TensorMap& tensors) {
  std::map<std::string, std::int64_t> bytes_of;
  for (const auto& [key, tensor] : tensors) {
    bytes_of[name(tensor.dtype)] += tensor.n_bytes();
  }
  const auto most =
      std::ranges::max_element(bytes_of, {}, [](const auto& entry) { return entry.second; });
  return most == bytes_of.end() ? "" : most->first;
}

// The loader's messages begin with the path, which the list shows anyway.
std::string without_path(std::string message, const fs::path& path) {
  const std::string prefix = path.string() + ": ";
  if (message.starts_with(prefix)) message.erase(0, prefix.size());
  return message;
}

}  // namespace

ModelDescription describe_model(const LocalModel& model) {
  ModelDescription description;
  description.bytes = bytes_on_disk(model.path);
  try {
    if (model_type_of(model.path) == "bert") {  // an encoder: no Checkpoint, which generates
      const HuggingFaceFolder folder(model.path);
      description.architecture = "bert";
      description.format = "safetensors " + main_dtype(folder.tensors());
      return description;
    }
    const Checkpoint checkpoint = Checkpoint::open(model.path);
    const bool is_gguf = checkpoint.format() == CheckpointFormat::gguf;
    description.bytes = static_cast<std::uint64_t>(checkpoint.file_bytes());
    description.architecture = checkpoint.config().architecture;
    description.format = (is_gguf ? "GGUF " : "safetensors ") + main_dtype(checkpoint.tensors());
  } catch (const std::exception& error) {
    description.unsupported = without_path(error.what(), model.path);
  }
  return description;
}

}  // namespace tinyllm
