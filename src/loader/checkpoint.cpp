#include "loader/checkpoint.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "loader/config_from_gguf.h"
#include "loader/config_from_hf.h"
#include "loader/context_settings.h"
#include "loader/gguf_file.h"
#include "loader/hf_folder.h"
#include "loader/random_checkpoint.h"

namespace tinyllm {

namespace {

ModelConfig read_config(const HuggingFaceFolder& folder) {
  return config_from_hf(folder.find_json("config.json").value_or(nlohmann::json()),
                        folder.source("config.json"));
}

void refuse_lone_safetensors(const std::filesystem::path& path) {
  if (path.extension() == ".safetensors") {
    fail(ErrorCode::invalid_input,
         "{}: is one file of a model; name the folder that holds it and its config.json",
         path.string());
  }
}

}  // namespace

struct Checkpoint::State {
  CheckpointFormat format = CheckpointFormat::random;
  std::filesystem::path path;
  ModelConfig config;
  std::optional<GgufFile> gguf;
  std::optional<HuggingFaceFolder> folder;
  // format random only
  TensorMap memory_tensors;
  std::vector<Buffer> memory_buffers;
};

Checkpoint Checkpoint::open(const std::filesystem::path& path) {
  if (is_random_name(path.native())) {
    ThreadPool pool(default_thread_count());
    return make_random_checkpoint(path.native(), pool);
  }
  auto state = std::make_unique<State>();
  state->path = path;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    state->format = CheckpointFormat::hugging_face;
    state->folder.emplace(path);
    state->config = read_config(*state->folder);
  } else {
    refuse_lone_safetensors(path);
    state->format = CheckpointFormat::gguf;
    state->gguf.emplace(path);
    state->config = config_from_gguf(state->gguf->metadata(), state->gguf->tensors());
  }
  return Checkpoint(std::move(state));
}

Checkpoint Checkpoint::from_memory(const std::string& name, ModelConfig config, TensorMap tensors,
                                   std::vector<Buffer> buffers) {
  validate(config, name);
  auto state = std::make_unique<State>();
  state->path = name;
  state->config = std::move(config);
  state->memory_tensors = std::move(tensors);
  state->memory_buffers = std::move(buffers);
  return Checkpoint(std::move(state));
}

Checkpoint::Checkpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

CheckpointFormat Checkpoint::format() const { return state_->format; }
const std::filesystem::path& Checkpoint::path() const { return state_->path; }
const ModelConfig& Checkpoint::config() const { return state_->config; }

void Checkpoint::set_context(const ContextSettings& settings) {
  apply(settings, state_->config, path().string());
}

const UnreadTensors& Checkpoint::unread_tensors() const {
  static const UnreadTensors none;
  const HuggingFaceFolder* folder = hugging_face();
  return folder != nullptr ? folder->unread_tensors() : none;
}

const TensorMap& Checkpoint::tensors() const {
  if (state_->gguf) return state_->gguf->tensors();
  return state_->folder ? state_->folder->tensors() : state_->memory_tensors;
}

WeightNaming Checkpoint::naming() const {
  return state_->gguf ? WeightNaming::gguf : WeightNaming::hugging_face;
}

const Tensor* Checkpoint::find(std::string_view name) const {
  const auto it = tensors().find(name);
  return it == tensors().end() ? nullptr : &it->second;
}

void Checkpoint::release(const Tensor& tensor) const {
  if (state_->gguf || state_->folder) {
    release_pages({tensor.data, static_cast<std::size_t>(tensor.n_bytes())});
  }
}

std::int64_t Checkpoint::file_bytes() const {
  if (state_->gguf) return state_->gguf->file_bytes();
  if (state_->folder) return state_->folder->file_bytes();
  std::int64_t n_bytes = 0;
  for (const Buffer& buffer : state_->memory_buffers) n_bytes += buffer.n_bytes();
  return n_bytes;
}

const GgufFile* Checkpoint::gguf() const { return state_->gguf ? &*state_->gguf : nullptr; }
const HuggingFaceFolder* Checkpoint::hugging_face() const {
  return state_->folder ? &*state_->folder : nullptr;
}

}  // namespace tinyllm
