#include "model_store/model_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model_store/model_store.h"
#include "model_store/test_world.h"

namespace tinyllm {
namespace {

using testing::ElementsAre;

std::vector<std::string> names(const std::vector<LocalModel>& models) {
  std::vector<std::string> names;
  for (const LocalModel& model : models) names.push_back(model.name());
  return names;
}

std::string manifest_for(const std::string& digest) {
  return R"({"layers":[{"mediaType":"application/vnd.ollama.image.template","digest":"sha256:0"},)"
         R"({"mediaType":"application/vnd.ollama.image.model","digest":")" +
         digest + R"("}]})";
}

TEST(OwnModelsTest, FilesFoldersAndRepositories) {
  const TestWorld world;
  world.write("models/SmolLM2-135M-Instruct.Q4_1.gguf", "x");
  world.write("models/mine.gguf", "x");
  world.write("models/unfinished.gguf.part", "x");
  world.write("models/a-folder/config.json", "{}");
  world.write("models/Org/Gguf/big-00001-of-00002.gguf", "x");
  world.write("models/Org/Gguf/big-00002-of-00002.gguf", "x");
  world.write("models/Org/Unfinished/model.safetensors", "x");
  EXPECT_THAT(names(find_own_models(world.folder() / "models")),
              ElementsAre("smollm2-135m", "mine", "Org/Gguf:big-00001-of-00002.gguf", "a-folder"));
  EXPECT_TRUE(find_own_models(world.folder() / "none").empty());
}

TEST(ForeignModelsTest, Ollama) {
  const TestWorld world;
  const std::string hex(64, 'a');
  const auto blob = world.write(".ollama/models/blobs/sha256-" + hex, "x");
  const std::string manifest = manifest_for("sha256:" + hex);
  const std::string root = ".ollama/models/manifests/";
  world.write(root + "registry.ollama.ai/library/qwen2.5/0.5b", manifest);
  world.write(root + "registry.ollama.ai/someone/llama/latest", manifest);
  world.write(root + "hf.co/Org/Repo-GGUF/Q4_K_M", manifest);
  const auto models = find_foreign_models();
  EXPECT_THAT(names(models), ElementsAre("ollama:hf.co/Org/Repo-GGUF:Q4_K_M", "ollama:qwen2.5:0.5b",
                                         "ollama:someone/llama:latest"));
  EXPECT_EQ(models[1].path, blob);
  EXPECT_TRUE(name_fits(models[1], "qwen2.5:0.5b"));
  EXPECT_TRUE(name_fits(models[2], "someone/llama"));
  EXPECT_FALSE(name_fits(models[1], "qwen2.5"));
}

// The weights alone would be another model.
TEST(ForeignModelsTest, OllamaModelsWithAnAdapterAreRefused) {
  const TestWorld world;
  const std::string hex(64, 'a');
  world.write(".ollama/models/blobs/sha256-" + hex, "x");
  const std::string adapter =
      R"({"mediaType":"application/vnd.ollama.image.adapter","digest":"sha256:)" + hex + R"("},)";
  std::string manifest = manifest_for("sha256:" + hex);
  manifest.insert(manifest.find('[') + 1, adapter);
  world.write(".ollama/models/manifests/registry.ollama.ai/library/tuned/latest", manifest);
  EXPECT_THAT(names(find_foreign_models()), ElementsAre("ollama:tuned:latest"));
  try {
    ModelStore(world.folder()).resolve("tuned");
    FAIL() << "it was opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_EQ(std::string(error.what()),
              "tuned: its Ollama manifest adds an adapter to the weights, which is not supported");
  }
}

TEST(ForeignModelsTest, BadOllamaManifestsAreSkipped) {
  const TestWorld world;
  world.write("secret", "x");
  const std::string root = "m/manifests/registry.ollama.ai/library/";
  world.write(root + "traversal/a", manifest_for("sha256:../../../../secret"));
  world.write(root + "traversal/b", manifest_for("sha256-/../../secret"));
  world.write(root + "not-json/a", "{\"layers\":[");
  world.write(root + "wrong-types/a", R"({"layers":[{"mediaType":3,"digest":[]}]})");
  world.write(root + "no-layers/a", "[]");
  world.write(root + "blob-is-gone/a", manifest_for("sha256:" + std::string(64, 'b')));
  EXPECT_TRUE(find_ollama_models(world.folder() / "m").empty());
}

TEST(ForeignModelsTest, HuggingFaceTakesTheSnapshotOfMain) {
  const TestWorld world;
  const std::string repo = ".cache/huggingface/hub/models--Qwen--Q--x/";
  world.write(repo + "snapshots/aaaa/config.json", "{}");
  world.write(repo + "snapshots/bbbb/config.json", "{}");
  world.write(repo + "refs/main", "aaaa\n");
  world.write(".cache/huggingface/hub/datasets--Org--D/snapshots/a/config.json", "{}");
  world.write(".cache/huggingface/hub/models--Org--G/snapshots/a/g.Q8_0.gguf", "x");
  world.write(".cache/huggingface/hub/models--Org--G/snapshots/a/mmproj-g.gguf", "x");
  world.write(".cache/huggingface/hub/models--gpt2/snapshots/a/config.json", "{}");
  const auto models = find_foreign_models();
  EXPECT_THAT(names(models), ElementsAre("hf:Org/G:g.Q8_0.gguf", "hf:Qwen/Q--x", "hf:gpt2"));
  EXPECT_EQ(models[1].path.filename(), "aaaa");
}

TEST(ForeignModelsTest, LlamaCppAndLmStudioAndVariables) {
  const TestWorld world;
  world.write(".cache/llama.cpp/ggml-org_m-GGUF_m-Q4_0.gguf", "x");
  world.write(".cache/llama.cpp/ggml-org_m-GGUF_m-Q4_0.gguf.json", "{}");
  world.write(".lmstudio/models/pub/repo/r-Q4_K_M.gguf", "x");
  world.write("elsewhere/models--a--b/snapshots/1/config.json", "{}");
  ::setenv("HF_HUB_CACHE", (world.folder() / "elsewhere").c_str(), 1);
  EXPECT_TRUE(name_fits(find_foreign_models()[1], "ggml-org_m-gguf_m-q4_0"));
  EXPECT_THAT(names(find_foreign_models()),
              ElementsAre("hf:a/b", "llama.cpp:ggml-org_m-GGUF_m-Q4_0.gguf",
                          "lmstudio:pub/repo:r-Q4_K_M.gguf"));
}

}  // namespace
}  // namespace tinyllm
