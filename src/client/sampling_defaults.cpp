#include "client/sampling_defaults.h"

#include "text/model_text.h"

namespace tinyllm {
namespace {

constexpr float kGreedyBelow = 1e-5f;

}  // namespace

void fill_sampling(SamplingParams& params, const AskedSampling& asked,
                   const GenerationDefaults& recommended, float temperature_without_advice) {
  const bool has_advice = recommended.top_p || recommended.top_k || recommended.min_p;
  params.temperature = asked.temperature.value_or(
      recommended.temperature.value_or(has_advice ? 1.0f : temperature_without_advice));
  if (params.temperature < kGreedyBelow) params.temperature = 0.0f;
  params.top_p = asked.top_p.value_or(recommended.top_p.value_or(1.0f));
  params.top_k = asked.top_k.value_or(recommended.top_k.value_or(0));
  params.min_p = asked.min_p.value_or(recommended.min_p.value_or(0.0f));
  params.repetition_penalty =
      asked.repetition_penalty.value_or(recommended.repetition_penalty.value_or(1.0f));
}

}  // namespace tinyllm
