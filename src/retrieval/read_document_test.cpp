#include "retrieval/read_document.h"

#include <gmock/gmock.h>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/temp_folder_test.h"

namespace tinyllm {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TempFolder;

// "heading2@3: text", one a block.
std::vector<std::string> shown(const DocumentText& document) {
  std::vector<std::string> blocks;
  for (const Block& block : document.blocks) {
    const char* kind = block.kind == BlockKind::heading ? "heading"
                       : block.kind == BlockKind::code  ? "code"
                                                        : "text";
    blocks.push_back(kind + (block.level > 0 ? std::to_string(block.level) : "") + "@" +
                     (block.page > 0 ? std::to_string(block.page) + ":" : "") +
                     std::to_string(block.line) + ": " + block.text);
  }
  return blocks;
}

std::string trimmed_end(const std::string& text) {
  return text.substr(0, text.find_last_not_of('\n') + 1);
}

TEST(DocumentKind, ByExtensionOrName) {
  EXPECT_EQ(document_kind("a/B.MD"), DocumentKind::markdown);
  EXPECT_EQ(document_kind("x.tar.html"), DocumentKind::html);
  EXPECT_EQ(document_kind("a.pdf"), DocumentKind::pdf);
  EXPECT_EQ(document_kind("engine.cpp"), DocumentKind::code);
  EXPECT_EQ(document_kind("src/Makefile"), DocumentKind::code);
  EXPECT_EQ(document_kind("LICENSE"), DocumentKind::text);
  EXPECT_EQ(document_kind("a.png"), std::nullopt);
  EXPECT_EQ(document_kind("a"), std::nullopt);
  EXPECT_EQ(document_kind("strange. .md .x"), std::nullopt);
}

TEST(ReadMarkdown, KeepsTheSourceUnderItsHeadings) {
  EXPECT_THAT(
      shown(read_markdown("---\ntitle: x\n---\n# The *big* `one`\n\nA [link](x.md)\nover two.\n\n"
                          "Under\n-----\n\n```c\n\nint x;\n```\n- a\n- b\n\n***\n"
                          "<!-- not this -->\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")),
      ElementsAre("heading1@4: The big one", "text@6: A [link](x.md)\nover two.",
                  "heading2@9: Under", "code@12: ```c\n\nint x;\n```", "text@16: - a\n- b",
                  "text@22: | a | b |\n|---|---|\n| 1 | 2 |"));
}

TEST(ReadMarkdown, OddOnesEndNowhereElse) {
  EXPECT_TRUE(read_markdown("").blocks.empty());
  EXPECT_TRUE(read_markdown("\n\n  \n").blocks.empty());
  EXPECT_THAT(shown(read_markdown("---\nno end")), ElementsAre("text@2: no end"));
  EXPECT_THAT(shown(read_markdown("```\nopen")), ElementsAre("code@1: ```\nopen"));
  EXPECT_THAT(shown(read_markdown("#\n# \ntext")), ElementsAre("text@3: text"));
  EXPECT_EQ(read_markdown(std::string(100'000, '>') + "x").blocks.size(), 1u);
}

TEST(ReadMarkdown, OnlyKeysAreFrontMatter) {
  EXPECT_THAT(shown(read_markdown("---\n# Title\ntext\n\n---\nmore")),
              ElementsAre("heading1@2: Title", "text@3: text", "text@6: more"));
  EXPECT_THAT(shown(read_markdown("---\nthe text: here\n\n---\nmore")),
              ElementsAre("text@2: the text: here", "text@5: more"));
}

// Each took gigabytes or minutes.
TEST(ReadMarkdown, ASmallFileCannotAskForMuch) {
  const auto repeated = [](int n, const std::string& text) {
    std::string all;
    for (int i = 0; i < n; ++i) all += text;
    return all;
  };
  const Stopwatch clock;
  const std::string table =
      repeated(5'000, "|x") + "\n" + repeated(5'000, "|-") + "\n" + repeated(5'000, "|x\n");
  EXPECT_THAT(shown(read_markdown(table)), ElementsAre("text@1: " + trimmed_end(table)));
  for (const char* open : {"a <?", "a <!--", "a <![CDATA[", "a <!A b"})
    EXPECT_THAT(shown(read_markdown(repeated(200'000, open))),
                ElementsAre("text@1: " + repeated(200'000, open)));
  EXPECT_LT(clock.seconds(), 60);
  EXPECT_THAT(shown(read_markdown("# The <?php mark <!-- omit -->\n\na <!-- b --> c\n")),
              ElementsAre("heading1@1: The <?php mark", "text@3: a <!-- b --> c"));
}

TEST(ReadHtml, TakesWhatAReaderCameFor) {
  const DocumentText page = read_html(
      "<html><head><title>A  page\n</title><style>x</style></head><body>\n<nav>Menu</nav>\n"
      "<main><h1>Big &amp; bold</h1>\n<p>One <b>two</b>\nthree.</p><ul><li>a<li>b</ul>"
      "<pre>int  x;\n  y</pre><table><tr><th>k<th>v<tr><td>1<td>2</table>"
      "<script>no()</script><p hidden>no</p></main><footer>Foot</footer></body></html>",
      "x.html");
  EXPECT_EQ(page.title, "A page");
  EXPECT_THAT(shown(page),
              ElementsAre("heading1@4: Big & bold", "text@5: One two three.", "text@6: - a\n- b",
                          "code@6: int  x;\n  y", "text@7: k v\n1 2"));
}

TEST(ReadHtml, WithoutMainTheWholeBodyOrItsOnlyArticle) {
  EXPECT_THAT(shown(read_html("a<div>b<div>c</div>d</div><header>no</header>", "x")),
              ElementsAre("text@1: a", "text@1: b", "text@1: c", "text@1: d"));
  EXPECT_THAT(shown(read_html("<p>no<article>yes</article>", "x")), ElementsAre("text@1: yes"));
  EXPECT_TRUE(read_html("", "x").blocks.empty());
  EXPECT_THAT(
      shown(read_html("<header>site</header><article><header><h1>Title</h1><p>intro</header>"
                      "<section><header>part</header></section></article>",
                      "x")),
      ElementsAre("heading1@1: Title", "text@1: intro", "text@1: part"));
}

TEST(ReadHtml, APageThatIsNestedWithoutEndIsRefused) {
  const auto repeated = [](int n, const char* text) {
    std::string page;
    for (int i = 0; i < n; ++i) page += text;
    return page;
  };
  const auto message = [](const std::string& page) {
    return error_of(ErrorCode::invalid_input, [&] { read_html(page, "deep.html"); });
  };
  EXPECT_EQ(message(repeated(10'000, "<div>")),
            "deep.html: its elements lie 10002 deep in each other, must be at most 2000");
  // An end tag that ends nothing, in every place where it can stand.
  for (const char* evasion : {"<div></x>", "<div><!--</div>-->", "<div a='</div>'>", "<dd><li>"})
    EXPECT_THAT(message(repeated(5'000, evasion)), HasSubstr("deep in each other")) << evasion;
  EXPECT_EQ(read_html(repeated(20'000, "<p>a<br>b"), "wide.html").blocks.size(), 20'000u);
  EXPECT_EQ(read_html(repeated(20'000, "<ul><li>a<li>b</ul>"), "x").blocks.size(), 20'000u);
  EXPECT_EQ(read_html(repeated(1'990, "<div>") + "x", "x").blocks.size(), 1u);
}

TEST(ReadHtml, APageThatAsksForMoreThanItIsWorthIsRefused) {
  std::string page = "<p>";
  for (int i = 0; i < 2'000; ++i) page += "<b a" + std::to_string(i) + ">";
  for (int i = 0; i < 2'000; ++i) page += "<p>x";
  EXPECT_EQ(error_of(ErrorCode::invalid_input, [&] { read_html(page, "bomb.html"); }),
            "bomb.html: is no page that can be read: its elements take more than 35 MB or 20 s");
  EXPECT_THAT(error_of(ErrorCode::invalid_input, [&] { read_html("x", "x", {.seconds = 0}); }),
              HasSubstr("or 0 s"));
}

TEST(ReadDocument, TextAndCodeInGroups) {
  const TempFolder folder;
  const auto text = folder.write("a.txt",
                                 "\xEF\xBB\xBFone\r\ntwo \u00e9\r\n\r\n \t\r\nthr\xFF"
                                 "ee\r");
  const DocumentText document = read_document(text, DocumentKind::text, "a.txt");
  EXPECT_EQ(document.title, "a.txt");
  EXPECT_THAT(shown(document), ElementsAre("text@1: one\ntwo \u00e9",
                                           "text@5: thr\uFFFD"
                                           "ee"));
  const auto code = folder.write("a.py", "import os\n\n\ndef f():\n    return 1  \n");
  EXPECT_THAT(shown(read_document(code, DocumentKind::code, "a.py")),
              ElementsAre("code@1: import os", "code@4: def f():\n    return 1"));
}

TEST(ReadDocument, OtherEncodingsBecomeUtf8) {
  const TempFolder folder;
  const auto text = [&](const std::string& bytes, DocumentKind kind = DocumentKind::text) {
    return read_document(folder.write("a", bytes), kind, "a").blocks.at(0).text;
  };
  EXPECT_EQ(text("caf\xE9 \x80 5"), "caf\u00e9 \u20ac 5");  // Windows-1252
  EXPECT_EQ(text({"\xFF\xFE\xE9\0\x3D\xD8\0\xDE", 8}), "\u00e9\U0001F600");
  EXPECT_EQ(text({"\xFE\xFF\0\xE9\xD8", 5}), "\u00e9\uFFFD");      // cut in a character
  EXPECT_EQ(text({"\xFF\xFE\x3D\xD8\xE9\0", 6}), "\uFFFD\u00e9");  // half a pair in the middle
  EXPECT_EQ(text({"\xFF\xFE\0\0\xE9\0\0\0", 8}), "\u00e9");
  EXPECT_EQ(text("<meta charset=utf-16><p>caf\xE9", DocumentKind::html), "caf\u00e9");  // cannot be
  EXPECT_EQ(text("\u00e9\u00e8 a\xFF"), "\u00e9\u00e8 a\uFFFD");  // UTF-8 with a broken byte
  EXPECT_EQ(text("<meta charset='koi8-r'><p>\xC4\xC1", DocumentKind::html), "\u0434\u0430");
  EXPECT_EQ(text("<meta charset=iso-8859-1><p>\x80", DocumentKind::html), "\u20ac");
  const auto message = [&](const std::string& bytes, DocumentKind kind) {
    return error_of(ErrorCode::unsupported, [&] { text(bytes, kind); });
  };
  EXPECT_THAT(message("\xC4\xC1\xC4\xC1\xC4\xC1 ok", DocumentKind::text),
              HasSubstr("a: is text in none of UTF-8, UTF-16 with a byte order mark"));
  EXPECT_THAT(message("<meta charset=klingon><p>\xC4", DocumentKind::html),
              HasSubstr("a: says that it is in 'KLINGON', which this system cannot convert"));
}

TEST(ReadDocument, SaysWhyAFileGivesNoText) {
  const TempFolder folder;
  const auto message = [&](const char* name, std::string_view content, DocumentKind kind,
                           ErrorCode code) {
    return error_of(code, [&] { read_document(folder.write(name, content), kind, name); });
  };
  using enum DocumentKind;
  EXPECT_THAT(message("a.txt", std::string_view("a\0b", 3), text, ErrorCode::unsupported),
              HasSubstr("a.txt: is binary, or UTF-16 without a byte order mark"));
  EXPECT_THAT(message("b.md", " \n", markdown, ErrorCode::invalid_input),
              HasSubstr("b.md: has no text"));
  EXPECT_THAT(message("c.html", "<script>x</script>", html, ErrorCode::invalid_input),
              HasSubstr("c.html: has no text"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { read_pdf(folder.path() / "gone.pdf"); }),
              HasSubstr("gone.pdf: cannot be read (No such file"));
  const bool has_pdftotext =
      run_child({"pdftotext", "-v"}, {}, [](std::string_view) { return true; }).exit_code != 127;
  EXPECT_THAT(message("d.pdf", "%PDF-1.4\nbroken", pdf,
                      has_pdftotext ? ErrorCode::invalid_input : ErrorCode::unsupported),
              HasSubstr(has_pdftotext ? "d.pdf: is no PDF that pdftotext can read: "
                                      : "pdftotext, which is not installed"));
}

}  // namespace
}  // namespace tinyllm
