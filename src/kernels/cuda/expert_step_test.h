#pragma once
// What tests of experts stand on: all that a step of them writes.

#include "kernels/cuda/experts.h"
#include "kernels/cuda/packed_on_device_test.h"

namespace tinyllm::cuda {

inline std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Everything that a step's experts write, poisoned.
struct StepOnDevice {
  StepOnDevice(const ExpertLayer& layer, std::int32_t n)
      : n_rows(n * layer.n_experts_per_token),
        scores(index(n) * index(layer.n_experts + 1)),
        experts(index(n_rows)),
        weights(index(n_rows)),
        shared_weights(index(n)),
        arrivals(std::vector<std::int32_t>(index(n), 0)),
        chunks(index(n_rows)),
        n_chunks(1),
        tokens(index(n_rows)),
        row_weights(index(n_rows)),
        of_choices(index(n_rows)) {}
  ExpertChoices choices() const {
    return {scores.data(), experts.data(), weights.data(), shared_weights.data(), arrivals.data()};
  }
  ExpertRows rows() const {
    return {chunks.data(), n_chunks.data(), tokens.data(), row_weights.data(), of_choices.data()};
  }
  std::int32_t n_rows;
  DeviceArray<float> scores;
  DeviceArray<std::int32_t> experts;
  DeviceArray<float> weights, shared_weights;
  DeviceArray<std::int32_t> arrivals;
  DeviceArray<ExpertChunk> chunks;
  DeviceArray<std::int32_t> n_chunks, tokens;
  DeviceArray<float> row_weights;
  DeviceArray<std::int32_t> of_choices;
};

}  // namespace tinyllm::cuda
