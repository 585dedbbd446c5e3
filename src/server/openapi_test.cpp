#include "server/openapi.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "openai/field_table.h"

namespace tinyllm {
namespace {

// The page that people read says what the table says: tinyllm serve --print-api > docs/api.md
TEST(OpenApi, DocsApiIsUpToDate) {
  EXPECT_EQ(read_text_file(TINYLLM_SOURCE_DIR "/docs/api.md"), api_page());
}

TEST(OpenApi, HasEveryFieldOfTheTable) {
  const nlohmann::ordered_json document = openapi_document();
  const auto& chat = document["components"]["schemas"]["ChatRequest"];
  EXPECT_EQ(chat["required"].dump(), R"(["messages"])");
  for (const Field* field : fields_of(ApiKind::chat))
    EXPECT_EQ(chat["properties"].contains(std::string(field->name)), field->set != nullptr);
  EXPECT_EQ(chat["properties"]["temperature"]["anyOf"][0].dump(),
            R"({"type":"number","minimum":0.0,"maximum":2.0})");
  EXPECT_EQ(document["paths"].size(), 24u);
  for (const char* field : {"prompt", "messages"})  // one of them, so neither by itself
    EXPECT_TRUE(document["components"]["schemas"]["TokenizeRequest"]["properties"].contains(field));
  EXPECT_FALSE(document["components"]["schemas"]["TokenizeRequest"].contains("required"));
}

}  // namespace
}  // namespace tinyllm
