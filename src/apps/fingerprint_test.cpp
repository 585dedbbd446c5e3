#include "apps/fingerprint.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <vector>

namespace tinyllm {
namespace {

TEST(Fingerprint, EveryOptionThatChangesNumbersChangesIt) {
  const std::vector<std::function<void(EngineOptions&)>> changes = {
      [](EngineOptions&) {},
      [](EngineOptions& o) { o.device.exact_float = true; },
      [](EngineOptions& o) { o.device.deterministic = true; },
      [](EngineOptions& o) { o.device.kind = DeviceKind::cuda; },
      [](EngineOptions& o) { o.quantise = DType::q8_0; },
      [](EngineOptions& o) { o.quantise = DType::q4_k; },
      [](EngineOptions& o) { o.kv.type = KvType::int8; },
      [](EngineOptions& o) { o.kv.type = KvType::f32; },
      [](EngineOptions& o) { o.kv.block_size = 16; },
      [](EngineOptions& o) { o.context.window = 1024; },
      [](EngineOptions& o) {
        o.context.window = 1024;
        o.context.sinks = 4;
      },
      [](EngineOptions& o) { o.context.rope_scaling = RopeScaling(); },  // none
      [](EngineOptions& o) { o.context.rope_scaling = parse_rope_scaling("linear:2"); },
      [](EngineOptions& o) { o.context.rope_scaling = parse_rope_scaling("yarn:2"); },
      [](EngineOptions& o) { o.context.rope_scaling = parse_rope_scaling("yarn:2,4096"); },
  };
  std::set<std::string> seen;
  for (const auto& change : changes) {
    EngineOptions options;
    change(options);
    EXPECT_TRUE(seen.insert(fingerprint_of("model", options)).second) << seen.size();
  }
  EXPECT_TRUE(seen.insert(fingerprint_of("other", {})).second);
}

TEST(Fingerprint, WhatChangesNoTextLeavesIt) {
  EngineOptions options;
  options.n_threads = 3;
  options.limits.max_num_seqs = 5;
  options.kv.n_blocks = 77;
  options.speculation = Speculation::off;
  EXPECT_EQ(fingerprint_of("model", options), fingerprint_of("model", {}));
  EXPECT_EQ(fingerprint_of("model", {}).size(), 13u);
}

}  // namespace
}  // namespace tinyllm
