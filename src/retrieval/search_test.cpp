#include "retrieval/search.h"

#include <gmock/gmock.h>

#include "base/temp_folder_test.h"
#include "encoder/embedder.h"
#include "retrieval/query_words.h"
#include "retrieval/refresh.h"

namespace tinyllm {
namespace {

using ::testing::ElementsAre;
using testing::TempFolder;

TEST(QueryWords, OperatorsAreOnlyMarksBetweenWords) {
  EXPECT_THAT(query_words("What's \"KV\" AND (NOT kv*) NEAR/2 col:x - état"),
              ElementsAre("kv", "not", "near", "2", "col", "x", "état"));
  EXPECT_THAT(
      query_words(
          "cache\u2014pages \u201Cblock\u201D\u00A0pool\u2026 e\u0301t\u00e9 \u5757\u3002\u6c60"),
      ElementsAre("cache", "pages", "block", "pool", "e\u0301t\u00e9", "\u5757", "\u6c60"));
  EXPECT_THAT(query_words("What is it?"), ElementsAre("what", "is", "it"));
  EXPECT_EQ(words_expression({"and", "x"}), "\"and\" OR \"x\"");
  EXPECT_EQ(words_expression(query_words("\"\"*()^:-'")), "");
}

std::string marked(const Snippet& snippet) {
  std::string text;
  std::size_t at = 0;
  for (const TextRange& range : snippet.matched) {
    text += snippet.text.substr(at, range.begin - at) + "<" +
            snippet.text.substr(range.begin, range.end - range.begin) + ">";
    at = range.end;
  }
  return text + snippet.text.substr(at);
}

TEST(Snippet, ShowsTheWordsOfTheQuestion) {
  EXPECT_EQ(marked(make_snippet("The Cache is\n  small. Caches are not.", {"cache", "small"}, 100)),
            "The <Cache> is <small>. <Caches> are not.");
  std::string text;
  for (int i = 0; i < 50; ++i) text += "filler words stand here. ";
  text += "Then the block pool gives blocks back. ";
  for (int i = 0; i < 50; ++i) text += "filler words stand here. ";
  const Snippet snippet = make_snippet(text, {"words", "pool", "back"}, 80);
  EXPECT_THAT(marked(snippet), ::testing::HasSubstr("<pool> gives blocks <back>"));
  EXPECT_TRUE(snippet.text.starts_with("... ") && snippet.text.ends_with(" ..."));
  EXPECT_LT(snippet.text.size(), 100u);
  EXPECT_EQ(make_snippet(std::string(1000, 'x'), {}, 80).text.size(), 84u);
  EXPECT_EQ(make_snippet("", {"a"}, 80).text, "");
  for (std::size_t n = 1; n < 40; ++n) make_snippet("ééé ééé ééé a ééé", {"a"}, n);
}

TEST(Fuse, IsTheSumOfReciprocalRanks) {
  const std::vector<FusedId> fused = fuse({7, 3, 5}, {3, 9});
  ASSERT_EQ(fused.size(), 4u);
  EXPECT_EQ(fused[0].id, 3);
  EXPECT_DOUBLE_EQ(fused[0].score, 1.0 / 62 + 1.0 / 61);
  EXPECT_EQ(fused[0].rank_by_words, 2);
  EXPECT_EQ(fused[0].rank_by_meaning, 1);
  EXPECT_EQ(fused[1].id, 7);
  EXPECT_EQ(fused[2].id, 9);
  EXPECT_EQ(fused[2].rank_by_words, 0);
  const std::vector<FusedId> equal = fuse({8}, {2});
  EXPECT_EQ(equal[0].id, 2);
}

class SearchTest : public ::testing::Test {
 protected:
  SearchTest() {
    folder_.write("fruit.md",
                  "# Fruit\n\n## Apples\n\nApples are red.\n\n## Pears\n\nPears are green.\n");
    folder_.write("tools.txt", "A hammer drives nails.\n\nA saw cuts wood.\n");
    folder_.write("code.py", "def hammer():\n    return 'nails'\n");
    refresh(index_, find_documents(folder_.path()), embedder_,
            {[](std::uint64_t, std::uint64_t) {}, [] { return true; }});
  }

  std::vector<std::string> found(const std::string& question, const SearchOptions& options) {
    Searcher searcher(index_, embedder_, 2);
    std::vector<std::string> shown;
    for (const Hit& hit : searcher.search(question, options))
      shown.push_back(hit.chunk.path + ":" + std::to_string(hit.chunk.chunk.first_line));
    return shown;
  }

  TempFolder folder_;
  DocumentIndex index_{folder_.path() / ".index"};
  const Embedder embedder_{TINYLLM_SOURCE_DIR "/tests/golden/data/encoder/mean",
                           {.precision = EncoderPrecision::f32, .n_threads = 1}};
};

TEST_F(SearchTest, ByWords) {
  EXPECT_THAT(found("green pears?", {.n = 5, .by = SearchBy::words, .filter = {}}),
              ElementsAre("fruit.md:9"));
  EXPECT_THAT(found("HAMMER", {.n = 5, .by = SearchBy::words, .filter = {}}),
              ::testing::UnorderedElementsAre("tools.txt:1", "code.py:1"));
  EXPECT_THAT(found("hammer AND pears NOT \"", {.n = 1, .by = SearchBy::words, .filter = {}}),
              ::testing::SizeIs(1));
  EXPECT_TRUE(found("?!", {}).empty());
}

TEST_F(SearchTest, ByMeaningEveryChunkHasAPlaceAndItsOwnTextTheFirst) {
  const SearchOptions options{.n = 9, .by = SearchBy::meaning, .filter = {}};
  EXPECT_EQ(found("x", options).size(), 4u);
  for (const StoredChunk& chunk : index_.chunks()) {
    EXPECT_EQ(found(titled_text(chunk.chunk), options).front(),
              chunk.path + ":" + std::to_string(chunk.chunk.first_line));
  }
}

TEST_F(SearchTest, FiltersHoldForBoth) {
  for (const SearchBy by : {SearchBy::both, SearchBy::words, SearchBy::meaning}) {
    EXPECT_THAT(found("hammer", {.n = 5, .by = by, .filter = {.path = "", .kind = "code"}}),
                ElementsAre("code.py:1"));
    EXPECT_THAT(found("hammer", {.n = 5, .by = by, .filter = {.path = "to*", .kind = ""}}),
                ElementsAre("tools.txt:1"));
    EXPECT_TRUE(
        found("hammer", {.n = 5, .by = by, .filter = {.path = "none*", .kind = ""}}).empty());
  }
}

}  // namespace
}  // namespace tinyllm
