#include "apps/foreign_flags.h"

#include <algorithm>
#include <array>

namespace tinyllm {
namespace {

constexpr auto kAliases = std::to_array<FlagAlias>({
    // llama.cpp
    {"--temp", "--temperature"},
    {"--ctx-size", "--context"},
    {"--predict", "--max-tokens"},
    {"--n-predict", "--max-tokens"},
    {"--repeat-penalty", "--repetition-penalty"},
    {"--system-prompt", "--system"},
    {"-sys", "--system"},
    {"--file", "--prompt-file"},
    {"--batch-size", "--max-num-batched-tokens"},
    {"--ubatch-size", "--max-num-batched-tokens"},
    {"--parallel", "--max-num-seqs"},
    {"-np", "--max-num-seqs"},
    {"--alias", "--served-model-name"},
    {"--model-draft", "--draft-model"},
    {"-md", "--draft-model"},
    {"--reverse-prompt", "--stop"},
    {"--ssl-key-file", "--tls-key"},
    {"--ssl-cert-file", "--tls-cert"},
    // ollama
    {"--num-ctx", "--context"},
    {"--num-predict", "--max-tokens"},
    // vLLM
    {"--max-model-len", "--context"},
    {"--kv-cache-dtype", "--kv-type"},
    {"--ssl-keyfile", "--tls-key"},
    {"--ssl-certfile", "--tls-cert"},
    {"--no-enable-prefix-caching", "--no-prefix-cache"},
    {"--disable-log-requests", "--quiet"},
    {"--scheduling-policy", "--schedule"},
    {"--allowed-origins", "--cors-origin"},
});

constexpr std::string_view kDevice =
    "a model runs on one device as a whole: --device cuda for the GPU, --device cpu, or auto";
constexpr std::string_view kOneDevice = "a model runs on one GPU; leave it out";
constexpr std::string_view kMemory =
    "--kv-blocks says how much memory keys and values get; without it they get a share of what is "
    "free";
constexpr std::string_view kAlways = "it is always so here; leave it out";

constexpr auto kHints = std::to_array<FlagHint>({
    {"-ngl", kDevice},
    {"--n-gpu-layers", kDevice},
    {"--gpu-layers", kDevice},
    {"--main-gpu", "--device cuda:N chooses a GPU"},
    {"-mg", "--device cuda:N chooses a GPU"},
    {"--gpu-memory-utilization", kMemory},
    {"--kv-cache-memory-bytes", kMemory},
    {"--tensor-parallel-size", kOneDevice},
    {"-tp", kOneDevice},
    {"--pipeline-parallel-size", kOneDevice},
    {"--data-parallel-size", kOneDevice},
    {"--tensor-split", kOneDevice},
    {"--split-mode", kOneDevice},
    {"--flash-attn", kAlways},
    {"-fa", kAlways},
    {"--enable-prefix-caching", kAlways},
    {"--enable-chunked-prefill", kAlways},
    {"--cont-batching", kAlways},
    {"-cb", kAlways},
    {"--conversation", "`tinyllm chat` is a conversation"},
    {"-cnv", "`tinyllm chat` is a conversation"},
    {"--jinja", kAlways},
    {"--mlock", "weights are copied once into memory of their own; leave it out"},
    {"--no-mmap", "weights are copied once into memory of their own; leave it out"},
    {"--enforce-eager", "there are no CUDA graphs to turn off here; leave it out"},
    {"--trust-remote-code", "no code of a model's repository is ever run; leave it out"},
    {"--cache-type-k", "--kv-type is the format of keys and values"},
    {"--cache-type-v", "--kv-type is the format of keys and values"},
    {"-ctk", "--kv-type is the format of keys and values"},
    {"-ctv", "--kv-type is the format of keys and values"},
    {"--rope-scale", "--rope-scaling yarn:F or linear:F says the factor too"},
    {"--yarn-orig-ctx", "--rope-scaling yarn:F,LENGTH says the trained length too"},
    {"--dtype", "the file's own format is used; --quantize q8 or q4 makes fewer bits of it"},
    {"--quantization", "the file's own format is used; --quantize q8 or q4 makes fewer bits of it"},
    {"--hf-repo", "`tinyllm pull ORG/REPO:Q4_K_M` fetches a model, then give its name"},
    {"-hf", "`tinyllm pull ORG/REPO:Q4_K_M` fetches a model, then give its name"},
    {"--lora", "adapters do not work yet"},
    {"--lora-modules", "adapters do not work yet"},
    {"--enable-lora", "adapters do not work yet"},
    {"--speculative-config",
     "--draft-model names the model that drafts, --speculate says where drafts come from"},
    {"--chat-template", "the model's own template is used"},
    {"--embeddings", "`tinyllm serve --embedder NAME` makes embeddings beside the model's texts"},
    {"--keepalive", "`tinyllm serve` keeps its model until it ends; leave it out"},
    {"--insecure", "TLS certificates are always checked"},
});

template <typename Table>
auto find_in(const Table& table, std::string_view name) -> decltype(table.data()) {
  const auto found = std::ranges::find(table, name, [](const auto& row) { return row.foreign; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

const FlagAlias* find_flag_alias(std::string_view name) { return find_in(kAliases, name); }
const FlagHint* find_flag_hint(std::string_view name) { return find_in(kHints, name); }

}  // namespace tinyllm
