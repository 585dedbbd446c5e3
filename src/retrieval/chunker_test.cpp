#include "retrieval/chunker.h"

#include <gmock/gmock.h>

#include <random>

#include "base/utf8.h"
#include "retrieval/read_document.h"
#include "retrieval/sentences.h"

namespace tinyllm {
namespace {

using ::testing::ElementsAre;

// A token a word, so that counts add up as WordPiece's do.
const auto kCountWords = [](std::string_view text) {
  std::int64_t n = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\n' || c == '\t';
    n += !is_space && !in_word;
    in_word = !is_space;
  }
  return n;
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c != ' ' && c != '\n')
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

TEST(Sentences, EndWhereSentencesAndItemsEnd) {
  EXPECT_THAT(sentences("One is 1.5 long. \"Two?\" Three\ngoes on.\n- item\n- other\n\nlast"),
              ElementsAre("One is 1.5 long. ", "\"Two?\" ", "Three\ngoes on.\n", "- item\n",
                          "- other\n", "\nlast"));
  EXPECT_THAT(sentences("一。二！三"), ElementsAre("一。", "二！", "三"));
  EXPECT_THAT(lines_of("a\n\nb"), ElementsAre("a\n", "\n", "b"));
  EXPECT_EQ(middle_of("aaa bbb"), 4u);
  EXPECT_EQ(middle_of("\u00e9\u00e9\u00e9"), 2u);  // between two characters
}

TEST(Chunker, AHeadingBeginsAChunkAndStandsAboveIt) {
  const DocumentText document = read_markdown(
      "# Top\n\nintro text\n\n## First\n\none\n\ntwo\n\n### Deep\n\nthree\n\n## Second\n\nfour");
  const std::vector<Chunk> chunks = chunk_document(document, 20, kCountWords);
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(titled_text(chunks[0]), "Top\nintro text");
  EXPECT_EQ(titled_text(chunks[1]), "Top > First\none\n\ntwo");
  EXPECT_EQ(titled_text(chunks[2]), "Top > First > Deep\nthree");
  EXPECT_EQ(titled_text(chunks[3]), "Top > Second\nfour");
  EXPECT_EQ(chunks[1].first_line, 7);
  EXPECT_EQ(chunks[1].last_line, 9);
  EXPECT_EQ(chunks[1].n_tokens, 5);
}

TEST(Chunker, LongTextIsCutBetweenSentencesWithOneRepeated) {
  DocumentText document;
  document.blocks = {{.text = "a a a a a a a a a. b b. c c c c c c c.\nd d d d d. e.", .line = 3}};
  const std::vector<Chunk> chunks = chunk_document(document, 16, kCountWords);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].text, "a a a a a a a a a. b b.");
  EXPECT_EQ(chunks[1].text, "b b. c c c c c c c.\nd d d d d. e.");
  EXPECT_EQ(chunks[1].n_overlap, 5u);
  EXPECT_EQ(chunks[1].first_line, 3);
  EXPECT_EQ(chunks[1].last_line, 4);
}

TEST(Chunker, CodeIsCutBetweenLinesWithoutRepeating) {
  DocumentText document;
  document.title = "x.py";
  std::string code;
  for (int i = 0; i < 10; ++i) code += "x = " + std::to_string(i) + "\n";
  document.blocks = {{.kind = BlockKind::code, .text = code}};
  const std::vector<Chunk> chunks = chunk_document(document, 16, kCountWords);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].text, "x = 0\nx = 1\nx = 2\nx = 3\nx = 4");
  EXPECT_EQ(chunks[1].first_line, 6);
  EXPECT_EQ(chunks[1].n_overlap, 0u);
  EXPECT_EQ(chunks[1].heading, "x.py");
}

TEST(Chunker, AHeadingThatIsTooLongIsLeftOut) {
  DocumentText document;
  document.title = "a title that has far too many words in it";
  document.blocks = {{.kind = BlockKind::heading, .level = 1, .text = "short"}, {.text = "text"}};
  EXPECT_EQ(chunk_document(document, 16, kCountWords)[0].heading, "short");
}

TEST(Chunker, APageBeginsAChunk) {
  DocumentText document;
  document.blocks = {{.text = "One.", .line = 1, .page = 1},
                     {.text = "Two.", .line = 70, .page = 1},
                     {.text = "Three.", .line = 2, .page = 2}};
  const std::vector<Chunk> chunks = chunk_document(document, 16, kCountWords);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].text, "One.\n\nTwo.");
  EXPECT_EQ(chunks[0].page, 1);
  EXPECT_EQ(chunks[0].last_line, 70);
  EXPECT_EQ(chunks[1].text, "Three.");
  EXPECT_EQ(chunks[1].page, 2);
  EXPECT_EQ(chunks[1].first_line, 2);
}

// Whatever comes: no chunk is too long, no word is lost, order and lines are right.
TEST(Chunker, RandomDocumentsLoseNothing) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 300; ++round) {
    std::string source;
    for (int i = below(40); i >= 0; --i) {
      if (below(4) == 0)
        source += "\n\n" + std::string(1 + below(3), '#') + " h" + std::to_string(i) + "\n\n";
      for (int n = below(30); n > 0; --n) {
        static const char* const ends[] = {" ", " ", " ", ". ", "\n", "\n\n", "\n- ", "? "};
        source += "w" + std::to_string(below(1000)) + ends[below(8)];
      }
      if (below(9) == 0) source += std::string(10'000, 'x') + " ";
      if (below(9) == 0) source += "\n```\n a b\nc\n```\n";
    }
    const DocumentText document = read_markdown(source);
    const std::int64_t max_tokens = 16 + below(20);
    std::string want, got;
    for (const Block& block : document.blocks)
      if (block.kind != BlockKind::heading) want += block.text + "\n";
    int line = 0;
    const std::vector<std::string_view> lines = lines_of(source);
    for (const Chunk& chunk : chunk_document(document, max_tokens, kCountWords)) {
      ASSERT_LE(chunk.n_tokens, max_tokens);
      ASSERT_EQ(chunk.n_tokens, kCountWords(titled_text(chunk)));
      ASSERT_TRUE(is_valid_utf8(chunk.text));
      ASSERT_LE(line, chunk.first_line);
      ASSERT_LE(chunk.first_line, chunk.last_line);
      ASSERT_LE(chunk.last_line, std::ssize(lines));
      ASSERT_NE(lines[chunk.first_line - 1].find(words_of(chunk.text)[0].substr(0, 3)),
                std::string::npos);
      line = chunk.first_line;
      got += chunk.text.substr(chunk.n_overlap) + " ";
    }
    std::string all, all_got;  // a word of 10,000 bytes is cut
    for (const std::string& word : words_of(want)) all += word;
    for (const std::string& word : words_of(got)) all_got += word;
    ASSERT_EQ(all, all_got) << source;
  }
}

}  // namespace
}  // namespace tinyllm
